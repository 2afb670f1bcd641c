package postgres

// SetPoint sets what is called between the statements of a batch.
func (s *Store) SetPoint(f func(name string, pid uint32)) { s.point = f }

// SagasSince is the statement that reads sagas; BatchParams are the settings of the connections that batches are run on.
const SagasSince = sagasSince

var BatchParams = batchParams

package postgres

import "context"

// SetPoint sets what is called between the statements of a batch.
func (s *Store) SetPoint(f func(name string, pid uint32)) { s.point = f }

// SagasSince is the statement that reads sagas; BatchParams are the settings of the connections that batches are run on.
const SagasSince = sagasSince

// EventsSince is the statement that reads events of streams.
const EventsSince = eventsSince

var BatchParams = batchParams

// CustomPlans returns how many plans an idle connection for loading has made for one use.
func (s *Store) CustomPlans(ctx context.Context) (n int) {
	for _, conn := range s.loading.AcquireAllIdle(ctx) {
		made := 0
		_ = conn.QueryRow(ctx, "select coalesce(sum(custom_plans), 0) from pg_prepared_statements").Scan(&made)
		n += made
		conn.Release()
	}
	return n
}

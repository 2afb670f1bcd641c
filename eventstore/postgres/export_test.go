package postgres

// SetPoint sets what is called between the statements of a batch.
func (s *Store) SetPoint(f func(name string, pid uint32)) { s.point = f }

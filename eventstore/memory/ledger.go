package memory

import (
	"slices"

	"github.com/vnfm/vnfm/eventstore"
)

// Ledger copies ledger tables as they are now. The function returned puts the copy in their place, as when a
// participant's own database is restored from a backup: nothing else goes back with it.
func (s *Store) Ledger(tables ...string) (restore func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := map[eventstore.RecordRef]eventstore.Record{}
	for ref, r := range s.t.records {
		if slices.Contains(tables, ref.Table) {
			kept[ref] = r
		}
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for ref := range s.t.records {
			if slices.Contains(tables, ref.Table) {
				delete(s.t.records, ref)
			}
		}
		for ref, r := range kept {
			s.t.records[ref] = r
		}
	}
}

package eventstoretest

import (
	"testing"

	"github.com/vnfm/vnfm/eventstore"
)

// ledgerTables writes a row into each table in one commit and reads each back. Seen failing on a back-end that named the
// tables it wrote itself and was not told of the newest.
func ledgerTables(t *testing.T, s eventstore.Store) {
	mustDo(t, s, "vnf-l", func(*eventstore.Loaded) *eventstore.Commit {
		c := &eventstore.Commit{}
		for _, table := range eventstore.Tables {
			c.Records = append(c.Records, eventstore.RecordWrite{Record: eventstore.Record{
				Table: table, ID: "row", Key: "vnf-l", Group: "g", State: "S", Doc: []byte(`{}`),
			}})
		}
		return c
	})
	for _, table := range eventstore.Tables {
		rows, err := s.Records(t.Context(), eventstore.RecordQuery{Table: table, Key: "vnf-l"})
		if err != nil || len(rows) != 1 || rows[0].ID != "row" || rows[0].Version != 1 {
			t.Errorf("%s: got %v, %v; want the row written", table, rows, err)
		}
	}
}

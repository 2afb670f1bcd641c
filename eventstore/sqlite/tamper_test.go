package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/eventstoretest"
)

func TestVerify_tampered(t *testing.T) {
	var path string
	tamper := func(statements ...string) func(*testing.T, eventstore.Store) {
		return func(t *testing.T, _ eventstore.Store) {
			db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range statements {
				r, err := db.ExecContext(t.Context(), q)
				if err != nil {
					t.Fatalf("%s: %v", q, err)
				}
				if n, err := r.RowsAffected(); n == 0 || err != nil {
					t.Fatalf("%s: %d rows, %v", q, n, err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func(t *testing.T) eventstore.Store {
		path = filepath.Join(t.TempDir(), "vnfm.db")
		s := openAt(t, path)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	eventstoretest.Tampered(t, open, map[string]func(*testing.T, eventstore.Store){
		"payload":          tamper(`update events set data = x'7b7d' where stream = 'long' and version = 501`),
		"event removed":    tamper(`delete from events where stream = 'long' and version = 50`),
		"stream removed":   tamper(`delete from events where stream = 'long'`, `delete from streams where stream = 'long'`),
		"head removed":     tamper(`delete from streams where stream = 's-a'`),
		"message removed":  tamper(`delete from outbox where id = 'm2-a'`),
		"lane set forward": tamper(`update lanes set event_off = event_off + 1 where lane = 0`),
	})
}

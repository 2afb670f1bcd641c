package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/internal/dbtest"
)

func TestVerify_tampered(t *testing.T) {
	var url string
	tamper := func(sql ...string) func(*testing.T, eventstore.Store) {
		return func(t *testing.T, _ eventstore.Store) {
			c, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range sql {
				if tag, err := c.Exec(t.Context(), q); err != nil || tag.RowsAffected() == 0 {
					t.Fatalf("%s: %v, %v", q, tag, err)
				}
			}
			if err := c.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func(t *testing.T) eventstore.Store {
		url = dbtest.Postgres(t)
		s := openAt(t, url)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	eventstoretest.Tampered(t, open, map[string]func(*testing.T, eventstore.Store){
		"payload":            tamper(`update events set data = '{}' where stream = 'long' and version = 501`),
		"time":               tamper(`update events set at = at + interval '1 microsecond' where stream = 's-a' and version = 2`),
		"event removed":      tamper(`delete from events where stream = 'long' and version = 50`),
		"last event removed": tamper(`delete from events where stream = 'long' and version = 700`),
		"stream removed":     tamper(`delete from events where stream = 'long'`, `delete from streams where stream = 'long'`),
		"head removed":       tamper(`delete from streams where stream = 's-a'`),
		"head set back":      tamper(`update streams set version = 699 where stream = 'long'`),
		"head's hash":        tamper(`update streams set hash = '\x00' where stream = 'long'`),
		"message removed":    tamper(`delete from outbox where id = 'm2-a'`),
		"lane set forward":   tamper(`update lanes set event_off = event_off + 1 where lane = 0`),
	})
}

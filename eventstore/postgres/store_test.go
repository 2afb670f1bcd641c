package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/internal/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func openAt(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T) eventstore.Store {
	s := openAt(t, dbtest.Postgres(t))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) { eventstoretest.Run(t, open) }

func TestStore_reopened(t *testing.T) {
	url := dbtest.Postgres(t)
	eventstoretest.RunDurable(t, func(t *testing.T) eventstore.Store { return openAt(t, url) })
}

// Seen failing with the event's time the clock's, whatever the stream's last.
func TestStore_clockSetBack(t *testing.T) {
	url := dbtest.Postgres(t)
	s := openAt(t, url)
	eventstoretest.ClockSetBack(t, s, func() { // its clock cannot be set
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"update streams set last = last + interval '1 hour'", "update events set at = at + interval '1 hour'"} {
			if _, err := c.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

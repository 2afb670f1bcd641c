package postgres_test

import (
	"testing"

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

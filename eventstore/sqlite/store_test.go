package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

func openAt(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T) eventstore.Store {
	s := openAt(t, filepath.Join(t.TempDir(), "vnfm.db"))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) { eventstoretest.Run(t, open) }

func TestStore_reopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space & ?.db")
	eventstoretest.RunDurable(t, func(t *testing.T) eventstore.Store { return openAt(t, path) })
}

// Seen failing with the event's time the clock's, whatever the stream's last.
func TestStore_clockSetBack(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "vnfm.db"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	eventstoretest.ClockSetBack(t, s, func() { now = now.Add(-time.Hour) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

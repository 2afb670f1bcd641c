package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

// Two files that are written all the time are copied as they were at one moment: what is written to both, first to one and then to the
// other, is never in the second alone, and nothing is written while held runs.
func TestCopyIsOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) *sqlite.Store {
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, name)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	first, second := open("first.db"), open("second.db")
	put := func(ctx context.Context, s *sqlite.Store, n int) error {
		w := eventstore.RecordWrite{Record: eventstore.Record{Table: eventstore.TableSecrets, ID: fmt.Sprintf("%06d", n), Key: "k", Group: "g", State: "S", Doc: []byte("{}")}}
		r, err := s.Execute(ctx, []*eventstore.Work{{
			Keys: []string{w.ID},
			Load: func() eventstore.Load { return eventstore.Load{} },
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Records: []eventstore.RecordWrite{w}}, nil
			},
		}})
		if err == nil {
			err = r[0].Err
		}
		return err
	}
	count := func(s *sqlite.Store) int {
		rows, err := s.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableSecrets, Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}

	ctx, stop := context.WithCancel(t.Context())
	writing := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := errors.Join(put(ctx, first, n), put(ctx, second, n)); err != nil {
				writing <- err
				return
			}
			if n == 20 {
				close(begun)
			}
		}
		writing <- nil
	}()
	<-begun
	to := t.TempDir()
	for round := range 5 {
		at := 0
		a, b := filepath.Join(to, fmt.Sprintf("a%d", round)), filepath.Join(to, fmt.Sprintf("b%d", round))
		files := map[string]string{filepath.Join(dir, "first.db"): a, filepath.Join(dir, "second.db"): b}
		if err := sqlite.Copy(t.Context(), files, func() error { at = count(first); return nil }); err != nil {
			t.Fatal(err)
		}
		copies := make([]int, 2)
		for i, path := range []string{a, b} {
			s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Existing: true})
			if err != nil {
				t.Fatal(err)
			}
			if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
				t.Fatalf("the copy is damaged: %v %v", found, err)
			}
			copies[i] = count(s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if copies[0] != at || copies[1] != at && copies[1] != at-1 {
			t.Fatalf("copies have %v rows, and the first file had %d when writers were held", copies, at)
		}
	}
	stop()
	if err := <-writing; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestCopyRefuses(t *testing.T) {
	dir := t.TempDir()
	err := sqlite.Copy(t.Context(), map[string]string{filepath.Join(dir, "none.db"): filepath.Join(dir, "to.db")}, func() error { return nil })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	err = sqlite.Copy(t.Context(), map[string]string{filepath.Join(dir, "a.db"): filepath.Join(dir, "a.db")}, func() error { return nil })
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a file that is there: %v", err)
	}
	stop := errors.New("stop")
	if err := sqlite.Copy(t.Context(), map[string]string{filepath.Join(dir, "a.db"): filepath.Join(dir, "b.db")}, func() error { return stop }); !errors.Is(err, stop) {
		t.Errorf("what held returns is lost: %v", err)
	}
	if _, err := s.Now(t.Context()); err != nil {
		t.Error(err)
	}
}

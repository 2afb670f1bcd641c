package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

// fill writes many ledger rows.
func fill(t *testing.T, s eventstore.Store) {
	t.Helper()
	for i := range 40 {
		_, err := s.Execute(t.Context(), []*eventstore.Work{{Keys: []string{"k"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			for j := range 20 {
				c.Records = append(c.Records, eventstore.RecordWrite{Record: eventstore.Record{
					Table: eventstore.TableSecrets, ID: fmt.Sprint("r", i, "-", j), Key: "k", Group: "g", State: "S", Doc: []byte(`"` + strings.Repeat("x", 1000) + `"`),
				}})
			}
			return c, nil
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged page is found by a look at the file, and by whoever comes upon it; from then on the store does not say that it is
// well, until a look finds it whole.
func TestDamageIsFoundAndRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vnfm.db")
	s := openAt(t, path)
	fill(t, s)
	if found, err := s.Check(t.Context()); len(found) > 0 || err != nil {
		t.Fatalf("a whole file: %v, %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	for at := len(damaged) / 4096 / 2 * 4096; at < len(damaged)-4096; at += 4096 { // the half behind the schema
		copy(damaged[at:], strings.Repeat("\xa5", 2048))
	}
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(s eventstore.Store) (err error) {
		for q := (eventstore.RecordQuery{Table: eventstore.TableSecrets, Limit: 500}); err == nil; {
			var rows []eventstore.Record
			if rows, err = s.Records(context.WithoutCancel(t.Context()), q); len(rows) < q.Limit {
				break
			}
			q.After = rows[len(rows)-1].ID
		}
		return err
	}
	for name, come := range map[string]func(eventstore.Store){
		"a look": func(s eventstore.Store) {
			if found, err := s.Check(t.Context()); len(found) == 0 && !errors.Is(err, eventstore.ErrDamaged) {
				t.Errorf("a look finds %v, %v", found, err)
			}
		},
		"a reader": func(s eventstore.Store) {
			if err := read(s); !errors.Is(err, eventstore.ErrDamaged) {
				t.Errorf("a reader: %v", err)
			}
		},
	} {
		s := openAt(t, path)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: before anybody came upon it: %v", name, err)
		}
		come(s)
		if err := s.Ping(t.Context()); !errors.Is(err, eventstore.ErrDamaged) {
			t.Errorf("%s: it is well afterwards: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The files are their owner's, also those of an older program that was less careful.
func TestFilesAreTheirOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vnfm.db")
	modes := func() (out []fs.FileMode) {
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			i, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, i.Mode().Perm())
		}
		return out
	}
	s := openAt(t, path)
	fill(t, s)
	if got := fmt.Sprint(modes()); got != "[-rw------- -rw------- -rw-------]" {
		t.Errorf("made as %s", got)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_ = openAt(t, path)
	if got := fmt.Sprint(modes()); got != "[-rw------- -rw------- -rw-------]" {
		t.Errorf("opened again they are %s", got)
	}
}

// Who needs a database to be there does not make one, nor changes an older one.
func TestAnExistingFileIsNotMade(t *testing.T) {
	dir := t.TempDir()
	_, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "vnfm.db"), Existing: true})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
		t.Errorf("there is %v, %v", names, err)
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: empty, Existing: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file: %v", err)
	}
	path := filepath.Join(dir, "there.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

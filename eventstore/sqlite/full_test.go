package sqlite

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
)

// A full disk is told apart from other reasons why nothing can be written, nothing is half-written, and once there is room the
// store goes on.
func TestAFullDiskIsSaidAndPasses(t *testing.T) {
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "vnfm.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write := func(id string) error {
		_, err := s.Execute(t.Context(), []*eventstore.Work{{Keys: []string{"k"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Records: []eventstore.RecordWrite{{Record: eventstore.Record{
				Table: eventstore.TableSecrets, ID: id, Key: "k", Group: "g", State: "S", Doc: []byte(`"` + strings.Repeat("x", 100_000) + `"`),
			}}}}, nil
		}}})
		return err
	}
	limit := func(pages string) {
		if _, err := s.conn.ExecContext(t.Context(), "pragma max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // as many as there are
	if err := write("a"); !errors.Is(err, eventstore.ErrFull) || !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("with a full disk: %v", err)
	}
	limit("1000000")
	if err := write("b"); err != nil {
		t.Errorf("with room again: %v", err)
	}
	rows, err := s.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableSecrets})
	if err != nil || len(rows) != 1 || rows[0].ID != "b" {
		t.Errorf("there are %d rows, %v", len(rows), err)
	}
}

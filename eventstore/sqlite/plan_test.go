package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/filter"
)

// TestPlans: the rarest term's index is gone through, and an index when none is rare; counting ends at its bound. Rows that
// are due are found by that.
func TestPlans(t *testing.T) {
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "vnfm.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	const rows = 6000
	var views []eventstore.ViewWrite
	for i := range rows {
		v := eventstore.View{Kind: "k", ID: fmt.Sprintf("%05d", i*7919%rows), Parent: fmt.Sprint("p", i/10), State: "common", Doc: []byte(`{}`)}
		v.Attrs[0], v.Attrs[1], v.Attrs[6] = "common", fmt.Sprintf("2026-%05d", i), fmt.Sprint("d", i%100)
		views = append(views, eventstore.ViewWrite{View: v})
	}
	if _, err := s.Execute(t.Context(), []*eventstore.Work{{Keys: []string{"k"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Views: views}, nil
	}}}); err != nil {
		t.Fatal(err)
	}
	var plans []string // of the queries, the last the one for the page
	run := s.Dialect.Query
	s.Dialect.Query = func(ctx context.Context, q string, args ...any) (sqlstore.Rows, error) {
		r, err := run(ctx, "explain query plan "+q, args...)
		if err != nil {
			return nil, err
		}
		lines, err := sqlstore.Collect(r, func(row sqlstore.Row) (s string, err error) {
			var a, b, c int
			err = row.Scan(&a, &b, &c, &s)
			return s, err
		})
		if err != nil {
			return nil, err
		}
		plans = append(plans, strings.Join(lines, "; "))
		return run(ctx, q, args...)
	}
	for _, c := range []struct{ where, parent, want string }{
		{"(eq,state,common);(eq,vnfd,d7)", "", "USING INDEX views_attr7 (kind=? AND attr7=?)"},
		{"(gt,time,2026-05900);(eq,op,common)", "", "USING INDEX views_attr2 (kind=? AND attr2>?)"},
		{"(gt,time,2026-00900);(eq,op,common)", "", "USING INDEX views_walk (kind=?)"},
		{"(eq,state,common);(eq,op,common)", "", "USING INDEX views_walk (kind=?)"},
		{"(cont,op,omm);(eq,state,common)", "", "USING INDEX views_walk (kind=?)"},
		{"(eq,id,00017);(eq,state,common)", "", "USING INDEX views_walk (kind=? AND id=? AND state=?)"},
		{"(eq,state/@key,common);(eq,op/x,common)", "", "USING INDEX views_walk (kind=?)"},
		{"(eq,state,common);(gt,id,00000)", "p7", "USING INDEX views_parent (kind=? AND parent=?"},
	} {
		f, err := filter.Parse(c.where)
		if err != nil {
			t.Fatal(err)
		}
		plans = nil
		if _, err := s.Views(t.Context(), eventstore.ViewQuery{Kind: "k", Parent: c.parent, Where: f, Limit: 100, Columns: map[string]eventstore.Column{
			"id": eventstore.ColumnID, "state": eventstore.ColumnState, "op": eventstore.ColumnAttr(0), "time": eventstore.ColumnAttr(1), "vnfd": eventstore.ColumnAttr(6),
		}}); err != nil {
			t.Fatal(err)
		}
		last := len(plans) - 1
		if !strings.Contains(plans[last], c.want) {
			t.Errorf("%s: %s, want %s", c.where, plans[last], c.want)
		}
		for i, p := range plans {
			counts, sorts := i < last, strings.Contains(p, "TEMP B-TREE")
			if counts && (sorts || !strings.Contains(p, "COVERING INDEX")) || sorts && !strings.Contains(p, "views_attr2") {
				t.Errorf("%s: %s", c.where, p)
			}
		}
	}
	plans = nil
	if _, err := s.Records(t.Context(), eventstore.RecordQuery{
		Table: eventstore.TableVimResources, Group: "g", Lanes: []int{1, 2}, DueBy: time.Unix(1, 0),
	}); err != nil {
		t.Fatal(err)
	}
	if want := "USING INDEX vim_resources_due (lane=? AND due<?)"; !strings.Contains(plans[0], want) {
		t.Errorf("due rows: %s, want %s", plans[0], want)
	}
	for _, c := range []struct {
		what, want string
		read       func() error
	}{
		{"due timeouts", "USING INDEX saga_timeouts_due (lane=? AND due<?)", func() error {
			_, err := s.Timeouts(t.Context(), []int{1, 2}, time.Unix(1, 0), 10)
			return err
		}},
		{"sagas that ended", "USING INDEX saga_instances_ended (ended<?)", func() error {
			_, err := s.Sagas(t.Context(), eventstore.SagaQuery{Lanes: []int{1, 2}, EndedBy: time.Unix(1, 0), Limit: 10})
			return err
		}},
		{"parked messages of a key", "USING INDEX parked_messages_key (consumer=? AND key=?", func() error {
			_, err := s.Parked(t.Context(), eventstore.ParkedQuery{Consumer: "c", Key: "k", After: &eventstore.ParkedMessage{Consumer: "c", Seq: 1, ID: "i"}})
			return err
		}},
		{"parked messages of a consumer", "USING INDEX parked_messages_order (consumer=?", func() error {
			_, err := s.Parked(t.Context(), eventstore.ParkedQuery{Consumer: "c", After: &eventstore.ParkedMessage{Consumer: "c", Seq: 1, ID: "i"}})
			return err
		}},
	} {
		plans = nil
		if err := c.read(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plans[0], c.want) {
			t.Errorf("%s: %s, want %s", c.what, plans[0], c.want)
		}
	}
}

package ledger_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
)

// A book sees what its commit holds already, and writes each row once.
func TestABookOnTopOfACommit(t *testing.T) {
	w := newWorld(t)
	w.add("vnf", "a", "old")
	_, err := w.doer.Do(t.Context(), &eventstore.Work{
		Keys: []string{"vnf"},
		Load: func() eventstore.Load {
			return eventstore.Load{Records: []eventstore.RecordRef{ref("old"), ref("new")}}
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			for range 3 {
				b := ledger.Open(l, c)
				for _, id := range []string{"old", "new"} {
					r, err := ledger.Get[doc](b, ref(id))
					if err != nil {
						return nil, err
					}
					if r == nil {
						r = ledger.Add[doc](b, ref(id), "vnf", "a")
					}
					r.Doc.Called++
					r.Touch()
				}
				if r, err := ledger.Get[struct{}](b, ref("old")); err == nil {
					t.Errorf("a row was read as another document: %+v", r)
				}
				if err := b.Write(); err != nil {
					return nil, err
				}
			}
			if len(c.Records) != 2 {
				t.Errorf("%d writes", len(c.Records))
			}
			return c, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.do("vnf", func(b *ledger.Book) error {
		for _, id := range []string{"old", "new"} {
			r, err := ledger.Get[doc](b, ref(id))
			if err != nil {
				return err
			}
			if r.Doc.Called != 3 || r.Fresh() {
				t.Errorf("%s: %+v", id, r)
			}
		}
		return nil
	})
}

// What a change turns out to need beside what it asked for is loaded, whatever it had done by then.
func TestWhatAChangeTurnsOutToNeedIsLoaded(t *testing.T) {
	w := newWorld(t)
	w.do("vnf", func(b *ledger.Book) error {
		ledger.Add[doc](b, ref("z"), "vnf", "a").Move("KEPT", time.Time{})
		for _, id := range ids(3) {
			r := ledger.Add[doc](b, ref(id), "vnf", "a")
			r.Doc.Needs = "z"
			r.Move("WANTED", b.Now)
		}
		return nil
	})
	w.once()
	w.do("vnf", func(b *ledger.Book) error {
		r, err := ledger.Get[doc](b, ref("z"))
		if err != nil {
			return err
		}
		if strings.Join(r.Doc.Log, " ") != "r00 r01 r02" {
			t.Errorf("%+v", r.Doc)
		}
		none, err := ledger.Get[doc](b, ref("nothing"))
		if none != nil {
			t.Errorf("there is %+v", none)
		}
		return err
	})
	w.want("r00 DONE", "r01 DONE", "r02 DONE", "z KEPT")
}

// Wrote hears of each commit of a step, and what it does not like is the step's error.
func TestWroteHearsOfEachCommit(t *testing.T) {
	w := newWorld(t)
	var moved []string
	w.cfg.Wrote = func(_ context.Context, b *ledger.Book) error {
		b.Moves(func(r *eventstore.Record, was string) { moved = append(moved, r.ID+" "+was+" "+r.State) })
		b.Commit.Outbox = append(b.Commit.Outbox, message.Message{})
		return nil
	}
	w.process()
	w.add("vnf", "a", "r")
	w.once()
	if want := []string{"r WANTED BEGUN", "r BEGUN DONE"}; !slices.Equal(moved, want) {
		t.Errorf("moved %q, want %q", moved, want)
	}
}

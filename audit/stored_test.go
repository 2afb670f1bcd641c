package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vnfm/vnfm/audit"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
)

// counted is a source whose views have the number of events as their revision.
func counted(kind, prefix string) readmodel.Source {
	return readmodel.Source{Kind: kind, Prefix: prefix, View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
		if string(events[0].Data) == `"unreadable"` {
			return eventstore.ViewWrite{}, errors.New("an event of no known form")
		}
		return eventstore.ViewWrite{View: eventstore.View{Kind: kind, ID: id, Revision: int64(len(events)), Updated: events[len(events)-1].Time, Doc: []byte("{}")}}, nil
	}}
}

func (w *world) thing(i int, view bool) {
	id := fmt.Sprintf("t%03d", i)
	c := &eventstore.Commit{Appends: []eventstore.Append{{Stream: "thing-" + id, Events: []eventstore.Event{{ID: id, Type: "x", Data: []byte("{}")}}}}}
	if view {
		c.Views = []eventstore.ViewWrite{{View: eventstore.View{Kind: "thing", ID: id, Revision: 1, Doc: []byte("{}")}}}
	}
	w.put(id, c)
}

// A view that somebody changed is found: at once by an audit of all events, within a few rounds by the ones that look at some.
// One that is as it should be is not, also while it is written.
func TestAuditsFindViewsThatWereChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		what   string
	}{
		"changed": {func(w *world) {
			w.put("t050", &eventstore.Commit{Views: []eventstore.ViewWrite{{View: eventstore.View{Kind: "thing", ID: "t050", Revision: 1, Doc: []byte(`{"state":"FORGED"}`)}}}})
		}, "thing t050: the view differs from the events"},
		"removed": {func(w *world) {
			w.put("t050", &eventstore.Commit{Views: []eventstore.ViewWrite{{View: eventstore.View{Kind: "thing", ID: "t050"}, Delete: true}}})
		}, "thing t050: the view is missing"},
		"made up": {func(w *world) {
			w.put("t050x", &eventstore.Commit{Views: []eventstore.ViewWrite{{View: eventstore.View{Kind: "thing", ID: "t050x", Revision: 1, Doc: []byte("{}")}}}})
		}, "thing t050x: the view has no events"},
		"events that cannot be read": {func(w *world) {
			w.store.Tamper("thing-t050", func(e []eventstore.Event) []eventstore.Event { e[0].Data = []byte(`"unreadable"`); return e })
		}, "thing t050: no view can be made of the events"},
	} {
		for _, all := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for i := range 100 {
					w.thing(i, true)
				}
				cfg := w.config()
				cfg.Views, cfg.Some = []readmodel.Source{counted("thing", "thing-")}, 30
				a := audit.New(cfg)
				look := func() (found []audit.Finding) {
					r, err := a.Audit(t.Context(), all)
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range r.Findings {
						if f.Check == audit.ViewDiffers {
							found = append(found, f)
						}
					}
					return found
				}
				for range 4 {
					if found := look(); len(found) > 0 {
						t.Fatalf("%s: before: %.300v", name, found)
					}
				}
				c.change(w)
				var found []audit.Finding
				rounds := 0
				for ; len(found) == 0 && rounds < 4; rounds++ {
					found = look()
				}
				if len(found) != 1 || !strings.Contains(found[0].What, c.what) || found[0].Do == "" || all && rounds != 1 {
					t.Errorf("%s, all events %v: after %d rounds %.300v", name, all, rounds, found)
				}
			})
		}
	}
}

// damaged is a database of which some cannot be read.
type damaged struct {
	eventstore.Store
	found []string
	err   error
}

func (d damaged) Check(context.Context) ([]string, error) { return d.found, d.err }

func (d damaged) Streams(context.Context, string, string, int) ([]eventstore.StreamHead, error) {
	return nil, fmt.Errorf("%w: page 7", eventstore.ErrDamaged)
}

func (d damaged) Sagas(context.Context, eventstore.SagaQuery) ([]eventstore.SagaRow, error) {
	return nil, fmt.Errorf("%w: page 8", eventstore.ErrDamaged)
}

// An audit of a damaged database says what is damaged and what it could not look at, and looks at the rest.
func TestAnAuditOfADamagedDatabaseSaysSo(t *testing.T) {
	for name, db := range map[string]damaged{
		"with what is damaged": {found: []string{"page 7 is never used"}},
		"too much to look":     {err: fmt.Errorf("%w: page 7", eventstore.ErrDamaged)},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.put(busy, &eventstore.Commit{Parked: []eventstore.ParkedMessage{{ID: "m9", Consumer: "vim-manager", Key: busy, Reason: "poison"}}})
			db.Store = w.store
			cfg := w.config()
			cfg.Main, cfg.Databases, cfg.Views = db, map[string]audit.Database{"main": db}, []readmodel.Source{counted("thing", "thing-")}
			r, err := audit.New(cfg).Audit(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			counts := r.Counts()
			if counts[audit.Damaged] != 1 || counts[audit.MessageParked] != 1 || !strings.Contains(r.Findings[0].What, "page 7") {
				t.Errorf("%s: found %v", name, r.Findings)
			}
			unmade := map[audit.Check]bool{}
			for _, u := range r.Unmade {
				unmade[u.Check] = strings.Contains(u.Reason, "damaged")
			}
			for _, c := range []audit.Check{audit.Chain, audit.ViewDiffers, audit.SagaOrphaned, audit.SagaIdle} {
				if !unmade[c] {
					t.Errorf("%s: %s is said to be checked: %v", name, c, r.Unmade)
				}
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // one that does not answer is another matter
		w := newWorld(t)
		cfg := w.config()
		cfg.Databases = map[string]audit.Database{"main": damaged{Store: w.store, err: eventstore.ErrUnavailable}}
		if _, err := audit.New(cfg).Audit(t.Context(), false); !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
}

package access_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
)

// record is a record of denials over a store in memory, whose changes can be made to fail.
type record struct {
	*access.Denials
	t     *testing.T
	store *memory.Store
	doer  eventstore.Doer
	clock *clock
	fail  error
	log   strings.Builder
}

func (r *record) Do(ctx context.Context, w *eventstore.Work) (*eventstore.Commit, error) {
	if r.fail != nil {
		return nil, r.fail
	}
	return r.doer.Do(ctx, w)
}

func newRecord(t *testing.T) *record {
	t.Helper()
	r := &record{t: t, clock: &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	r.store = memory.New(memory.Config{Now: r.clock.now})
	r.doer = eventstore.NewCommitter(r.store, eventstore.CommitterConfig{Logger: slog.New(slog.DiscardHandler)})
	r.open("n1")
	return r
}

func (r *record) open(node string) {
	r.Denials = access.NewDenials(access.DenialsConfig{
		Store: r.store, Doer: r, Node: node, Now: r.clock.now, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
}

func (r *record) deny(caller, route string) {
	r.Add(r.t.Context(), access.Denial{Caller: caller, Route: route, Method: "GET", Status: 403, Reason: "insufficient_scope", Detail: "d", Address: "1.2.3.4"})
}

func (r *record) flush() {
	r.t.Helper()
	if err := r.RunOnce(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *record) all() []access.Denial {
	r.t.Helper()
	var all []access.Denial
	for after := ""; ; {
		page, last, err := r.List(r.t.Context(), after, 100)
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, page...)
		if after = last; last == "" {
			return all
		}
	}
}

func TestDenialsAreCountedByMinute(t *testing.T) {
	r := newRecord(t)
	for range 3 {
		r.deny("a", "/x")
	}
	r.deny("b", "/x")
	r.deny("a", "/y")
	r.flush()
	r.clock.add(20 * time.Second) // the same minute: the row is written again
	r.deny("a", "/x")
	got := r.all()
	count := map[string]int{}
	for _, d := range got {
		count[d.Caller+d.Route] = d.Count
	}
	if len(got) != 3 || count["a/x"] != 4 || count["b/x"] != 1 || count["a/y"] != 1 {
		t.Errorf("%+v", got)
	}
	r.clock.add(time.Minute)
	r.deny("a", "/x")
	if got := r.all(); len(got) != 4 || got[3].Count != 1 || !got[3].Minute.After(got[0].Minute) {
		t.Errorf("%+v", got)
	}
	if n := strings.Count(r.log.String(), "request denied"); n != 7 {
		t.Errorf("%d log lines of 7 denials", n)
	}
}

// What could not be written is written later, once.
func TestDenialsSurviveAnOutage(t *testing.T) {
	r := newRecord(t)
	r.deny("a", "/x")
	r.fail = eventstore.ErrUnavailable
	if err := r.RunOnce(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Fatal(err)
	}
	r.clock.add(5 * time.Minute)
	r.fail = nil
	r.flush()
	r.flush()
	if got := r.all(); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("%+v", got)
	}
	r.open("n2") // another node's rows are its own, also for the same caller and minute
	r.clock.add(-5 * time.Minute)
	r.deny("a", "/x")
	if got := r.all(); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

// Whoever is refused cannot fill the database: beyond the bound of an hour there is one row for all others.
func TestDenialsAreBounded(t *testing.T) {
	r := newRecord(t)
	for i := range 5000 {
		r.deny(fmt.Sprintf("address:%d", i), "/x")
	}
	got := r.all()
	sum, others := 0, 0
	for _, d := range got {
		sum += d.Count
		if d.Caller == access.Others {
			others += d.Count
		}
	}
	if len(got) != access.DenialsPerHour+1 || sum != 5000 || others != 5000-access.DenialsPerHour {
		t.Errorf("%d rows, %d denials, %d of others", len(got), sum, others)
	}
	r.clock.add(time.Hour)
	r.deny("late", "/x")
	if got := r.all(); got[len(got)-1].Caller != "late" {
		t.Errorf("the next hour has no room: %+v", got[len(got)-1])
	}
	r.clock.add(access.DenialsKept)
	r.flush()
	if got := r.all(); len(got) != 1 || got[0].Caller != "late" {
		t.Errorf("%d rows are left after a week", len(got))
	}
}

// Run writes what it has when it ends.
func TestRunWritesAtItsEnd(t *testing.T) {
	r := newRecord(t)
	r.deny("a", "/x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	rows, err := r.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableDenials})
	if err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

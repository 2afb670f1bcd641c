package projection_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/projection"
)

// planner writes a row for each event of the streams it wants.
type planner struct {
	wants  map[string]bool
	rows   []string // streams of the events whose row was written
	asked  int
	refuse bool
	away   int  // times that the store is away while it plans
	idle   bool // Decide has nothing to write
	// meanwhile happens once while it is asked what it wants.
	meanwhile func()
}

func (p *planner) Name() string { return "planner" }

func (p *planner) Wants(context.Context) (bool, error) {
	if f := p.meanwhile; f != nil {
		p.meanwhile = nil
		f()
	}
	return len(p.wants) > 0, nil
}

func (p *planner) Plan(_ context.Context, events []eventstore.Event) (int, *eventstore.Work, error) {
	p.asked += len(events)
	if p.away > 0 {
		p.away--
		return 0, nil, fmt.Errorf("read a stream: %w", eventstore.ErrUnavailable)
	}
	var found []string
	for _, e := range events {
		if p.refuse && e.Version == 3 {
			return 0, nil, errors.New("poison")
		}
		if p.wants[e.Stream] {
			found = append(found, e.Stream)
		}
	}
	if len(found) == 0 {
		return len(events), nil, nil
	}
	return len(events), &eventstore.Work{Keys: []string{"row"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		if p.idle {
			return nil, nil
		}
		p.rows = append(p.rows, found...)
		return &eventstore.Commit{}, nil
	}}, nil
}

func planning(t *testing.T, p *planner) (*fixture, func() int64) {
	f := newFixture(t)
	f.runner = projection.New(projection.Config{Planner: p, Store: f.store, Doer: f.doer, Epochs: f, Batch: 4, Attempts: 3, Logger: slog.New(slog.DiscardHandler)})
	return f, func() int64 {
		at, err := f.store.Cursors(t.Context(), f.runner.Consumer())
		if err != nil {
			t.Fatal(err)
		}
		return at[eventstore.LaneOf("a")].Offset
	}
}

func TestPlanner_moves_its_checkpoint_with_its_effect_and_else_now_and_then(t *testing.T) {
	p := &planner{}
	f, cursor := planning(t, p)
	f.write("a", 6)
	f.run()
	if p.asked != 0 || cursor() != 0 {
		t.Fatalf("wants nothing, was asked about %d events, stands at %d", p.asked, cursor())
	}
	p.wants = map[string]bool{"b": true}
	f.write("a", 6)
	f.run()
	if p.asked != 6 || cursor() != 0 {
		t.Fatalf("asked about %d events, want the 6 new ones; stands at %d", p.asked, cursor())
	}
	p.wants["a"] = true
	f.write("a", 2)
	f.run()
	if !slices.Equal(p.rows, []string{"a", "a"}) || cursor() != 14 {
		t.Fatalf("rows %v, stands at %d, want 14", p.rows, cursor())
	}
	delete(p.wants, "a")
	for range 2 {
		f.write("a", 300)
		f.run()
	}
	if at := cursor(); at < 500 {
		t.Fatalf("stands at %d after 600 events without effect", at)
	}
}

// What was committed after the planner was asked what it wants is not planned yet: who wants it now may not have wanted it then.
// Seen failing with everything that is there planned.
func TestPlanner_is_not_given_what_came_after_it_was_asked(t *testing.T) {
	p := &planner{wants: map[string]bool{"a": true}}
	f, cursor := planning(t, p)
	f.write("a", 2)
	p.meanwhile = func() { f.write("a", 3) }
	if _, err := f.runner.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.asked != 2 || cursor() != 2 {
		t.Fatalf("planned %d events, stands at %d; 2 were there", p.asked, cursor())
	}
	f.run()
	if p.asked != 5 || cursor() != 5 {
		t.Fatalf("planned %d events, stands at %d", p.asked, cursor())
	}
}

func TestPlanner_that_writes_nothing_gets_the_events_again(t *testing.T) {
	p := &planner{wants: map[string]bool{"a": true}, idle: true}
	f, cursor := planning(t, p)
	f.write("a", 2)
	for range 3 {
		if _, err := f.runner.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.idle = false
	f.run()
	if len(p.rows) != 2 || cursor() != 2 {
		t.Fatalf("rows %v, stands at %d", p.rows, cursor())
	}
}

func TestPlanner_stops_before_an_event_it_cannot_plan(t *testing.T) {
	p := &planner{wants: map[string]bool{"a": true}, refuse: true}
	f, cursor := planning(t, p)
	f.write("a", 4)
	f.run()
	if s := f.runner.Stopped(); len(s) != 1 || s[0].Offset != 3 || cursor() != 2 {
		t.Fatalf("stopped %+v, stands at %d", s, cursor())
	}
}

// Seen failing with the lane stopped, for good, after five looks at a database that was away.
func TestPlanner_waits_for_a_store_that_is_away(t *testing.T) {
	p := &planner{wants: map[string]bool{"a": true}, away: 20}
	f, cursor := planning(t, p)
	f.write("a", 1)
	for range 20 {
		if _, err := f.runner.RunOnce(t.Context()); err == nil {
			break
		}
	}
	f.run()
	if s := f.runner.Stopped(); len(s) != 0 || cursor() != 1 || len(p.rows) != 1 {
		t.Fatalf("stopped %+v, stands at %d, rows %v", s, cursor(), p.rows)
	}
}

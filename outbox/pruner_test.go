package outbox_test

import (
	"context"
	"errors"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/outbox"
)

// elsewhere is another database, with the consumers' positions in one lane.
type elsewhere map[string]int64

func (e elsewhere) Cursors(_ context.Context, consumer string) (out [eventstore.Lanes]eventstore.Position, err error) {
	at, known := e[consumer]
	if !known {
		return out, errors.New("away")
	}
	out[lane].Offset = at
	return out, nil
}

// A consumer of a program that this one does not know keeps what it has not had, until somebody forgets it.
func TestPruner_waits_for_consumers_it_does_not_know(t *testing.T) {
	store := memory.New(memory.Config{})
	doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{})
	publish(t, store, 9)
	register := func(consumers, past []string) {
		t.Helper()
		for range 2 { // every start does
			if err := outbox.Register(t.Context(), doer, "2.0", consumers, past); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := elsewhere{"mine": 9, "newer": 4, "gone": 0}
	p := outbox.NewPruner(outbox.PrunerConfig{Store: store, Consumers: []string{"mine"}, Cursors: at})
	prune := func(want int) {
		t.Helper()
		_, err := p.RunOnce(t.Context())
		left, e := store.ReadOutbox(t.Context(), lane, 0, 100)
		if err != nil || e != nil || len(left) != want {
			t.Errorf("%d messages are left, want %d: %v, %v", len(left), want, err, e)
		}
	}
	register([]string{"mine", "newer", "gone"}, nil)
	prune(9)
	register([]string{"mine", "newer"}, []string{"gone", "never"})
	prune(5)
	known, err := outbox.Registered(t.Context(), store)
	if err != nil || len(known) != 2 || known[1].Name != "newer" || known[1].Version != "2.0" || known[1].Since.IsZero() {
		t.Errorf("registered: %+v, %v", known, err)
	}
	for range 2 {
		if _, err := outbox.Forget(t.Context(), store, "newer"); err != nil {
			t.Fatal(err)
		}
	}
	prune(0)
	register([]string{"newer"}, nil)
	late := &lateStore{Store: store, before: func() { // it registers while the pruner is at work, and is sent something
		register([]string{"late"}, nil)
		publish(t, store, 1)
		at["mine"], at["newer"] = 10, 10
	}}
	at["newer"], at["late"] = 9, 9
	p = outbox.NewPruner(outbox.PrunerConfig{Store: late, Consumers: []string{"mine", "newer"}, Cursors: at})
	prune(1)
}

// lateStore has something happen right before the registered consumers are read.
type lateStore struct {
	*memory.Store
	before func()
}

func (s *lateStore) Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error) {
	if s.before != nil {
		s.before()
		s.before = nil
	}
	return s.Store.Records(ctx, q)
}

// What the slowest consumer has not had stays, in whichever database it keeps its position. Seen failing with the position of the
// first, of the last and of the furthest consumer taken, and with those that cannot be read left out.
func TestPruner_keeps_what_a_consumer_elsewhere_has_not_had(t *testing.T) {
	for name, c := range map[string]struct {
		at   elsewhere
		left int // of 9
	}{
		"the slow one first": {elsewhere{"a": 4, "b": 9, "c": 7}, 5},
		"the slow one last":  {elsewhere{"a": 9, "b": 7, "c": 4}, 5},
		"none has begun":     {elsewhere{"a": 0, "b": 0, "c": 0}, 9},
		"one has not begun":  {elsewhere{"a": 9, "b": 0, "c": 9}, 9},
		"all have all":       {elsewhere{"a": 9, "b": 9, "c": 9}, 0},
		"one is away":        {elsewhere{"a": 9, "b": 9}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New(memory.Config{})
			publish(t, store, 9)
			p := outbox.NewPruner(outbox.PrunerConfig{Store: store, Consumers: []string{"a", "b", "c"}, Cursors: c.at})
			if _, err := p.RunOnce(t.Context()); (err != nil) != (len(c.at) < 3) {
				t.Fatal(err)
			}
			left, err := store.ReadOutbox(t.Context(), lane, 0, 100)
			if err != nil || len(left) != c.left || c.left > 0 && left[len(left)-1].Offset != 9 {
				t.Errorf("%d messages are left, %v; want the last %d", len(left), err, c.left)
			}
		})
	}
}

package memory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/eventstore/memory"
)

func open(*testing.T) eventstore.Store { return memory.New(memory.Config{}) }

func TestStore(t *testing.T) { eventstoretest.Run(t, open) }

// Seen failing with the comparison of hashes, or of the head's hash, removed from Verify; a hole is found in two ways.
func TestVerify_tampered(t *testing.T) {
	tamper := func(stream string, f func([]eventstore.Event) []eventstore.Event) func(*testing.T, eventstore.Store) {
		return func(t *testing.T, s eventstore.Store) {
			m, ok := s.(*memory.Store)
			if !ok {
				t.Fatalf("got a %T", s)
			}
			m.Tamper(stream, f)
		}
	}
	change := func(at int, f func(*eventstore.Event)) func(*testing.T, eventstore.Store) {
		return tamper("long", func(e []eventstore.Event) []eventstore.Event { f(&e[at]); return e })
	}
	eventstoretest.Tampered(t, open, map[string]func(*testing.T, eventstore.Store){
		"payload":  change(600, func(e *eventstore.Event) { e.Data = []byte(`{}`) }),
		"metadata": change(0, func(e *eventstore.Event) { e.Meta = nil }),
		"time":     change(5, func(e *eventstore.Event) { e.Time = e.Time.Add(time.Microsecond) }),
		"type":     change(699, func(e *eventstore.Event) { e.Type = "x" }),
		"payload and hash": change(600, func(e *eventstore.Event) {
			e.Data = []byte(`{}`)
			e.Hash = e.Seal()
		}),
		"payload and hash of the last": change(699, func(e *eventstore.Event) {
			e.Data = []byte(`{}`)
			e.Hash = e.Seal()
		}),
		"event removed":      tamper("long", func(e []eventstore.Event) []eventstore.Event { return append(e[:10], e[11:]...) }),
		"last event removed": tamper("long", func(e []eventstore.Event) []eventstore.Event { return e[:699] }),
		"events swapped": tamper("long", func(e []eventstore.Event) []eventstore.Event {
			e[3].Data, e[4].Data = e[4].Data, e[3].Data
			return e
		}),
		"all removed": tamper("s-a", func([]eventstore.Event) []eventstore.Event { return nil }),
	})
}

// TestExecute_faults: nothing is written at a fault before the commit; a commit whose acknowledgement is lost is looked
// up and answered as written, once.
func TestExecute_faults(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		points  []string
		err     error
		written int
	}{
		{[]string{memory.FaultBegin}, eventstore.ErrUnavailable, 0},
		{[]string{memory.FaultCommit}, eventstore.ErrUnavailable, 0},
		{[]string{memory.FaultAcknowledge}, nil, 1},
		{[]string{memory.FaultAcknowledge, memory.FaultLookup}, eventstore.ErrUnavailable, 1},
	} {
		faulty := map[string]bool{}
		s := memory.New(memory.Config{Fault: func(point string) error {
			if faulty[point] {
				return boom
			}
			return nil
		}})
		for _, p := range c.points {
			faulty[p] = true
		}
		r, err := s.Execute(t.Context(), []*eventstore.Work{{
			Keys: []string{"k"},
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Appends: []eventstore.Append{{Stream: "s", Events: []eventstore.Event{{Type: "x"}}}}}, nil
			},
		}})
		if !errors.Is(err, c.err) {
			t.Errorf("%v: got %v, want %v", c.points, err, c.err)
		}
		if err == nil && r[0].Commit.Events[0].Offset != 1 {
			t.Errorf("%v: got %+v", c.points, r[0])
		}
		clear(faulty)
		events, err := s.ReadStream(t.Context(), "s", 0, 10)
		if err != nil || len(events) != c.written {
			t.Errorf("%v: %d events, %v, want %d", c.points, len(events), err, c.written)
		}
		for _, p := range []string{memory.FaultRead} {
			faulty[p] = true
			if _, err := s.Now(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("now: %v, want ErrUnavailable", err)
			}
		}
	}
}

// Seen failing with the event's time the clock's, whatever the stream's last.
func TestStore_clockSetBack(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := memory.New(memory.Config{Now: func() time.Time { return now }})
	eventstoretest.ClockSetBack(t, s, func() { now = now.Add(-time.Hour) })
}

package saga_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

// armed checks that a saga's one stored timeout goes off no later than its first timer, and that none is left when
// there is no timer; it returns what is stored.
func (p *plant) armed(id string) []eventstore.Timeout {
	p.t.Helper()
	lanes := make([]int, eventstore.Lanes)
	for i := range lanes {
		lanes[i] = i
	}
	ts, err := p.store.Timeouts(p.t.Context(), lanes, time.Time{}, 100)
	if err != nil {
		p.t.Fatal(err)
	}
	in := p.saga(id)
	next, due := in.NextTimer()
	switch {
	case due.IsZero() && len(ts) > 0:
		p.t.Fatalf("%s without a timer, but stored: %v", in.State, ts)
	case due.IsZero():
	case len(ts) != 1 || ts[0].Due.After(due) || !ts[0].Due.Equal(in.Wake):
		p.t.Fatalf("%s: %s goes off at %s, the saga says %s, stored: %v", in.State, next.Name, due, in.Wake, ts)
	}
	return ts
}

// Whatever happens to a saga, one timeout is stored for it, in time for the first of its timers, and none at its end.
// Seen failing with the wake-up not set sooner for a retry, and with it kept at the end.
func TestOne_timeout_is_stored_for_all_timers_of_a_saga(t *testing.T) {
	for name, answer := range map[string]func(m message.Message, n int) *message.Reply{
		"all succeeds":        func(m message.Message, _ int) *message.Reply { return &message.Reply{Outcome: message.Succeeded} },
		"the last step fails": func(m message.Message, _ int) *message.Reply { return rollsBack(m) },
		"nobody makes":        func(m message.Message, _ int) *message.Reply { return onlyOthers(m) },
		"every second is tried again": func(m message.Message, n int) *message.Reply {
			if n%2 == 0 {
				return &message.Reply{Outcome: message.Failed, Class: message.Transient, Reason: "busy"}
			}
			return &message.Reply{Outcome: message.Succeeded}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t)
			sent := 0
			p.answer = func(m message.Message) *message.Reply {
				sent++
				return answer(m, sent)
			}
			n := p.start("a")
			n.begin("op", "key", saga.Rollback)
			p.armed("op")
			for range 1000 {
				if n.run(1, true); p.saga("op").State.Final() {
					break
				}
				p.armed("op")
			}
			if ts := p.armed("op"); !p.saga("op").State.Final() || len(ts) != 0 {
				t.Fatalf("the saga is %s, stored: %v", p.saga("op").State, ts)
			}
		})
	}
}

func onlyOthers(m message.Message) *message.Reply {
	if m.Type == "toy.make" {
		return nil
	}
	return &message.Reply{Outcome: message.Succeeded}
}

// A saga whose commands are answered in time writes its timeout once and removes it once.
// Seen failing with the wake-up put off whenever a timer is.
func TestTimeout_is_written_once_when_all_goes_well(t *testing.T) {
	p := newPlant(t)
	p.answer = func(message.Message) *message.Reply { return &message.Reply{Outcome: message.Succeeded} }
	n := p.start("a")
	n.begin("op", "key", saga.Rollback)
	first := p.armed("op")
	for range 1000 {
		p.now = p.now.Add(time.Millisecond)
		if n.run(1, false); p.saga("op").State.Final() {
			return
		}
		if now := p.armed("op"); fmt.Sprint(now) != fmt.Sprint(first) {
			t.Fatalf("stored first %v, then %v", first, now)
		}
	}
	t.Fatalf("the saga is %s", p.saga("op").State)
}

// A timeout that was stored for a command answered meanwhile goes off early: nothing times out, and it is set anew for what is
// outstanding, which times out in its time. Seen failing (a saga that nothing wakes up) with a timeout that goes off early
// taken for done, and (commands given up after half their time) with whatever is outstanding timed out by it.
func TestStale_wake_up_is_set_anew(t *testing.T) {
	p := newPlant(t)
	p.answer = onlyOthers
	n := p.start("a")
	n.begin("op", "key", saga.Hold)
	stored := p.armed("op")
	p.now = p.now.Add(20 * time.Second)
	n.run(500, false) // ask is answered; left and right are sent, and nobody makes them
	next, due := p.saga("op").NextTimer()
	if now := p.armed("op"); fmt.Sprint(now) != fmt.Sprint(stored) || !due.After(stored[0].Due) {
		t.Fatalf("%s is due at %v, stored: %v, then %v", next.Name, due, stored, now)
	}
	p.now = stored[0].Due
	n.run(500, false)
	if now := p.armed("op"); len(now) != 1 || !now[0].Due.Equal(due) {
		t.Fatalf("after it went off early, stored: %v; want it due at %v", now, due)
	}
	for _, r := range p.saga("op").Items {
		if r.Step != "ask" && r.State != saga.ItemSent {
			t.Errorf("%s is %s before its time", r.Step, r.State)
		}
	}
	for range 2 { // they are asked about, then given up
		_, p.now = p.saga("op").NextTimer()
		n.run(500, false)
	}
	for _, r := range p.saga("op").Items {
		if r.Step != "ask" && r.State != saga.ItemUnknown {
			t.Errorf("%s is %s after its time", r.Step, r.State)
		}
	}
}

// Timers that are due at once are all handled in the commit that the timeout goes with, in order.
// Seen failing with only the first of them handled.
func TestTimers_due_at_once_are_handled_in_one_commit(t *testing.T) {
	p := newPlant(t)
	p.answer = onlyOthers
	n := p.start("a")
	n.begin("op", "key", saga.Rollback)
	n.run(500, false)
	h := n.runtime.Timeouts()
	wake := func(after time.Duration) *eventstore.Commit {
		ts := p.armed("op")
		p.now = p.now.Add(after)
		c, err := n.doer.Do(t.Context(), &eventstore.Work{
			Keys: []string{"key"},
			Load: func() eventstore.Load { return h.Load(ts) },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				c := &eventstore.Commit{Fired: []eventstore.FiredTimer{{ID: ts[0].ID, Token: ts[0].Token}}}
				return c, h.Decide(l, ts, c)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.armed("op")
		return c
	}
	c := wake(2 * time.Hour) // both links are asked about, and the deadline is over
	if in := p.saga("op"); in.State != saga.Settling || len(c.Outbox) != 2 {
		t.Fatalf("%s, %d messages", in.State, len(c.Outbox))
	}
	c = wake(time.Minute)
	var unknown []string
	for _, s := range c.Steps {
		unknown = append(unknown, s.Item+" "+s.State)
	}
	if in := p.saga("op"); in.State != saga.Compensating || len(unknown) != 2 {
		t.Fatalf("%s, %v", in.State, unknown)
	}
}

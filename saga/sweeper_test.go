package saga_test

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

const kept = 24 * time.Hour

// sweeps lets it sweep until there is nothing more, and returns how many sagas went.
func (n *node) sweeps(along func(*eventstore.SagaRow, *eventstore.Commit)) (gone int) {
	n.t.Helper()
	s := saga.NewSweeper(saga.SweeperConfig{
		Store: n.store, Doer: n.doer, Epochs: n.keeper.Role("saga"), Keep: kept, Consumers: []string{"replies"}, Along: along,
		Swept: func(some int) { gone += some }, Logger: slog.New(slog.DiscardHandler),
	})
	for range 10 {
		if _, err := n.keeper.RunOnce(n.t.Context()); err != nil {
			n.t.Fatal(err)
		}
		more, err := s.RunOnce(n.t.Context())
		if err != nil {
			n.t.Fatal(err)
		}
		if !more {
			return gone
		}
	}
	n.t.Fatal("the sweep has no end")
	return gone
}

// lives reports whether a saga is still stored.
func (p *plant) lives(id string) bool {
	p.t.Helper()
	l, err := p.store.Load(p.t.Context(), eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: id}}})
	if err != nil {
		p.t.Fatal(err)
	}
	return l.Sagas[id] != nil
}

// A saga goes, with all that is its own, when it ended long enough ago; not one that has not ended, however old. What comes of it
// then does nothing.
func TestSweep_takes_sagas_that_ended_long_ago(t *testing.T) {
	saga.InForms(t, func(t *testing.T) {
		p := newPlant(t)
		n := p.start("a")
		n.begin("op", "key", saga.Rollback)
		n.run(500, true)
		answered := p.outbox(message.TopicReplies)
		n.begin("running", "key", saga.Hold)
		if a, b := p.saga("op").State, p.saga("running").State; a != saga.Completed || b != saga.Running {
			t.Fatalf("the sagas are %s and %s", a, b)
		}
		p.now = p.now.Add(kept - time.Hour)
		if gone := n.sweeps(nil); gone != 0 {
			t.Fatalf("%d went too early", gone)
		}
		p.now = p.now.Add(30 * kept)
		along := 0
		if gone := n.sweeps(func(row *eventstore.SagaRow, c *eventstore.Commit) {
			along++
			c.Unsnapped = append(c.Unsnapped, "stream-"+row.ID)
		}); gone != 1 || along != 1 || p.lives("op") || !p.lives("running") {
			t.Fatalf("%d went; the one that ended is there: %v, the one that runs: %v", gone, p.lives("op"), p.lives("running"))
		}
		l, err := p.store.Load(t.Context(), eventstore.Load{Handled: []eventstore.HandledMark{{MessageID: answered[0].ID, Saga: "op"}}})
		if err != nil || len(l.Handled) > 0 {
			t.Errorf("marks are left: %v, %v", l.Handled, err)
		}
		n.say("key", answered...) // again
		if n.run(100, false); len(p.parkedMessages()) > 0 || p.lives("op") {
			t.Errorf("parked: %v", p.parkedMessages())
		}
	})
}

// A saga that ended while a command of it was not answered stays, whatever its age: when the success comes after all it begins the
// cleanup, and then the saga may go, and the cleanup's.
func TestSweep_leaves_sagas_with_unanswered_commands(t *testing.T) {
	saga.InForms(t, func(t *testing.T) {
		p := newPlant(t)
		var late []message.Message
		p.answer = func(m message.Message) *message.Reply {
			if m.Type == "toy.make" {
				late = append(late, m)
				return nil
			}
			return &message.Reply{Outcome: message.Succeeded}
		}
		n := p.start("a")
		n.begin("op", "key", saga.Rollback)
		n.run(500, true)
		for range 3 {
			p.now = p.now.Add(2 * kept)
			if gone := n.sweeps(nil); gone != 0 || !p.lives("op") {
				t.Fatalf("%d went with commands unanswered", gone)
			}
		}
		seen := map[string]bool{}
		for _, m := range late {
			if !seen[m.ID] {
				seen[m.ID] = true
				n.say("key", message.NewReply(m, "/toy", p.now, message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`7`)}))
			}
		}
		n.run(500, true)
		id := saga.CleanupID("op", late[0].ID)
		if s := p.saga(id).State; s != saga.Completed {
			t.Fatalf("the cleanup is %s", s)
		}
		p.now = p.now.Add(2 * kept)
		if n.sweeps(nil); p.lives("op") || p.lives(id) {
			t.Errorf("the saga is left: %v, its cleanup: %v", p.lives("op"), p.lives(id))
		}
	})
}

// A saga stays while messages of its key are parked: what an operator has tried again may be for it. And nobody sweeps lanes that
// are another's.
func TestSweep_leaves_sagas_of_parked_keys_and_of_other_lanes(t *testing.T) {
	p := newPlant(t)
	n := p.start("a")
	n.begin("op", "key", saga.Rollback)
	n.run(500, true)
	parked := eventstore.ParkedMessage{ID: "m", Consumer: "replies", Key: "key", Seq: 99, Reason: "r", Message: message.Message{ID: "m"}}
	commit := func(c *eventstore.Commit) {
		t.Helper()
		if _, err := n.doer.Do(t.Context(), &eventstore.Work{Keys: []string{"key"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return c, nil }}); err != nil {
			t.Fatal(err)
		}
	}
	commit(&eventstore.Commit{Parked: []eventstore.ParkedMessage{parked}})
	p.now = p.now.Add(2 * kept)
	if n.sweeps(nil); !p.lives("op") {
		t.Fatal("the saga of a parked key is gone")
	}
	commit(&eventstore.Commit{Unparked: []string{"m"}})
	p.now = p.now.Add(2 * kept)
	other := saga.NewSweeper(saga.SweeperConfig{Store: p.store, Doer: n.doer, Epochs: nobody{}, Keep: kept})
	if more, err := other.RunOnce(t.Context()); more || err != nil || !p.lives("op") {
		t.Fatalf("one without lanes: %v, %v", more, err)
	}
	if n.sweeps(nil); p.lives("op") {
		t.Error("the saga is left")
	}
}

type nobody struct{}

func (nobody) Epoch(int) (int64, bool) { return 0, false }

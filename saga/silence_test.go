package saga_test

import (
	"errors"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

func (p *play) works(m message.Message) {
	p.t.Helper()
	if err := p.input(saga.StillWorking{Message: message.NewWorking(m, "/toy", p.now)}); err != nil {
		p.t.Fatalf("working: %v", err)
	}
}

// ADR 16, "Silence is asked about": half way the command is sent again, byte for byte (play.input looks); only silence to that is an
// attempt that failed. Seen failing with the first timer taken for the end of the attempt.
func TestSilence_is_asked_about_before_an_attempt_is_given_up(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	began := p.now
	p.fireOnce()
	if len(p.asked) != 1 || p.now.Sub(began) != 30*time.Second || p.item("ask", "").State != saga.ItemSent {
		t.Fatalf("%d asked after %s, the item is %s", len(p.asked), p.now.Sub(began), p.item("ask", "").State)
	}
	p.fireOnce()
	if r := p.item("ask", ""); p.now.Sub(began) != time.Minute || r.State != saga.ItemUnknown || r.Attempt != 1 {
		t.Fatalf("after %s: %+v", p.now.Sub(began), r)
	}
}

// Seen failing with the word not taken for a sign of life (a second attempt is made).
func TestWorking_begins_the_silence_anew(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	began := p.now
	m := p.take("ask", "", "do")
	for range 20 {
		p.fireOnce()
		p.works(m)
	}
	if r := p.item("ask", ""); p.now.Sub(began) != 10*time.Minute || r.State != saga.ItemSent || r.Attempt != 1 || len(p.asked) != 20 {
		t.Fatalf("after %s: %+v", p.now.Sub(began), r)
	}
	p.reply(m, message.Reply{Outcome: message.Succeeded})
	if s := p.item("ask", "").State; s != saga.ItemDone {
		t.Fatalf("the item is %s", s)
	}
}

// An undo is asked about, too. Seen failing with only Do commands asked about.
func TestSilence_about_an_undo_is_asked_about(t *testing.T) {
	p := compensating(t)
	m := p.take("room", "r1", "undo")
	p.undone("room", "r2")
	p.fireOnce()
	if len(p.asked) != 1 || p.asked[0].ID != m.ID {
		t.Fatalf("asked: %+v", p.asked)
	}
	p.works(m)
	p.fireOnce()
	p.fireOnce() // silent
	if r := p.item("room", "r1"); r.Undo != 1 || !r.Waiting {
		t.Fatalf("%+v", r)
	}
}

// The word of an older attempt, of one answered before, or of nothing at all, changes nothing.
// Seen failing with the state of the item not looked at.
func TestWorking_that_says_nothing_new_changes_nothing(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	first := p.take("ask", "", "do")
	p.fire()
	p.fire() // the second attempt
	second := p.take("ask", "", "do")
	for name, m := range map[string]message.Message{"an older attempt": first, "nobody": {ID: "nobody's"}} {
		if _, fx, err := saga.Advance(p.def, p.in, saga.StillWorking{Message: message.NewWorking(m, "/toy", p.now)}, p.now); err != nil || fx.Changed {
			t.Errorf("%s: changed %v, %v", name, fx.Changed, err)
		}
	}
	p.reply(second, message.Reply{Outcome: message.Succeeded})
	if _, fx, _ := saga.Advance(p.def, p.in, saga.StillWorking{Message: message.NewWorking(second, "/toy", p.now)}, p.now); fx.Changed {
		t.Error("one that was answered: changed")
	}
}

// A bound of the request (TimeoutOf) is one whatever the participant says: it is not asked.
// Seen failing with the participant asked half way.
func TestTimeoutOf_bounds_an_attempt_that_is_worked_on(t *testing.T) {
	def := toy()
	def.Stages[0].Steps[0].TimeoutOf = func(*saga.Instance) time.Duration { return 7 * time.Minute }
	p := begin(t, def, saga.Rollback)
	began := p.now
	p.works(p.sent[0])
	p.fireOnce()
	if r := p.item("ask", ""); p.now.Sub(began) != 7*time.Minute || r.State != saga.ItemUnknown || len(p.asked) != 0 {
		t.Fatalf("after %s: %+v", p.now.Sub(began), r)
	}
}

// Issue 8 §3, "no retry storm": waiting in a participant's queue ten times as long as a participant may be silent causes no second
// attempt. Seen failing with the word's message dropped by the runtime.
func TestWaiting_in_a_queue_is_not_silence(t *testing.T) {
	saga.InForms(t, func(t *testing.T) {
		p := newPlant(t)
		p.unfinished = true
		busy := p.now.Add(10 * time.Minute)
		p.answer = func(m message.Message) *message.Reply {
			if m.Type == "toy.make" && p.now.Before(busy) {
				return nil
			}
			return &message.Reply{Outcome: message.Succeeded}
		}
		n := p.start("a")
		n.begin("op", "key", saga.Rollback)
		n.run(2000, true)
		if in := p.saga("op"); in.State != saga.Completed || p.order("op") != "ask left right room paint" {
			t.Fatalf("the saga is %s", in.State)
		}
		if p.now.Before(busy) || len(p.commands()) != 6 {
			t.Fatalf("%d commands until %s", len(p.commands()), p.now)
		}
	})
}

// What was lost on the way is healed by asking, without another attempt: the command, or the reply.
// Seen failing with nothing sent when the time is half over.
func TestLost_command_or_reply_is_healed_by_asking(t *testing.T) {
	for _, topic := range []string{"toy", message.TopicReplies} {
		t.Run(topic, func(t *testing.T) {
			p := newPlant(t)
			p.unfinished, p.lose = true, map[string]int{topic: 1}
			n := p.start("a")
			n.begin("op", "key", saga.Rollback)
			n.run(2000, true)
			if in := p.saga("op"); in.State != saga.Completed || p.order("op") != "ask left right room paint" {
				t.Fatalf("the saga is %s", in.State)
			}
			if p.lose[topic] != 0 || len(p.commands()) != 6 || len(p.parkedMessages()) != 0 {
				t.Fatalf("%d left to lose, %d commands, %d parked", p.lose[topic], len(p.commands()), len(p.parkedMessages()))
			}
		})
	}
}

// A program that does not know what a word means lets it wait for one that does, as it does replies of another form.
// Seen failing with messages of unknown types dropped.
func TestWord_of_an_unknown_type_waits(t *testing.T) {
	p := newPlant(t)
	n := p.start("a")
	n.begin("op", "key", saga.Rollback)
	l, err := p.store.Load(t.Context(), n.runtime.LoadFor("op", "key"))
	if err != nil {
		t.Fatal(err)
	}
	m := message.NewWorking(message.Message{ID: p.saga("op").Items[0].Command, Key: "key", CorrelationID: "op"}, "/toy", p.now)
	m.Type = "vnfm.working.v2"
	if err := n.runtime.Replies().Decide(l, []message.Message{m}, &eventstore.Commit{}); !errors.Is(err, vnfm.ErrUnknownVersion) {
		t.Fatal(err)
	}
}

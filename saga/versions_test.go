package saga_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

// toyV2 is another toy: it is painted before its house, and polished in the end.
func toyV2() *saga.Definition {
	d := toy()
	d.Version = 2
	d.Stages = []saga.Stage{
		d.Stages[0], d.Stages[1], d.Stages[3], d.Stages[2],
		{ID: "polish", Steps: []saga.Step{{ID: "polish", Topic: "toy", Do: "toy.polish", Timeout: time.Minute}}},
	}
	return d
}

// stop gives the lanes up, as a process that is stopped does.
func (n *node) stop() {
	n.t.Helper()
	if err := n.keeper.Release(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

// order returns the steps of a saga in the order their commands were first sent.
func (p *plant) order(id string) string {
	p.t.Helper()
	var out []string
	for _, s := range p.saga(id).Attempts(nil) {
		if s.Attempt > 1 {
			p.t.Errorf("%s was sent %d times", s.Step, s.Attempt)
		}
		if !slices.Contains(out, s.Step) {
			out = append(out, s.Step)
		}
	}
	return strings.Join(out, " ")
}

// design §4: "new program version with sagas in flight | a saga is pinned to its definition version". A node is upgraded,
// downgraded and upgraded again under running sagas: a saga of the newer program waits on the older node, whatever is due
// or asked of it, and goes on where it was; one that was begun under version 1 goes on so; other keys of the lane do not
// wait. Seen failing with ErrUnknownVersion counted as the message's fault (an operator has to re-drive it), with Timer not
// asking Holds (the commands of the saga that waited are sent twice), and without Resume.
func TestSaga_of_a_newer_program_waits_on_an_older_node(t *testing.T) {
	p := newPlant(t)
	n := p.start("old-1")
	n.begin("first", "key", saga.Rollback)
	n.stop()

	p.newer = toyV2()
	n = p.start("new-1")
	n.begin("second", "key-2", saga.Rollback)
	n.begin("third", "key-3", saga.Rollback)
	n.run(2, false)
	n.stop()

	p.newer = nil
	n = p.start("old-2")
	n.begin("fourth", sameLane("key-2"), saga.Rollback)
	n.run(500, false)
	before := p.saga("second")
	p.now = p.now.Add(5 * time.Minute) // all that is under way is late
	n.run(500, false)
	if in := p.saga("second"); in.Version != before.Version || in.State != saga.Running {
		t.Fatalf("an older program moved the saga: %s, version %d after %d", in.State, in.Version, before.Version)
	}
	for _, a := range []saga.Action{{Kind: saga.Cancel, Mode: "FORCEFUL"}, {Kind: saga.Retrying}} {
		if err := n.act("second", "key-2", a); vnfm.KindOf(err) != vnfm.Unavailable || !errors.Is(err, vnfm.ErrUnknownVersion) {
			t.Fatalf("%s on an older node: %v", a.Kind, err)
		}
	}
	for _, id := range []string{"first", "fourth"} {
		if in := p.saga(id); in.State != saga.Completed || p.order(id) != "ask left right room paint" {
			t.Fatalf("saga %s is %s: %s", id, in.State, p.order(id))
		}
	}
	parked := p.parkedMessages()
	for _, m := range parked {
		if !m.Waits() {
			t.Errorf("an operator is asked about %+v", m)
		}
	}
	if len(parked) != 2 {
		t.Fatalf("%d messages wait", len(parked))
	}
	n.stop()

	p.newer = toyV2()
	n = p.start("new-2")
	if did, err := n.timer.RunOnce(t.Context()); did || err != nil {
		t.Fatalf("timeouts overtook the replies that wait: %v", err)
	}
	n.run(500, false)
	for _, id := range []string{"second", "third"} {
		if in := p.saga(id); in.State != saga.Completed || p.order(id) != "ask left right paint room polish" {
			t.Fatalf("saga %s is %s: %s", id, in.State, p.order(id))
		}
	}
	if parked := p.parkedMessages(); len(parked) != 0 {
		t.Fatalf("parked: %+v", parked)
	}
}

// The VNF waits, not one of its sagas: a saga that the older program knows must not time out while its reply stands behind
// one that waits. Seen failing with Timer not asking Holds.
func TestSaga_of_a_key_that_waits_waits_too(t *testing.T) {
	p := newPlant(t)
	p.answer = func(message.Message) *message.Reply { return nil } // not yet
	n := p.start("old-1")
	n.begin("older", "key", saga.Rollback)
	n.run(500, false)
	n.stop()
	p.now = p.now.Add(40 * time.Second)
	p.newer, p.answer = toyV2(), newPlant(t).answer
	n = p.start("new-1")
	n.begin("newer", "key", saga.Rollback)
	n.stop()
	p.newer = nil
	n = p.start("old-2")
	n.run(500, false)
	late := message.Message{ID: p.saga("older").Items[0].Command, Key: "key", CorrelationID: "older", ReplyTo: message.TopicReplies}
	n.publish(message.NewReply(late, "/toy", p.now, message.Reply{Outcome: message.Succeeded}))
	p.now = p.now.Add(40 * time.Second) // too late for the first command of the older saga, not for that of the newer
	n.run(500, false)
	if run := p.saga("older").Items[0]; run.Attempt != 1 || run.State != saga.ItemSent {
		t.Fatalf("the older saga went on: %+v", run)
	}
	n.stop()
	p.newer = toyV2()
	n = p.start("new-2")
	n.run(500, false)
	for _, id := range []string{"newer", "older"} {
		p.order(id)
		if in := p.saga(id); in.State != saga.Completed {
			t.Fatalf("saga %s is %s", id, in.State)
		}
	}
}

// publish commits a message to the outbox.
func (n *node) publish(m message.Message) {
	n.t.Helper()
	_, err := n.doer.Do(n.t.Context(), &eventstore.Work{Keys: []string{m.Key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Outbox: []message.Message{m}}, nil
	}})
	if err != nil {
		n.t.Fatal(err)
	}
}

// A reply in a form of a newer program waits, too. Seen failing with the type of replies not looked at.
func TestReply_of_another_type_waits(t *testing.T) {
	p := newPlant(t)
	n := p.start("a")
	n.begin("op", "key", saga.Rollback)
	row, err := p.store.Load(t.Context(), n.runtime.LoadFor("op", "key"))
	if err != nil {
		t.Fatal(err)
	}
	command := p.saga("op").Items[0].Command
	m := message.NewReply(message.Message{ID: command, Key: "key", CorrelationID: "op"}, "/toy", p.now, message.Reply{Outcome: message.Succeeded})
	m.Type = "vnfm.reply.v2"
	if err := n.runtime.Replies().Decide(row, []message.Message{m}, &eventstore.Commit{}); !errors.Is(err, vnfm.ErrUnknownVersion) {
		t.Fatal(err)
	}
}

package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/timer"
)

// plant is a store, the clock and the participants: what outlives a node.
type plant struct {
	t     *testing.T
	now   time.Time
	store *memory.Store
	def   *saga.Definition
	newer *saga.Definition // what programs started from now on know beside def; nil: nothing
	// answer scripts the participant: nil for no reply.
	answer func(m message.Message) *message.Reply
	// unfinished: a participant that has no reply yet says so when it is asked.
	unfinished bool
	lose       map[string]int // how many of the next messages of a topic get lost
	fault      func(point string) error
	direct     bool                     // replies are handled in the commit that makes them
	deaf       bool                     // runtimes are not told of commits
	seen       func(*eventstore.Commit) // is told of every commit
}

func newPlant(t *testing.T) *plant {
	p := &plant{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), def: toy()}
	p.answer = func(message.Message) *message.Reply {
		return &message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`1`)}
	}
	p.store = memory.New(memory.Config{
		Now: func() time.Time { return p.now },
		Fault: func(point string) error {
			if p.fault != nil {
				return p.fault(point)
			}
			return nil
		},
	})
	return p
}

// node is one process: everything in it is lost when it is killed.
type node struct {
	*plant
	name        string
	keeper      *lease.Keeper
	doer        *eventstore.Committer
	participant eventstore.Doer // the participant's
	bus         *embedded.Bus
	replies     *inbox.Consumer
	timer       *timer.Timer
	runtime     *saga.Runtime
}

func (p *plant) start(name string) *node {
	p.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	n := &node{plant: p, name: name}
	feed := outbox.NewFeed(p.store, 0)
	lossy := func(h inbox.Handler) inbox.Handler { return losing{h, p} }
	n.doer = eventstore.NewCommitter(p.store, eventstore.CommitterConfig{
		OnCommit: []func(*eventstore.Commit){feed.OnCommit, func(c *eventstore.Commit) {
			if !p.deaf {
				n.runtime.OnCommit(c)
			}
			if p.seen != nil {
				p.seen(c)
			}
		}}, Logger: quiet,
	})
	n.keeper = lease.New(lease.Config{
		Store: p.store, Node: eventstore.Node{ID: name, Roles: []string{"saga"}}, Now: func() time.Time { return p.now }, TTL: time.Hour, Logger: quiet,
	})
	var err error
	defs := []*saga.Definition{p.def, cleaner()}
	if p.newer != nil {
		defs = append(defs, p.newer)
	}
	n.runtime, err = saga.NewRuntime(saga.RuntimeConfig{Definitions: defs, Host: newHost(p.t)})
	if err != nil {
		p.t.Fatal(err)
	}
	n.replies = inbox.New(inbox.Config{
		Name: "replies", Handlers: map[string]inbox.Handler{message.TopicReplies: lossy(n.runtime.Replies())},
		Store: p.store, Doer: n.doer, Epochs: n.keeper.Role("saga"), Logger: quiet,
	})
	n.participant = n.doer
	if p.direct {
		n.participant = &inbox.Direct{Doer: n.doer, Consumer: "replies", Topic: message.TopicReplies, Handler: n.runtime.Replies()}
	}
	toys := inbox.New(inbox.Config{
		Name: "toys", Handlers: map[string]inbox.Handler{"toy": lossy(participant{p})}, Store: p.store, Doer: n.participant,
		Epochs: n.keeper.Role("saga"), Logger: quiet,
	})
	n.bus = embedded.New(embedded.Config{Source: feed, Logger: quiet})
	n.bus.Subscribe(toys)
	n.bus.Subscribe(n.replies)
	n.timer = timer.New(timer.Config{
		Handlers: map[string]timer.Handler{saga.TimeoutOwner: n.runtime.Timeouts()}, Store: p.store, Doer: n.doer,
		Epochs: n.keeper.Role("saga"), Holds: n.replies.Holds, Logger: quiet,
	})
	if _, err := n.keeper.RunOnce(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// losing loses messages on their way to a handler.
type losing struct {
	inbox.Handler
	p *plant
}

func (h losing) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	for len(msgs) > 0 && h.p.lose[msgs[0].Topic] > 0 {
		h.p.lose[msgs[0].Topic]--
		msgs = msgs[1:]
	}
	return h.Handler.Decide(l, msgs, c)
}

// participant answers commands by the plant's script, in the commit that moves its cursor.
type participant struct{ *plant }

func (participant) Load(msgs []message.Message) eventstore.Load {
	var l eventstore.Load
	for _, m := range msgs {
		l.Records = append(l.Records, eventstore.RecordRef{Table: eventstore.TableVimCommands, ID: m.ID})
	}
	return l
}

func (p participant) Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error {
	for _, m := range msgs {
		ref := eventstore.RecordRef{Table: eventstore.TableVimCommands, ID: m.ID}
		if l.Records[ref] != nil { // it comes again
			if p.unfinished {
				c.Outbox = append(c.Outbox, message.Answer(m, "/toy", p.now, p.answer(m)))
			}
			continue
		}
		c.Records = append(c.Records, eventstore.RecordWrite{Record: eventstore.Record{
			Table: ref.Table, ID: m.ID, Key: m.Key, Group: m.Type, Doc: json.RawMessage(`{}`),
		}})
		if r := p.answer(m); r != nil {
			c.Outbox = append(c.Outbox, message.NewReply(m, "/toy", p.now, *r))
		}
	}
	return nil
}

func (n *node) begin(id, key string, policy saga.Policy) {
	n.t.Helper()
	_, err := n.doer.Do(n.t.Context(), &eventstore.Work{
		Keys: []string{key},
		Load: func() eventstore.Load { return n.runtime.LoadFor(id, key) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, n.runtime.Begin(l, c, saga.New{
				ID: id, Type: "toy", DefVersion: n.runtime.Newest("toy"), Key: key, Policy: policy, Data: json.RawMessage(`{}`), Cause: "request",
			})
		},
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) act(id, key string, a saga.Action) error {
	n.t.Helper()
	_, err := n.doer.Do(n.t.Context(), &eventstore.Work{
		Keys: []string{key},
		Load: func() eventstore.Load { return n.runtime.LoadFor(id, key) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, n.runtime.Act(l, c, id, a)
		},
	})
	return err
}

// run lets the node work until nothing moves, at most limit calls of RunOnce; it reports whether it came to rest.
// When only the clock can move anything it is put forward to the next timeout, if tick is set.
func (n *node) run(limit int, tick bool) bool {
	n.t.Helper()
	for range limit {
		if _, err := n.keeper.RunOnce(n.t.Context()); err != nil && !errors.Is(err, eventstore.ErrUnavailable) {
			n.t.Fatal(err)
		}
		did, err := n.replies.Resume(n.t.Context())
		if did || err != nil {
			continue
		}
		did, err = n.bus.RunOnce(n.t.Context())
		if did || err != nil {
			continue
		}
		did, err = n.timer.RunOnce(n.t.Context())
		if did || err != nil {
			continue
		}
		if !tick || !n.tick() {
			return true
		}
	}
	return false
}

func (p *plant) tick() bool {
	fault := p.fault // the clock goes on whatever the database does
	p.fault = nil
	defer func() { p.fault = fault }()
	var lanes []int
	for l := range eventstore.Lanes {
		lanes = append(lanes, l)
	}
	ts, err := p.store.Timeouts(context.Background(), lanes, time.Time{}, 1)
	if err != nil || len(ts) == 0 {
		return false
	}
	if ts[0].Due.After(p.now) {
		p.now = ts[0].Due
	}
	return true
}

func (p *plant) saga(id string) *saga.Instance {
	p.t.Helper()
	l, err := p.store.Load(p.t.Context(), eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: id}}})
	if err != nil {
		p.t.Fatal(err)
	}
	if l.Sagas[id] == nil {
		p.t.Fatalf("there is no saga %s", id)
	}
	in, err := saga.Decode(l.Sagas[id])
	if err != nil {
		p.t.Fatal(err)
	}
	return in
}

// commands returns the ids of the commands the participants handled, each once.
func (p *plant) commands() (ids []string) {
	rs, err := p.store.Records(p.t.Context(), eventstore.RecordQuery{Table: eventstore.TableVimCommands})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range rs {
		if r.Version != 1 {
			p.t.Errorf("command %s was handled %d times", r.ID, r.Version)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// cleaner is the definition of cleanup sagas.
func cleaner() *saga.Definition {
	return &saga.Definition{Type: "cleaner", Version: 1, Stages: []saga.Stage{{
		ID: "clean", Steps: []saga.Step{{ID: "clean", Topic: "toy", Do: "toy.unmake"}},
	}}}
}

// host keeps one aggregate per saga: the states it went through.
type host struct {
	t    *testing.T
	repo *aggregate.Repository[history]
}

type history struct{ States []string }

type moved struct{ To string }

func (*moved) EventType() string { return "toy.moved" }

func newHost(t *testing.T) *host {
	reg, err := aggregate.NewRegistry(aggregate.Form{Type: "toy.moved", Schema: 1, New: func() aggregate.Event { return &moved{} }})
	if err != nil {
		t.Fatal(err)
	}
	return &host{t: t, repo: aggregate.NewRepository(aggregate.Config[history]{
		Prefix: "toy-", Registry: reg, Schema: 1, New: func(string) history { return history{} },
		Apply: func(h *history, e aggregate.Event, _ time.Time) { h.States = append(h.States, e.(*moved).To) },
	})}
}

func (h *host) Load(sagaID, _ string) eventstore.Load { return h.repo.Load(sagaID) }

func (h *host) Turn(l *eventstore.Loaded, t *saga.Turn, c *eventstore.Commit) error {
	if t.From == t.Instance.State {
		return nil
	}
	s, err := h.repo.Read(l, c, t.Instance.ID)
	if err != nil {
		return err
	}
	last := ""
	if n := len(s.Value.States); n > 0 {
		last = s.Value.States[n-1]
	}
	if last != string(t.From) {
		return fmt.Errorf("saga %s moves from %s, but its history says %s", t.Instance.ID, t.From, last)
	}
	meta := eventstore.Metadata{CorrelationID: t.Instance.CorrelationID, CausationID: t.Cause, Actor: t.Actor}
	return h.repo.Append(l, c, t.Instance.ID, meta, &moved{To: string(t.Instance.State)})
}

func (h *host) Cleanup(_ *saga.Instance, step string, data, _ json.RawMessage) (string, int, json.RawMessage, bool) {
	return "cleaner", 1, data, step != "ask"
}

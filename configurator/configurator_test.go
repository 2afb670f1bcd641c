package configurator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
)

const vnf = "0a5f7c1e-0000-4000-8000-000000000001"

// world is the participant, its store and its site on one clock, driven step by step.
type world struct {
	t      *testing.T
	now    time.Time
	store  *memory.Store
	cfg    configurator.Config
	worker *ledger.Worker
	fault  func(string) error
	site   *site
}

// site configures VNFs. What it does once it has done for a token.
type site struct {
	calls  []string // tokens, in order
	asked  []configuration.Request
	done   map[string]int // how often what must be done once was done
	answer func(n int) (configuration.Result, error)
	before func()
	after  func()
}

func (s *site) Configure(_ context.Context, r configuration.Request) (configuration.Result, error) {
	if s.before != nil {
		s.before()
	}
	s.calls, s.asked = append(s.calls, r.Token), append(s.asked, r)
	if s.done[r.Token] == 0 {
		s.done[r.Token]++
	}
	if s.after != nil {
		s.after()
	}
	if s.answer == nil {
		return configuration.Result{Ready: true}, nil
	}
	return s.answer(len(s.calls))
}

type died struct{}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), site: &site{done: map[string]int{}}}
	w.store = memory.New(memory.Config{Now: func() time.Time { return w.now }, Fault: func(p string) error {
		if w.fault == nil {
			return nil
		}
		return w.fault(p)
	}})
	w.cfg = configurator.Config{
		Store: w.store, Doer: eventstore.NewCommitter(w.store, eventstore.CommitterConfig{}), Configurer: w.site, Logger: slog.New(slog.DiscardHandler),
	}
	w.worker = configurator.NewWorker(w.cfg)
	return w
}

func command(id string, c configuration.Configure) message.Message {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return message.Message{
		ID: id, Type: configuration.TypeConfigure, Topic: message.TopicVnfCommands, Key: vnf, CorrelationID: "op", ReplyTo: message.TopicReplies, Data: b,
	}
}

func configure(token string, fence int64) configuration.Configure {
	return configuration.Configure{VnfID: vnf, OpID: "op", Token: token, Fence: fence, Action: "instantiate", Name: "fw1", Params: json.RawMessage(`{"a":1}`)}
}

func (w *world) deliver(msgs ...message.Message) error {
	in := configurator.Intake{}
	_, err := w.cfg.Doer.Do(w.t.Context(), &eventstore.Work{
		Keys: []string{vnf}, Load: func() eventstore.Load { return in.Load(msgs) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, in.Decide(l, msgs, c)
		},
	})
	return err
}

func (w *world) ask(id, token string, fence int64) {
	w.t.Helper()
	if err := w.deliver(command(id, configure(token, fence))); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); ; w.now = w.now.Add(time.Second / 2) {
		for did := true; did; {
			var err error
			if did, err = w.worker.RunOnce(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
		if !w.now.Before(end) {
			return
		}
	}
}

func (w *world) said() []string {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, m := range msgs {
		if m.Type == message.WorkingType {
			out = append(out, m.CausationID+" working")
			continue
		}
		var r message.Reply
		if err := json.Unmarshal(m.Data, &r); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(m.CausationID+" "+string(r.Outcome)+" "+string(r.Class)))
		if m.Topic != message.TopicReplies || m.CorrelationID != "op" || r.Outcome != message.Succeeded && r.Reason == "" {
			w.t.Errorf("reply %+v: %+v", m, r)
		}
	}
	return out
}

func (w *world) want(said ...string) {
	w.t.Helper()
	if got := w.said(); !slices.Equal(got, said) {
		w.t.Errorf("said %q, want %q", got, said)
	}
}

func TestAVnfIsConfigured(t *testing.T) {
	w := newWorld(t)
	w.ask("c1", "a:1", 1)
	w.want()
	w.run(time.Second)
	w.want("c1 SUCCEEDED")
	if r := w.site.asked[0]; r.VnfID != vnf || r.Action != "instantiate" || r.Name != "fw1" || string(r.Params) != `{"a":1}` {
		t.Errorf("asked for %+v", r)
	}
}

// A configuration that takes its time is asked about with the same token, more and more seldom, until it is done or its time is over.
func TestAConfigurationThatTakesItsTime(t *testing.T) {
	w := newWorld(t)
	w.site.answer = func(n int) (configuration.Result, error) {
		return configuration.Result{Ready: n >= 5, Warnings: []string{"slow"}}, nil
	}
	w.ask("c1", "a:1", 1)
	w.run(time.Second)
	w.ask("c1", "a:1", 1) // nobody has heard anything
	w.want("c1 working")
	w.run(time.Minute)
	w.want("c1 working", "c1 SUCCEEDED")
	if len(w.site.calls) != 5 || slices.ContainsFunc(w.site.calls, func(token string) bool { return token != "a:1" }) {
		t.Errorf("calls %v", w.site.calls)
	}
	w = newWorld(t)
	w.site.answer = func(int) (configuration.Result, error) { return configuration.Result{}, nil }
	w.ask("c1", "a:1", 1)
	w.run(11 * time.Minute)
	w.want("c1 FAILED transient")
	if n := len(w.site.calls); n > 75 {
		t.Errorf("%d calls in ten minutes", n)
	}
}

// Attempts at one configuration join, one that comes again is answered, and what succeeded is not done again.
func TestCommandsThatComeTwice(t *testing.T) {
	w := newWorld(t)
	w.ask("c1", "a:1", 1)
	w.ask("c2", "a:1", 1)
	w.run(time.Second)
	w.want("c1 SUCCEEDED", "c2 SUCCEEDED")
	w.ask("c1", "a:1", 1)
	w.ask("c3", "a:1", 1)
	w.run(time.Second)
	w.want("c1 SUCCEEDED", "c2 SUCCEEDED", "c1 SUCCEEDED", "c3 SUCCEEDED")
	if len(w.site.calls) != 1 {
		t.Errorf("calls %v", w.site.calls)
	}
}

func TestAFailureIsAnsweredAndTriedAgain(t *testing.T) {
	for class, err := range map[message.Class]error{
		message.Permanent:      &configuration.Error{Class: message.Permanent, Hint: "no such thing"},
		message.UnknownOutcome: errors.New("connection reset"),
	} {
		w := newWorld(t)
		w.site.answer = func(n int) (configuration.Result, error) {
			if n == 1 {
				return configuration.Result{}, fmt.Errorf("wrapped: %w", err)
			}
			return configuration.Result{Ready: true}, nil
		}
		w.ask("c1", "a:1", 1)
		w.run(time.Second)
		w.ask("c1", "a:1", 1)
		w.ask("c2", "a:1", 1)
		w.run(time.Second)
		w.want("c1 FAILED "+string(class), "c1 FAILED "+string(class), "c2 SUCCEEDED")
	}
	e := &configuration.Error{Class: message.Auth, Hint: "no", Err: errors.New("cause")}
	if !errors.Is(e, e.Err) || !strings.Contains(e.Error(), "cause") {
		t.Errorf("%v", e)
	}
}

// A command of an operation after which another has begun does nothing, also when it waited.
func TestAnOlderOperationConfiguresNothing(t *testing.T) {
	w := newWorld(t)
	w.ask("waits", "a:1", 1)
	w.ask("new", "b:1", 2)
	w.ask("old", "c:1", 1)
	w.run(time.Second)
	got := w.said()
	slices.Sort(got)
	if !slices.Equal(got, []string{"new SUCCEEDED", "old FAILED superseded", "waits FAILED superseded"}) || !slices.Equal(w.site.calls, []string{"b:1"}) {
		t.Errorf("said %q, calls %v", got, w.site.calls)
	}
}

func TestWhatMakesNoSense(t *testing.T) {
	w := newWorld(t)
	bad := command("c1", configure("", 1))
	if err := w.deliver(bad); err != nil {
		t.Fatal(err)
	}
	w.want("c1 FAILED permanent")
	bad.Type = "vnf.dance.v1"
	if err := w.deliver(bad); !errors.Is(err, vnfm.ErrUnknownVersion) {
		t.Errorf("another type: %v", err)
	}
}

func TestWhatWasAnsweredGoes(t *testing.T) {
	w := newWorld(t)
	w.ask("c1", "a:1", 1)
	w.run(time.Second)
	w.now = w.now.Add(8 * 24 * time.Hour)
	w.run(time.Second)
	rows, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableVnfCommands})
	if err != nil || len(rows) != 1 || rows[0].State != "FENCE" {
		t.Errorf("left: %v, %v", rows, err)
	}
}

// The participant dies before, in or after the call, loses commits or does not hear of them, is told twice, and its ledger is lost:
// everybody is answered, and what must be done once was. A seed that fails replays.
func TestTheParticipantDiesAnywhereOrIsToldTwice(t *testing.T) {
	for seed := range 200 {
		rnd := rand.New(rand.NewPCG(3, uint64(seed)))
		w := newWorld(t)
		lost := w.store.Ledger(eventstore.TableVnfCommands)
		w.site.answer = func(int) (configuration.Result, error) {
			switch rnd.IntN(5) {
			case 0:
				return configuration.Result{}, &configuration.Error{Class: message.Transient, Hint: "busy"}
			case 1:
				return configuration.Result{}, nil
			}
			return configuration.Result{Ready: true}, nil
		}
		var ids []string
		for n := range 10 {
			w.fault = nil
			if id := fmt.Sprint("c", rnd.IntN(4)); rnd.IntN(2) == 0 {
				if !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
				w.ask(id, "a:1", 1)
			}
			if n == 5 && rnd.IntN(4) == 0 {
				lost()
			}
			if rnd.IntN(3) == 0 {
				left := 1 + rnd.IntN(3)
				point := []string{memory.FaultCommit, memory.FaultAcknowledge}[rnd.IntN(2)]
				w.fault = func(p string) error {
					if p == point {
						if left--; left == 0 {
							return errors.New("injected")
						}
					}
					return nil
				}
			}
			if rnd.IntN(3) == 0 {
				die := func() { panic(died{}) }
				if rnd.IntN(2) == 0 {
					w.site.before = die
				} else {
					w.site.after = die
				}
			}
			w.anyhow()
			w.site.before, w.site.after = nil, nil
			w.now = w.now.Add(time.Duration(rnd.IntN(20)) * time.Second)
		}
		w.fault, w.site.answer = nil, nil
		w.worker = configurator.NewWorker(w.cfg)
		w.run(time.Minute)
		for _, id := range ids { // who has heard nothing asks again
			w.ask(id, "a:1", 1)
		}
		w.run(time.Minute)
		got := w.said()
		for _, id := range ids {
			if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, id+" ") && !strings.HasSuffix(s, "working") }) {
				t.Errorf("seed %d: %s was never answered: %v", seed, id, got)
			}
		}
		w.ask("last", "a:1", 1)
		w.run(time.Minute)
		if got := w.said(); got[len(got)-1] != "last SUCCEEDED" || w.site.done["a:1"] > 1 {
			t.Errorf("seed %d: at last %s", seed, got[len(got)-1])
		}
	}
}

func (w *world) anyhow() {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(died); !ok {
				panic(p)
			}
			w.worker = configurator.NewWorker(w.cfg)
		}
	}()
	for range 4 {
		if _, err := w.worker.RunOnce(w.t.Context()); err != nil {
			w.worker = configurator.NewWorker(w.cfg)
		}
	}
}

func TestRunConfiguresManyAtOnceAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.store = memory.New(memory.Config{Now: time.Now})
		doer := eventstore.NewCommitter(w.store, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){func(c *eventstore.Commit) { w.worker.OnCommit(c) }}})
		copies := 2
		w.cfg.Store, w.cfg.Doer, w.cfg.Tap = w.store, doer, func() int { return copies }
		w.cfg.Configurer = hanging{}
		w.worker = configurator.NewWorker(w.cfg)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.worker.Run(ctx) }()
		synctest.Wait()
		w.ask("hangs", "hangs", 1)
		w.ask("c1", "a:1", 1)
		<-time.After(time.Second)
		w.want("c1 SUCCEEDED", "c1 SUCCEEDED")
		<-time.After(20 * time.Second)
		w.want("c1 SUCCEEDED", "c1 SUCCEEDED", "hangs FAILED unknown-outcome", "hangs FAILED unknown-outcome")
		w.ask("again", "hangs", 1)
		<-time.After(time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// hanging is a site that hangs for one token.
type hanging struct{}

func (hanging) Configure(ctx context.Context, r configuration.Request) (configuration.Result, error) {
	if r.Token == "hangs" {
		<-ctx.Done()
		return configuration.Result{}, ctx.Err()
	}
	return configuration.Result{Ready: true}, nil
}

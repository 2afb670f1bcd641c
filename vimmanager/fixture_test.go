package vimmanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

const vnf = "0a5f7c1e-0000-4000-8000-000000000001"

// world is a VIM manager, its store and its VIM on one clock, driven step by step.
type world struct {
	t      *testing.T
	now    time.Time
	store  *memory.Store
	doer   *eventstore.Committer
	vim    *sim.Sim
	driver *driver
	cfg    vimmanager.Config
	worker *ledger.Worker
	sweep  *vimmanager.Sweeper
	// fault fails the store's next commits.
	fault func(point string) error
}

func newWorld(t *testing.T, behaviour string) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.store = w.newStore()
	w.doer = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{})
	s, err := sim.Open(sim.Config{
		Now: func() time.Time { return w.now },
		// A call that hangs is given up at its deadline; here the clock goes there.
		Block: func(context.Context) { w.now = w.now.Add(20 * time.Second) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.vim = s
	w.driver = &driver{Sim: s}
	w.behave(behaviour)
	w.cfg = vimmanager.Config{
		Store: w.store, Doer: w.doer, Registry: vim.Fixed(sim.Connections()), Drivers: map[string]vim.Driver{sim.Type: w.driver},
		Logger: slog.New(slog.DiscardHandler),
	}
	w.restart()
	return w
}

func (w *world) newStore() *memory.Store {
	return memory.New(memory.Config{
		Now: func() time.Time { return w.now },
		Fault: func(point string) error {
			if w.fault != nil {
				return w.fault(point)
			}
			return nil
		},
	})
}

// restart replaces worker and sweeper by those of a new process.
func (w *world) restart() {
	w.worker, w.sweep = vimmanager.NewWorker(w.cfg), vimmanager.NewSweeper(w.cfg)
}

// anyhow does something in which the process may die; another takes its place.
func (w *world) anyhow(f func()) {
	w.t.Helper()
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case died:
			w.restart()
		default:
			panic(p)
		}
	}()
	f()
}

// loseLedger replaces the store by an empty one.
func (w *world) loseLedger() {
	w.store = w.newStore()
	w.doer = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{})
	w.cfg.Store, w.cfg.Doer = w.store, w.doer
	w.restart()
}

func (w *world) behave(text string) {
	w.t.Helper()
	if text == "" {
		return
	}
	b, err := sim.DecodeBehaviour([]byte(text))
	if err == nil {
		err = w.vim.SetBehaviour(b)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// driver is the simulator with a place to die in.
type driver struct {
	*sim.Sim
	before func(op string)
	after  func(op string)
	calls  []string
}

func (d *driver) at(f func(string), op string) {
	if f != nil {
		f(op)
	}
}

func (d *driver) Start(ctx context.Context, c vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	d.calls = append(d.calls, "start")
	d.at(d.before, "start")
	res, err := d.Sim.Start(ctx, c, r)
	d.at(d.after, "start")
	return res, err
}

func (d *driver) Find(ctx context.Context, c vim.Connection, k vim.Kind, t vim.Token) (vim.Resource, error) {
	d.calls = append(d.calls, "find")
	d.at(d.before, "find")
	return d.Sim.Find(ctx, c, k, t)
}

func (d *driver) Release(ctx context.Context, c vim.Connection, k vim.Kind, t vim.Token) (bool, error) {
	d.calls = append(d.calls, "release")
	d.at(d.before, "release")
	done, err := d.Sim.Release(ctx, c, k, t)
	d.at(d.after, "release")
	return done, err
}

func (d *driver) Change(ctx context.Context, c vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	d.calls = append(d.calls, "change")
	d.at(d.before, "change")
	res, err := d.Sim.Change(ctx, c, r)
	d.at(d.after, "change")
	return res, err
}

func (d *driver) List(ctx context.Context, c vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	d.at(d.before, "list")
	got, err := d.Sim.List(ctx, c, r)
	d.at(d.after, "list")
	return got, err
}

// died is what a worker dies of.
type died struct{}

// dies runs a step of a worker that dies in it, and puts another in its place.
func (w *world) dies(f func()) {
	w.t.Helper()
	defer func() {
		w.t.Helper()
		if _, ok := recover().(died); !ok {
			w.t.Fatal("the worker did not die")
		}
		w.driver.before, w.driver.after = nil, nil
		w.restart()
	}()
	f()
}

func token(n int) vim.Token {
	return vim.Token{ID: "11111111-0000-4000-8000-" + strconv.Itoa(100000000000+n), Generation: 1}
}

func network(n int) vim.Reserve {
	return vim.Reserve{Token: token(n), Kind: vim.Network, Spec: vim.Spec{Name: "net", Network: &vim.NetworkSpec{}}}
}

// missing asks for a port on a network that is not there.
func missing(n int) vim.Reserve {
	return vim.Reserve{Token: token(n), Kind: vim.Port, Spec: vim.Spec{Port: &vim.PortSpec{Network: "network-gone"}}}
}

func (w *world) message(id, typ string, data any) message.Message {
	w.t.Helper()
	return message.Message{
		ID: id, Type: typ, Topic: message.TopicVimCommands, Key: vnf, CorrelationID: "op-1", ReplyTo: message.TopicReplies,
		Time: w.now, Data: vim.Encode(data),
	}
}

func (w *world) reserve(id string, fence int64, r vim.Reserve) message.Message {
	w.t.Helper()
	return w.reserveAt(sim.Default, id, fence, r)
}

func (w *world) reserveAt(connection, id string, fence int64, r vim.Reserve) message.Message {
	w.t.Helper()
	r.VnfID, r.Connection, r.Fence = vnf, connection, fence
	return w.message(id, vim.TypeReserveResource, r)
}

func (w *world) release(id string, r vim.Reserve) message.Message {
	w.t.Helper()
	return w.message(id, vim.TypeReleaseResource, vim.Release{VnfID: vnf, Connection: sim.Default, Token: r.Token, Kind: r.Kind})
}

// deliver hands messages to the intake in one commit, as the consumer does.
func (w *world) deliver(msgs ...message.Message) {
	w.t.Helper()
	in := vimmanager.NewIntake(w.cfg)
	_, err := w.doer.Do(w.t.Context(), &eventstore.Work{
		Keys: []string{vnf},
		Load: func() eventstore.Load { return in.Load(msgs) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, in.Decide(l, msgs, c)
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// step makes one step and reports whether there was one.
func (w *world) step() bool {
	w.t.Helper()
	did, err := w.worker.RunOnce(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return did
}

// run makes steps until nothing is due, then lets a second pass, for as long as it is told.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); ; w.now = w.now.Add(time.Second) {
		for n := 0; w.step(); n++ {
			if n > 1000 {
				w.t.Fatal("the worker finds no rest")
			}
		}
		if !w.now.Before(end) {
			return
		}
	}
}

func (w *world) sweepOnce() bool {
	w.t.Helper()
	did, err := w.sweep.RunOnce(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return did
}

// replies returns the replies sent so far, as "command OUTCOME class".
func (w *world) replies() []string {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, m := range msgs {
		if m.Type == message.WorkingType {
			continue
		}
		r := decode(w.t, m.Data)
		s := m.CausationID + " " + string(r.Outcome)
		if r.Class != "" {
			s += " " + string(r.Class)
		}
		if m.ID != message.ReplyID(m.CausationID) || m.Topic != message.TopicReplies || m.CorrelationID != "op-1" || m.Key != vnf {
			w.t.Errorf("reply badly addressed: %+v", m)
		}
		if r.Outcome != message.Succeeded && r.Reason == "" {
			w.t.Errorf("%s without a reason", s)
		}
		out = append(out, s)
	}
	return out
}

func decode(t *testing.T, b json.RawMessage) message.Reply {
	t.Helper()
	var r message.Reply
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// working returns the commands that were said to be worked on, in order.
func (w *world) working() []string {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, m := range msgs {
		if m.Type == message.WorkingType {
			out = append(out, m.CausationID)
		}
	}
	return out
}

// result returns the resource that the last reply has.
func (w *world) result() vim.Resource {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil || len(msgs) == 0 {
		w.t.Fatalf("no reply: %v", err)
	}
	var out vim.Resource
	if err := json.Unmarshal(decode(w.t, msgs[len(msgs)-1].Data).Result, &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) wantReplies(want ...string) {
	w.t.Helper()
	if got := w.replies(); !slices.Equal(got, want) {
		w.t.Errorf("replies %q, want %q", got, want)
	}
}

// wantInventory is invariant I2: what the VIM has is what the ledger says is active, and it is these tokens.
func (w *world) wantInventory(want ...vim.Reserve) {
	w.t.Helper()
	var have, active, wanted []string
	for _, e := range w.vim.Inventory() {
		have = append(have, e.Token)
	}
	recs, err := w.store.Records(w.t.Context(), eventstore.RecordQuery{Table: eventstore.TableVimResources, State: vimmanager.Active})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range recs {
		active = append(active, r.ID)
	}
	for _, r := range want {
		wanted = append(wanted, r.Token.String())
	}
	slices.Sort(have)
	slices.Sort(wanted)
	if !slices.Equal(have, wanted) || !slices.Equal(active, wanted) {
		w.t.Errorf("the VIM has %q, the ledger %q, want %q", have, active, wanted)
	}
}

func (w *world) state(r vim.Reserve) string {
	w.t.Helper()
	l, err := w.store.Load(w.t.Context(), eventstore.Load{Records: []eventstore.RecordRef{{Table: eventstore.TableVimResources, ID: r.Token.String()}}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, rec := range l.Records {
		return rec.State
	}
	return ""
}

var errFault = errors.New("injected")

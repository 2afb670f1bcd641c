package vimmanager_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// Seen failing with one limit for all connections in take: the second VIM's answer came after the first one's deadline.
func TestAVIMThatHangsDoesNotStarveTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRunning(t, `{"rules":[{"on":"reserve","outcome":"hang","times":12}]}`)
		for n := range 12 {
			w.deliver(w.reserve(fmt.Sprintf("hang%d", n), 1, network(n)))
		}
		stop := w.run()
		synctest.Wait()
		began := time.Now()
		other := w.reserveAt(sim.Second, "other", 1, network(99))
		w.behave(`{}`) // what hangs, hangs; the other VIM is well
		w.deliver(other)
		w.until("other SUCCEEDED")
		if d := time.Since(began); d >= 20*time.Second {
			t.Errorf("answered after %s", d)
		}
		stop()
	})
}

func TestRunDrivesManyAtOnceAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRunning(t, `{"delay":"1s"}`)
		stop := w.run()
		for n := range 40 {
			w.deliver(w.reserve(fmt.Sprintf("r%d", n), 1, network(n)))
		}
		for n := range 40 {
			w.until(fmt.Sprintf("r%d SUCCEEDED", n))
		}
		if got := len(w.vim.Inventory()); got != 40 {
			t.Errorf("%d resources", got)
		}
		stop()
	})
}

// No more calls are under way at one VIM than it has room for, however much is due; what waits is not forgotten.
func TestRunBoundsTheCallsAtOneVim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRunning(t, `{"rules":[{"on":"reserve","outcome":"hang","times":9}]}`)
		d := &counting{Driver: w.vim}
		w.cfg.Drivers = map[string]vim.Driver{sim.Type: d}
		w.restart()
		stop := w.run()
		for n := range 9 {
			w.deliver(w.reserve(fmt.Sprintf("r%d", n), 1, network(n)))
		}
		for n := range 9 {
			w.until(fmt.Sprintf("r%d FAILED unknown-outcome", n))
		}
		if d.most != w.cfg.PerConnection {
			t.Errorf("%d calls at once, room for %d", d.most, w.cfg.PerConnection)
		}
		stop()
	})
}

// A stop in the middle of a call ends it; what it may have done is left to the next process, whose look finds it. Nothing
// of the stopped one goes on: the bubble would not end.
func TestAStopInTheMiddleOfACallLeavesTheIntent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRunning(t, `{"rules":[{"on":"reserve","outcome":"hang","times":1}]}`)
		stop := w.run()
		w.deliver(w.reserve("r1", 1, network(1)))
		synctest.Wait()
		began := time.Now()
		stop()
		if d := time.Since(began); d > 0 {
			t.Errorf("the stop took %s", d)
		}
		if got := w.state(network(1)); got != vimmanager.Starting {
			t.Fatalf("the row is %s", got)
		}
		w.process()
		stop = w.run()
		w.until("r1 SUCCEEDED")
		stop()
	})
}

// A store and a VIM that are away for a while cost time, nothing else: worker and sweeper go on when they are back.
func TestRunGoesOnWhenStoreAndVimAreBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRunning(t, `{"rules":[{"on":"find","outcome":"transient","times":30}]}`)
		away := &gate{Store: w.store}
		w.cfg.Store, w.cfg.Sweep = away, time.Second
		w.restart()
		stop := w.run()
		w.deliver(w.reserve("r1", 1, network(1)))
		away.shut.Store(true)
		<-time.After(10 * time.Second)
		away.shut.Store(false)
		w.deliver(w.reserve("r2", 1, network(2)))
		w.until("r2 FAILED transient")
		w.behave(`{}`)
		w.deliver(w.reserve("r3", 1, network(2)))
		w.until("r3 SUCCEEDED")
		orphan := vim.StartRequest{Token: token(9), Kind: vim.Network, Owner: vnf, Spec: vim.Spec{Network: &vim.NetworkSpec{}}}
		if _, err := w.vim.Start(t.Context(), sim.Connections()[0], orphan); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		for _, e := range w.vim.Inventory() {
			if e.Token == orphan.Token.String() {
				t.Error("the sweep does not go on")
			}
		}
		stop()
	})
}

// counting counts the starts under way.
type counting struct {
	vim.Driver
	mu        sync.Mutex
	now, most int
}

func (c *counting) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
	}()
	return c.Driver.Start(ctx, conn, r)
}

// gate is a store that can be away.
type gate struct {
	vimmanager.Store
	shut atomic.Bool
}

func (g *gate) Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error) {
	if g.shut.Load() {
		return nil, eventstore.ErrUnavailable
	}
	return g.Store.Records(ctx, q)
}

func (g *gate) Now(ctx context.Context) (time.Time, error) {
	if g.shut.Load() {
		return time.Time{}, eventstore.ErrUnavailable
	}
	return g.Store.Now(ctx)
}

// running is a world whose loops run, on the fake clock of the test's bubble.
type running struct {
	*world

	commits atomic.Int64
}

func newRunning(t *testing.T, behaviour string) *running {
	t.Helper()
	w := newWorld(t, "")
	s, err := sim.Open(sim.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.vim = s
	w.behave(behaviour)
	w.store = memory.New(memory.Config{Now: time.Now})
	w.cfg.Store, w.cfg.PerConnection = w.store, 4
	w.cfg.Drivers = map[string]vim.Driver{sim.Type: s}
	r := &running{world: w}
	r.process()
	return r
}

// process makes the parts of a new process.
func (r *running) process() {
	r.doer = eventstore.NewCommitter(r.store, eventstore.CommitterConfig{
		OnCommit: []func(*eventstore.Commit){r.counted},
	})
	r.cfg.Doer = r.doer
	r.restart()
}

// run starts the loops and returns what stops them.
func (r *running) run() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	last, end := context.WithCancel(r.t.Context())
	done, committed := make(chan error, 2), make(chan error, 1)
	go func() { committed <- r.doer.Run(last) }()
	go func() { done <- r.worker.Run(ctx) }()
	go func() { done <- r.sweep.Run(ctx) }()
	return func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				r.t.Error(err)
			}
		}
		end()
		if err := <-committed; err != nil {
			r.t.Error(err)
		}
	}
}

// until waits for a reply, on the fake clock.
func (r *running) until(reply string) {
	r.t.Helper()
	for range 600 {
		for _, got := range r.replies() {
			if got == reply {
				return
			}
		}
		<-time.After(100 * time.Millisecond)
	}
	r.t.Fatalf("no reply %q among %q", reply, r.replies())
}

package vimmanager_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
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
		other := w.message("other", vim.TypeReserve, vim.ReserveResources{VnfID: vnf, Connection: sim.Second, Fence: 1, Resources: []vim.Reserve{network(99)}})
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

// running is a world whose loops run, on the fake clock of the test's bubble.
type running struct {
	*world
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
	w.doer = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{
		OnCommit: []func(*eventstore.Commit){func(c *eventstore.Commit) { w.worker.OnCommit(c) }},
	})
	w.cfg.Store, w.cfg.Doer, w.cfg.PerConnection = w.store, w.doer, 4
	w.cfg.Drivers = map[string]vim.Driver{sim.Type: s}
	w.restart()
	return &running{w}
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

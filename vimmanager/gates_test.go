package vimmanager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
	gates "github.com/vnfm/vnfm/vimmanager/gate"
)

// gated is a world whose VIMs are called within limits.
func gated(t *testing.T, limits vim.Limits) *world {
	t.Helper()
	w := newWorld(t, "")
	w.gated(limits)
	return w
}

// gate gives a world the gates of a new process.
func (w *world) gated(limits vim.Limits) {
	w.cfg.Gates = gates.New(gates.Config{
		Store: w.store, Doer: w.doer, Registry: w.cfg.Registry, Limits: limits, Patience: 10 * time.Minute, Logger: w.cfg.Logger,
	})
	w.restart()
}

func (w *world) held() *gates.Status {
	w.t.Helper()
	all, err := gates.Read(w.t.Context(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	s, ok := all[sim.Default]
	if !ok || s.At(w.now) == "" {
		return nil
	}
	return &s
}

// A VIM that is away is called a few times, then left alone; what was asked for meanwhile waits, is tried by one call after growing waits, by a new
// process, too, and done once the VIM is back: nobody was told that it failed. Seen failing with the row answered as before, and with the state kept in memory only.
func TestAVimThatIsAwayIsLeftAlone(t *testing.T) {
	for _, outcome := range []string{"unavailable", "hang"} {
		w := gated(t, vim.Limits{Failures: 3})
		var want []string
		var nets []vim.Reserve
		for i := range 6 {
			nets = append(nets, network(i))
			want = append(want, fmt.Sprintf("r%d SUCCEEDED", i))
		}
		w.deliver(w.reserve("r0", 1, nets[0]))
		w.run(time.Second)
		w.behave(`{"rules":[{"on":"*","outcome":"` + outcome + `"}]}`)
		for i := 1; i < 6; i++ { // attempts of which the first two are told
			w.deliver(w.reserve(fmt.Sprintf("r%d", i), 1, nets[i]))
		}
		for range 2 {
			w.run(2 * time.Second)
		}
		if h := w.held(); h == nil || h.State != gates.Open || h.Failures < 3 || h.Reason == "" {
			t.Fatalf("%s: %+v", outcome, h)
		}
		told := w.replies()
		before := len(w.driver.calls)
		w.run(4 * time.Minute)
		if n := len(w.driver.calls) - before; n < 4 || n > 10 {
			t.Errorf("%s: %d calls in four minutes", outcome, n)
		}
		if got := w.replies(); len(got) != len(told) {
			t.Errorf("%s: told %q while it waits", outcome, got)
		}
		before = len(w.driver.calls)
		w.gated(vim.Limits{Failures: 3}) // another process
		if w.held().At(w.now) == gates.Open {
			w.step()
			if len(w.driver.calls) > before {
				t.Errorf("%s: a new process does not know that the VIM is away", outcome)
			}
		}
		w.behave(`{"rules":[]}`)
		w.run(2 * time.Minute)
		if h := w.held(); h != nil {
			t.Errorf("%s: %+v", outcome, h)
		}
		for _, r := range told[1:] { // those that a saga sends again
			id := r[:2]
			w.deliver(w.reserve(id+"again", 1, nets[int(id[1]-'0')]))
		}
		w.run(10 * time.Second)
		w.wantInventory(nets...)
		for _, s := range want {
			if !slices.Contains(w.replies(), s) && !slices.Contains(told, s[:2]+" FAILED unavailable") {
				t.Errorf("%s: %q misses %q", outcome, w.replies(), s)
			}
		}
	}
}

// The releases and changes of a VIM that is away wait, too, and none of them is told that it failed.
func TestChangesAndReleasesWaitForTheirVim(t *testing.T) {
	w := gated(t, vim.Limits{Failures: 1})
	w.deliver(w.reserve("r1", 1, network(1)), w.reserve("r2", 1, network(2)))
	w.run(time.Second)
	w.behave(`{"rules":[{"on":"*","outcome":"unavailable"}]}`)
	change := w.message("c1", vim.TypeChangeResource, vim.Change{
		VnfID: vnf, Connection: sim.Default, Fence: 1, Token: token(1), Kind: vim.Network, Revision: 2, From: network(1).Spec, To: network(1).Spec,
	})
	w.deliver(change, w.release("d1", network(2)))
	w.run(3 * time.Minute)
	w.wantReplies("r1 SUCCEEDED", "r2 SUCCEEDED")
	w.behave(`{"rules":[]}`)
	w.run(2 * time.Minute)
	got := w.replies()
	slices.Sort(got)
	if want := []string{"c1 SUCCEEDED", "d1 SUCCEEDED", "r1 SUCCEEDED", "r2 SUCCEEDED"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	w.wantInventory(network(1))
}

// A VIM that stays away is not waited for without end: who waits is told when the patience is over, and who comes then at once.
func TestAVimIsNotWaitedForWithoutEnd(t *testing.T) {
	w := gated(t, vim.Limits{Failures: 1})
	w.behave(`{"rules":[{"on":"*","outcome":"unavailable"}]}`)
	w.deliver(w.reserve("r1", 1, network(1)), w.reserve("r2", 1, network(2)))
	w.run(9 * time.Minute)
	w.wantReplies()
	w.run(2 * time.Minute)
	got := w.replies()
	slices.Sort(got)
	if !slices.Equal(got, []string{"r1 FAILED unavailable", "r2 FAILED unavailable"}) {
		t.Errorf("%q", got)
	}
	w.deliver(w.reserve("r3", 1, network(3)))
	w.run(time.Second)
	if got = w.replies(); got[len(got)-1] != "r3 FAILED unavailable" {
		t.Errorf("%q", got)
	}
}

// A VIM that asks for time gets it, and nothing fails for that.
func TestAVimThatAsksForTimeGetsIt(t *testing.T) {
	w := gated(t, vim.Limits{Failures: 3})
	w.behave(`{"rules":[{"on":"reserve","outcome":"throttled","after":"20s","times":2}]}`)
	w.deliver(w.reserve("r1", 1, network(1)), w.reserve("r2", 1, network(2)), w.reserve("r3", 1, network(3)))
	w.run(time.Second)
	if h := w.held(); h == nil || h.State != gates.Paused || h.Until.Sub(w.now) < 15*time.Second {
		t.Fatalf("%+v", h)
	}
	before := len(w.driver.calls)
	w.run(15 * time.Second)
	if len(w.driver.calls) != before {
		t.Errorf("it was called %v", w.driver.calls[before:])
	}
	w.run(30 * time.Second)
	got := w.replies()
	slices.Sort(got)
	if !slices.Equal(got, []string{"r1 SUCCEEDED", "r2 SUCCEEDED", "r3 SUCCEEDED"}) || w.held() != nil {
		t.Errorf("%q, %+v", got, w.held())
	}
	w.wantInventory(network(1), network(2), network(3))
}

// A connection says how often it may be called, over what the settings say; the others are called as before.
func TestTheRateOfAConnection(t *testing.T) {
	w := newWorld(t, "")
	slow := sim.Connections()
	slow[0].Extra = map[string]json.RawMessage{"rate": json.RawMessage(`2`), "workers": json.RawMessage(`1`)}
	w.cfg.Registry = vim.Fixed(slow)
	w.gated(vim.Limits{})
	other := slow[1].ID
	for i := range 20 {
		w.deliver(w.reserve(fmt.Sprintf("s%d", i), 1, network(i)))
	}
	for i := range 20 {
		w.deliver(w.reserveAt(other, fmt.Sprintf("f%d", i), 1, network(100+i)))
	}
	w.run(0)
	fast, counted := 0, 0
	for _, e := range w.vim.Inventory() {
		if e.Vim == other {
			fast++
		} else {
			counted++
		}
	}
	if fast != 20 || counted > 3 {
		t.Errorf("at once: %d at the other, %d at the slow one", fast, counted)
	}
	w.run(5 * time.Second)
	if n := len(w.vim.Inventory()) - 20; n < 10 || n > 14 {
		t.Errorf("%d after five seconds", n)
	}
	w.run(10 * time.Second)
	if n := len(w.vim.Inventory()); n != 40 {
		t.Errorf("%d in the end", n)
	}
}

// What a VNF has of its own under the id of a registered connection, and cannot be reached, keeps no other VNF waiting.
func TestAConnectionOfAVnfHoldsNobodyElse(t *testing.T) {
	w := gated(t, vim.Limits{Failures: 1})
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	own := sim.Connections()[0]
	own.InterfaceInfo = map[string]json.RawMessage{"endpoint": json.RawMessage(`"https://elsewhere"`)}
	for range 3 {
		w.cfg.Gates.Saw(t.Context(), own, &vim.Error{Op: "find", Class: "unavailable", Hint: "it cannot be reached"})
	}
	if h := w.held(); h != nil {
		t.Errorf("%+v", h)
	}
	if room, _ := w.cfg.Gates.Room(sim.Default, w.now); room != 16 {
		t.Errorf("room for %d", room)
	}
}

// A process that dies between the call that found the VIM away and the commit of that knows it from the next call; the row goes on.
func TestAProcessDiesBesideAVimThatIsAway(t *testing.T) {
	w := gated(t, vim.Limits{Failures: 1})
	w.behave(`{"rules":[{"on":"*","outcome":"unavailable","times":2}]}`)
	w.deliver(w.reserve("r1", 1, network(1)))
	w.driver.before = func(string) { panic(died{}) }
	w.dies(func() { w.step() })
	w.gated(vim.Limits{Failures: 1})
	w.run(2 * time.Minute)
	w.wantReplies("r1 SUCCEEDED")
	w.wantInventory(network(1))
	if got := w.state(network(1)); got != vimmanager.Active {
		t.Error(got)
	}
}

// some are connections that come and go.
type some struct{ vim.Fixed }

func (s *some) Connections(context.Context) ([]vim.Connection, error) { return s.Fixed, nil }

// last is the last state that an observer was told of each connection.
type last map[string]gates.State

func (l last) Held(connection string, state gates.State) { l[connection] = state }

// Nobody is told for ever that a VIM is away whose connection was deleted meanwhile.
func TestAConnectionThatIsDeletedIsHeldNoMore(t *testing.T) {
	w := newWorld(t, "")
	reg, told := &some{vim.Fixed{{ID: "a", Type: sim.Type}, {ID: "b", Type: sim.Type}}}, last{}
	g := gates.New(gates.Config{Store: w.store, Doer: w.doer, Registry: reg, Limits: vim.Limits{Failures: 1}, Observer: told, Logger: w.cfg.Logger})
	look := func() {
		t.Helper()
		w.now = w.now.Add(6 * time.Second)
		if err := g.Look(t.Context(), w.now); err != nil {
			t.Fatal(err)
		}
	}
	look()
	for _, c := range reg.Fixed {
		g.Saw(t.Context(), c, &vim.Error{Op: "start", Class: message.Unavailable})
	}
	look()
	if told["a"] == "" || told["b"] == "" {
		t.Fatalf("told %v", told)
	}
	reg.Fixed = reg.Fixed[:1]
	look()
	look()
	if told["b"] != "" || told["a"] == "" {
		t.Errorf("told %v", told)
	}
	if room, _ := g.Room("b", w.now); room != 16 {
		t.Errorf("room for %d", room)
	}
}

package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// class is a kind of step: what happens, to which row, at which VIM.
type class struct {
	kind         kind
	token        int8
	row, next    changeRow
	there        bool
	stands, half int8
}

// The VIM manager does with changes what the model does: along paths that take every class of step there is, its intake and its
// workers are driven through the same, and after each step its ledger, its replies and its VIM are what the model says. Seen
// failing with a lower revision let through, with the look before a change left out, with a call that was not answered not waited
// for by another revision, with a look taken for the answer, and with an intent left in a row that went on.
func TestTheVimManagerDoesWithChangesWhatTheModelDoes(t *testing.T) {
	g := graphOf(firstChange(), changeModel{}.steps)
	covered, all := map[class]bool{}, map[class]bool{}
	of := func(from, nth int) class {
		s, n := g.states[from], g.steps[from][nth]
		return class{n.kind, n.token, s.row, n.next.row, s.there, s.stands, s.half}
	}
	for i := range g.steps {
		for n := range g.steps[i] {
			all[of(i, n)] = true
		}
	}
	paths, steps := 0, 0
	for len(covered) < len(all) {
		paths++
		c := newChangeCode(t)
		var history []string
		for at := 0; len(history) < 60; {
			path := g.to1(at, func(e edge) bool { return !covered[of(e.from, e.nth)] })
			if path == nil {
				break
			}
			for _, e := range path {
				covered[of(e.from, e.nth)] = true
				next := g.steps[e.from][e.nth]
				history = append(history, next.what)
				steps++
				if wrong := c.do(next.action, g.states[e.from], next.next); wrong != "" {
					t.Fatalf("%s\nafter\n  %s", wrong, strings.Join(history, "\n  "))
				}
				at = g.to[e.from][e.nth]
			}
		}
		c.end()
	}
	t.Logf("%d states; %d classes of steps, each taken, by %d steps in %d histories", len(g.states), len(all), steps, paths)
}

// to1 returns the shortest path from a state whose last step is wanted, nil when there is none.
func (g *graph[S]) to1(from int, wanted func(edge) bool) []edge {
	by := map[int]edge{}
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		i := queue[0]
		for n, j := range g.to[i] {
			e := edge{i, n}
			if wanted(e) {
				path := []edge{e}
				for i != from {
					path = append(path, by[i])
					i = by[i].from
				}
				slices.Reverse(path)
				return path
			}
			if _, seen := by[j]; !seen && j != from {
				by[j] = e
				queue = append(queue, j)
			}
		}
	}
	return nil
}

// changeCode is a VIM manager on a store in memory and a simulated VIM, moved step by step as the model's state is.
type changeCode struct {
	*code

	forget func() // the ledger goes back
	asked  map[string]int8
	done   bool
	failed bool
	freed  bool
	late   [revisions + 1][]vim.ChangeRequest
	change [workers]*stoppedChange
}

func specOf(revision int8) vim.Spec {
	return vim.Spec{Name: fmt.Sprint("net-", revision), Network: &vim.NetworkSpec{MTU: 1000 + int(revision)}}
}

func newChangeCode(t *testing.T) *changeCode {
	c := &changeCode{code: newCode(t), asked: map[string]int8{}}
	c.forget = c.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources)
	c.send(vim.TypeReserveResource, vim.Reserve{VnfID: theVnf, Connection: sim.Default, Fence: 1, Token: token(0), Kind: vim.Network, Spec: specOf(1)}, 1)
	for range 3 {
		if _, err := vimmanager.NewWorker(c.config(0)).RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// send hands one more command to the intake; revision 0 is a release.
func (c *changeCode) send(typ string, data any, revision int8) {
	c.t.Helper()
	c.commands++
	m := message.Message{
		ID: fmt.Sprint("command-", c.commands), Type: typ, Topic: message.TopicVimCommands, Key: theVnf, CorrelationID: "op", ReplyTo: message.TopicReplies,
		Time: c.now, Data: vim.Encode(data),
	}
	c.asked[m.ID] = revision
	in := vimmanager.NewIntake(c.config(0))
	_, err := c.doer.Do(c.t.Context(), &eventstore.Work{
		Keys: []string{theVnf},
		Load: func() eventstore.Load { return in.Load([]message.Message{m}) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			commit := &eventstore.Commit{}
			return commit, in.Decide(l, []message.Message{m}, commit)
		},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// stoppedChange is a worker's step in a process that stands still before each call and before the commit of what came of it.
type stoppedChange struct {
	*stopped

	change vim.ChangeRequest
}

func (s *stoppedChange) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	s.change = r
	s.stop(start)
	return s.Sim.Change(ctx, conn, r)
}

func (c *changeCode) begin(i int8) {
	s := &stoppedChange{stopped: &stopped{Sim: c.sim, Doer: c.doer, reached: make(chan int8), proceed: make(chan bool)}}
	cfg := c.config(0)
	cfg.Doer, cfg.Drivers = s, map[string]vim.Driver{sim.Type: s}
	c.change[i] = s
	c.due()
	go func() {
		defer func() {
			if p := recover(); p != nil && p != (died{}) {
				panic(p)
			}
			s.reached <- idle
		}()
		if _, err := vimmanager.NewWorker(cfg).RunOnce(c.t.Context()); err != nil {
			c.t.Error(err)
		}
	}()
}

// end lets every process die.
func (c *changeCode) end() {
	for _, s := range c.change {
		if s != nil {
			s.proceed <- false
			<-s.reached
		}
	}
}

// due lets time pass until the row is due.
func (c *changeCode) due() {
	if rec, _ := c.row(0); rec.Due.After(c.now) {
		c.now = rec.Due
	}
}

// steps has a worker make steps of the row, each when it is due, until it is as wanted.
func (c *changeCode) steps(until func(eventstore.Record) bool) {
	c.t.Helper()
	for range 40 {
		if rec, _ := c.row(0); until(rec) {
			return
		}
		c.due()
		if _, err := vimmanager.NewWorker(c.config(0)).RunOnce(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
	c.t.Error("the row does not get there")
}

func (c *changeCode) behave(rule string) {
	c.t.Helper()
	b, err := sim.DecodeBehaviour([]byte(`{"rules":[` + rule + `]}`))
	if err == nil {
		err = c.sim.SetBehaviour(b)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// do does what the model did, and says in what the code differs from it then.
func (c *changeCode) do(a action, was, want changeState) string {
	at := c.change[a.worker]
	r := a.token
	proceed := func(alive bool) {
		at.proceed <- alive
		is := <-at.reached
		if is == idle {
			c.change[a.worker] = nil
		}
		if m := want.workers[a.worker].at; is != m && (is != started || m != idle) {
			c.t.Errorf("worker %d is at %d, in the model at %d", a.worker+1, is, m)
		}
	}
	switch a.kind {
	case decides: // of the orchestrator, which is not the VIM manager's
	case forgets:
		c.forget()
	case requests:
		c.send(vim.TypeChangeResource, vim.Change{
			VnfID: theVnf, Connection: sim.Default, Fence: 1, Token: token(0), Kind: vim.Network, Revision: int(r), From: specOf(r - 1), To: specOf(r),
		}, r)
	case frees:
		c.send(vim.TypeReleaseResource, vim.Release{VnfID: theVnf, Connection: sim.Default, Token: token(0), Kind: vim.Network}, 0)
	case takesUp:
		c.begin(a.worker)
		if is := <-c.change[a.worker].reached; is != look {
			return fmt.Sprintf("worker %d is at %d, and takes nothing up", a.worker+1, is)
		}
	case sees, changesTo, concludes:
		proceed(true)
	case perishes:
		proceed(false)
	case halves:
		c.behave(`{"on":"change","outcome":"half","times":1}`)
		proceed(true)
		c.behave(``)
		proceed(false)
	case refuses:
		c.behave(`{"on":"change","outcome":"permanent","times":1}`)
		proceed(true)
		c.behave(``)
	case leaves:
		if len(c.late[r]) < 2 {
			c.late[r] = append(c.late[r], at.change)
		}
		proceed(false)
	case arrives, fades:
		late := c.late[r][0]
		if c.late[r] = c.late[r][1:]; a.kind == arrives {
			_, _ = c.sim.Change(c.t.Context(), sim.Connections()[0], late) // refused: it has been released
		}
	case watches, repeats:
		c.steps(func(rec eventstore.Record) bool { return rec.State != vimmanager.Changing })
	case tryFree:
		c.steps(func(eventstore.Record) bool { return len(c.sim.Inventory()) == 0 })
	case freed:
		c.steps(func(rec eventstore.Record) bool { return rec.State == vimmanager.Released })
	}
	return c.differsFrom(want)
}

var changeStates = map[string]int8{
	"": none, vimmanager.Failed: none, vimmanager.Active: active, vimmanager.Outdated: outdated, vimmanager.Changing: changing,
	vimmanager.Releasing: releasing, vimmanager.Released: released,
}

// differsFrom says in what the code is not as the model.
func (c *changeCode) differsFrom(want changeState) string {
	c.t.Helper()
	c.listen()
	rec, in := c.row(0)
	var doc struct {
		Highest int8
		Change  *struct{ Revision int8 }
		Intent  *struct{ Revision int8 }
	}
	if rec.ID != "" {
		if err := json.Unmarshal(rec.Doc, &doc); err != nil {
			return err.Error()
		}
	}
	row := changeRow{state: changeStates[rec.State], highest: doc.Highest}
	if doc.Change != nil {
		row.want = doc.Change.Revision
	}
	if in.call(0) {
		row.intent, row.of = 1, doc.Intent.Revision
	}
	m := want.row
	if m.intent > 0 {
		m.intent = 1
	}
	if m.loose = 0; m.state == released {
		row.highest, row.want = 0, 0
	}
	var have sim.Entry
	for _, e := range c.sim.Inventory() {
		have = e
	}
	there := have.ID != ""
	switch {
	case row != m:
		return fmt.Sprintf("the row %s is %+v, in the model %+v", rec.State, row, m)
	case there != want.there || int8(have.Revision) != want.stands:
		return fmt.Sprintf("the VIM has it: %v, at %d; in the model: %v, at %d", there, have.Revision, want.there, want.stands)
	case there && want.half == 0 && len(vim.Differences(have.Spec, specOf(want.stands))) > 0:
		return fmt.Sprintf("revision %d is not whole, in the model it is", have.Revision)
	case c.done != want.done || c.failed != want.failed || c.freed != want.gone:
		return fmt.Sprintf("it was said that revision 3 stands: %v, that it failed: %v, that it is released: %v; in the model: %v, %v, %v",
			c.done, c.failed, c.freed, want.done, want.failed, want.gone)
	}
	return ""
}

// listen reads the replies.
func (c *changeCode) listen() {
	c.t.Helper()
	msgs, err := c.store.ReadOutbox(c.t.Context(), eventstore.LaneOf(theVnf), c.read, 100)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range msgs {
		c.read = m.Offset
		var r message.Reply
		if err := json.Unmarshal(m.Data, &r); err != nil {
			c.t.Fatal(err)
		}
		switch revision := c.asked[m.CausationID]; {
		case r.Outcome == message.Succeeded && revision == revisions:
			c.done = true
		case r.Outcome == message.Succeeded && revision == 0:
			c.freed = true
		case r.Outcome == message.Failed && r.Class != message.Superseded && revision == revisions:
			c.failed = true
		}
	}
}

package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// The VIM manager does what the model does: along paths that take every step of the model from every state it has, its intake
// and its workers are driven through the same, and after each step its ledger, its calls, its replies and its VIM are what the
// model says. Seen failing with the tombstone's case of join taken out, conclude's cases of rows being or having been released, the
// quarantine of look and of release; with a release that cuts the quarantine short, one that is done at once where nothing was started,
// a reserve answered at once from an ACTIVE row, and an intent left in one.
func TestTheVimManagerDoesWhatTheModelDoes(t *testing.T) {
	g := graphOf(state{}, model{}.steps)
	paths, steps := 0, 0
	for left := g.edges(); left > 0; paths++ {
		c := newCode(t)
		var history []string
		for at := 0; ; {
			path := g.toUncovered(at)
			if path == nil {
				break
			}
			for _, e := range path {
				if !g.covered[e] {
					g.covered[e] = true
					left--
				}
				next := g.steps[e.from][e.nth]
				history = append(history, next.what)
				steps++
				if wrong := c.do(next.action, next.next); wrong != "" {
					t.Fatalf("%s\nafter\n  %s", wrong, strings.Join(history, "\n  "))
				}
				at = g.to[e.from][e.nth]
			}
		}
		c.end()
	}
	t.Logf("%d states, %d steps of the model, each taken, by %d in %d histories", len(g.states), g.edges(), steps, paths)
}

// graph is the model as states and the steps between them.
type graph[S comparable] struct {
	states  []S
	steps   [][]step[S]
	to      [][]int
	covered map[edge]bool
}

type edge struct{ from, nth int }

func graphOf[S comparable](first S, next func(S) []step[S]) *graph[S] {
	g := &graph[S]{states: []S{first}, covered: map[edge]bool{}}
	at := map[S]int{first: 0}
	for i := 0; i < len(g.states); i++ {
		steps := next(g.states[i])
		to := make([]int, len(steps))
		for n, s := range steps {
			j, ok := at[s.next]
			if !ok {
				j = len(g.states)
				at[s.next] = j
				g.states = append(g.states, s.next)
			}
			to[n] = j
		}
		g.steps, g.to = append(g.steps, steps), append(g.to, to)
	}
	return g
}

func (g *graph[S]) edges() (n int) {
	for _, s := range g.steps {
		n += len(s)
	}
	return n
}

// toUncovered returns the shortest path from a state whose last step was not taken yet, nil when there is none.
func (g *graph[S]) toUncovered(from int) []edge {
	by := map[int]edge{}
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		i := queue[0]
		for n, j := range g.to[i] {
			e := edge{i, n}
			if !g.covered[e] {
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

// code is a VIM manager on a store in memory and a simulated VIM, moved step by step as the model's state is.
type code struct {
	t        *testing.T
	now      time.Time
	store    *memory.Store
	doer     *eventstore.Committer
	sim      *sim.Sim
	calls    [workers]*stopped
	late     [operations][]vim.StartRequest
	sent     map[string]sending // by command
	read     int64              // of the outbox
	granted  [operations]bool
	refused  [operations]bool
	gone     [operations]bool
	commands int
}

type sending struct {
	token   int8
	reserve bool
}

const (
	theVnf   = "0a5f7c1e-0000-4000-8000-000000000001"
	resource = "11111111-0000-4000-8000-000000000001"
)

func newCode(t *testing.T) *code {
	c := &code{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), sent: map[string]sending{}}
	c.store = memory.New(memory.Config{Now: func() time.Time { return c.now }})
	c.doer = eventstore.NewCommitter(c.store, eventstore.CommitterConfig{})
	var err error
	if c.sim, err = sim.Open(sim.Config{Now: func() time.Time { return c.now }}); err != nil {
		t.Fatal(err)
	}
	return c
}

func token(t int8) vim.Token { return vim.Token{ID: resource, Generation: int(t) + 1} }

// config is that of a worker that sees one row only.
func (c *code) config(t int8) vimmanager.Config {
	return vimmanager.Config{
		Quarantine: quarantine,
		Store:      rowOf{c.store, token(t).String()}, Doer: c.doer, Registry: vim.Fixed(sim.Connections()),
		Drivers: map[string]vim.Driver{sim.Type: c.sim}, Logger: slog.New(slog.DiscardHandler),
	}
}

// rowOf is a store in which one resource only may be due.
type rowOf struct {
	*memory.Store
	id string
}

func (r rowOf) Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error) {
	all, err := r.Store.Records(ctx, q)
	return slices.DeleteFunc(all, func(rec eventstore.Record) bool { return rec.ID != r.id }), err
}

// stopped is a worker's step in a process that stands still before each call and before the commit of what came of it.
type stopped struct {
	*sim.Sim
	eventstore.Doer
	changes int
	request vim.StartRequest
	reached chan int8 // what it is about to do; idle: it has ended
	proceed chan bool // false: the process dies
}

type died struct{}

func (s *stopped) stop(before int8) {
	s.reached <- before
	if !<-s.proceed {
		panic(died{})
	}
}

func (s *stopped) Find(ctx context.Context, conn vim.Connection, k vim.Kind, t vim.Token) (vim.Resource, error) {
	s.stop(look)
	return s.Sim.Find(ctx, conn, k, t)
}

func (s *stopped) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	s.request = r
	s.stop(start)
	return s.Sim.Start(ctx, conn, r)
}

func (s *stopped) Do(ctx context.Context, w *eventstore.Work) (*eventstore.Commit, error) {
	if s.changes++; s.changes == 2 {
		s.stop(started)
	}
	return s.Doer.Do(ctx, w)
}

// take has a worker begin a step of a row.
func (c *code) take(i, t int8) {
	s := &stopped{Sim: c.sim, Doer: c.doer, reached: make(chan int8), proceed: make(chan bool)}
	cfg := c.config(t)
	cfg.Doer, cfg.Drivers = s, map[string]vim.Driver{sim.Type: s}
	c.calls[i] = s
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
func (c *code) end() {
	for _, s := range c.calls {
		if s != nil {
			s.proceed <- false
			<-s.reached
		}
	}
}

// quarantine is the VIM manager's.
const quarantine = 5 * time.Second

// do does what the model did, and says in what the code differs from it then.
func (c *code) do(a action, want state) string {
	at := c.calls[a.worker]
	switch a.kind {
	case asks:
		c.deliver(a.token, vim.TypeReserve, vim.ReserveResources{VnfID: theVnf, Connection: sim.Default, Fence: 1, Resources: []vim.Reserve{
			{Token: token(a.token), Kind: vim.Network, Spec: vim.Spec{Name: "net", Network: &vim.NetworkSpec{}}},
		}})
	case lets:
		c.deliver(a.token, vim.TypeRelease, vim.ReleaseResources{VnfID: theVnf, Connection: sim.Default, Resources: []vim.Release{{Token: token(a.token), Kind: vim.Network}}})
	case takes:
		c.take(a.worker, a.token)
	case looks, starts, commits:
		at.proceed <- true
	case sends:
		c.late[a.token] = append(c.late[a.token], at.request)
		at.proceed <- false
	case dies:
		at.proceed <- false
	case finds:
		c.until(a.token, vimmanager.Active)
	case settles:
		c.until(a.token, vimmanager.Active, vimmanager.Wanted)
	case discards:
		c.until(a.token, vimmanager.Released)
	case tries:
		c.until(a.token, quarantined)
	case lands:
		if _, err := c.sim.Start(c.t.Context(), sim.Connections()[0], c.late[a.token][0]); err != nil {
			return err.Error()
		}
		c.late[a.token] = nil
	case vanishes:
		c.late[a.token] = nil
	case decides: // of the orchestrator, which is not the VIM manager's
	}
	if slices.Contains([]kind{takes, looks, starts, commits, sends, dies}, a.kind) {
		is := <-c.calls[a.worker].reached
		if is == idle {
			c.calls[a.worker] = nil
		}
		if was := want.workers[a.worker].at; is != was {
			return fmt.Sprintf("worker %d is at %d, in the model at %d", a.worker+1, is, was)
		}
	}
	return c.differs(want)
}

// deliver hands one more command to the intake.
func (c *code) deliver(t int8, typ string, data any) {
	c.t.Helper()
	c.commands++
	m := message.Message{
		ID: fmt.Sprint("command-", c.commands), Type: typ, Topic: message.TopicVimCommands, Key: theVnf, CorrelationID: "op", ReplyTo: message.TopicReplies,
		Time: c.now, Data: vim.Encode(data),
	}
	c.sent[m.ID] = sending{t, typ == vim.TypeReserve}
	in := vimmanager.NewIntake(c.config(t))
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

// quarantined stands for a row that was looked up, or released, once while a call might have been under way.
const quarantined = "in quarantine"

// until has a worker make steps of a row, each when it is due, until it is in one of the states.
func (c *code) until(t int8, states ...string) {
	c.t.Helper()
	w := vimmanager.NewWorker(c.config(t))
	for range 30 {
		rec, doc := c.row(t)
		state := rec.State
		if doc.call(t) && doc.Intent.Quarantined {
			state = quarantined
		}
		if slices.Contains(states, state) {
			return
		}
		if rec.Due.After(c.now) {
			c.now = rec.Due
		}
		if _, err := w.RunOnce(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
}

// intended is what the model knows of a row's document.
type intended struct {
	Intent *struct {
		ID          string    `json:"id"`
		Deadline    time.Time `json:"deadline"`
		Quarantined bool      `json:"quarantined"`
	} `json:"intent"`
	Cancelled []string `json:"cancelled"`
}

// told reports whether nobody has still to be told that a release was there first, which is done without asking the VIM.
func (d intended) told() bool { return len(d.Cancelled) == 0 }

// call reports whether there is an intent with a call behind it. A reserve that joins a row puts one there without.
func (d intended) call(t int8) bool {
	return d.Intent != nil && strings.HasPrefix(d.Intent.ID, token(t).String()+"/")
}

func (c *code) row(t int8) (eventstore.Record, intended) {
	c.t.Helper()
	ref := eventstore.RecordRef{Table: eventstore.TableVimResources, ID: token(t).String()}
	l, err := c.store.Load(c.t.Context(), eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil {
		c.t.Fatal(err)
	}
	var doc intended
	rec := l.Records[ref]
	if rec == nil {
		return eventstore.Record{}, doc
	}
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		c.t.Fatal(err)
	}
	return *rec, doc
}

var rowStates = map[string]int8{
	"": none, vimmanager.Wanted: wanted, vimmanager.Starting: starting, vimmanager.Unresolved: starting, vimmanager.Active: active,
	vimmanager.Releasing: releasing, vimmanager.Released: released,
}

// differs says in what the code is not as the model.
func (c *code) differs(want state) string {
	c.t.Helper()
	c.hear()
	for t := range int8(operations) {
		rec, doc := c.row(t)
		state, known := rowStates[rec.State]
		call := doc.call(t)
		early := call && doc.Intent.Quarantined
		var stand int8
		for _, e := range c.sim.Inventory() {
			if e.Token == token(t).String() {
				stand++
			}
		}
		r := want.rows[t]
		switch {
		case !known || state != r.state:
			return fmt.Sprintf("the row of token %d is %s, in the model %s", t+1, rec.State, rowNames[r.state])
		case call != (r.intent > 0):
			return fmt.Sprintf("the row of token %d, %s, has an intent: %v, in the model: %v", t+1, rec.State, call, r.intent > 0)
		case early != r.early:
			return fmt.Sprintf("the row of token %d was looked at before its intent was resolved: %v, in the model: %v", t+1, early, r.early)
		case early && !rec.Due.IsZero() && rec.Due.Before(doc.Intent.Deadline.Add(quarantine)) && doc.told():
			return fmt.Sprintf("the row of token %d is due at %s, before the quarantine of its intent is over", t+1, rec.Due)
		case stand != want.vim[t]:
			return fmt.Sprintf("of token %d stand %d, in the model %d", t+1, stand, want.vim[t])
		case c.granted[t] != want.granted[t]:
			return fmt.Sprintf("it was said that token %d stands: %v, in the model: %v", t+1, c.granted[t], want.granted[t])
		case c.gone[t] != want.gone[t]:
			return fmt.Sprintf("it was said that token %d is released: %v, in the model: %v", t+1, c.gone[t], want.gone[t])
		case want.refused[t] && !c.refused[t]: // the code says it to those, too, whom the release overtook
			return fmt.Sprintf("no reserve of token %d was refused", t+1)
		case int8(len(c.late[t])) != want.late[t]:
			return fmt.Sprintf("of token %d %d starts are on their way, in the model %d", t+1, len(c.late[t]), want.late[t])
		}
	}
	return ""
}

// hear reads the replies.
func (c *code) hear() {
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
		switch s := c.sent[m.CausationID]; {
		case r.Outcome == message.Succeeded && s.reserve:
			c.granted[s.token] = true
		case r.Outcome == message.Succeeded:
			c.gone[s.token] = true
		case r.Outcome == message.Cancelled && s.reserve:
			c.refused[s.token] = true
		default:
			c.t.Errorf("%s of token %d was answered %s: %s", m.CausationID, s.token+1, r.Outcome, r.Reason)
		}
	}
}

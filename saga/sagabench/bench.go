// Package sagabench measures the saga engine with all the machinery around it, on any store: clients run three-step toy
// sagas whose commands and replies are durable messages; every tenth saga fails at its third step and undoes two.
//
// It owns the load and the figures, never the store.
package sagabench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/timer"
)

// Options says how much load to make.
type Options struct {
	Clients     int           // each runs one saga after the other; 0 means 64
	Duration    time.Duration // of the measured load; 0 means five seconds
	Uncontended int           // sagas run one after the other first, for the latency; 0 means 50
	Committers  int           // 0 means 2; use 1 on SQLite
	MaxBatch    int           // 0: the committer's default
	// Apart has the participant's replies go through the outbox, as those of a participant in another process.
	Apart bool
	// Measuring is called when the measured load begins and when it ends, so that a caller can measure the database
	// over the same time.
	Measuring func(begins bool)
}

// Report is what was measured under load, and the latency without.
type Report struct {
	Clients         int
	Sagas           int // that ended while measured
	Compensated     int // of these
	Elapsed         time.Duration
	PerSecond       float64
	CPU             time.Duration // of this process, user and system, per saga
	Transactions    float64       // database transactions per saga
	Commits         float64       // commits (works) per saga, many to a transaction
	P50, P99        time.Duration // of a saga, from Begin to its last commit
	UncontendedP50  time.Duration
	UncontendedRuns int
}

// String returns the report on one line.
func (r Report) String() string {
	return fmt.Sprintf("%d clients: %.0f sagas/s, %.3f ms CPU/saga, %.2f transactions and %.1f commits/saga, p50 %s, p99 %s, uncontended p50 %s",
		r.Clients, r.PerSecond, float64(r.CPU.Microseconds())/1000, r.Transactions, r.Commits,
		r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), r.UncontendedP50.Round(10*time.Microsecond))
}

// Run measures the engine on a store. The store is left with the sagas in it.
func Run(ctx context.Context, store eventstore.Store, o Options) (Report, error) {
	ctx, stop := context.WithCancel(ctx)
	m, err := newMachine(ctx, store, o)
	if err != nil {
		stop()
		return Report{}, err
	}
	defer m.wait()
	defer stop()

	var tx, commits int64
	measuring := o.Measuring
	o.Measuring = func(begins bool) {
		if begins {
			tx, commits = m.transactions.Load(), m.commits.Load()
		} else {
			tx, commits = m.transactions.Load()-tx, m.commits.Load()-commits
		}
		if measuring != nil {
			measuring(begins)
		}
	}
	r, err := Measure(ctx, o, func(ctx context.Context) (bool, error) {
		state, err := m.saga(ctx)
		return state == saga.Compensated, err
	})
	if n := float64(r.Sagas); n > 0 {
		r.Transactions, r.Commits = float64(tx)/n, float64(commits)/n
	}
	return r, err
}

// Measure measures whatever runs one saga to its end and says whether it was compensated: first alone, then by all
// clients. It leaves Transactions and Commits to the caller.
func Measure(ctx context.Context, o Options, run func(context.Context) (compensated bool, err error)) (Report, error) {
	if o.Clients <= 0 {
		o.Clients = 64
	}
	if o.Duration <= 0 {
		o.Duration = 5 * time.Second
	}
	if o.Uncontended <= 0 {
		o.Uncontended = 50
	}
	r := Report{Clients: o.Clients, UncontendedRuns: o.Uncontended}
	alone := make([]time.Duration, 0, o.Uncontended)
	for range o.Uncontended {
		begin := time.Now()
		if _, err := run(ctx); err != nil {
			return r, err
		}
		alone = append(alone, time.Since(begin))
	}
	r.UncontendedP50 = percentile(alone, 50)
	return load(ctx, o, r, run)
}

// load runs the clients for the time given and measures, once each of them has run a saga: then as many sagas are under
// way when the measured time begins, which are counted though some of their work was done before, as when it ends, which
// are not.
func load(ctx context.Context, o Options, r Report, run func(context.Context) (bool, error)) (Report, error) {
	var (
		mu        sync.Mutex
		took      []time.Duration
		undone    int
		failed    error
		measuring atomic.Bool
		wg, warm  sync.WaitGroup
	)
	ctx, stop := context.WithCancel(ctx)
	warm.Add(o.Clients)
	for range o.Clients {
		wg.Go(func() {
			warmed := sync.OnceFunc(warm.Done)
			defer warmed()
			for ctx.Err() == nil {
				begin := time.Now()
				compensated, err := run(ctx)
				d := time.Since(begin)
				warmed()
				mu.Lock()
				switch {
				case err != nil && ctx.Err() == nil && failed == nil:
					failed = err
					stop()
				case err == nil && measuring.Load():
					took = append(took, d)
					if compensated {
						undone++
					}
				}
				mu.Unlock()
			}
		})
	}
	sleep(ctx, min(o.Duration/5, time.Second))
	warm.Wait()
	if o.Measuring != nil {
		o.Measuring(true)
	}
	begin, cpu := time.Now(), cpuTime()
	measuring.Store(true)
	sleep(ctx, o.Duration)
	measuring.Store(false)
	r.Elapsed, cpu = time.Since(begin), cpuTime()-cpu
	if o.Measuring != nil {
		o.Measuring(false)
	}
	stop()
	wg.Wait()
	r.Sagas, r.Compensated = len(took), undone
	if n := len(took); n > 0 {
		r.PerSecond = float64(n) / r.Elapsed.Seconds()
		r.CPU = cpu / time.Duration(n)
		r.P50, r.P99 = percentile(took, 50), percentile(took, 99)
	}
	return r, failed
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)*p/100]
}

// cpuTime returns the user and system time this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The consumers.
const (
	consumerCommands = "bench-participant"
	consumerReplies  = "bench-replies"
)

// machine is the program around the engine, as server builds it.
type machine struct {
	doer         *eventstore.Committer
	runtime      *saga.Runtime
	loops        sync.WaitGroup
	transactions atomic.Int64
	commits      atomic.Int64
	number       atomic.Int64

	mu      sync.Mutex
	waiting map[string]chan saga.State
}

func newMachine(ctx context.Context, store eventstore.Store, o Options) (*machine, error) {
	m := &machine{waiting: map[string]chan saga.State{}}
	quiet := slog.New(slog.DiscardHandler)
	feed := outbox.NewFeed(store, 0)
	keeper := lease.New(lease.Config{
		Store: store, Node: eventstore.Node{ID: uuid.NewString(), Roles: []string{"bench"}}, Now: time.Now, Logger: quiet,
	})
	if _, err := keeper.RunOnce(ctx); err != nil {
		return nil, err
	}
	if _, ok := keeper.Role("bench").Epoch(0); !ok {
		return nil, errors.New("the lanes are held by another process")
	}
	runtime, err := saga.NewRuntime(saga.RuntimeConfig{Definitions: []*saga.Definition{definition(), many()}, Host: host{}})
	if err != nil {
		return nil, err
	}
	m.runtime = runtime
	var clock *timer.Timer
	m.doer = eventstore.NewCommitter(counted{store, &m.transactions}, eventstore.CommitterConfig{
		Committers: o.Committers, MaxBatch: o.MaxBatch, Logger: quiet,
		OnCommit: []func(*eventstore.Commit){feed.OnCommit, runtime.OnCommit, m.onCommit, func(c *eventstore.Commit) { clock.OnCommit(c) }},
	})
	clock = timer.New(timer.Config{
		Handlers: map[string]timer.Handler{saga.TimeoutOwner: runtime.Timeouts()}, Store: store, Doer: m.doer, Epochs: keeper.Role("bench"),
		Logger: quiet,
	})
	b := embedded.New(embedded.Config{Source: feed, Logger: quiet})
	var doer eventstore.Doer = m.doer
	if !o.Apart {
		doer = &inbox.Direct{Doer: m.doer, Consumer: consumerReplies, Topic: message.TopicReplies, Handler: runtime.Replies()}
	}
	for _, in := range []inbox.Config{
		{Name: consumerCommands, Handlers: map[string]inbox.Handler{topic: participant{}}, Doer: doer},
		{Name: consumerReplies, Handlers: map[string]inbox.Handler{message.TopicReplies: runtime.Replies()}, Doer: m.doer},
	} {
		in.Store, in.Epochs, in.Logger = store, keeper.Role("bench"), quiet
		b.Subscribe(inbox.New(in))
	}
	pruner := outbox.NewPruner(outbox.PrunerConfig{
		Store: store, Consumers: []string{consumerCommands, consumerReplies}, Every: time.Second, Logger: quiet,
	})
	for _, run := range []func(context.Context) error{m.doer.Run, keeper.Run, b.Run, clock.Run, pruner.Run} {
		m.loops.Go(func() { _ = run(ctx) }) // a loop ends when the context does
	}
	return m, nil
}

func (m *machine) wait() { m.loops.Wait() }

// saga runs one saga and returns how it ended.
func (m *machine) saga(ctx context.Context) (saga.State, error) {
	data := json.RawMessage(`{"fail":false}`)
	if m.number.Add(1)%10 == 0 {
		data = json.RawMessage(`{"fail":true}`)
	}
	return m.run(ctx, "bench", data)
}

// run runs a saga of a type and returns how it ended.
func (m *machine) run(ctx context.Context, kind string, data json.RawMessage) (saga.State, error) {
	id := uuid.NewString()
	done := make(chan saga.State, 1)
	m.mu.Lock()
	m.waiting[id] = done
	m.mu.Unlock()
	_, err := m.doer.Do(ctx, &eventstore.Work{
		Keys: []string{id},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, m.runtime.Begin(l, c, saga.New{
				ID: id, Type: kind, DefVersion: 1, Key: id, Policy: saga.Rollback, Data: data, Cause: id,
			})
		},
	})
	if err != nil {
		return "", err
	}
	select {
	case state := <-done:
		return state, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// onCommit tells a client that its saga ended.
func (m *machine) onCommit(c *eventstore.Commit) {
	m.commits.Add(1)
	for _, s := range c.Sagas {
		if state := saga.State(s.State); state.Final() {
			m.mu.Lock()
			if done := m.waiting[s.ID]; done != nil {
				delete(m.waiting, s.ID)
				done <- state
			}
			m.mu.Unlock()
		}
	}
}

// counted counts transactions.
type counted struct {
	eventstore.Executor
	n *atomic.Int64
}

func (c counted) Execute(ctx context.Context, works []*eventstore.Work) ([]eventstore.Result, error) {
	c.n.Add(1)
	return c.Executor.Execute(ctx, works)
}

package eventstoretest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Transitions is the number of commits of a three-step saga.
const Transitions = 7

// Transition is the n-th (from 0) commit of a three-step saga, as the engine makes it: the saga's row, a
// command, the mark of the reply handled and a timeout; and an event at the start and at the end.
func Transition(saga string, n int) *eventstore.Work {
	return &eventstore.Work{
		Keys: []string{saga},
		Load: func() eventstore.Load {
			l := eventstore.Load{Sagas: []eventstore.SagaFrom{{ID: saga}}, Handled: []eventstore.HandledMark{{MessageID: fmt.Sprint(saga, "-reply-", n), Saga: saga}}}
			if n == 0 || n == Transitions-1 {
				l.Streams = []eventstore.StreamFrom{{Stream: "vnf-" + saga}}
			}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			row := eventstore.SagaRow{ID: saga, Type: "bench", DefVersion: 1, Key: saga, State: "RUNNING", Data: benchData}
			if old := l.Sagas[saga]; old != nil {
				row.Expected = old.Version
			}
			c := &eventstore.Commit{
				Sagas:    []eventstore.SagaRow{row},
				Timeouts: []eventstore.Timeout{{ID: saga + "/step", Owner: "saga", Key: saga, Token: int64(n), Due: l.Now.Add(time.Hour)}},
				Outbox:   []message.Message{outboxMessage(fmt.Sprint(saga, n), saga)},
				Handled:  []eventstore.HandledMark{{MessageID: fmt.Sprint(saga, "-reply-", n), Saga: saga}},
			}
			if n == 0 || n == Transitions-1 {
				c.Appends = []eventstore.Append{{Stream: "vnf-" + saga, Expected: l.Stream("vnf-" + saga).Version, Events: events("x")}}
			}
			return c, nil
		},
	}
}

var benchData = fmt.Appendf(nil, `{"data":"%0600d"}`, 0)

// Waiting sets as many timeouts that are due in an hour, in all lanes.
func Waiting(tb testing.TB, s eventstore.Store, prefix string, n int) {
	tb.Helper()
	const batch = 1000
	for from := 0; from < n; from += batch {
		var works []*eventstore.Work
		for i := from; i < min(n, from+batch); i++ {
			key := fmt.Sprint(prefix, i)
			works = append(works, &eventstore.Work{Keys: []string{key}, Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Timeouts: []eventstore.Timeout{
					{ID: key + "/wait", Owner: "saga", Key: key, Name: "wait", Due: l.Now.Add(time.Hour)},
				}}, nil
			}})
		}
		if _, err := s.Execute(tb.Context(), works); err != nil {
			tb.Fatal(err)
		}
	}
}

// benchmarkLooks measures what a look for due timeouts costs while others wait: it must not depend on how many.
func benchmarkLooks(b *testing.B, s eventstore.Store) {
	lanes := eventstore.Held(nil)
	for i, n := range []int{50, 50_000} {
		Waiting(b, s, fmt.Sprint("waiting-", i, "-"), n)
		b.Run(fmt.Sprintf("look for due timeouts, %d waiting", n), func(b *testing.B) {
			for b.Loop() {
				now, err := s.Now(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				due, err := s.Timeouts(b.Context(), lanes, now.Add(time.Second), 256)
				if err != nil || len(due) > 0 {
					b.Fatal(len(due), err)
				}
			}
		})
	}
}

// Bench says how a back-end is measured.
type Bench struct {
	Committers int
	// ServerCPU is the processor time of the database's processes; nil when it has none of its own.
	ServerCPU func() time.Duration
}

// Benchmark measures looks for due timeouts, batches of transitions, and three-step sagas through a Committer.
func Benchmark(b *testing.B, s eventstore.Store, cfg Bench) {
	benchmarkLooks(b, s)
	var sagas atomic.Int64
	for _, size := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("batch of %d", size), func(b *testing.B) {
			for b.Loop() {
				works := make([]*eventstore.Work, size)
				for i := range works {
					works[i] = Transition(fmt.Sprint("b-", sagas.Add(1)), 0)
				}
				if _, err := s.Execute(b.Context(), works); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "transitions/s")
		})
	}
	for _, clients := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("sagas of %d clients", clients), func(b *testing.B) {
			c := eventstore.NewCommitter(s, eventstore.CommitterConfig{Committers: cfg.Committers})
			ctx := b.Context()
			var loop, wg sync.WaitGroup
			runCtx, cancel := context.WithCancel(ctx)
			loop.Go(func() { _ = c.Run(runCtx) }) // always nil
			var left atomic.Int64
			left.Store(int64(b.N))
			var server time.Duration
			if cfg.ServerCPU != nil {
				server = cfg.ServerCPU()
			}
			before := cpu()
			b.ResetTimer()
			for range clients {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						saga := fmt.Sprint("s-", sagas.Add(1))
						for n := range Transitions {
							if _, err := c.Do(ctx, Transition(saga, n)); err != nil {
								b.Error(err)
								return
							}
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "program-cpu-µs/saga")
			if cfg.ServerCPU != nil {
				b.ReportMetric(float64((cfg.ServerCPU()-server).Microseconds())/float64(b.N), "server-cpu-µs/saga")
			}
			cancel()
			loop.Wait()
		})
	}
}

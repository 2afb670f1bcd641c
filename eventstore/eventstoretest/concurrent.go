package eventstoretest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// gate is an Executor whose first transaction waits until it is released.
type gate struct {
	eventstore.Executor
	once    sync.Once
	entered chan struct{}
	release chan struct{}
}

func newGate(s eventstore.Executor) *gate {
	return &gate{Executor: s, entered: make(chan struct{}), release: make(chan struct{})}
}

// Execute waits, the first time, then executes.
func (g *gate) Execute(ctx context.Context, works []*eventstore.Work) ([]eventstore.Result, error) {
	g.once.Do(func() {
		close(g.entered)
		<-g.release
	})
	return g.Executor.Execute(ctx, works)
}

// doAsync starts Do and returns where its error will be.
func (g *gate) doAsync(t *testing.T, c *eventstore.Committer, w *eventstore.Work) <-chan error {
	done := make(chan error, 1)
	ctx := t.Context()
	go func() {
		_, err := c.Do(ctx, w)
		done <- err
	}()
	return done
}

// run runs f beside a running committer, and returns a function that stops the committer and waits for it.
func run(t *testing.T, c *eventstore.Committer, f func(*eventstore.Committer)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	f(c)
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

// writers lets a hundred callers append to streams of their own and to one they share, through a Committer.
func writers(t *testing.T, s eventstore.Store) {
	const callers, each = 100, 5
	var mu sync.Mutex
	seen := map[int]eventstore.LaneHead{}
	c := eventstore.NewCommitter(s, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){func(c *eventstore.Commit) {
		mu.Lock()
		defer mu.Unlock()
		h := seen[c.Lane]
		for _, e := range c.Events {
			if h.Event++; e.Offset != h.Event {
				t.Errorf("lane %d: followers got offset %d after %d", c.Lane, e.Offset, h.Event-1)
			}
		}
		for _, m := range c.Messages {
			if h.Outbox++; m.Offset != h.Outbox {
				t.Errorf("lane %d: followers got message %d after %d", c.Lane, m.Offset, h.Outbox-1)
			}
		}
		seen[c.Lane] = h
	}}})
	stop := run(t, c, func(c *eventstore.Committer) {
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				key := fmt.Sprintf("vnf-%d", i)
				for n := range each {
					if _, err := c.Do(t.Context(), appendTo(key, key, fmt.Sprint(key, n))); err != nil {
						t.Errorf("%s: %v", key, err)
					}
				}
				if _, err := c.Do(t.Context(), appendTo("shared", "shared", key)); err != nil {
					t.Errorf("shared: %v", err)
				}
			})
		}
		wg.Wait()
	})
	stop()
	heads := must(s.Heads(t.Context()))(t)
	for lane, h := range seen {
		if heads[lane] != h {
			t.Errorf("lane %d: followers saw %v, the store has %v", lane, h, heads[lane])
		}
	}
	if sum := mustVerify(t, s); sum.Streams != callers+1 || sum.Events != callers*(each+1) || sum.Messages != callers*(each+1) {
		t.Errorf("verified %+v", sum)
	}
}

// appendTo appends one event to a stream, wherever it is, and sends one message.
func appendTo(key, stream, id string) *eventstore.Work {
	return &eventstore.Work{
		Keys: []string{key},
		Load: func() eventstore.Load { return eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: stream}}} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{
				Appends: []eventstore.Append{{Stream: stream, Expected: l.Stream(stream).Version, Events: events("x")}},
				Outbox:  []message.Message{outboxMessage(id, key)},
			}, nil
		},
	}
}

// race lets two writers that lock different keys append to one stream: nothing is lost, and a work whose version is
// stale for good gets ErrVersion.
func race(t *testing.T, s eventstore.Store) {
	const each = 20
	two := []*eventstore.Committer{
		eventstore.NewCommitter(s, eventstore.CommitterConfig{Retries: 100}), eventstore.NewCommitter(s, eventstore.CommitterConfig{Retries: 100}),
	}
	var stops []func()
	var wg sync.WaitGroup
	for i, c := range two {
		stops = append(stops, run(t, c, func(c *eventstore.Committer) {
			wg.Go(func() {
				for n := range each {
					if _, err := c.Do(t.Context(), appendTo(fmt.Sprint("writer-", i), "one", fmt.Sprint(i, n))); err != nil {
						t.Errorf("writer %d: %v", i, err)
					}
				}
			})
		}))
	}
	wg.Wait()
	attempts := 0
	stale := &eventstore.Work{Keys: []string{"writer-0"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		attempts++
		return &eventstore.Commit{Appends: []eventstore.Append{{Stream: "one", Expected: 3, Events: events("x")}}}, nil
	}}
	c := eventstore.NewCommitter(s, eventstore.CommitterConfig{Retries: 2})
	if _, err := c.Do(t.Context(), stale); !errors.Is(err, eventstore.ErrVersion) || attempts != 3 {
		t.Errorf("stale: got %v after %d attempts, want ErrVersion after 3", err, attempts)
	}
	for _, stop := range stops {
		stop()
	}
	if sum := mustVerify(t, s); sum.Events != 2*each {
		t.Errorf("%d events, want %d", sum.Events, 2*each)
	}
}

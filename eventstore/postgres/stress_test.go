package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/message"
)

// TestStress is design §11's: two nodes write with random pauses between the statements, connections killed in the
// middle and one batch in ten rolled back, while readers follow every lane. Nothing acknowledged is lost or doubled,
// and readers meet no gap and no inversion.
func TestStress(t *testing.T) {
	const callers, streams = 24, 12
	duration := 6 * time.Second
	url := dbtest.Postgres(t)
	killer, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close()
	var kills, rollbacks, acknowledged, unavailable atomic.Int64
	kill := func(pid uint32) {
		kills.Add(1)
		if _, err := killer.Exec(context.Background(), "select pg_terminate_backend($1::int)", pid); err != nil {
			t.Errorf("kill: %v", err)
		}
	}
	var killing sync.WaitGroup
	trouble := func(_ string, pid uint32) {
		switch n := rand.IntN(1000); {
		case n < 8:
			kill(pid)
		case n < 16: // in the middle of what comes next
			killing.Go(func() {
				<-time.After(time.Duration(rand.IntN(2000)) * time.Microsecond) // the pause is the fault, not a wait
				kill(pid)
			})
		case n < 300:
			<-time.After(time.Duration(rand.IntN(6000)) * time.Microsecond)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var loops, writing, reading sync.WaitGroup
	stopLoops, stop := context.WithCancel(t.Context())
	defer stop()
	var stores []*postgres.Store
	var nodes []*eventstore.Committer
	for range 2 {
		s := openAt(t, url)
		defer func() { _ = s.Close() }()
		s.SetPoint(trouble)
		c := eventstore.NewCommitter(s, eventstore.CommitterConfig{Retries: 50})
		loops.Go(func() { _ = c.Run(stopLoops) }) // always nil
		stores, nodes = append(stores, s), append(nodes, c)
	}

	// Writers. Each stream is written by both nodes, under a key of its own or under a stranger's.
	var mu sync.Mutex
	written := map[string]bool{} // event id → acknowledged
	for i := range callers {
		writing.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("e-%d-%d", i, n)
				rolledBack := rand.IntN(10) == 0
				w := stressWork(fmt.Sprint("s-", rand.IntN(streams)), id, rolledBack)
				if rand.IntN(10) == 0 {
					w.Keys = []string{fmt.Sprint("stranger-", i)}
				}
				_, err := nodes[rand.IntN(len(nodes))].Do(t.Context(), w)
				mu.Lock()
				switch {
				case err == nil:
					acknowledged.Add(1)
					written[id] = true
				case rolledBack && errors.Is(err, eventstore.ErrTimeoutGone):
					rollbacks.Add(1)
				case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrVersion):
					unavailable.Add(1)
				default:
					t.Errorf("write %s: %v", id, err)
				}
				mu.Unlock()
			}
		})
	}

	// Readers, each with positions of its own. They stop when the writers have, at the heads.
	done := make(chan struct{})
	for r := range 2 {
		reading.Go(func() { follow(t, stores[r], done) })
	}
	writing.Wait()
	for _, s := range stores {
		s.SetPoint(func(string, uint32) {})
	}
	stop()
	loops.Wait()
	killing.Wait()
	close(done)
	reading.Wait()

	sum, err := eventstore.Verify(t.Context(), stores[0], func(p eventstore.Problem) { t.Errorf("verify: %v", p) })
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i := range streams {
		all, err := stores[0].ReadStream(t.Context(), fmt.Sprint("s-", i), 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			seen[e.ID]++
		}
	}
	for id := range written {
		if seen[id] != 1 {
			t.Errorf("event %s was acknowledged and is there %d times", id, seen[id])
		}
	}
	for id, n := range seen {
		if n > 1 {
			t.Errorf("event %s is there %d times", id, n)
		}
	}
	t.Logf("%d acknowledged, %d rolled back, %d given up, %d kills, %+v", acknowledged.Load(), rollbacks.Load(), unavailable.Load(), kills.Load(), sum)
	if acknowledged.Load() < 200 || kills.Load() < 3 || rollbacks.Load() < 10 {
		t.Errorf("too little happened")
	}
}

func stressWork(stream, id string, broken bool) *eventstore.Work {
	return &eventstore.Work{
		Keys: []string{stream},
		Load: func() eventstore.Load {
			return eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: stream, After: 1 << 60}}}
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{
				Appends: []eventstore.Append{{
					Stream: stream, Expected: l.Stream(stream).Version, Events: []eventstore.Event{{ID: id, Type: "x"}, {Type: "y"}},
				}},
				Outbox: []message.Message{{ID: id, Topic: "t", Key: stream}},
			}
			if broken {
				c.Fired = []eventstore.FiredTimer{{ID: "none"}}
			}
			return c, nil
		},
	}
}

// follow reads every lane until it has seen all there was when done was closed, and fails on a gap or an inversion.
func follow(t *testing.T, s *postgres.Store, done <-chan struct{}) {
	var at, box [eventstore.Lanes]int64
	versions := map[string]int64{}
	for {
		last := false
		select {
		case <-done:
			last = true
		default:
		}
		for lane := range eventstore.Lanes {
			for {
				page, err := s.ReadLane(t.Context(), lane, at[lane], 100)
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				for _, e := range page {
					if e.Offset != at[lane]+1 {
						t.Errorf("lane %d: gap: %d after %d", lane, e.Offset, at[lane])
					}
					// A stranger's commit puts an event of the stream into another lane: there is no order between lanes.
					if v := versions[fmt.Sprint(lane, e.Stream)]; e.Version <= v {
						t.Errorf("lane %d: inversion: version %d of %s after %d", lane, e.Version, e.Stream, v)
					}
					versions[fmt.Sprint(lane, e.Stream)] = e.Version
					at[lane] = e.Offset
				}
				if len(page) < 100 {
					break
				}
			}
			messages, err := s.ReadOutbox(t.Context(), lane, box[lane], 1000)
			if err != nil {
				t.Errorf("read: %v", err)
				return
			}
			for _, m := range messages {
				if m.Offset != box[lane]+1 {
					t.Errorf("outbox %d: gap: %d after %d", lane, m.Offset, box[lane])
				}
				box[lane] = m.Offset
			}
		}
		if !last {
			continue
		}
		heads, err := s.Heads(t.Context())
		if err != nil {
			t.Errorf("heads: %v", err)
			return
		}
		for lane, h := range heads {
			if h.Event != at[lane] || h.Outbox != box[lane] {
				t.Errorf("lane %d: a reader saw up to %d and %d, the head is %v", lane, at[lane], box[lane], h)
			}
		}
		return
	}
}

package tail_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/tail"
)

// store has heads that a test moves, as another node would.
type store struct {
	head  atomic.Int64 // of lane 7
	looks atomic.Int64
	down  atomic.Bool
}

func (s *store) Heads(context.Context) (h [eventstore.Lanes]eventstore.LaneHead, err error) {
	s.looks.Add(1)
	if s.down.Load() {
		return h, errors.New("down")
	}
	h[7].Event = s.head.Load()
	return h, nil
}

// running runs a test with a Watcher in a bubble of fake time.
func running(t *testing.T, cfg tail.Config, f func(t *testing.T, w *tail.Watcher, s *store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		cfg.Store = s
		w := tail.New(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		f(t, w, s)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		select {
		case <-w.Stopped():
		default:
			t.Error("readers were not sent away at the end")
		}
	})
}

func commit(lane int, offsets ...int64) *eventstore.Commit {
	c := &eventstore.Commit{Lane: lane}
	for _, o := range offsets {
		c.Events = append(c.Events, eventstore.Event{Lane: lane, Offset: o})
	}
	return c
}

func must(t *testing.T, w *tail.Watcher) func() {
	t.Helper()
	release, err := w.Watch()
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// Seen failing without the nudge of OnCommit: the reader waits for the next look.
func TestCommitOfThisNodeWakesReadersAtOnce(t *testing.T) {
	running(t, tail.Config{Soonest: time.Hour, Latest: time.Hour}, func(t *testing.T, w *tail.Watcher, s *store) {
		defer must(t, w)()
		_, grown := w.Now()
		began := time.Now()
		w.OnCommit(commit(3, 5, 6))
		<-grown
		if heads, _ := w.Now(); heads[3] != 6 || time.Since(began) > 0 || s.looks.Load() != 0 {
			t.Errorf("head %d after %v and %d looks", heads[3], time.Since(began), s.looks.Load())
		}
	})
}

// A thousand commits in a burst are a few wake-ups. Seen failing without the gap.
func TestBurstOfCommitsIsFewWakeUps(t *testing.T) {
	running(t, tail.Config{Soonest: time.Hour, Latest: time.Hour}, func(t *testing.T, w *tail.Watcher, _ *store) {
		defer must(t, w)()
		woken := 0
		for i := range int64(1000) { // for a second
			_, grown := w.Now()
			w.OnCommit(commit(1, i+1))
			time.Sleep(time.Millisecond) // synctest: fake time
			select {
			case <-grown:
				woken++
			default:
			}
		}
		if woken == 0 || woken > 51 {
			t.Errorf("%d wake-ups in a second", woken)
		}
	})
}

// Commits of other nodes are found by looking: seldom while nothing happens, and not at all while nobody watches.
// Seen failing with a wait that does not grow, and with looking while nobody watches.
func TestCommitsOfOtherNodesAreFoundByLooking(t *testing.T) {
	running(t, tail.Config{}, func(t *testing.T, w *tail.Watcher, s *store) {
		time.Sleep(time.Hour) // synctest: fake time
		if n := s.looks.Load(); n != 0 {
			t.Errorf("%d looks while nobody watched", n)
		}
		release := must(t, w)
		time.Sleep(time.Minute) // synctest: fake time
		if n := s.looks.Load(); n < 25 || n > 40 {
			t.Errorf("%d looks in an idle minute", n)
		}
		_, grown := w.Now()
		s.head.Store(9)
		began := time.Now()
		<-grown
		if heads, _ := w.Now(); heads[7] != 9 || time.Since(began) > 2*time.Second {
			t.Errorf("head %d after %v", heads[7], time.Since(began))
		}
		s.down.Store(true)
		time.Sleep(time.Minute) // synctest: fake time
		s.down.Store(false)
		_, grown = w.Now()
		s.head.Store(10)
		<-grown // a database that was away is looked at again
		release()
		release() // a second time does nothing
		synctest.Wait()
		time.Sleep(10 * time.Second) // synctest: fake time
		before := s.looks.Load()
		time.Sleep(time.Hour) // synctest: fake time
		if n := s.looks.Load() - before; n != 0 {
			t.Errorf("%d looks after the last reader left", n)
		}
	})
}

func TestWatchersAreSentAway(t *testing.T) {
	running(t, tail.Config{}, func(t *testing.T, w *tail.Watcher, _ *store) {
		defer must(t, w)()
		w.Stop()
		<-w.Stopped()
		if _, err := w.Watch(); vnfm.KindOf(err) != vnfm.Unavailable {
			t.Errorf("after Stop: %v", err)
		}
	})
}

package projection_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/projection"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// follower records what it is given, but for what it refuses.
type follower struct {
	got    map[string][]int64 // versions by stream
	refuse func(e eventstore.Event) error
}

func (f *follower) Name() string { return "toy" }

func (f *follower) Handle(_ context.Context, events []eventstore.Event) error {
	for _, e := range events {
		if f.refuse != nil {
			if err := f.refuse(e); err != nil {
				return err
			}
		}
	}
	for _, e := range events {
		f.got[e.Stream] = append(f.got[e.Stream], e.Version)
	}
	return nil
}

type fixture struct {
	t        *testing.T
	store    *memory.Store
	doer     *eventstore.Committer
	runner   *projection.Runner
	follower *follower
	epochs   [eventstore.Lanes]int64
	gather   time.Duration
	moves    int // of the checkpoint
}

func (f *fixture) Role() string                 { return "" }
func (f *fixture) Epoch(lane int) (int64, bool) { return f.epochs[lane], true }

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, store: memory.New(memory.Config{}), follower: &follower{got: map[string][]int64{}}}
	leases, err := f.store.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: "a"}, Want: eventstore.LanesOf(""), TTL: 3_600_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases.Held {
		f.epochs[l.Lane] = l.Epoch
	}
	f.restart()
	return f
}

func (f *fixture) restart() {
	quiet := slog.New(slog.DiscardHandler)
	f.doer = eventstore.NewCommitter(f.store, eventstore.CommitterConfig{
		OnCommit: []func(*eventstore.Commit){func(c *eventstore.Commit) { f.moves += len(c.Cursors); f.runner.OnCommit(c) }}, Logger: quiet,
	})
	f.runner = projection.New(projection.Config{
		Follower: f.follower, Store: f.store, Doer: f.doer, Epochs: f, Batch: 4, Attempts: 3, Gather: f.gather, Logger: quiet,
	})
}

func (f *fixture) write(stream string, n int) {
	f.t.Helper()
	_, err := f.doer.Do(f.t.Context(), &eventstore.Work{
		Keys: []string{stream}, Load: func() eventstore.Load {
			return eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: stream}}}
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			a := eventstore.Append{Stream: stream, Expected: l.Stream(stream).Version}
			for i := range n {
				a.Events = append(a.Events, eventstore.Event{
					ID: fmt.Sprint(stream, a.Expected+int64(i)+1), Type: "toy", Schema: 1, Data: []byte(`{}`), Meta: []byte(`{}`),
				})
			}
			return &eventstore.Commit{Appends: []eventstore.Append{a}}, nil
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) run() {
	f.t.Helper()
	for range 100 {
		if did, err := f.runner.RunOnce(f.t.Context()); !did && err == nil {
			return
		}
	}
	f.t.Fatal("it never came to rest")
}

func (f *fixture) expect(stream string, want ...int64) {
	f.t.Helper()
	if got := f.follower.got[stream]; !slices.Equal(got, want) {
		f.t.Fatalf("%s: %v, want %v", stream, got, want)
	}
}

// Seen failing with the checkpoint not moved: everything comes again after the restart.
func TestFollower_gets_every_event_in_order_and_goes_on_at_its_checkpoint(t *testing.T) {
	f := newFixture(t)
	f.write("a", 6)
	f.write("b", 1)
	f.run()
	f.restart()
	f.write("a", 1)
	f.run()
	f.expect("a", 1, 2, 3, 4, 5, 6, 7)
	f.expect("b", 1)
}

// holed is a store that has lost an event.
type holed struct {
	projection.Store
	lost int64
}

func (h holed) ReadLane(ctx context.Context, lane int, after int64, limit int) ([]eventstore.Event, error) {
	events, err := h.Store.ReadLane(ctx, lane, after, limit)
	return slices.DeleteFunc(events, func(e eventstore.Event) bool { return e.Offset == h.lost }), err
}

// A hole in the log is damage: nothing behind it is handed over, and nothing says that it was. Seen failing with what is behind it
// handed over.
func TestHole_in_the_log_is_not_passed_over(t *testing.T) {
	p := &planner{wants: map[string]bool{"a": true}}
	for _, lost := range []int64{1, 3} {
		for _, planning := range []bool{false, true} {
			f := newFixture(t)
			f.write("a", 4)
			c := projection.Config{Store: holed{f.store, lost}, Doer: f.doer, Epochs: f, Batch: 9, Attempts: 3, Logger: slog.New(slog.DiscardHandler)}
			p.rows = nil
			if c.Follower = f.follower; planning {
				c.Follower, c.Planner = nil, p
			}
			for range 3 {
				if _, err := projection.New(c).RunOnce(t.Context()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("offset %d is missing", lost)) {
					t.Errorf("offset %d lost, planning %t: %v", lost, planning, err)
				}
			}
			if len(f.follower.got["a"])+len(p.rows) > 0 {
				t.Errorf("offset %d lost, planning %t: %v %v were handed over", lost, planning, f.follower.got, p.rows)
			}
		}
	}
}

// Seen failing with a stopped lane tried again in each RunOnce, and with the batch given up whole.
func TestPoison_event_stops_its_lane_where_one_can_see_it_and_no_other(t *testing.T) {
	f := newFixture(t)
	poison := errors.New("poison")
	asked := 0
	f.follower.refuse = func(e eventstore.Event) error {
		if e.Stream == "a" && e.Version == 3 {
			asked++
			return poison
		}
		return nil
	}
	f.write("a", 4)
	f.write("b", 2)
	f.run()
	f.expect("a", 1, 2)
	f.expect("b", 1, 2)
	s := f.runner.Stopped()
	if len(s) != 1 || s[0].Lane != eventstore.LaneOf("a") || s[0].Offset != 3 || !errors.Is(s[0].Err, poison) {
		t.Fatalf("stopped: %+v", s)
	}
	before := asked
	f.run()
	if asked != before {
		t.Fatal("a stopped lane is left alone")
	}
	f.follower.refuse = nil
	f.runner.Resume()
	f.run()
	f.expect("a", 1, 2, 3, 4)
	if len(f.runner.Stopped()) != 0 {
		t.Fatal("it says that it is stopped")
	}
}

// A process that stopped before an event of a newer program goes on where one with that program left the lane.
// Seen failing with the lane stopped for good.
func TestLane_that_another_process_moved_on_is_stopped_no_more(t *testing.T) {
	f := newFixture(t)
	f.follower.refuse = func(e eventstore.Event) error {
		if e.Version == 2 {
			return errors.New("an event of a newer program")
		}
		return nil
	}
	f.write("a", 3)
	f.run()
	older := f.runner
	if len(older.Stopped()) != 1 {
		t.Fatal("the lane does not stop")
	}
	f.restart()
	refuse := f.follower.refuse
	f.follower.refuse = nil
	f.run()
	f.runner, f.follower.refuse = older, refuse
	f.write("a", 1)
	f.run()
	f.expect("a", 1, 2, 3, 4)
	if len(older.Stopped()) != 0 {
		t.Fatal("it says that it is stopped")
	}
}

func TestFollower_that_fails_for_a_while_gets_the_events_again(t *testing.T) {
	f := newFixture(t)
	times := 0
	f.follower.refuse = func(eventstore.Event) error {
		if times++; times < 4 {
			return errors.New("not now")
		}
		return nil
	}
	f.write("a", 2)
	f.run()
	f.expect("a", 1, 2)
}

// design §4: "two nodes think they own a lane | the loser's transaction fails".
func TestCheckpoint_of_a_lane_that_is_not_ours_does_not_move(t *testing.T) {
	f := newFixture(t)
	f.write("a", 1)
	f.epochs[eventstore.LaneOf("a")]--
	if _, err := f.runner.RunOnce(t.Context()); !errors.Is(err, eventstore.ErrFenced) {
		t.Fatal(err)
	}
}

// Seen failing with OnCommit doing nothing: the event comes at the next poll.
func TestRun_is_woken_by_a_commit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.runner.Run(ctx) }()
		synctest.Wait()
		begin := time.Now()
		f.write("a", 1)
		synctest.Wait()
		if d := time.Since(begin); d != 0 {
			t.Fatalf("it took %s", d)
		}
		f.expect("a", 1)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

// Events that come one after the other are handed over together, in one move of the checkpoint, and not late.
// Seen failing without the wait.
func TestRun_gathers_events(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.gather = time.Second
		f.restart()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.runner.Run(ctx) }()
		synctest.Wait()
		for range 3 {
			f.write("a", 1)
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(time.Second)
		synctest.Wait()
		f.expect("a", 1, 2, 3)
		if f.moves != 1 {
			t.Errorf("the checkpoint was moved %d times", f.moves)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

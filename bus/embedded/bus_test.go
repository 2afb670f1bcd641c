package embedded_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/bus/bustest"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lag = 40

func open(t *testing.T) bustest.Fixture {
	store := memory.New(memory.Config{})
	var feed *outbox.Feed
	doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{OnCommit: []func(*eventstore.Commit){
		func(c *eventstore.Commit) {
			if feed != nil {
				feed.OnCommit(c)
			}
		},
	}})
	return bustest.Fixture{
		Lag: lag,
		Start: func() bus.Bus {
			feed = outbox.NewFeed(store, 16) // small, so that both ways are walked
			return embedded.New(embedded.Config{Source: feed, Batch: 7, Lag: lag, Logger: slog.New(slog.DiscardHandler)})
		},
		Publish: func(ctx context.Context, msgs ...message.Message) error {
			_, err := doer.Do(ctx, &eventstore.Work{
				Keys: []string{msgs[0].Key},
				Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
					return &eventstore.Commit{Outbox: msgs}, nil
				},
			})
			return err
		},
	}
}

// Seen failing, case by case: with scanned kept after an error (again); with stored kept after an error (not behind the
// cursor); with To returned instead of what Deliver said (part); with the Lag branch never taken (idle).
func TestSuite(t *testing.T) { bustest.Run(t, open) }

// listener hears what it is delivered, and keeps its position.
type listener struct {
	mu    sync.Mutex
	at    [eventstore.Lanes]eventstore.Position
	heard int
}

func (*listener) Name() string     { return "listener" }
func (*listener) Topics() []string { return []string{"rare"} }
func (*listener) Owns(int) bool    { return true }

func (l *listener) Positions(context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at, nil
}

func (l *listener) Deliver(_ context.Context, d bus.Delivery) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard += len(d.Messages)
	l.at[d.Lane].Offset = d.To
	return d.To, nil
}

// A consumer that is sent nothing goes on behind what others are sent, however little that is: else it would keep the outbox
// from being pruned. Seen failing with the cursor moved for a number of messages only.
func TestRun_moves_idle_cursors_after_a_while(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		b := f.Start()
		l := &listener{}
		b.Subscribe(l)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		say := func(id, topic string) {
			if err := f.Publish(t.Context(), message.Message{ID: id, Topic: topic, Key: "a", Data: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		lane := eventstore.LaneOf("a")
		position := func() int64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.at[lane].Offset
		}
		say("1", "other")
		if at := position(); at != 0 {
			t.Errorf("after a message of another topic the cursor is at %d already", at)
		}
		<-time.After(31 * time.Second)
		synctest.Wait()
		if at := position(); at != 1 {
			t.Errorf("after half a minute the cursor is at %d", at)
		}
		say("2", "other")
		say("3", "rare")
		if at := position(); at != 3 || l.heard != 1 {
			t.Errorf("the cursor is at %d, and %d messages were heard", at, l.heard)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

// sick fails every delivery.
type sick struct{ tries chan time.Time }

func (sick) Name() string     { return "sick" }
func (sick) Topics() []string { return []string{"topic"} }
func (sick) Owns(int) bool    { return true }
func (sick) Positions(context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	return [eventstore.Lanes]eventstore.Position{}, nil
}

func (s sick) Deliver(context.Context, bus.Delivery) (int64, error) {
	s.tries <- time.Now()
	return 0, eventstore.ErrUnavailable
}

// Seen failing with the backoff not doubled.
func TestRun_waits_longer_each_time_a_delivery_fails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		b := f.Start()
		s := sick{tries: make(chan time.Time)}
		b.Subscribe(s)
		if err := f.Publish(t.Context(), message.Message{ID: "1", Topic: "topic", Key: "a", Data: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		var waits []time.Duration
		last := <-s.tries
		for range 9 {
			at := <-s.tries
			waits = append(waits, at.Sub(last))
			last = at
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if waits[0] != 50*time.Millisecond || waits[1] != 100*time.Millisecond || waits[8] != 5*time.Second {
			t.Fatalf("waits %v", waits)
		}
	})
}

// closing is a source into which a second message is committed at the very moment the bus has found nothing more: its
// nudge meets a busy lane.
type closing struct {
	delivered, looks int
	head             int64
}

func (*closing) Refresh(context.Context) error { return nil }
func (*closing) Nudge() <-chan struct{}        { return nil }

func (c *closing) Head(lane int) int64 {
	if lane != 0 {
		return 0
	}
	seen := c.head
	if c.delivered == 1 {
		if c.looks++; c.looks == 1 {
			c.head = 2
		}
	}
	return seen
}

func (*closing) Read(_ context.Context, _ int, after int64, _ int) ([]eventstore.OutboxRecord, error) {
	return []eventstore.OutboxRecord{{Offset: after + 1, Message: message.Message{Topic: "topic"}}}, nil
}

func (*closing) Name() string     { return "closing" }
func (*closing) Topics() []string { return []string{"topic"} }
func (*closing) Owns(int) bool    { return true }
func (*closing) Positions(context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	return [eventstore.Lanes]eventstore.Position{}, nil
}

func (c *closing) Deliver(_ context.Context, d bus.Delivery) (int64, error) {
	c.delivered++
	return d.To, nil
}

// Seen failing with end() giving the lane back without looking once more: the message waits for the poll.
func TestRun_loses_no_nudge_that_meets_a_busy_lane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &closing{head: 1}
		b := embedded.New(embedded.Config{Source: c, Poll: time.Hour})
		b.Subscribe(c)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		synctest.Wait()
		if c.delivered != 2 {
			t.Fatalf("%d messages delivered before the poll", c.delivered)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

// wanderer consumes one lane that it does not always have.
type wanderer struct {
	store     *memory.Store
	doer      *eventstore.Committer
	epoch     int64
	mu        sync.Mutex
	owns      bool
	delivered []int64
}

func (*wanderer) Name() string     { return "wanderer" }
func (*wanderer) Topics() []string { return []string{"topic"} }

func (w *wanderer) Owns(lane int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owns && lane == eventstore.LaneOf("a")
}

func (w *wanderer) own(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owns = yes
}

func (w *wanderer) Positions(ctx context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	return w.store.Cursors(ctx, "wanderer")
}

func (w *wanderer) Deliver(ctx context.Context, d bus.Delivery) (int64, error) {
	_, err := w.doer.Do(ctx, &eventstore.Work{Keys: []string{"a"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Cursors: []eventstore.CursorMove{{Consumer: "wanderer", Lane: d.Lane, From: d.From, To: d.To, Epoch: w.epoch}}}, nil
	}})
	if err != nil {
		return d.From, err
	}
	for _, m := range d.Messages {
		w.delivered = append(w.delivered, m.Offset)
	}
	return d.To, nil
}

// A node that had a lane before gets it back when another one has handled messages in it, and deleted them. Found by torture; seen
// failing with the position kept after an outbox that could not be read: what is deleted is waited for until a restart.
func TestRun_goes_on_in_a_lane_that_another_node_had_and_pruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Config{})
		lane := eventstore.LaneOf("a")
		held, err := store.Lease(t.Context(), eventstore.LeaseRequest{Node: eventstore.Node{ID: "n"}, Want: eventstore.LanesOf("", lane), TTL: 1 << 40})
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := eventstore.NewCommitter(store, eventstore.CommitterConfig{})
		commit := func(c *eventstore.Commit) {
			t.Helper()
			if _, err := elsewhere.Do(t.Context(), &eventstore.Work{Keys: []string{"a"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return c, nil }}); err != nil {
				t.Fatal(err)
			}
		}
		publish := func(id string) {
			t.Helper()
			commit(&eventstore.Commit{Outbox: []message.Message{{ID: id, Topic: "topic", Key: "a", Data: []byte(`{}`)}}})
		}
		w := &wanderer{store: store, doer: elsewhere, epoch: held.Held[0].Epoch, owns: true}
		b := embedded.New(embedded.Config{Source: outbox.NewFeed(store, 0), Logger: slog.New(slog.DiscardHandler)})
		b.Subscribe(w)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		publish("1")
		<-time.After(time.Second)
		w.own(false)
		publish("2")
		publish("3")
		commit(&eventstore.Commit{Cursors: []eventstore.CursorMove{{Consumer: "wanderer", Lane: lane, From: 1, To: 3, Epoch: w.epoch}}})
		if err := store.Prune(t.Context(), upto(lane, 3)); err != nil {
			t.Fatal(err)
		}
		publish("4")
		w.own(true)
		<-time.After(time.Minute)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.delivered, []int64{1, 4}) {
			t.Fatalf("delivered %v", w.delivered)
		}
	})
}

// upto has the outbox of one lane pruned up to an offset.
func upto(lane int, offset int64) eventstore.Prune {
	var at [eventstore.Lanes]int64
	at[lane] = offset
	return eventstore.Prune{Upto: &at}
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// FollowerConfig describes a follower.
type FollowerConfig struct {
	// Consumer is the name of the relay's cursors.
	Consumer string
	Feed     Feed
	Store    interface {
		Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error)
	}
	Doer eventstore.Doer
	// Epochs says which lanes this process owns for the relay's role while a capture publishes, and under which epoch.
	Epochs interface {
		Role() string
		Epoch(lane int) (int64, bool)
	}
	// Handled returns how far the consumer of each topic is.
	Handled func(ctx context.Context) (map[string][eventstore.Lanes]int64, error)
	Lag     int           // as RelayConfig.Lag
	Batch   int           // rows of a lane read together at most; 0 means 256
	Every   time.Duration // between two looks; 0 means 500 ms
	Logger  *slog.Logger  // nil: slog.Default
}

// Follower keeps the relay's cursors while a capture of the database's log publishes the outbox: behind what was handled without a
// gap. So what waits is known, rows can be pruned, idle consumers are moved, and a relay that takes over goes on from there: what
// it sends again, its consumers drop.
type Follower struct {
	cfg   FollowerConfig
	lanes [eventstore.Lanes]map[string]int64 // the last offset of each topic that was seen
}

// NewFollower returns a follower.
func NewFollower(cfg FollowerConfig) *Follower {
	if cfg.Lag == 0 {
		cfg.Lag = 256
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 256
	}
	if cfg.Every <= 0 {
		cfg.Every = 500 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Follower{cfg: cfg}
}

// Run follows until the context ends, then returns nil.
func (f *Follower) Run(ctx context.Context) error {
	tick := time.NewTicker(f.cfg.Every)
	defer tick.Stop()
	for {
		// Where the relay, or another node, has moved the cursor the next look begins there.
		if err := f.RunOnce(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, eventstore.ErrFenced) {
			f.cfg.Logger.WarnContext(ctx, "what a capture publishes is not followed", "consumer", f.cfg.Consumer, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// RunOnce moves the cursors of the lanes that are ours behind what was handled.
func (f *Follower) RunOnce(ctx context.Context) error {
	owned := map[int]int64{}
	for lane := range f.lanes {
		if epoch, ok := f.cfg.Epochs.Epoch(lane); ok {
			owned[lane] = epoch
		}
	}
	if len(owned) == 0 {
		return nil
	}
	if err := f.cfg.Feed.Refresh(ctx); err != nil {
		return err
	}
	at, err := f.cfg.Store.Cursors(ctx, f.cfg.Consumer)
	if err != nil {
		return fmt.Errorf("read the cursors of %s: %w", f.cfg.Consumer, err)
	}
	handled, err := f.cfg.Handled(ctx)
	if err != nil {
		return fmt.Errorf("read how far those are who read: %w", err)
	}
	for lane, epoch := range owned {
		if f.cfg.Feed.Head(lane) <= at[lane].Offset {
			continue
		}
		if err := f.lane(ctx, lane, epoch, at[lane].Offset, handled); err != nil {
			return err
		}
	}
	return nil
}

// lane follows one lane.
func (f *Follower) lane(ctx context.Context, lane int, epoch, from int64, handled map[string][eventstore.Lanes]int64) error {
	last := f.lanes[lane]
	if last == nil {
		last = map[string]int64{}
		for topic := range handled {
			last[topic] = from
		}
		f.lanes[lane] = last
	}
	to := from
	for more := true; more; {
		rows, err := f.cfg.Feed.Read(ctx, lane, to, f.cfg.Batch)
		if err != nil {
			return err
		}
		more = len(rows) == f.cfg.Batch
		for _, r := range rows {
			if at, read := handled[r.Topic]; read && at[lane] < r.Offset {
				more = false
				break
			}
			to = r.Offset
			last[r.Topic] = max(last[r.Topic], to)
		}
	}
	c := &eventstore.Commit{}
	if to > from {
		c.Cursors = []eventstore.CursorMove{{Consumer: f.cfg.Consumer, Role: f.cfg.Epochs.Role(), Lane: lane, From: from, To: to, Epoch: epoch}}
	}
	for topic := range handled {
		if f.cfg.Lag > 0 && to-last[topic] >= int64(f.cfg.Lag) {
			last[topic] = to
			c.Outbox = append(c.Outbox, markOf(topic, lane, to))
		}
	}
	if len(c.Cursors)+len(c.Outbox) == 0 {
		return nil
	}
	return do(ctx, f.cfg.Doer, eventstore.KeyOf(lane), c)
}

// markOf makes the message that moves the consumer of a topic on which nothing was sent for long. It takes the way of all messages, so that
// it passes none that comes later.
func markOf(topic string, lane int, at int64) message.Message {
	return message.Message{
		ID: message.DeriveID("mark", topic, fmt.Sprint(lane, at)), Type: message.MarkType, Source: "/vnfm/relay", Topic: topic,
		Key: eventstore.KeyOf(lane), Data: []byte(`{}`),
	}
}

// do commits what is not decided by what is there.
func do(ctx context.Context, doer eventstore.Doer, key string, c *eventstore.Commit) error {
	_, err := doer.Do(ctx, &eventstore.Work{
		Keys: []string{key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return c.Clone(), nil },
	})
	return err
}

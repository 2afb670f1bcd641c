package inbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// lookEvery is how often Run sees whether there is a lane to look at.
const lookEvery = 500 * time.Millisecond

// waiting is what a consumer knows of the messages that wait for a program that knows their version. They are parked
// like others, so that other keys go on and no later message of theirs goes first; but they are taken up again by itself,
// when a process takes the lane. A program learns nothing while it runs, so it tries them once each time.
type waiting struct {
	looked [eventstore.Lanes]int64 // the epoch under which the lane was looked at
	again  [eventstore.Lanes]bool  // it is to be looked at once more
	keys   map[string]bool         // that wait, of the lanes looked at
}

// Holds reports whether messages of a key wait, or may: its timeouts must not overtake them.
func (c *Consumer) Holds(key string) bool {
	lane := eventstore.LaneOf(key)
	epoch, held := c.cfg.Epochs.Epoch(lane)
	c.mu.Lock()
	defer c.mu.Unlock()
	return !held || c.waiting.looked[lane] != epoch || c.waiting.keys[key]
}

// Run takes up what waits in lanes this process takes, until the context ends, then returns nil.
func (c *Consumer) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if _, err := c.Resume(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Logger.WarnContext(ctx, "waiting messages not taken up", "consumer", c.cfg.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Resume handles what waits in the lanes that this process has taken since it looked last, key by key, in order, and
// reports whether it handled anything. What this program does not know either goes on waiting. What it cannot handle is
// tried again with the next call, and parked for an operator when it has failed often enough. An error is the store's, or,
// joined, of what is tried again.
func (c *Consumer) Resume(ctx context.Context) (bool, error) {
	lanes := c.toLookAt()
	if len(lanes) == 0 {
		return false, nil
	}
	did := false
	var failed []error
	for stopped := map[string]bool{}; ; {
		keys, err := c.heads(ctx, lanes, stopped)
		if err != nil {
			c.lookAgain(slices.Collect(maps.Keys(lanes))...)
			return did, err
		}
		if len(keys) == 0 {
			break
		}
		for _, key := range keys { // what is parked behind them meanwhile is seen by the next round
			n, err := c.resume(ctx, key)
			did = did || n > 0
			if ctx.Err() != nil || errors.Is(err, eventstore.ErrUnavailable) {
				c.lookAgain(slices.Collect(maps.Keys(lanes))...)
				return did, err
			}
			if stopped[key] = err != nil; err != nil && !errors.Is(err, vnfm.ErrUnknownVersion) {
				failed = append(failed, fmt.Errorf("handle message of %s again: %w", key, err))
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for lane, epoch := range lanes {
		c.waiting.looked[lane] = epoch
	}
	return did, errors.Join(failed...)
}

// toLookAt returns the lanes to look at, with their epochs.
func (c *Consumer) toLookAt() map[int]int64 {
	lanes := map[int]int64{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for lane := range eventstore.Lanes {
		epoch, held := c.cfg.Epochs.Epoch(lane)
		if !held || c.waiting.looked[lane] == epoch && !c.waiting.again[lane] {
			continue
		}
		lanes[lane], c.waiting.again[lane] = epoch, false
	}
	return lanes
}

func (c *Consumer) lookAgain(lanes ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, lane := range lanes {
		c.waiting.again[lane] = true
	}
}

// heads lists the keys of the lanes of which the first parked message waits for no operator.
func (c *Consumer) heads(ctx context.Context, lanes map[int]int64, stopped map[string]bool) ([]string, error) {
	known := c.known(lanes)
	var keys []string
	seen := map[string]bool{}
	for q := (eventstore.ParkedQuery{}); ; {
		some, err := c.listParked(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, p := range some {
			if lanes[eventstore.LaneOf(p.Key)] == 0 || stopped[p.Key] || seen[p.Key] {
				continue
			}
			seen[p.Key] = true
			if p.Waits() {
				keys = append(keys, p.Key)
			}
		}
		if len(some) < page {
			break
		}
		q.After = &some[len(some)-1]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range known { // another process has taken them up
		if !slices.Contains(keys, key) && !stopped[key] {
			delete(c.waiting.keys, key)
		}
	}
	for _, key := range keys {
		c.waiting.keys[key] = true
	}
	return keys, nil
}

// known returns the keys of the lanes that are known to wait.
func (c *Consumer) known(lanes map[int]int64) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var keys []string
	for key := range c.waiting.keys {
		if lanes[eventstore.LaneOf(key)] > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// resume handles the parked messages of one key, in order, up to one that fails, and returns how many it handled.
func (c *Consumer) resume(ctx context.Context, key string) (int, error) {
	for done := 0; ; {
		some, err := c.listParked(ctx, eventstore.ParkedQuery{Key: key})
		if err != nil {
			c.lookAgain(eventstore.LaneOf(key))
			return done, err
		}
		if len(some) == 0 {
			c.release(key)
			return done, nil
		}
		n, err := c.resumeSome(ctx, some)
		if done += n; err != nil {
			return done, err
		}
	}
}

func (c *Consumer) resumeSome(ctx context.Context, parked []eventstore.ParkedMessage) (int, error) {
	for n, p := range parked {
		lane := eventstore.LaneOf(p.Key)
		at := place{lane, p.Seq}
		err := c.redrive(ctx, p)
		switch {
		case err == nil:
			c.count(at, 0)
			continue
		case errors.Is(err, vnfm.ErrUnknownVersion):
			return n, err
		case wait(ctx, err):
			c.lookAgain(lane)
			return n, err
		}
		if c.count(at, 1) < c.cfg.Attempts {
			c.lookAgain(lane)
			return n, err
		}
		c.giveUp(ctx, p.Message, err)
		p.Reason = err.Error()
		if err := c.setReason(ctx, p); err != nil {
			return n, err
		}
		c.count(at, 0)
		c.release(p.Key)
		return n, err
	}
	return len(parked), nil
}

func (c *Consumer) release(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting.keys, key)
}

// setReason writes why a parked message is, unless another process has taken up all of its key.
func (c *Consumer) setReason(ctx context.Context, p eventstore.ParkedMessage) error {
	_, err := c.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{p.Key},
		Load: func() eventstore.Load { return eventstore.Load{ParkedKeys: []string{c.cfg.Name + "/" + p.Key}} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			if !l.Parked[c.cfg.Name+"/"+p.Key] {
				return nil, nil
			}
			return &eventstore.Commit{Parked: []eventstore.ParkedMessage{p}}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("park message %s: %w", p.ID, err)
	}
	return nil
}

// setAside is told of keys of which a message was parked: because it waits, or behind another.
func (c *Consumer) setAside(lane int, waits bool, keys ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		// What it is behind may have been taken up since this was decided; then it would wait for nobody.
		c.waiting.again[lane] = c.waiting.again[lane] || !waits && !c.waiting.keys[key]
		if waits {
			c.waiting.keys[key] = true
		}
	}
}

// parkedKeys returns the keys of parked messages.
func parkedKeys(ps []eventstore.ParkedMessage) []string {
	var keys []string
	for _, p := range ps {
		if !slices.Contains(keys, p.Key) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

package projection

import (
	"context"
	"fmt"

	"github.com/vnfm/vnfm/eventstore"
)

// look is RunOnce for one lane of a planner.
func (r *Runner) look(ctx context.Context, lane int, cursor, head int64, wants bool) (bool, error) {
	epoch, ok := r.cfg.Epochs.Epoch(lane)
	if !ok || r.isStopped(lane, cursor) {
		return false, nil
	}
	at := &r.passed[lane]
	if at.epoch != epoch || at.from != cursor { // held anew, or moved by a commit
		*at = passed{from: cursor, to: cursor, epoch: epoch}
	}
	if head <= at.to {
		return false, nil
	}
	if !wants {
		at.to = head
		return false, r.store(ctx, lane)
	}
	events, err := r.cfg.Store.ReadLane(ctx, lane, at.to, r.cfg.Batch)
	if err != nil {
		return false, fmt.Errorf("read lane %d: %w", lane, err)
	}
	for i, e := range events {
		if e.Offset > head { // committed after Wants
			events = events[:i]
			break
		}
		if want := at.to + int64(i) + 1; e.Offset != want {
			return false, fmt.Errorf("event log lane %d: offset %d is missing", lane, want)
		}
	}
	if len(events) == 0 {
		return false, nil
	}
	n, work, err := r.cfg.Planner.Plan(ctx, events)
	if err != nil && len(events) > 1 {
		n, work, err = r.cfg.Planner.Plan(ctx, events[:1]) // up to the one that cannot be planned
	}
	if err != nil {
		if ctx.Err() != nil {
			return false, err
		}
		return true, r.count(ctx, events[0], err)
	}
	to := events[n-1].Offset
	if work == nil {
		at.to = to
		r.forget(lane)
		return true, r.store(ctx, lane)
	}
	return true, r.effect(ctx, lane, to, work)
}

// store moves the stored checkpoint to where the planner is, if that is far enough.
func (r *Runner) store(ctx context.Context, lane int) error {
	at := &r.passed[lane]
	if at.to-at.from < storeEvery {
		return nil
	}
	return r.effect(ctx, lane, at.to, &eventstore.Work{
		Keys:   []string{r.Consumer()},
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return &eventstore.Commit{}, nil },
	})
}

// effect does the work, moving the checkpoint in the same commit.
func (r *Runner) effect(ctx context.Context, lane int, to int64, work *eventstore.Work) error {
	at := &r.passed[lane]
	move := eventstore.CursorMove{Consumer: r.Consumer(), Role: r.cfg.Epochs.Role(), Lane: lane, From: at.from, To: to, Epoch: at.epoch}
	moved := *work
	moved.Decide = func(l *eventstore.Loaded) (*eventstore.Commit, error) {
		c, err := work.Decide(l)
		if c != nil {
			c.Cursors = append(c.Cursors, move)
		}
		return c, err
	}
	c, err := r.cfg.Doer.Do(ctx, &moved)
	if err != nil {
		return fmt.Errorf("effect of %s: %w", r.Consumer(), err)
	}
	if c != nil {
		*at = passed{from: to, to: to, epoch: at.epoch}
		r.forget(lane)
	}
	return nil
}

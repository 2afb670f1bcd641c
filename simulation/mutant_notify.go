package simulation

import (
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/notify"
)

// doerOf is what the notifications of a node make their changes with: the node itself, but for mutants.
func (w *world) doerOf(n *node) eventstore.Doer {
	switch {
	case w.lacks(RowsApart):
		return doer(n.rowsApart)
	case w.lacks(NoOrder):
		return doer(n.noOrder)
	}
	return n
}

type doer func(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error)

func (d doer) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	return d(ctx, work)
}

// rowsApart is the mutant RowsApart: a second transaction writes what the moved checkpoint stands for.
func (n *node) rowsApart(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	var rows []eventstore.RecordWrite
	moving := *work
	moving.Decide = func(l *eventstore.Loaded) (*eventstore.Commit, error) {
		c, err := work.Decide(l)
		if rows = nil; c != nil && len(c.Cursors) > 0 {
			rows, c.Records = c.Records, nil
		}
		return c, err
	}
	done, err := n.Do(ctx, &moving)
	if err != nil || len(rows) == 0 {
		return done, err
	}
	n.w.pause(n, "rows of their own")
	if n.w.rng.IntN(20) == 0 && !n.w.quiet {
		n.w.die(n)
	}
	_, err = n.Do(ctx, &eventstore.Work{Keys: work.Keys, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
		return &eventstore.Commit{Records: rows}, nil
	}})
	return done, err
}

// noOrder is the mutant NoOrder: a notification that could not be delivered changes places with the one behind it.
func (n *node) noOrder(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	swapping := *work
	swapping.Decide = func(l *eventstore.Loaded) (*eventstore.Commit, error) {
		c, err := work.Decide(l)
		if c == nil || err != nil {
			return c, err
		}
		for i := range c.Records {
			failed := &c.Records[i]
			if failed.Delete || failed.State != notify.StatePending || failed.Expected == 0 {
				continue
			}
			var first, second notify.Notification
			if err := json.Unmarshal(failed.Doc, &first); err != nil {
				return nil, err
			}
			for _, behind := range l.Records {
				if behind == nil || behind.State != notify.StatePending {
					continue
				}
				if err := json.Unmarshal(behind.Doc, &second); err != nil {
					return nil, err
				}
				if second.Number != first.Number+1 {
					continue
				}
				first.Number, second.Number = second.Number, first.Number
				moved := *behind
				failed.Doc, _ = json.Marshal(second)
				moved.Doc, _ = json.Marshal(first)
				c.Records = append(c.Records, eventstore.RecordWrite{Record: moved, Expected: behind.Version})
				return c, nil
			}
		}
		return c, nil
	}
	return n.Do(ctx, &swapping)
}

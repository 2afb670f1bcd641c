package inbox

import (
	"context"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// page is how many parked messages are read at once.
const page = 256

// Redrive handles the parked messages of one key again, in order, beginning with the first of the key of the message
// named, and stops at the first that fails again. It returns how many were handled. Returns NotFound when no such
// message is parked.
func (c *Consumer) Redrive(ctx context.Context, id string) (int, error) {
	p, err := c.Parked(ctx, id)
	if err != nil {
		return 0, err
	}
	return c.handleAgain(ctx, p.Key)
}

// Skip gives a parked message up: it is never handled. Those of its key behind it are, as by Redrive; it returns how many. Returns
// NotFound when no such message is parked.
func (c *Consumer) Skip(ctx context.Context, id string) (int, error) {
	p, err := c.Parked(ctx, id)
	if err != nil {
		return 0, err
	}
	_, err = c.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{p.Key},
		Load: func() eventstore.Load { return eventstore.Load{} },
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Unparked: []string{p.ID}}, nil
		},
	})
	if err != nil {
		return 0, fmt.Errorf("skip message %s: %w", id, err)
	}
	return c.handleAgain(ctx, p.Key)
}

// handleAgain handles what is parked of a key, in order, until one fails, and returns how many were handled.
func (c *Consumer) handleAgain(ctx context.Context, key string) (int, error) {
	done := 0
	for {
		mine, err := c.listParked(ctx, eventstore.ParkedQuery{Key: key})
		if err != nil || len(mine) == 0 {
			return done, err
		}
		for _, p := range mine {
			if err := c.redrive(ctx, p); err != nil {
				return done, fmt.Errorf("re-drive message %s: %w", p.ID, err)
			}
			done++
		}
	}
}

// Parked returns a message that the consumer parked; NotFound when it did not.
func (c *Consumer) Parked(ctx context.Context, id string) (*eventstore.ParkedMessage, error) {
	found, err := c.listParked(ctx, eventstore.ParkedQuery{ID: id})
	switch {
	case err != nil:
		return nil, err
	case id == "" || len(found) == 0:
		return nil, vnfm.Errorf(vnfm.NotFound, "no message %s is parked by %s", id, c.cfg.Name)
	}
	return &found[0], nil
}

// listParked returns a page of what the consumer parked.
func (c *Consumer) listParked(ctx context.Context, q eventstore.ParkedQuery) ([]eventstore.ParkedMessage, error) {
	q.Consumer, q.Limit = c.cfg.Name, page
	found, err := c.cfg.Store.Parked(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	return found, nil
}

func (c *Consumer) redrive(ctx context.Context, p eventstore.ParkedMessage) error {
	h := c.cfg.Handlers[p.Message.Topic]
	if h == nil {
		return vnfm.Errorf(vnfm.Internal, "%s has no handler for topic %s", c.cfg.Name, p.Message.Topic)
	}
	msgs := []message.Message{p.Message}
	_, err := c.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{p.Key},
		Load: func() eventstore.Load { return h.Load(msgs) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			commit := &eventstore.Commit{Unparked: []string{p.ID}}
			return commit, h.Decide(l, msgs, commit)
		},
	})
	return err
}

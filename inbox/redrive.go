package inbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// parkedLimit bounds how many parked messages are looked at.
const parkedLimit = 100_000

// Redrive handles the parked messages of one key again, in order, beginning with the first of the key of the message
// named, and stops at the first that fails again. It returns how many were handled. Returns NotFound when no such
// message is parked.
func (c *Consumer) Redrive(ctx context.Context, id string) (int, error) {
	done := 0
	for key := ""; ; {
		all, err := c.cfg.Store.Parked(ctx, c.cfg.Name, parkedLimit)
		if err != nil {
			return done, fmt.Errorf("list parked messages: %w", err)
		}
		if key == "" {
			i := slices.IndexFunc(all, func(p eventstore.ParkedMessage) bool { return p.ID == id })
			if i < 0 {
				return 0, vnfm.Errorf(vnfm.NotFound, "no message %s is parked by %s", id, c.cfg.Name)
			}
			key = all[i].Key
		}
		mine := slices.DeleteFunc(all, func(p eventstore.ParkedMessage) bool { return p.Key != key })
		if len(mine) == 0 {
			return done, nil
		}
		slices.SortFunc(mine, func(a, b eventstore.ParkedMessage) int { return cmp.Compare(a.Seq, b.Seq) })
		for _, p := range mine {
			if err := c.redrive(ctx, p); err != nil {
				return done, fmt.Errorf("re-drive message %s: %w", p.ID, err)
			}
			done++
		}
	}
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

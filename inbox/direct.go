package inbox

import (
	"context"
	"errors"
	"slices"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Ahead is a handler that can handle messages in the commit that makes them, before they are in any outbox.
type Ahead interface {
	// Expect says what handling a message of a key will need, as far as that is known before there is one.
	Expect(key string) eventstore.Load
	// Take is Decide for messages that the commit makes. It returns those that it does not handle so: because what they need is
	// not loaded, or was not expected.
	Take(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) (left []message.Message, err error)
}

// Direct is the Doer of a participant that shares its store with the consumer of its messages. Messages for the consumer that
// a work makes are handled in the commit of the work, so that they need no outbox, no delivery and no commit of their own.
//
// Whatever is in the way of that sends them through the outbox, as ever: a parked message of the same key, which goes first;
// something the handler does not know; an error, of the handler or of the commit. So the work itself never fails because of
// them. A message that was handled so overtakes those of its key that are still on their way.
type Direct struct {
	Doer     eventstore.Doer
	Consumer string // the name of the consumer that handles the topic otherwise
	Topic    string
	Handler  Ahead
}

var _ eventstore.Doer = (*Direct)(nil)

// Do makes one change; see eventstore.Doer.
func (d *Direct) Do(ctx context.Context, w *eventstore.Work) (*eventstore.Commit, error) {
	took := false
	with := *w
	with.Load = func() eventstore.Load {
		var l eventstore.Load
		if w.Load != nil {
			l = w.Load()
		}
		for _, key := range w.Keys {
			l = l.Merge(d.Handler.Expect(key)).Merge(eventstore.Load{ParkedKeys: []string{d.Consumer + "/" + key}})
		}
		return l
	}
	with.Decide = func(l *eventstore.Loaded) (*eventstore.Commit, error) {
		took = false
		c, err := w.Decide(l)
		if err != nil || c == nil {
			return c, err
		}
		if done := d.take(l, w.Keys, c); done != nil {
			took = true
			return done, nil
		}
		return c, nil
	}
	c, err := d.Doer.Do(ctx, &with)
	if err != nil && took && ctx.Err() == nil && !errors.Is(err, eventstore.ErrUnavailable) {
		return d.Doer.Do(ctx, w) //nolint:wrapcheck // what was in the way may be the consumer's, which handles it by itself, or parks it
	}
	return c, err //nolint:wrapcheck // the Doer's own
}

// take returns the commit with what the messages bring about that it makes, nil when none of them can be handled now.
func (d *Direct) take(l *eventstore.Loaded, keys []string, c *eventstore.Commit) *eventstore.Commit {
	mine := func(m message.Message) bool {
		return m.Topic == d.Topic && slices.Contains(keys, m.Key) && !l.Parked[d.Consumer+"/"+m.Key]
	}
	var msgs, others []message.Message
	for _, m := range c.Outbox {
		if mine(m) {
			msgs = append(msgs, m)
		} else {
			others = append(others, m)
		}
	}
	if len(msgs) == 0 {
		return nil
	}
	done := c.Clone() // an error leaves c as it is
	done.Outbox = nil
	left, err := d.Handler.Take(l, msgs, done)
	if err != nil || len(left) == len(msgs) {
		return nil
	}
	for _, m := range msgs {
		if !slices.ContainsFunc(left, func(o message.Message) bool { return o.ID == m.ID }) {
			done.Taken = append(done.Taken, m)
		}
	}
	done.Outbox = slices.Concat(others, left, done.Outbox)
	return done
}

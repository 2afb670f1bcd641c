// Package inbox handles each message once: the effect of a message is committed together with the move of the
// consumer's cursor behind it, so that a message delivered again is behind the cursor and dropped.
//
// It promises order per key, that nothing is lost while the database is away, and that a message that cannot be handled
// is parked, with every later message of its key, in the commit that moves the cursor; other keys go on. A message of a
// version that this program does not know (vnfm.ErrUnknownVersion) is parked so at once, and waits for no operator: it is
// taken up when a process whose program knows it takes the lane. It must not know what messages mean: handlers do. The
// suite of what a bus and a consumer do together is bus/bustest.
package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Handler turns messages of one key, in order, into a change. It is pure but for the commit it adds to, like every
// Decide.
type Handler interface {
	// Load says what Decide needs.
	Load(msgs []message.Message) eventstore.Load
	// Decide adds to the commit what the messages bring about. An error refuses them all; they come again, one by one.
	Decide(l *eventstore.Loaded, msgs []message.Message, c *eventstore.Commit) error
}

// Epochs says under which epoch a lane is held for a role, if it is.
type Epochs interface {
	Role() string
	Epoch(lane int) (int64, bool)
}

// Store is what a consumer reads beside what it changes.
type Store interface {
	Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error)
	Parked(ctx context.Context, q eventstore.ParkedQuery) ([]eventstore.ParkedMessage, error)
}

// Config describes a consumer.
type Config struct {
	Name     string
	Handlers map[string]Handler // by topic
	Store    Store
	Doer     eventstore.Doer
	Epochs   Epochs
	Attempts int          // after which a message is parked; 0 means 5
	Logger   *slog.Logger // nil: slog.Default
}

// Consumer hands messages to handlers, each once.
type Consumer struct {
	cfg    Config
	topics []string

	mu      sync.Mutex
	failed  map[place]int // attempts of the message a lane is stopped at
	waiting waiting
}

type place struct {
	lane   int
	offset int64
}

var _ bus.Consumer = (*Consumer)(nil)

// New returns a consumer.
func New(cfg Config) *Consumer {
	if cfg.Attempts <= 0 {
		cfg.Attempts = 5
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	c := &Consumer{cfg: cfg, failed: map[place]int{}, waiting: waiting{keys: map[string]bool{}}}
	for t := range cfg.Handlers {
		c.topics = append(c.topics, t)
	}
	return c
}

// Name returns the consumer's name.
func (c *Consumer) Name() string { return c.cfg.Name }

// Topics returns the topics the consumer has handlers for.
func (c *Consumer) Topics() []string { return c.topics }

// Owns reports whether this process may move the lane's cursor.
func (c *Consumer) Owns(lane int) bool {
	_, ok := c.cfg.Epochs.Epoch(lane)
	return ok
}

// Positions returns where the consumer stands in each lane.
func (c *Consumer) Positions(ctx context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	return c.cfg.Store.Cursors(ctx, c.cfg.Name)
}

// Deliver handles a run in one commit; when that fails, its messages one by one. It returns the position it reached,
// with an error when the lane has to wait: the store is away (ErrUnavailable), the lane is not ours (ErrFenced), or a
// message failed and will be tried again.
func (c *Consumer) Deliver(ctx context.Context, d bus.Delivery) (int64, error) {
	epoch, ok := c.cfg.Epochs.Epoch(d.Lane)
	if !ok {
		return d.From, eventstore.ErrFenced
	}
	move := eventstore.CursorMove{Consumer: c.cfg.Name, Role: c.cfg.Epochs.Role(), Lane: d.Lane, From: d.From, To: d.To, Epoch: epoch, Mark: d.Mark}
	err := c.run(ctx, move, d.Messages)
	if err == nil {
		return d.To, nil
	}
	if wait(ctx, err) || len(d.Messages) == 0 {
		return d.From, err
	}
	for i, m := range d.Messages {
		move.To, move.Mark = m.Offset, ""
		if i == len(d.Messages)-1 {
			move.To, move.Mark = d.To, d.Mark
		}
		if err := c.one(ctx, move, m); err != nil {
			return move.From, err
		}
		move.From = move.To
	}
	return d.To, nil
}

// one handles a message by itself and parks it when it has failed often enough, or has to wait.
func (c *Consumer) one(ctx context.Context, move eventstore.CursorMove, m bus.Record) error {
	err := c.run(ctx, move, []bus.Record{m})
	at := place{move.Lane, m.Offset}
	if err == nil {
		c.count(at, 0)
		return nil
	}
	if wait(ctx, err) {
		return err
	}
	if errors.Is(err, vnfm.ErrUnknownVersion) {
		c.cfg.Logger.WarnContext(ctx, "message waits for a newer program", "consumer", c.cfg.Name, "message_id", m.ID, "key", m.Key,
			"correlation_id", m.CorrelationID, "error", err)
		if err := c.park(ctx, move, m, eventstore.WaitsForVersion+err.Error()); err != nil {
			return err
		}
		c.setAside(move.Lane, true, m.Key)
		return nil
	}
	if n := c.count(at, 1); n < c.cfg.Attempts {
		return fmt.Errorf("handle message %s: %w", m.ID, err)
	}
	c.giveUp(ctx, m.Message, err)
	if err := c.park(ctx, move, m, err.Error()); err != nil {
		return err
	}
	c.count(at, 0)
	return nil
}

// giveUp says that a message is parked for an operator.
func (c *Consumer) giveUp(ctx context.Context, m message.Message, err error) {
	c.cfg.Logger.ErrorContext(ctx, "message parked", "consumer", c.cfg.Name, "message_id", m.ID, "key", m.Key,
		"correlation_id", m.CorrelationID, "attempt", c.cfg.Attempts, "error", err)
}

// count adds a failed attempt and returns how many there were; with 0 it forgets them.
func (c *Consumer) count(at place, more int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if more == 0 {
		delete(c.failed, at)
		return 0
	}
	c.failed[at] += more
	return c.failed[at]
}

// wait reports whether an error says nothing about the message: it is to be delivered again, however often.
func wait(ctx context.Context, err error) bool {
	if errors.Is(err, vnfm.ErrUnknownVersion) {
		return ctx.Err() != nil
	}
	return ctx.Err() != nil || errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrFenced) ||
		vnfm.KindOf(err) == vnfm.Unavailable
}

// run handles messages of one lane, grouped by key, in one commit.
func (c *Consumer) run(ctx context.Context, move eventstore.CursorMove, records []bus.Record) error {
	groups := c.group(records)
	var behind []eventstore.ParkedMessage
	w := &eventstore.Work{
		Load: func() eventstore.Load {
			var l eventstore.Load
			for _, g := range groups {
				l = l.Merge(eventstore.Load{ParkedKeys: []string{c.cfg.Name + "/" + g.key}})
				for _, s := range g.spans {
					l = l.Merge(c.cfg.Handlers[s.topic].Load(s.msgs))
				}
			}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			commit := &eventstore.Commit{Cursors: []eventstore.CursorMove{move}}
			for _, g := range groups {
				if l.Parked[c.cfg.Name+"/"+g.key] {
					for _, r := range g.records {
						commit.Parked = append(commit.Parked, c.parked(r, eventstore.BehindAnother))
					}
					continue
				}
				for _, s := range g.spans {
					if err := c.cfg.Handlers[s.topic].Decide(l, s.msgs, commit); err != nil {
						return nil, err
					}
				}
			}
			behind = commit.Parked
			return commit, nil
		},
	}
	for _, g := range groups {
		w.Keys = append(w.Keys, g.key)
	}
	if len(w.Keys) == 0 {
		w.Keys = []string{eventstore.KeyOf(move.Lane)}
	}
	if _, err := c.cfg.Doer.Do(ctx, w); err != nil {
		return err
	}
	c.setAside(move.Lane, false, parkedKeys(behind)...)
	return nil
}

// park puts a message aside in the commit that moves the cursor behind it.
func (c *Consumer) park(ctx context.Context, move eventstore.CursorMove, r bus.Record, reason string) error {
	_, err := c.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{r.Key},
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{
				Cursors: []eventstore.CursorMove{move}, Parked: []eventstore.ParkedMessage{c.parked(r, reason)},
			}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("park message %s: %w", r.ID, err)
	}
	return nil
}

func (c *Consumer) parked(r bus.Record, reason string) eventstore.ParkedMessage {
	return eventstore.ParkedMessage{
		ID: r.ID, Consumer: c.cfg.Name, Key: r.Key, Seq: r.Offset, Message: r.Message, Reason: reason,
	}
}

// group is the messages of one key, in order, in spans of one topic.
type group struct {
	key     string
	records []bus.Record
	spans   []span
}

type span struct {
	topic string
	msgs  []message.Message
}

func (c *Consumer) group(records []bus.Record) []*group {
	var groups []*group
	byKey := make(map[string]*group, len(records))
	for i := range records {
		r := &records[i]
		if c.cfg.Handlers[r.Topic] == nil {
			continue
		}
		g := byKey[r.Key]
		if g == nil {
			g = &group{key: r.Key}
			byKey[r.Key] = g
			groups = append(groups, g)
		}
		g.records = append(g.records, *r)
		if n := len(g.spans); n == 0 || g.spans[n-1].topic != r.Topic {
			g.spans = append(g.spans, span{topic: r.Topic})
		}
		s := &g.spans[len(g.spans)-1]
		s.msgs = append(s.msgs, r.Message)
	}
	return groups
}

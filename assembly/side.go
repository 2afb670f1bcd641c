package assembly

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/outbox"
)

// The consumers; their cursors are named so.
const (
	ConsumerVim     = "vim-manager"
	ConsumerNfvo    = "nfvo-manager"
	ConsumerVnf     = "configuration"
	ConsumerReplies = "replies"
	// ConsumerVimReplies stands for ConsumerReplies where replies come from a database of the participants.
	ConsumerVimReplies = "vim-replies"
)

// Side is one database with what works on it: who writes it, whose lanes of it are ours, and the bus that hands its outbox to
// consumers. A program has one, or a second for the ledgers of the participants; the two know each other by messages only.
type Side struct {
	Name   string
	Store  eventstore.Store
	Doer   eventstore.Doer
	Leases *lease.Keeper
	Bus    bus.Bus
	Has    func(role string) bool // whether this process has a role; nil: it has all
	Logger *slog.Logger

	Readers []Reader // of its outbox
	// Followers are told of commits, and Hearers of those of other processes, so that they need not wait for their next poll.
	// They are made of the Doer, so they come after it.
	Followers []func(*eventstore.Commit)
	Hearers   []func(eventstore.Wake)
}

// Reader is a consumer of a side's outbox, and the side where its effects and its cursor are.
type Reader struct {
	Role, Name, Topic string
	At                *Side
	Consumer          *inbox.Consumer
}

// Tell passes a commit on to the followers.
func (d *Side) Tell(c *eventstore.Commit) {
	for _, f := range d.Followers {
		f(c)
	}
}

// Heard passes on what another process tells of its commits.
func (d *Side) Heard(w eventstore.Wake) {
	for _, h := range d.Hearers {
		h(w)
	}
}

func (d *Side) has(role string) bool { return d.Has == nil || d.Has(role) }

// deliver subscribes a role's consumer to this side's outbox; its effects and its cursor are in the side named.
func (d *Side) deliver(to *Side, role, name, topic string, h inbox.Handler) *inbox.Consumer {
	in := inbox.New(inbox.Config{
		Name: name, Handlers: map[string]inbox.Handler{topic: h}, Store: to.Store, Doer: to.Doer, Epochs: to.Leases.Role(role), Logger: d.Logger,
	})
	var consumer bus.Consumer = in
	if to != d {
		consumer = &across{Consumer: in, source: d.Store, log: d.Logger}
	}
	if d.has(role) {
		d.Bus.Subscribe(consumer)
	}
	d.Readers = append(d.Readers, Reader{Role: role, Name: name, Topic: topic, At: to, Consumer: in})
	return in
}

// pruner deletes what all consumers of this side's outbox, and who sends it, have behind them. All consumers keep their cursors in
// one place.
func (d *Side) pruner(c outbox.PrunerConfig, sender string) *outbox.Pruner {
	c.Store, c.Logger = d.Store, d.Logger
	at := places{sender: sender, own: d.Store, others: d.Store}
	for _, r := range d.Readers {
		c.Consumers = append(c.Consumers, r.Name)
		at.others = r.At.Store
	}
	if sender != "" {
		c.Consumers = append(c.Consumers, sender)
	}
	c.Cursors = at
	return outbox.NewPruner(c)
}

// Handled returns how far the consumer of each topic of this side's outbox is.
func (d *Side) Handled(ctx context.Context) (map[string][eventstore.Lanes]int64, error) {
	out := map[string][eventstore.Lanes]int64{}
	for _, r := range d.Readers {
		at, err := r.At.Store.Cursors(ctx, r.Name)
		if err != nil {
			return nil, fmt.Errorf("read the cursors of %s: %w", r.Name, err)
		}
		var offsets [eventstore.Lanes]int64
		for lane := range at {
			offsets[lane] = at[lane].Offset
		}
		out[r.Topic] = offsets
	}
	return out, nil
}

// Lowest returns how far all consumers of this side's outbox are.
func (d *Side) Lowest(ctx context.Context) (low [eventstore.Lanes]int64, err error) {
	handled, err := d.Handled(ctx)
	if err != nil {
		return low, err
	}
	for i, r := range d.Readers {
		for lane, at := range handled[r.Topic] {
			if i == 0 || at < low[lane] {
				low[lane] = at
			}
		}
	}
	return low, nil
}

// Register says which consumers this side's outbox has, its sender among them ("": nobody sends it). Of all that are known those that it
// does not have read another side's, or did when the ledgers were in another database.
func (d *Side) Register(ctx context.Context, version, sender string, known []string) error {
	var names []string
	for _, r := range d.Readers {
		names = append(names, r.Name)
	}
	if sender != "" {
		names = append(names, sender)
	}
	past := slices.DeleteFunc(slices.Clone(known), func(c string) bool { return slices.Contains(names, c) })
	if err := outbox.Register(ctx, d.Doer, version, names, past); err != nil {
		return fmt.Errorf("the %s database: %w", d.Name, err)
	}
	return nil
}

// places says where cursors are: the sender's beside the outbox, those of the consumers with their effects.
type places struct {
	sender      string
	own, others outbox.Cursors
}

// Cursors returns a consumer's position in every lane.
func (p places) Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error) {
	if consumer == p.sender {
		return p.own.Cursors(ctx, consumer)
	}
	return p.others.Cursors(ctx, consumer)
}

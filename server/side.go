package server

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/telemetry"
)

// side is one database with the machinery around it: who writes it, who holds its lanes, and the bus that hands its
// outbox to consumers. A program has one, or a second for the ledgers of the VIM manager and the NFVO manager; the two
// know each other by messages only.
type side struct {
	name      string
	store     eventstore.Store
	committer *eventstore.Committer
	leases    *lease.Keeper
	feed      *outbox.Feed
	bus       bus.Bus
	kafka     *kafka.Cluster // nil: the bus is embedded
	backlog   *backlog       // of what waits for Kafka
	readers   []reader
	// followers are told of commits so that they need not wait for their next poll. They are made of the committer,
	// so they come after it.
	followers []func(*eventstore.Commit)
}

// reader is a consumer of a side's outbox, and the side where its effects and its cursor are.
type reader struct {
	name, topic string
	at          *side
	consumer    *inbox.Consumer
}

// newSide makes the machinery of a database and takes its lanes, so that they are ours before the first request.
func (s *Server) newSide(ctx context.Context, name string, db *database, observer *telemetry.CommitObserver) (*side, error) {
	c := s.cfg
	d := &side{name: name, store: db.Store, feed: outbox.NewFeed(db.Store, 0)}
	committers := c.Lane.Committers
	if committers == 0 {
		committers = db.committers
	}
	d.committer = eventstore.NewCommitter(db.Store, eventstore.CommitterConfig{
		Committers: committers, MaxBatch: c.Lane.Batch, Logger: s.log,
		OnCommit: []func(*eventstore.Commit){d.feed.OnCommit, observer.OnCommit, d.tell},
	})
	if s.kafka == nil {
		d.bus = embedded.New(embedded.Config{Source: d.feed, Logger: s.log})
	} else {
		own := *s.kafka
		if d.kafka = &own; db != s.stores.main {
			d.kafka.Names = map[string]string{message.TopicReplies: topicVimReplies}
		}
		d.bus = kafka.New(kafka.Config{Cluster: d.kafka, Source: db.Store, Logger: s.log})
	}
	d.leases = lease.New(lease.Config{Store: db.Store, Owner: s.owner(db), TTL: c.Lane.Lease, Now: time.Now, Logger: s.log})
	if _, err := d.leases.RunOnce(ctx); err != nil {
		return nil, fmt.Errorf("the %s database: %w", name, err)
	}
	return d, nil
}

// tell passes a commit on to the followers. There are none before the loops run.
func (d *side) tell(c *eventstore.Commit) {
	for _, f := range d.followers {
		f(c)
	}
}

// deliver subscribes a consumer to this side's outbox; its effects and its cursor are in the side named.
func (d *side) deliver(s *Server, to *side, name, topic string, h inbox.Handler) *inbox.Consumer {
	in := inbox.New(inbox.Config{
		Name: name, Handlers: map[string]inbox.Handler{topic: h}, Store: to.store, Doer: to.committer, Epochs: to.leases, Logger: s.log,
	})
	var consumer bus.Consumer = in
	if to != d {
		consumer = &across{Consumer: in, source: d.store, log: s.log}
	}
	d.bus.Subscribe(consumer)
	d.readers = append(d.readers, reader{name: name, topic: topic, at: to, consumer: in})
	return in
}

// pruner deletes what all consumers of this side's outbox, and who sends it, have behind them.
func (d *side) pruner(s *Server) *outbox.Pruner {
	c := outbox.PrunerConfig{Store: d.store, IdempotencyKeys: s.cfg.Idempotency.Keep, Logger: s.log}
	at := places{}
	elsewhere := false
	for _, r := range d.readers {
		c.Consumers, at[r.name] = append(c.Consumers, r.name), r.at.store
		elsewhere = elsewhere || r.at != d
	}
	if relay := d.relay(); relay != "" {
		c.Consumers, at[relay] = append(c.Consumers, relay), d.store
	}
	if elsewhere {
		c.Cursors = at
	}
	return outbox.NewPruner(c)
}

// held returns how many lanes this node holds.
func (d *side) held() int { return len(eventstore.Held(d.leases)) }

// gauges says what metrics are read of this side.
func (d *side) gauges() telemetry.Database {
	g := telemetry.Database{Name: d.name, Store: d.store, Lanes: d.held, Waiting: d.committer.Waiting, Outbox: d.feed}
	for _, r := range d.readers {
		g.Consumers = append(g.Consumers, telemetry.Consumer{Name: r.name, Topic: r.topic, Cursors: r.at.store})
	}
	g.Consumers = append(g.Consumers, d.relayGauges()...)
	return g
}

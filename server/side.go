package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	roles     []string
	feed      *outbox.Feed
	bus       bus.Bus
	kafka     *kafka.Cluster    // nil: the bus is embedded
	backlog   *backlog          // of what waits for Kafka
	publisher *outbox.Publisher // nil: the bus is embedded, or the database has no log to be captured
	readers   []reader
	// followers are told of commits so that they need not wait for their next poll. They are made of the committer,
	// so they come after it.
	followers []func(*eventstore.Commit)
	teller    *eventstore.Teller // nil: no other process can use the store
	hearers   []func(eventstore.Wake)
}

// reader is a consumer of a side's outbox, and the side where its effects and its cursor are.
type reader struct {
	role, name, topic string
	at                *side
	consumer          *inbox.Consumer
}

// newSide makes the machinery of a database and takes our share of the roles' lanes, so that it is ours before the first request.
func (s *Server) newSide(ctx context.Context, name string, db *database, roles []string, observer *telemetry.CommitObserver) (*side, error) {
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
	node := eventstore.Node{ID: s.run, Name: s.node, Version: s.opts.Version, URL: s.URL(), Roles: roles, Knows: knows()}
	d.leases = lease.New(lease.Config{Store: db.Store, Node: node, Alone: db.single, TTL: db.lease(c.Lane.Lease), Now: time.Now, Logger: s.log})
	d.roles = roles
	d.hearers = append(d.hearers, d.feed.Heard)
	if w, ok := db.Store.(eventstore.Waker); ok {
		d.teller = eventstore.NewTeller(eventstore.TellerConfig{Waker: w, Heard: d.heard, Others: d.leases.Others, Logger: s.log})
		d.followers = append(d.followers, d.teller.OnCommit)
	}
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

// heard passes on what another node tells of its commits.
func (d *side) heard(w eventstore.Wake) {
	for _, h := range d.hearers {
		h(w)
	}
}

// deliver subscribes a role's consumer to this side's outbox; its effects and its cursor are in the side named.
func (d *side) deliver(s *Server, to *side, role, name, topic string, h inbox.Handler) *inbox.Consumer {
	in := inbox.New(inbox.Config{
		Name: name, Handlers: map[string]inbox.Handler{topic: h}, Store: to.store, Doer: to.committer, Epochs: to.leases.Role(role), Logger: s.log,
	})
	var consumer bus.Consumer = in
	if to != d {
		consumer = &across{Consumer: in, source: d.store, log: s.log}
	}
	if s.cfg.Has(role) {
		d.bus.Subscribe(consumer)
	}
	d.readers = append(d.readers, reader{role: role, name: name, topic: topic, at: to, consumer: in})
	return in
}

// pruner deletes what all consumers of this side's outbox, and who sends it, have behind them. All consumers keep their cursors in
// one place.
func (d *side) pruner(s *Server) *outbox.Pruner {
	c := outbox.PrunerConfig{Store: d.store, IdempotencyKeys: s.cfg.Idempotency.Keep, Commits: orEver(s.cfg.Keep.CommitIDs), Logger: s.log}
	at := places{relay: d.relay(), own: d.store, others: d.store}
	for _, r := range d.readers {
		c.Consumers = append(c.Consumers, r.name)
		at.others = r.at.store
	}
	if at.relay != "" {
		c.Consumers = append(c.Consumers, at.relay)
	}
	c.Cursors = at
	return outbox.NewPruner(c)
}

// register says which consumers this side's outbox has. Those of this program that it does not have read another side's, or did
// when the ledgers were in another database.
func (d *side) register(ctx context.Context, version string) error {
	var names []string
	for _, r := range d.readers {
		names = append(names, r.name)
	}
	if relay := d.relay(); relay != "" {
		names = append(names, relay)
	}
	past := slices.DeleteFunc(slices.Clone(allConsumers), func(c string) bool { return slices.Contains(names, c) })
	if err := outbox.Register(ctx, d.committer, version, names, past); err != nil {
		return fmt.Errorf("the %s database: %w", d.name, err)
	}
	return nil
}

// held returns how many lanes this node holds of each role.
func (d *side) held() map[string]int {
	out := map[string]int{}
	for _, role := range d.roles {
		out[role] = len(eventstore.Held(d.leases.Role(role)))
	}
	return out
}

// holding says how many lanes this node holds of each role.
func (d *side) holding() string {
	held := d.held()
	parts := make([]string, len(d.roles))
	for i, role := range d.roles {
		parts[i] = fmt.Sprintf("%s %d", role, held[role])
	}
	return fmt.Sprintf("of %d lanes this node holds: %s", eventstore.Lanes, strings.Join(parts, ", "))
}

// gauges says what metrics are read of this side.
func (d *side) gauges() telemetry.Database {
	g := telemetry.Database{Name: d.name, Store: d.store, Lanes: d.held, Waiting: d.committer.Waiting, Outbox: d.feed}
	for _, r := range d.readers {
		g.Consumers = append(g.Consumers, telemetry.Consumer{Name: r.name, Topic: r.topic, Cursors: r.at.store})
	}
	g.Consumers = append(g.Consumers, d.relayGauges()...)
	return g
}

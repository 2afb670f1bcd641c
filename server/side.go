package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/telemetry"
)

// side is one database with the machinery around it, as this process reaches it.
type side struct {
	*assembly.Side
	committer *eventstore.Committer
	roles     []string
	feed      *outbox.Feed
	kafka     *kafka.Cluster     // nil: the bus is embedded
	backlog   *backlog           // of what waits for Kafka
	publisher *outbox.Publisher  // nil: the bus is embedded, or the database has no log to be captured
	teller    *eventstore.Teller // nil: no other process can use the store
}

// newSide makes the machinery of a database and takes our share of the roles' lanes, so that it is ours before the first request.
func (s *Server) newSide(ctx context.Context, name string, db *database, roles []string, observer *telemetry.CommitObserver) (*side, error) {
	c := s.cfg
	d := &side{Side: &assembly.Side{Name: name, Store: db.Store, Has: c.Has, Logger: s.log}, feed: outbox.NewFeed(db.Store, 0)}
	committers := c.Lane.Committers
	if committers == 0 {
		committers = db.committers
	}
	d.committer = eventstore.NewCommitter(db.Store, eventstore.CommitterConfig{
		Committers: committers, MaxBatch: c.Lane.Batch, Logger: s.log,
		OnCommit: []func(*eventstore.Commit){d.feed.OnCommit, observer.OnCommit, d.Tell},
	})
	d.Doer = d.committer
	if s.kafka == nil {
		d.Bus = embedded.New(embedded.Config{Source: d.feed, Logger: s.log})
	} else {
		own := *s.kafka
		if d.kafka = &own; db != s.stores.main {
			d.kafka.Names = map[string]string{message.TopicReplies: topicVimReplies}
		}
		d.Bus = kafka.New(kafka.Config{Cluster: d.kafka, Source: db.Store, Logger: s.log})
	}
	node := eventstore.Node{ID: s.run, Name: s.node, Version: s.opts.Version, URL: s.URL(), Roles: roles, Knows: knows()}
	d.Leases = lease.New(lease.Config{Store: db.Store, Node: node, Alone: db.single, TTL: db.lease(c.Lane.Lease), Now: time.Now, Logger: s.log})
	d.roles = roles
	d.Hearers = append(d.Hearers, d.feed.Heard)
	if w, ok := db.Store.(eventstore.Waker); ok {
		d.teller = eventstore.NewTeller(eventstore.TellerConfig{Waker: w, Heard: d.Heard, Others: d.Leases.Others, Logger: s.log})
		d.Followers = append(d.Followers, d.teller.OnCommit)
	}
	if _, err := d.Leases.RunOnce(ctx); err != nil {
		return nil, fmt.Errorf("the %s database: %w", name, err)
	}
	return d, nil
}

// held returns how many lanes this node holds of each role.
func (d *side) held() map[string]int {
	out := map[string]int{}
	for _, role := range d.roles {
		out[role] = len(eventstore.Held(d.Leases.Role(role)))
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
	g := telemetry.Database{Name: d.Name, Store: d.Store, Lanes: d.held, Waiting: d.committer.Waiting, Outbox: d.feed}
	for _, r := range d.Readers {
		g.Consumers = append(g.Consumers, telemetry.Consumer{Name: r.Name, Topic: r.Topic, Cursors: r.At.Store})
	}
	g.Consumers = append(g.Consumers, d.relayGauges()...)
	return g
}

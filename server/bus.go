package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/telemetry"
	"github.com/vnfm/vnfm/vnf"
)

// The relays; their cursors are named so.
const (
	consumerRelay    = "relay"
	consumerVimRelay = "vim-relay" // of a database of the participants
	consumerEvents   = "relay:" + message.TopicVnfEvents
)

// topicVimReplies is where replies of participants with a database of their own go: one outbox writes a topic.
const topicVimReplies = "vnfm.vim.replies"

// kafkaCluster returns the Kafka cluster of the settings; nil: the bus is embedded.
func (s *Server) kafkaCluster() (*kafka.Cluster, error) {
	c := s.cfg.Kafka
	brokers := s.cfg.Brokers()
	if brokers == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	k := &kafka.Cluster{
		Brokers: brokers, Prefix: c.Prefix, Create: c.Topics == "create", Replicas: c.Replicas, Compression: c.Compression,
		MaxBytes: c.MaxBytes, ClientID: "vnfmd-" + s.node, Logger: s.log,
	}
	if c.TLS || c.CAFile != "" || c.CertFile != "" {
		roots, err := authorities(c.CAFile, "bus-ca-file")
		if err != nil {
			return nil, err
		}
		k.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		if c.CertFile != "" {
			cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("bus-cert-file: %w", err)
			}
			k.TLS.Certificates = []tls.Certificate{cert}
		}
	}
	if c.Sasl != "none" && c.Sasl != "" {
		password, err := busPassword(&c)
		if err != nil {
			return nil, err
		}
		k.Login = kafka.Login{Mechanism: kafka.Mechanism(c.Sasl), User: c.User, Password: password, TokenURL: c.TokenURL, Scopes: c.Scopes}
	}
	return k, nil
}

// busPassword returns the password at the brokers.
func busPassword(c *config.Kafka) (string, error) {
	if c.PasswordFile == "" {
		return c.Password, nil
	}
	f, err := os.Open(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("bus-password-file: %w", err)
	}
	defer func() { _ = f.Close() }() // read only
	line := bufio.NewScanner(f)
	line.Scan()
	if err := line.Err(); err != nil {
		return "", fmt.Errorf("bus-password-file: %w", err)
	}
	return strings.TrimSpace(line.Text()), nil
}

// relays makes what sends this side's outbox to Kafka, and the main side's events. Its consumers are subscribed by now.
func (d *side) relays(s *Server, p *parts) error {
	if d.kafka == nil {
		return nil
	}
	ctx := context.Background()
	ids, err := d.Store.OutboxIDs(ctx)
	if err != nil {
		return fmt.Errorf("read the id of the outbox: %w", err)
	}
	out := &kafka.Messages{Feed: d.feed, Cluster: d.kafka, Outbox: ids[0]}
	for _, r := range d.Readers {
		out.Topics = append(out.Topics, r.Topic)
	}
	lanes := d.Leases.Role(lease.RoleRelay)
	d.publisher = d.newPublisher(s, p)
	polls, captured := publishing{lanes, d.publisher, eventstore.Polling}, publishing{lanes, d.publisher, eventstore.CDC}
	relay := kafka.NewRelay(kafka.RelayConfig{
		Cluster: d.kafka, Consumer: d.relay(), Outgoing: out, Store: d.Store, Doer: d.committer, Epochs: polls, Lowest: d.Lowest, Logger: s.log,
	})
	d.backlog = &backlog{side: d, limit: int64(s.cfg.Kafka.Backlog), log: s.log.WarnContext}
	s.work(p, lease.RoleRelay, relay.Run)
	p.workers = append(p.workers, d.backlog.run)
	if err := s.reg.Register(d.backlog.gauge()); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if d.publisher != nil {
		s.work(p, lease.RoleRelay, d.publisher.Run, kafka.NewFollower(kafka.FollowerConfig{
			Consumer: d.relay(), Feed: d.feed, Store: d.Store, Doer: d.committer, Epochs: captured, Handled: d.Handled, Logger: s.log,
		}).Run)
		if err := s.reg.Register(telemetry.NewPublishing(d.Name, d.publisher.State)); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	if d != p.main {
		return nil
	}
	events := kafka.NewEvents(d.kafka, d.Store, ids[0], ofDomain, addressOf)
	d.Followers, d.Hearers = append(d.Followers, events.OnCommit), append(d.Hearers, events.Heard)
	s.work(p, lease.RoleRelay, kafka.NewRelay(kafka.RelayConfig{
		Cluster: d.kafka, Consumer: consumerEvents, Outgoing: events, Store: d.Store, Doer: d.committer, Epochs: polls, Lag: -1, Logger: s.log,
		Term: polls.term, Lowest: func(ctx context.Context) (far [eventstore.Lanes]int64, err error) {
			if polls.term() == 0 { // nobody else ever published: all of a topic is ours
				return far, nil
			}
			return d.kafka.Tail(ctx, message.TopicVnfEvents, ids[0])
		},
	}).Run)
	return nil
}

// newPublisher makes what sees to it that either the relays or a capture publish this side's outbox. A database of this process alone
// has no log to be captured: nil.
func (d *side) newPublisher(s *Server, p *parts) *outbox.Publisher {
	store, ok := d.Store.(eventstore.Publications)
	if !ok {
		return nil
	}
	c := eventstore.Capture{Name: s.cfg.PublishName, MessageRelay: d.relay()}
	if d == p.main {
		c.EventRelay, c.Streams = consumerEvents, []string{vnf.InstanceStream, vnf.OpOccStream}
	} else {
		c.Name += "_vims"
	}
	return outbox.NewPublisher(outbox.PublisherConfig{
		Store: store, Want: eventstore.PublishMode(s.cfg.Publish), Capture: c, Now: time.Now, Logger: s.log,
		Leads: func() bool { _, ok := d.Leases.Role(lease.RoleRelay).Epoch(0); return ok },
	})
}

// publishing are the lanes of the relay's role while a mode is in force.
type publishing struct {
	lease.Lanes
	publisher *outbox.Publisher // nil: the relays always publish
	mode      eventstore.PublishMode
}

// Epoch returns the epoch of a lane that is ours, in the mode.
func (l publishing) Epoch(lane int) (int64, bool) {
	epoch, ok := l.Lanes.Epoch(lane)
	if l.publisher == nil {
		return epoch, ok && l.mode == eventstore.Polling
	}
	return epoch, ok && l.publisher.Publishes(l.mode)
}

// term counts the changes of the mode.
func (l publishing) term() int64 {
	if l.publisher == nil {
		return 0
	}
	now, _, _ := l.publisher.State()
	return now.Epoch
}

// relay names what sends this side's outbox; "" when nobody does.
func (d *side) relay() string {
	switch {
	case d.kafka == nil:
		return ""
	case d.kafka.Names != nil:
		return consumerVimRelay
	}
	return consumerRelay
}

// ofDomain reports whether a stream is of a VNF or of an operation: what others are told of.
func ofDomain(stream string) bool {
	return strings.HasPrefix(stream, vnf.InstanceStream) || strings.HasPrefix(stream, vnf.OpOccStream)
}

// addressOf returns where the API has an event: among those of its VNF or operation.
func addressOf(e *eventstore.Event) string {
	if id, ok := strings.CutPrefix(e.Stream, vnf.OpOccStream); ok {
		return "/vnfm/v1/vnf_lcm_op_occs/" + id + "/events"
	}
	return "/vnfm/v1/vnf_instances/" + strings.TrimPrefix(e.Stream, vnf.InstanceStream) + "/events"
}

// backlog counts the messages that wait for Kafka. All nodes look at it: any of them may be asked to begin something.
type backlog struct {
	side    *side
	limit   int64
	waiting atomic.Int64
	log     func(ctx context.Context, msg string, args ...any)
}

// backlogEvery is how often the messages that wait are counted.
const backlogEvery = time.Second

func (b *backlog) run(ctx context.Context) error {
	tick := time.NewTicker(backlogEvery)
	defer tick.Stop()
	for {
		if err := b.count(ctx); err != nil && ctx.Err() == nil {
			b.log(ctx, "backlog not counted", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// count looks how many messages wait.
func (b *backlog) count(ctx context.Context) error {
	at, err := b.side.Store.Cursors(ctx, b.side.relay())
	if err != nil {
		return fmt.Errorf("read the cursors of %s: %w", b.side.relay(), err)
	}
	low, err := b.side.Lowest(ctx) // of a relay that never sent anything
	if err != nil {
		return err
	}
	heads, err := b.side.Store.Heads(ctx)
	if err != nil {
		return fmt.Errorf("read lane heads: %w", err)
	}
	var n int64
	for lane := range heads {
		from := at[lane].Offset
		if at[lane].Mark == "" {
			from = max(from, low[lane])
		}
		n += max(0, heads[lane].Outbox-from)
	}
	b.waiting.Store(n)
	return nil
}

// room refuses what would send more while too much waits.
func (b *backlog) room() error {
	if n := b.waiting.Load(); n >= b.limit {
		return vnfm.Errorf(vnfm.Unavailable, "%d messages wait for the message bus, and %d may (bus-backlog): begin nothing until they are fewer.", n, b.limit)
	}
	return nil
}

// gauge is the metric of what waits.
func (b *backlog) gauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "vnfm_outbox_backlog_messages", Help: "Messages that wait to be sent to Kafka.", ConstLabels: prometheus.Labels{"database": b.side.Name},
	}, func() float64 { return float64(b.waiting.Load()) })
}

// relayGauges are the relay as a consumer of the outbox: how old the oldest unsent message is.
func (d *side) relayGauges() []telemetry.Consumer {
	if d.kafka == nil {
		return nil
	}
	return []telemetry.Consumer{{Name: d.relay(), Cursors: d.Store}}
}

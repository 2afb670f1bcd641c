package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/bus/bustest"
	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lag = 40

var (
	quiet  = slog.New(slog.DiscardHandler)
	topics = []string{"one", "two", "three", "topic", "nothing"}
)

// held owns every lane under epoch 1.
type held struct{}

func (held) Role() string            { return "relay" }
func (held) Epoch(int) (int64, bool) { return 1, true }

// world is a database, and a cluster that its outbox is sent to.
type world struct {
	t       *testing.T
	kafka   *kfake.Cluster
	cluster *kafka.Cluster
	store   *memory.Store
	feed    *outbox.Feed
	doer    *eventstore.Committer
}

func newWorld(t *testing.T, opts ...kfake.Opt) *world {
	t.Helper()
	opts = append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)
	k, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	w := &world{
		t: t, kafka: k, store: memory.New(memory.Config{}),
		cluster: &kafka.Cluster{Brokers: k.ListenAddrs(), Prefix: "site.", Create: true, Replicas: 1, ClientID: "test", Logger: quiet},
	}
	want := make([]eventstore.RoleLane, eventstore.Lanes)
	for i := range want {
		want[i] = eventstore.RoleLane{Role: "relay", Lane: i}
	}
	node := eventstore.Node{ID: "me", Roles: []string{"relay"}}
	if _, err := w.store.Lease(t.Context(), eventstore.LeaseRequest{Node: node, Want: want, TTL: 3_600_000}); err != nil {
		t.Fatal(err)
	}
	w.feed = outbox.NewFeed(w.store, 16) // small, so that both ways are walked
	w.doer = eventstore.NewCommitter(w.store, eventstore.CommitterConfig{
		Logger: quiet, OnCommit: []func(*eventstore.Commit){func(c *eventstore.Commit) { w.feed.OnCommit(c) }},
	})
	return w
}

func (w *world) publish(ctx context.Context, msgs ...message.Message) error {
	_, err := w.doer.Do(ctx, &eventstore.Work{
		Keys:   []string{msgs[0].Key},
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return &eventstore.Commit{Outbox: msgs}, nil },
	})
	return err
}

func (w *world) relay(change ...func(*kafka.RelayConfig)) *kafka.Relay {
	w.t.Helper()
	ids, err := w.store.OutboxIDs(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := kafka.RelayConfig{
		Cluster: w.cluster, Consumer: "relay", Outgoing: &kafka.Messages{Feed: w.feed, Cluster: w.cluster, Outbox: ids[0], Topics: topics},
		Store: w.store, Doer: w.doer, Epochs: held{}, Lag: lag, Batch: 20, Logger: quiet,
	}
	for _, f := range change {
		f(&cfg)
	}
	r := kafka.NewRelay(cfg)
	w.t.Cleanup(r.Close)
	return r
}

func (w *world) bus() *kafka.Bus {
	b := kafka.New(kafka.Config{Cluster: w.cluster, Source: w.store, Batch: 7, Logger: quiet})
	w.t.Cleanup(b.Close)
	return b
}

// both is a relay and a bus, as one process has them.
type both struct {
	*kafka.Bus
	relay *kafka.Relay
}

func (b both) RunOnce(ctx context.Context) (bool, error) {
	sent, err := b.relay.RunOnce(ctx)
	if err != nil {
		return sent, err
	}
	did, err := b.Bus.RunOnce(ctx)
	return did || sent, err
}

func (b both) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- b.relay.Run(ctx) }()
	return errors.Join(b.Bus.Run(ctx), <-ended)
}

func TestSuite(t *testing.T) {
	bustest.Run(t, func(t *testing.T) bustest.Fixture {
		w := newWorld(t)
		return bustest.Fixture{
			OneTopic: true, Lag: lag, Publish: w.publish,
			Start: func() bus.Bus { return both{w.bus(), w.relay()} },
		}
	})
}

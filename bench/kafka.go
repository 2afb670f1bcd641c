package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
)

// onKafka is where Kafka and Kafka Connect are: deploy/kafka-lab.sh starts them.
type onKafka struct {
	brokers []string
	connect string // URL
	prefix  string
}

func kafkaAt() onKafka {
	return onKafka{
		brokers: strings.Split(os.Getenv("VNFM_TEST_KAFKA"), ","), connect: os.Getenv("VNFM_TEST_CONNECT"), prefix: fmt.Sprintf("b%d.", os.Getpid()),
	}
}

// measureKafka measures what Kafka costs beside the embedded bus, in one run: the relay, the way of a message, an instantiate, nodes.
func measureKafka(ctx context.Context, t table, d time.Duration) error {
	k := kafkaAt()
	if k.brokers[0] == "" || k.connect == "" {
		return errors.New("make bench-kafka starts Kafka; or set VNFM_TEST_KAFKA and VNFM_TEST_CONNECT")
	}
	cluster, err := dbtest.StartLogical("", true)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop() }()
	for _, measure := range []func(context.Context, table, *dbtest.Cluster, onKafka, time.Duration) error{measureRelay, measureWay, measureOverKafka} {
		if err := measure(ctx, t, cluster, k, d); err != nil {
			return err
		}
		_ = t.w.Flush()
	}
	return nil
}

// box is a database with an outbox, and all lanes of the role relay.
type box struct {
	store *postgres.Store
	feed  *outbox.Feed
	doer  *eventstore.Committer
	id    string
	url   string
	end   func()
}

func newBox(ctx context.Context, cluster *dbtest.Cluster) (*box, error) {
	at, _, err := cluster.Database(ctx) // it goes with the cluster: a slot may be in it
	if err != nil {
		return nil, err
	}
	b := &box{url: at}
	if b.store, err = postgres.Open(ctx, postgres.Config{URL: at}); err != nil {
		return nil, err
	}
	b.feed = outbox.NewFeed(b.store, 0)
	b.doer = eventstore.NewCommitter(b.store, eventstore.CommitterConfig{Committers: 2, OnCommit: []func(*eventstore.Commit){b.feed.OnCommit}})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() { _ = b.doer.Run(running); close(ended) }()
	b.end = func() { stop(); <-ended; _ = b.store.Close() }
	ids, err := b.store.OutboxIDs(ctx)
	if err != nil {
		return nil, err
	}
	b.id = ids[0]
	_, err = b.store.Lease(ctx, eventstore.LeaseRequest{Node: eventstore.Node{ID: "bench", Roles: []string{"relay"}}, Want: eventstore.LanesOf("relay"), TTL: 3_600_000})
	return b, err
}

// owned are all lanes.
type owned struct{}

func (owned) Role() string            { return "relay" }
func (owned) Epoch(int) (int64, bool) { return 1, true }

func (b *box) publish(ctx context.Context, n int, id string) error {
	key := fmt.Sprint("vnf", n)
	m := message.Message{ID: id, Type: "bench.v1", Source: "/bench", Topic: "bench", Key: key, Data: json.RawMessage(`{"x":"` + strings.Repeat("x", 1000) + `"}`)}
	_, err := b.doer.Do(ctx, &eventstore.Work{
		Keys: []string{key}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{Outbox: []message.Message{m}}, nil
		},
	})
	return err
}

func (b *box) relay(c *kafka.Cluster) *kafka.Relay {
	return kafka.NewRelay(kafka.RelayConfig{
		Cluster: c, Consumer: "relay", Outgoing: &kafka.Messages{Feed: b.feed, Cluster: c, Outbox: b.id, Topics: []string{"bench"}},
		Store: b.store, Doer: b.doer, Epochs: owned{}, Lag: -1,
	})
}

// measureRelay has the relay send what waits: a message of 1 kB each.
func measureRelay(ctx context.Context, t table, cluster *dbtest.Cluster, k onKafka, _ time.Duration) error {
	const messages, writers = 40_000, 256
	b, err := newBox(ctx, cluster)
	if err != nil {
		return err
	}
	defer b.end()
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		wg.Go(func() {
			for i := w; i < messages && errs[w] == nil; i += writers {
				errs[w] = b.publish(ctx, w, fmt.Sprint("m", i))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r := b.relay(&kafka.Cluster{Brokers: k.brokers, Prefix: k.prefix + "relay.", Create: true, Logger: slog.New(slog.DiscardHandler)})
	defer r.Close()
	began, own, database := time.Now(), processorTime(), cluster.CPU()
	for more := true; more; {
		if more, err = r.RunOnce(ctx); err != nil {
			return err
		}
	}
	took, own, database := time.Since(began), processorTime()-own, cluster.CPU()-database
	t.row("relay, 1 kB messages", fmt.Sprintf("%.0f/s per core", messages/own.Seconds()),
		fmt.Sprintf("goal ≥ 8000; processor time %.0f µs each, and PostgreSQL %.0f; %.0f/s by the clock",
			float64(own.Microseconds())/messages, float64(database.Microseconds())/messages, messages/took.Seconds()))
	return nil
}

// listening is a consumer that keeps when each message came.
type listening struct {
	mu   sync.Mutex
	at   [eventstore.Lanes]eventstore.Position
	came map[string]time.Time
}

func (*listening) Name() string     { return "bench" }
func (*listening) Topics() []string { return []string{"bench"} }
func (*listening) Owns(int) bool    { return true }

func (l *listening) Positions(context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at, nil
}

func (l *listening) Deliver(_ context.Context, d bus.Delivery) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range d.Messages {
		l.came[m.ID] = time.Now()
	}
	l.at[d.Lane] = eventstore.Position{Offset: d.To, Mark: d.Mark}
	return d.To, nil
}

func (l *listening) has(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.came[id]
	return ok
}

// measureWay measures how long a message takes from its commit to its handler, a hundred a second.
func measureWay(ctx context.Context, t table, cluster *dbtest.Cluster, k onKafka, _ time.Duration) error {
	for _, way := range []struct {
		name string
		goal int
	}{{"embedded", 10}, {"relay", 30}, {"cdc", 60}} {
		took, err := oneWay(ctx, cluster, k, way.name)
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		at := func(q float64) float64 { return ms(took[int(q*float64(len(took)-1))]) }
		t.row("commit to handler, "+way.name, fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", at(0.5), at(0.99)), fmt.Sprintf("goal p50 < %d ms; %d messages, 100/s", way.goal, len(took)))
	}
	return nil
}

func oneWay(ctx context.Context, cluster *dbtest.Cluster, k onKafka, way string) ([]time.Duration, error) {
	b, err := newBox(ctx, cluster)
	if err != nil {
		return nil, err
	}
	defer b.end()
	quiet := slog.New(slog.DiscardHandler)
	c := &kafka.Cluster{Brokers: k.brokers, Prefix: k.prefix + "way." + way + ".", Create: true, Logger: quiet}
	running, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	defer func() { stop(); loops.Wait() }()
	l := &listening{came: map[string]time.Time{}}
	var carrier bus.Bus = kafka.New(kafka.Config{Cluster: c, Source: b.store, Logger: quiet})
	switch way {
	case "embedded":
		carrier = embedded.New(embedded.Config{Source: b.feed, Logger: quiet})
	default: // the relay, which makes the topic for the capture
		r := b.relay(c)
		relaying, done := context.WithCancel(running)
		defer done()
		if way == "relay" {
			loops.Go(func() { _ = r.Run(relaying) })
			break
		}
		if _, err := r.RunOnce(ctx); err != nil {
			return nil, err
		}
		r.Close()
		remove, err := k.capture(ctx, b)
		if err != nil {
			return nil, err
		}
		defer remove()
	}
	carrier.Subscribe(l)
	loops.Go(func() { _ = carrier.Run(running) })
	const warm, messages = 200, 1000
	committed := map[string]time.Time{}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range warm + messages {
		id := fmt.Sprint(way, i)
		if err := b.publish(ctx, i%50, id); err != nil {
			return nil, err
		}
		committed[id] = time.Now()
		<-tick.C
	}
	patience, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var took []time.Duration
	for i := warm; i < warm+messages; i++ {
		id := fmt.Sprint(way, i)
		for !l.has(id) {
			select {
			case <-patience.Done():
				return nil, fmt.Errorf("message %d of %d has not come", i-warm, messages)
			case <-tick.C:
			}
		}
		took = append(took, max(0, l.came[id].Sub(committed[id])))
	}
	slices.Sort(took)
	return took, nil
}

// capture has Kafka Connect publish a database, with the configuration that is shipped.
func (k onKafka) capture(ctx context.Context, b *box) (remove func(), err error) {
	name := fmt.Sprintf("bench%d", os.Getpid())
	c := eventstore.Capture{Name: name, MessageRelay: "relay"}
	if err := b.store.MakeCapture(ctx, c); err != nil {
		return nil, err
	}
	at, err := url.Parse(b.url)
	if err != nil {
		return nil, err
	}
	config := map[string]string{}
	shipped, err := os.ReadFile(filepath.Join("deploy", "kafka-connect", "vnfm.json"))
	if err == nil {
		err = json.Unmarshal(shipped, &config)
	}
	if err != nil {
		return nil, err
	}
	maps.Copy(config, map[string]string{
		"database.hostname": at.Hostname(), "database.port": at.Port(), "database.user": at.User.Username(), "database.password": "unused",
		"database.dbname": strings.TrimPrefix(at.Path, "/"), "topic.prefix": name, "slot.name": name, "publication.name": name, "table.include.list": "public.outbox",
		"transforms.outbox.route.topic.replacement": k.prefix + "way.cdc.${routedByValue}",
	})
	if err := k.ask(ctx, http.MethodPut, "/connectors/"+name+"/config", config); err != nil {
		return nil, err
	}
	remove = func() { _ = k.ask(context.WithoutCancel(ctx), http.MethodDelete, "/connectors/"+name, nil) }
	patience, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for err = eventstore.ErrBusy; errors.Is(err, eventstore.ErrBusy) && patience.Err() == nil; { // until it reads the slot
		err = b.store.PublishByCapture(patience, c, 0, time.Second)
	}
	return remove, err
}

func (k onKafka) ask(ctx context.Context, method, path string, body any) error {
	j, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, k.connect+path, bytes.NewReader(j))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, said)
	}
	return err
}

// measureOverKafka compares an instantiate over Kafka with one over the embedded bus, and three nodes with one. The simulated VIMs are this process's,
// behind HTTP, for all of them.
func measureOverKafka(ctx context.Context, t table, cluster *dbtest.Cluster, k onKafka, d time.Duration) error {
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	key := filepath.Join(dir, "secret.key")
	if err := os.WriteFile(key, []byte(secret.NewKey()+"\n"), 0o600); err != nil {
		return err
	}
	simulated, err := sim.Open(sim.Config{Path: filepath.Join(dir, "sim.journal")})
	if err != nil {
		return err
	}
	vims := httptest.NewServer(remote.Handler(simulated))
	defer func() { vims.Close(); _ = simulated.Close() }()
	base := 0.0
	for i, way := range []struct {
		name  string
		nodes int
		kafka bool
		goal  string
	}{
		{"embedded", 1, false, ""}, {"Kafka", 1, true, "goal ≤ 1.5 × of embedded"}, {"embedded, three nodes", 3, false, "goal ≤ 1.2 × of one"},
	} {
		at, _, err := cluster.Database(ctx)
		if err != nil {
			return err
		}
		args := []string{"--listen=127.0.0.1:0", "--log-level=error", "--database=" + at, "--secret-key-file=" + key, "--vim-sim-url=" + vims.URL}
		if way.kafka {
			args = append(args, "--bus=kafka://"+strings.Join(k.brokers, ","), "--bus-prefix="+k.prefix)
		}
		r, err := nodes(ctx, args, filepath.Join(dir, fmt.Sprint(i)), way.nodes, func(l *load) (result, error) {
			return l.run(ctx, cluster, shapes.CSAR(shapes.Web), manyClients, d)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		each := ms((r.program + r.database) / time.Duration(max(1, len(r.took))))
		note := fmt.Sprintf("%.1f/s, %d run, p50 %.0f ms", float64(len(r.took))/d.Seconds(), len(r.took), ms(r.at(0.5)))
		if base == 0 {
			base = each
		} else {
			note += fmt.Sprintf("; %.2f × of embedded, %s", each/base, way.goal)
		}
		t.row("instantiate of "+shapes.Web+", "+way.name, fmt.Sprintf("processor time %.1f ms", each), note)
	}
	return nil
}

// nodes runs several nodes in this process, while clients use the last.
func nodes(ctx context.Context, args []string, dir string, n int, use func(*load) (result, error)) (result, error) {
	own := append(slices.Clone(args), "--data="+filepath.Join(dir, fmt.Sprint(n)), fmt.Sprintf("--node=bench-%d", n))
	if n == 1 {
		return serve(ctx, own, manyClients, "simple", use)
	}
	return serve(ctx, own, manyClients, "simple", func(*load) (result, error) { return nodes(ctx, args, dir, n-1, use) })
}

package kafka_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
)

// listener is a consumer that keeps its positions and what it heard together, as one commit would.
type listener struct {
	mu    sync.Mutex
	at    [eventstore.Lanes]eventstore.Position
	heard []message.Message
}

func (*listener) Name() string     { return "listener" }
func (*listener) Topics() []string { return []string{"topic"} }
func (*listener) Owns(int) bool    { return true }

func (l *listener) Positions(context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at, nil
}

func (l *listener) Deliver(_ context.Context, d bus.Delivery) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.From != l.at[d.Lane].Offset {
		return l.at[d.Lane].Offset, fmt.Errorf("delivered from %d, the cursor is at %v", d.From, l.at[d.Lane])
	}
	for _, m := range d.Messages {
		l.heard = append(l.heard, m.Message)
	}
	l.at[d.Lane] = eventstore.Position{Offset: d.To, Mark: d.Mark}
	return d.To, nil
}

func (l *listener) ids() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.heard {
		ids = append(ids, m.ID)
	}
	return ids
}

func (w *world) send(n int) {
	w.t.Helper()
	for range n {
		heads, err := w.store.Heads(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		m := message.Message{
			ID: fmt.Sprint("m", heads[eventstore.LaneOf("a")].Outbox+1), Type: "test", Source: "/test", Topic: "topic", Key: "a", Data: []byte(`{"x":1}`),
		}
		if err := w.publish(w.t.Context(), m); err != nil {
			w.t.Fatal(err)
		}
	}
}

// drain runs it until nothing is left; what fails is tried again.
func (w *world) drain(b interface {
	RunOnce(ctx context.Context) (bool, error)
}) {
	w.t.Helper()
	var err error
	for range 200 {
		var did bool
		if did, err = b.RunOnce(w.t.Context()); !did && err == nil {
			return
		}
	}
	w.t.Fatalf("never came to rest: %v", err)
}

func (w *world) expect(l *listener, n int) {
	w.t.Helper()
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint("m", i+1))
	}
	if got := l.ids(); !slices.Equal(got, want) {
		w.t.Fatalf("heard %v, want %v", got, want)
	}
}

// refusing commits nothing.
type refusing struct{}

func (refusing) Do(context.Context, *eventstore.Work) (*eventstore.Commit, error) {
	return nil, eventstore.ErrFenced
}

// A relay that dies between the acknowledgement and its cursor sends again, at new offsets of Kafka: consumers drop that by the
// offset in the outbox. Seen failing with records compared by Kafka's offset.
func TestWhatIsSentTwiceIsHandledOnce(t *testing.T) {
	w := newWorld(t)
	w.send(30)
	dies := w.relay(func(c *kafka.RelayConfig) { c.Doer = refusing{} })
	if _, err := dies.RunOnce(t.Context()); err == nil {
		t.Fatal("the cursor was moved")
	}
	dies.Close()
	l := &listener{}
	b := w.bus()
	b.Subscribe(l)
	w.drain(b)
	w.expect(l, 20) // a batch
	again := w.relay()
	w.drain(again)
	w.drain(b)
	w.expect(l, 30)
	if n := w.kafka.PartitionInfo("site.topic", int32(eventstore.LaneOf("a"))).HighWatermark; n != 50 {
		t.Errorf("%d records are in the topic, want 20 of them twice", n)
	}
	// A bus that starts again reads on at the mark, and one without a mark from the start.
	for _, mark := range []string{l.at[eventstore.LaneOf("a")].Mark, ""} {
		l.at[eventstore.LaneOf("a")].Mark = mark
		next := w.bus()
		next.Subscribe(l)
		w.drain(next)
		w.expect(l, 30)
		next.Close()
	}
}

// A relay that is told to stop waits for the cluster's answer to what it has sent, so that its successor sends nothing twice. Seen
// failing with a relay that closed its connection at once.
func TestARelayThatStopsSendsNothingTwice(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	var once sync.Once
	w.kafka.ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		once.Do(stop) // it stops between the request and the answer
		return nil, nil, false
	})
	w.send(5)
	if err := w.relay().Run(ctx); err != nil {
		t.Fatal(err)
	}
	w.drain(w.relay())
	if n := w.kafka.PartitionInfo("site.topic", int32(eventstore.LaneOf("a"))).HighWatermark; n != 5 {
		t.Errorf("%d records are in the topic, want 5", n)
	}
}

// A topic that was deleted and made anew is read from its start, and what its readers have not had is sent again. Seen failing with
// the mark's topic not compared (nothing is heard any more), and with the relay's cursor left where it was (what was lost is not
// sent).
func TestATopicIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	l := &listener{}
	lowest := func(context.Context) (low [eventstore.Lanes]int64, err error) {
		at, err := l.Positions(t.Context())
		for lane := range low {
			low[lane] = at[lane].Offset
		}
		return low, err
	}
	b, relay := w.bus(), w.relay(func(c *kafka.RelayConfig) { c.Lowest = lowest })
	b.Subscribe(l)
	w.send(5)
	w.drain(both{b, relay})
	w.expect(l, 5)
	w.send(5)
	w.drain(relay) // sent, and lost before they are read
	if err := w.kafka.DeleteTopic("site.topic"); err != nil {
		t.Fatal(err)
	}
	relay.Close() // as a restart, or its look every few seconds, does
	w.send(5)
	w.drain(both{b, relay})
	w.drain(both{b, relay})
	w.expect(l, 15)
}

// While it runs, too.
func TestATopicIsMadeAnewWhileItIsRead(t *testing.T) {
	w := newWorld(t)
	l := &listener{}
	b, relay := w.bus(), w.relay(func(c *kafka.RelayConfig) {
		c.Lowest = func(context.Context) (low [eventstore.Lanes]int64, err error) {
			at, err := l.Positions(t.Context())
			for lane := range low {
				low[lane] = at[lane].Offset
			}
			return low, err
		}
	})
	b.Subscribe(l)
	stop := w.run(both{b, relay})
	w.send(10)
	w.await(func() bool { return len(l.ids()) == 10 })
	if err := w.kafka.DeleteTopic("site.topic"); err != nil {
		t.Fatal(err)
	}
	w.send(10)
	w.await(func() bool { return len(l.ids()) == 20 })
	stop()
	w.expect(l, 20)
}

// run runs a bus until stop is called.
func (w *world) run(b bus.Bus) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	return func() {
		w.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
}

// await polls until ok, for at most half a minute.
func (w *world) await(ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			w.t.Fatal("it never came to be")
		case <-tick.C:
		}
	}
}

// While the cluster is away the relay's cursor stays, and what waits is sent in order when it is back.
func TestTheClusterIsAwayAndComesBack(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, kfake.DataDir(dir))
	l := &listener{}
	b := w.bus()
	b.Subscribe(l)
	stop := w.run(both{b, w.relay()})
	w.send(5)
	w.await(func() bool { return len(l.ids()) == 5 })
	addr := w.kafka.ListenAddrs()[0]
	w.kafka.Close()
	w.send(40)
	at, err := w.store.Cursors(t.Context(), "relay")
	if err != nil || at[eventstore.LaneOf("a")].Offset > 5 {
		t.Errorf("the cursor is at %v, %v", at[eventstore.LaneOf("a")], err)
	}
	var port int
	if _, err := fmt.Sscanf(addr[strings.LastIndex(addr, ":")+1:], "%d", &port); err != nil {
		t.Fatal(err)
	}
	back, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.Ports(port))
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	w.await(func() bool { return len(l.ids()) == 45 })
	stop()
	w.expect(l, 45)
}

// Records of another outbox stop the lane, and say what to do; those of the outbox before its database was restored are dropped.
// Seen failing with the ids not compared.
func TestRecordsOfAnotherOutbox(t *testing.T) {
	w := newWorld(t)
	w.send(3)
	w.drain(w.relay())
	log := &bytes.Buffer{}
	stranger := memory.New(memory.Config{})
	foreign := kafka.New(kafka.Config{Cluster: w.cluster, Source: stranger, Logger: slog.New(slog.NewTextHandler(log, nil))})
	defer foreign.Close()
	l := &listener{}
	foreign.Subscribe(l)
	_, _ = foreign.RunOnce(t.Context())
	if len(l.ids()) > 0 || !strings.Contains(log.String(), "two programs write one topic") {
		t.Errorf("heard %v: %s", l.ids(), log)
	}
	if err := w.store.RenewOutbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := w.bus()
	b.Subscribe(l)
	w.drain(b)
	if len(l.ids()) > 0 {
		t.Errorf("heard %v of the time before the database was restored", l.ids())
	}
}

// Data that is too large for a record stays in the outbox, and is read there. Seen failing with the data left out.
func TestLargeDataTravelsAsAReference(t *testing.T) {
	w := newWorld(t)
	w.cluster.MaxBytes = 100_000
	large := []byte(`"` + strings.Repeat("x", 200_000) + `"`)
	if err := w.publish(t.Context(), message.Message{ID: "large", Type: "test", Source: "/test", Topic: "topic", Key: "a", Data: large}); err != nil {
		t.Fatal(err)
	}
	l := &listener{}
	b := w.bus()
	b.Subscribe(l)
	w.drain(both{b, w.relay()})
	if len(l.heard) != 1 || !bytes.Equal(l.heard[0].Data, large) {
		t.Fatalf("heard %d messages, the first with %d bytes", len(l.heard), len(l.heard[0].Data))
	}
	if r := w.records("site.topic"); len(r) != 1 || len(r[0].Value) > 0 || header(r[0], "ce_dataref") == "" {
		t.Errorf("the record has %d bytes, and the reference %q", len(r[0].Value), header(r[0], "ce_dataref"))
	}
}

// records reads all of a topic.
func (w *world) records(topic string) (out []*kgo.Record) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	want := int64(0)
	for _, p := range w.kafka.PartitionInfos(topic) {
		want += p.HighWatermark
	}
	for int64(len(out)) < want {
		f := cl.PollFetches(w.t.Context())
		if err := f.Err(); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, f.Records()...)
	}
	return out
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// A record is a CloudEvent in binary mode, and none of its attributes is empty.
func TestRecordsAreCloudEvents(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 11, 30, 1, 2, 3, 4000, time.UTC)
	if err := w.publish(t.Context(), message.Message{
		ID: "m1", Type: "vim.reserve-resources.v1", Source: "/vnfm/saga", Topic: "topic", Key: "a", Time: at, CorrelationID: "op", ReplyTo: "replies", Data: []byte(`{}`),
	}); err != nil {
		t.Fatal(err)
	}
	w.drain(w.relay())
	r := w.records("site.topic")
	ids, err := w.store.OutboxIDs(t.Context())
	if err != nil || len(r) != 1 || string(r[0].Key) != "a" || int(r[0].Partition) != eventstore.LaneOf("a") {
		t.Fatal(r, err)
	}
	want := map[string]string{
		"ce_specversion": "1.0", "ce_id": "m1", "ce_type": "vim.reserve-resources.v1", "ce_source": "/vnfm/saga", "ce_time": "2026-11-30T01:02:03.000004Z",
		"ce_sequence": "1", "ce_outbox": ids[0], "ce_correlationid": "op", "ce_replyto": "replies", "content-type": "application/json",
	}
	for _, h := range r[0].Headers {
		if want[h.Key] != string(h.Value) || len(h.Value) == 0 {
			t.Errorf("header %s is %q, want %q", h.Key, h.Value, want[h.Key])
		}
		delete(want, h.Key)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// What is wrong with topics is said in a way that one can act on.
func TestTopicsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		partitions int32
		want       string
	}{
		"not there":               {0, "kafka-topics.sh --create --topic site.topic --partitions 64"},
		"with too few partitions": {12, "has 12 partitions and must have 64"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.cluster.Create = c.partitions > 0
			if c.partitions > 0 {
				if err := w.kafka.CreateTopic("site.topic", c.partitions, nil); err != nil {
					t.Fatal(err)
				}
			}
			b := w.bus()
			b.Subscribe(&listener{})
			if _, err := b.RunOnce(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if _, err := w.relay().RunOnce(t.Context()); err == nil {
				t.Error("the relay sends")
			}
		})
	}
}

// The ways to prove who one is, over TLS.
func TestLogin(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, m := range []kafka.Mechanism{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512} {
		for password, good := range map[string]bool{"right": true, "wrong": false} {
			t.Run(string(m)+" "+password, func(t *testing.T) {
				w := newWorld(t, kfake.EnableSASL(), kfake.Superuser(string(m), "me", "right"), kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}))
				w.cluster.Login = kafka.Login{Mechanism: m, User: "me", Password: password}
				w.cluster.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
				w.send(1)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if _, err := w.relay().RunOnce(ctx); (err == nil) != good {
					t.Error(err)
				}
			})
		}
	}
}

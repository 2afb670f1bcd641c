// Package bustest is the suite every bus passes: order per key, at least once, nothing behind a cursor, nobody waits for
// another.
package bustest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vnfm/vnfm/bus"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// Fixture is an outbox and the means to start buses over it.
type Fixture struct {
	// Publish commits messages, all of one key, to the outbox.
	Publish func(ctx context.Context, msgs ...message.Message) error
	// Start returns a bus over the outbox, as a process that starts does.
	Start func() bus.Bus
	// OneTopic: a consumer reads one topic.
	OneTopic bool
	// Topics that are published to and read: one, two, three, topic, nothing.
	// Lag is how many messages of other topics may pass before an idle consumer's cursor must move.
	Lag int
}

// Run runs the suite. open returns a fixture with an empty outbox.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for name, test := range map[string]func(*testing.T, Fixture){
		"messages of a key arrive in order, each once":                  inOrder,
		"a consumer gets its topics and no other":                       topics,
		"a consumer that died before its commit gets the message again": again,
		"a consumer that died after its commit is not asked again":      notBehindTheCursor,
		"a consumer that handled part of a run gets the rest":           part,
		"a lane that fails does not keep the others":                    others,
		"a bus that starts again goes on at the cursors":                restart,
		"an idle consumer's cursor follows":                             idle,
		"messages published while it runs arrive":                       running,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// recorder is a consumer that keeps its positions and effects together, as one commit would.
type recorder struct {
	name   string
	topics []string

	mu     sync.Mutex
	cursor [eventstore.Lanes]eventstore.Position
	got    []message.Message
	// deliver, when set, decides what becomes of a delivery; it returns how many of its messages are handled.
	deliver func(d bus.Delivery) (handled int, commit bool, err error)
	arrived chan struct{}
}

var errDied = errors.New("the consumer died")

func newRecorder(name string, topics ...string) *recorder {
	return &recorder{name: name, topics: topics, arrived: make(chan struct{}, 1)}
}

func (r *recorder) Name() string     { return r.name }
func (r *recorder) Topics() []string { return r.topics }

func (r *recorder) Owns(int) bool { return true }
func (r *recorder) Positions(context.Context) ([eventstore.Lanes]eventstore.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cursor, nil
}

func (r *recorder) Deliver(_ context.Context, d bus.Delivery) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := &r.cursor[d.Lane]
	if d.From != at.Offset {
		return at.Offset, fmt.Errorf("delivered from %d, the cursor is at %d", d.From, at.Offset)
	}
	n, commit, err := len(d.Messages), true, error(nil)
	if r.deliver != nil {
		n, commit, err = r.deliver(d)
	}
	to := d.To
	if n < len(d.Messages) {
		to = d.Messages[n].Offset - 1
	}
	if commit {
		for _, m := range d.Messages[:n] {
			r.got = append(r.got, m.Message)
		}
		if at.Offset = to; to == d.To && d.Mark != "" {
			at.Mark = d.Mark
		}
		select {
		case r.arrived <- struct{}{}:
		default:
		}
	}
	return to, err
}

func (r *recorder) ids(key string) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.got {
		if key == "" || m.Key == key {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func publish(t *testing.T, f Fixture, topic, key string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		m := message.Message{ID: id, Type: "test", Source: "/test", Topic: topic, Key: key, Data: []byte(`{}`)}
		if err := f.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// drain calls RunOnce until nothing is left; failed deliveries are tried again.
func drain(t *testing.T, b bus.Bus) {
	t.Helper()
	for range 10_000 {
		if did, err := b.RunOnce(t.Context()); !did && err == nil {
			return
		}
	}
	t.Fatal("the bus never came to rest")
}

func start(f Fixture, consumers ...bus.Consumer) bus.Bus {
	b := f.Start()
	for _, c := range consumers {
		b.Subscribe(c)
	}
	return b
}

func numbered(prefix string, n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(prefix, i))
	}
	return ids
}

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func inOrder(t *testing.T, f Fixture) {
	r := newRecorder("r", "topic")
	for i := range 5 {
		publish(t, f, "topic", "a", numbered(fmt.Sprint("a", i, "-"), 60)...)
		publish(t, f, "topic", "b", numbered(fmt.Sprint("b", i, "-"), 60)...)
	}
	drain(t, start(f, r))
	for _, key := range []string{"a", "b"} {
		var want []string
		for i := range 5 {
			want = append(want, numbered(fmt.Sprint(key, i, "-"), 60)...)
		}
		expect(t, key, r.ids(key), want)
	}
}

func topics(t *testing.T, f Fixture) {
	r1, r2, want := newRecorder("r1", "one"), newRecorder("r2", "two", "one"), []string{"1", "2", "4"}
	if f.OneTopic {
		r2, want = newRecorder("r2", "two"), []string{"2"}
	}
	publish(t, f, "one", "a", "1")
	publish(t, f, "two", "a", "2")
	publish(t, f, "three", "a", "3")
	publish(t, f, "one", "a", "4")
	drain(t, start(f, r1, r2))
	expect(t, "r1", r1.ids(""), []string{"1", "4"})
	expect(t, "r2", r2.ids(""), want)
}

func again(t *testing.T, f Fixture) {
	r := newRecorder("r", "topic")
	died := 0
	r.deliver = func(d bus.Delivery) (int, bool, error) {
		if died++; died <= 3 {
			return 0, false, errDied
		}
		return len(d.Messages), true, nil
	}
	publish(t, f, "topic", "a", "1", "2")
	drain(t, start(f, r))
	expect(t, "r", r.ids(""), []string{"1", "2"})
}

func notBehindTheCursor(t *testing.T, f Fixture) {
	r := newRecorder("r", "topic")
	died := 0
	r.deliver = func(d bus.Delivery) (int, bool, error) {
		if died++; died == 1 {
			return len(d.Messages), true, errDied // the effect is there, the answer is not
		}
		return len(d.Messages), true, nil
	}
	publish(t, f, "topic", "a", "1", "2")
	b := start(f, r)
	drain(t, b)
	publish(t, f, "topic", "a", "3")
	drain(t, b)
	expect(t, "r", r.ids(""), []string{"1", "2", "3"})
}

func part(t *testing.T, f Fixture) {
	r := newRecorder("r", "topic")
	r.deliver = func(d bus.Delivery) (int, bool, error) { return min(2, len(d.Messages)), true, nil }
	publish(t, f, "topic", "a", numbered("", 9)...)
	drain(t, start(f, r))
	expect(t, "r", r.ids(""), numbered("", 9))
}

func others(t *testing.T, f Fixture) {
	bad, good := newRecorder("bad", "topic"), newRecorder("good", "topic")
	sick := eventstore.LaneOf("a")
	bad.deliver = func(d bus.Delivery) (int, bool, error) {
		if d.Lane == sick {
			return 0, false, errDied
		}
		return len(d.Messages), true, nil
	}
	key := "b"
	for i := 0; eventstore.LaneOf(key) == sick; i++ {
		key = fmt.Sprint("b", i)
	}
	publish(t, f, "topic", "a", "1")
	publish(t, f, "topic", key, "2")
	b := start(f, bad, good)
	for range 1000 {
		_, _ = b.RunOnce(t.Context()) // the sick lane fails for ever
	}
	expect(t, "bad", bad.ids(key), []string{"2"})
	expect(t, "good", good.ids("a"), []string{"1"})
	expect(t, "good", good.ids(key), []string{"2"})
}

func restart(t *testing.T, f Fixture) {
	r := newRecorder("r", "topic")
	for i := range 4 {
		publish(t, f, "topic", "a", fmt.Sprint(2*i), fmt.Sprint(2*i+1))
		drain(t, start(f, r))
	}
	publish(t, f, "topic", "a", "8")
	drain(t, start(f, r))
	expect(t, "r", r.ids(""), numbered("", 9))
}

func idle(t *testing.T, f Fixture) {
	r, busy := newRecorder("idle", "nothing"), newRecorder("busy", "topic")
	b := start(f, r, busy)
	ids := numbered("", f.Lag+1)
	publish(t, f, "topic", "a", ids...)
	drain(t, b)
	if n := r.cursor[eventstore.LaneOf("a")].Offset; n == 0 {
		t.Fatalf("after %d messages the idle consumer still stands at %d", len(ids), n)
	}
	expect(t, "busy", busy.ids(""), ids)
}

func running(t *testing.T, f Fixture) {
	r := newRecorder("r", "topic")
	b := start(f, r)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	var want []string
	for i := range 50 {
		id := fmt.Sprint(i)
		want = append(want, id)
		publish(t, f, "topic", "a", id)
	}
	deadline := time.After(20 * time.Second)
	for len(r.ids("")) < len(want) {
		select {
		case <-r.arrived:
		case <-deadline:
			t.Fatalf("only %d of %d messages arrived", len(r.ids("")), len(want))
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatalf("Run returned %v", err)
	}
	expect(t, "r", r.ids(""), want)
}

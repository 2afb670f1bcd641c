package kafka_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// While a capture publishes, the relay's cursor stands behind what was handled without a gap, and an idle consumer is moved; a relay that takes
// over goes on from there.
func TestAFollowerKeepsTheRelaysPlace(t *testing.T) {
	w := newWorld(t)
	lane := eventstore.LaneOf("a")
	handled := map[string][eventstore.Lanes]int64{"topic": {}, "nothing": {}}
	handle := func(topic string, at int64) {
		offsets := handled[topic]
		offsets[lane] = at
		handled[topic] = offsets
	}
	f := kafka.NewFollower(kafka.FollowerConfig{
		Consumer: "relay", Feed: w.feed, Store: w.store, Doer: w.doer, Epochs: held{}, Lag: lag, Batch: 7, Logger: quiet,
		Handled: func(context.Context) (map[string][eventstore.Lanes]int64, error) { return handled, nil },
	})
	stands := func(want int64) {
		t.Helper()
		if err := f.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		at, err := w.store.Cursors(t.Context(), "relay")
		if err != nil || at[lane].Offset != want {
			t.Fatalf("the relay's cursor is at %d, want %d: %v", at[lane].Offset, want, err)
		}
	}
	w.send(20)
	stands(0)
	handle("topic", 9)
	stands(9)
	handle("topic", 20)
	stands(20)
	w.send(lag)
	handle("topic", 20+lag)
	stands(20 + lag)
	rows, err := w.store.ReadOutbox(t.Context(), lane, 20+lag, 10)
	if err != nil || len(rows) != 1 || rows[0].Topic != "nothing" || rows[0].Type != message.MarkType {
		t.Fatalf("an idle consumer is not moved: %v %v", rows, err)
	}
	stands(20 + lag) // until it has had that
	handle("nothing", 21+lag)
	stands(21 + lag)
	w.send(2)
	l := &listener{}
	l.at[lane].Offset = 20 + lag // what the capture brought
	b := w.bus()
	b.Subscribe(l)
	w.drain(w.relay())
	w.drain(b)
	want := []string{fmt.Sprint("m", 22+lag), fmt.Sprint("m", 23+lag)}
	if got := l.ids(); !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
}

// A relay of events that takes over from a capture begins where the topic ends, also when the capture sent its last run twice, and in the topic are
// records of another outbox.
func TestEventsGoOnWhereACaptureEnded(t *testing.T) {
	w := newWorld(t)
	ids, err := w.store.OutboxIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	written := int64(0)
	add := func(n int) {
		t.Helper()
		for range n {
			_, err := w.doer.Do(t.Context(), &eventstore.Work{Keys: []string{"a"}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Appends: []eventstore.Append{{Stream: "vnf-a", Expected: written, Events: []eventstore.Event{{Type: "t", Data: []byte(`{}`)}}}}}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			written++
		}
	}
	lane, term := eventstore.LaneOf("a"), int64(0)
	relay := func() *kafka.Relay {
		return w.relay(func(c *kafka.RelayConfig) {
			c.Consumer, c.Lag = "events", -1
			c.Outgoing = kafka.NewEvents(w.cluster, w.store, ids[0], func(string) bool { return true }, func(*eventstore.Event) string { return "" })
			c.Term = func() int64 { return term }
			c.Lowest = func(ctx context.Context) ([eventstore.Lanes]int64, error) {
				return w.cluster.Tail(ctx, message.TopicVnfEvents, ids[0])
			}
		})
	}
	add(3)
	w.drain(relay())
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	topic := "site." + message.TopicVnfEvents
	produce := func(outbox string, offsets ...int) {
		t.Helper()
		for _, n := range offsets {
			r := &kgo.Record{Topic: topic, Partition: int32(lane), Headers: []kgo.RecordHeader{
				{Key: "ce_id", Value: []byte("e")}, {Key: "ce_sequence", Value: []byte(strconv.Itoa(n))}, {Key: "ce_outbox", Value: []byte(outbox)},
			}}
			if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(4) // which the capture sends
	produce(ids[0], 4, 5, 6, 7, 5, 6)
	for range 80 {
		produce("another", 99)
	}
	term = 2
	add(2)
	w.drain(relay())
	far, err := w.cluster.Tail(t.Context(), message.TopicVnfEvents, ids[0])
	if err != nil || far[lane] != 9 {
		t.Fatalf("the topic ends with %d, want 9: %v", far[lane], err)
	}
	if n := w.kafka.PartitionInfo(topic, int32(lane)).HighWatermark; n != 3+6+80+2 {
		t.Errorf("%d records in the topic", n)
	}
	if at, err := w.store.Cursors(t.Context(), "events"); err != nil || at[lane].Offset != 9 {
		t.Errorf("the cursor is at %d: %v", at[lane].Offset, err)
	}
}

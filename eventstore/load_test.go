package eventstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/eventstore"
)

// Seen failing with the later After kept for a stream, or a saga, that both name.
func TestLoadMerge_asks_for_what_both_ask_for(t *testing.T) {
	a := eventstore.Load{
		Streams: []eventstore.StreamFrom{{Stream: "a", After: 5}, {Stream: "b", Schema: 1}},
		Sagas:   []eventstore.SagaFrom{{ID: "1", After: 4, Base: "new"}}, Handled: []eventstore.HandledMark{{MessageID: "m", Saga: "1"}},
	}
	got := a.Merge(eventstore.Load{
		Streams: []eventstore.StreamFrom{{Stream: "a", After: 3}, {Stream: "b", Schema: 1}, {Stream: "c"}},
		Sagas:   []eventstore.SagaFrom{{ID: "1", After: 2, Base: "old"}, {ID: "2"}},
	})
	want := eventstore.Load{
		Streams: []eventstore.StreamFrom{{Stream: "a", After: 3}, {Stream: "b", Schema: 1}, {Stream: "c"}},
		Sagas:   []eventstore.SagaFrom{{ID: "1", After: 2, Base: "old"}, {ID: "2"}}, Handled: []eventstore.HandledMark{{MessageID: "m", Saga: "1"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

// Seen failing with the first one's schema, and with the first one's base, kept.
func TestLoadMerge_of_one_stream_suits_both(t *testing.T) {
	base := &eventstore.Snapshot{Stream: "a", Version: 5, Schema: 1}
	whole, snapshot := eventstore.StreamFrom{Stream: "a"}, eventstore.StreamFrom{Stream: "a", Schema: 1}
	held := eventstore.StreamFrom{Stream: "a", After: 5, Schema: 1, Base: base}
	for name, c := range map[string]struct{ one, other, want eventstore.StreamFrom }{
		"the same snapshot":          {snapshot, snapshot, snapshot},
		"a snapshot and every event": {snapshot, whole, whole},
		"two schemas":                {snapshot, eventstore.StreamFrom{Stream: "a", Schema: 2}, whole},
		"a snapshot, and one held":   {snapshot, held, eventstore.StreamFrom{Stream: "a", Base: base}},
		"every event, and one held":  {whole, held, eventstore.StreamFrom{Stream: "a", Base: base}},
	} {
		for _, pair := range [][2]eventstore.StreamFrom{{c.one, c.other}, {c.other, c.one}} {
			got := eventstore.Load{Streams: pair[:1]}.Merge(eventstore.Load{Streams: pair[1:]})
			if d := cmp.Diff([]eventstore.StreamFrom{c.want}, got.Streams); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

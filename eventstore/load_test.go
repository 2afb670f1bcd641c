package eventstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/eventstore"
)

// Seen failing with the later After kept for a stream, or a saga, that both name.
func TestLoadMerge_asks_for_what_both_ask_for(t *testing.T) {
	a := eventstore.Load{
		Streams: []eventstore.StreamFrom{{Stream: "a", After: 5}, {Stream: "b", Snapshot: true}},
		Sagas:   []eventstore.SagaFrom{{ID: "1", After: 4, Base: "new"}}, Handled: []string{"m"},
	}
	got := a.Merge(eventstore.Load{
		Streams: []eventstore.StreamFrom{{Stream: "a", After: 3}, {Stream: "b", Snapshot: true}, {Stream: "c"}},
		Sagas:   []eventstore.SagaFrom{{ID: "1", After: 2, Base: "old"}, {ID: "2"}},
	})
	want := eventstore.Load{
		Streams: []eventstore.StreamFrom{{Stream: "a", After: 3}, {Stream: "b", Snapshot: true}, {Stream: "c"}},
		Sagas:   []eventstore.SagaFrom{{ID: "1", After: 2, Base: "old"}, {ID: "2"}}, Handled: []string{"m"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

package eventstore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Every part of an event is in its hash, and none can be moved into its neighbour. Seen failing with each part left out, and without
// the parts' lengths.
func TestSeal_covers_every_part(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	base := eventstore.Event{
		Stream: "stream", Version: 3, ID: "id", Type: "type", Schema: 2, Time: at, Meta: []byte(`{"a":1}`), Data: []byte(`{"b":2}`), Prev: []byte("prev"),
	}
	same := base
	same.Lane, same.Offset, same.Hash, same.Time = 7, 8, []byte("x"), at.In(time.FixedZone("z", 3600))
	if !bytes.Equal(base.Seal(), same.Seal()) {
		t.Error("the place in the lane, or the zone of the time, is in the hash")
	}
	for name, change := range map[string]func(e *eventstore.Event){
		"stream":               func(e *eventstore.Event) { e.Stream = "streams" },
		"version":              func(e *eventstore.Event) { e.Version++ },
		"id":                   func(e *eventstore.Event) { e.ID = "ID" },
		"type":                 func(e *eventstore.Event) { e.Type = "typo" },
		"schema":               func(e *eventstore.Event) { e.Schema++ },
		"time":                 func(e *eventstore.Event) { e.Time = at.Add(time.Microsecond) },
		"metadata":             func(e *eventstore.Event) { e.Meta = []byte(`{"a":2}`) },
		"payload":              func(e *eventstore.Event) { e.Data = []byte(`{"b":3}`) },
		"previous":             func(e *eventstore.Event) { e.Prev = []byte("other") },
		"id moved to the type": func(e *eventstore.Event) { e.ID, e.Type = "i", "dtype" },
		"metadata moved":       func(e *eventstore.Event) { e.Meta, e.Data = []byte(`{"a":1}{`), []byte(`"b":2}`) },
		"previous moved":       func(e *eventstore.Event) { e.Prev, e.Stream = []byte("prevs"), "tream" },
		"metadata joined":      func(e *eventstore.Event) { e.Meta, e.Data = nil, []byte(`{"a":1}{"b":2}`) },
	} {
		e := base
		if change(&e); bytes.Equal(base.Seal(), e.Seal()) {
			t.Errorf("%s: the hash is the same", name)
		}
	}
}

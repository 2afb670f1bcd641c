package intervention_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/vnfm/vnfm/aggregate/aggregatetest"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/intervention"
	"github.com/vnfm/vnfm/request"
)

// Every form of event ever written is a line of events.jsonl.
func TestEveryEventEverWrittenIsDecoded(t *testing.T) {
	aggregatetest.Golden(t, "testdata/events.jsonl", intervention.Forms()...)
}

// What was asked is in the log before anything is done, with who asked and why, as often as it was asked.
func TestWhatWasAskedIsAnEvent(t *testing.T) {
	store := memory.New(memory.Config{Now: func() time.Time { return time.Unix(1, 0) }})
	log, err := intervention.New(eventstore.NewCommitter(store, eventstore.CommitterConfig{}))
	if err != nil {
		t.Fatal(err)
	}
	m := intervention.Message{ID: "m", Consumer: "replies", Key: "v", Type: "t", Parked: "no such step"}
	by := request.Info{Actor: "ann", Role: "admin", ID: "r"}
	for range 2 {
		if err := log.Retry(context.Background(), m, by); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Skip(context.Background(), m, "its timeout asks again", by); err != nil {
		t.Fatal(err)
	}
	l, err := store.Load(context.Background(), eventstore.Load{Streams: []eventstore.StreamFrom{{Stream: "intervention-m"}}})
	if err != nil {
		t.Fatal(err)
	}
	events := l.Stream("intervention-m").Events
	if len(events) != 3 || events[0].Type != "intervention.retry-asked" || events[2].Type != "intervention.skip-asked" {
		t.Fatalf("%+v", events)
	}
	var meta eventstore.Metadata
	if err := json.Unmarshal(events[2].Meta, &meta); err != nil || meta.Actor != "ann" || meta.Command != "message.skip" {
		t.Errorf("%s, %v", events[2].Meta, err)
	}
	if got := string(events[2].Data); got != `{"message":{"id":"m","consumer":"replies","key":"v","type":"t","parkedFor":"no such step"},"reason":"its timeout asks again"}` {
		t.Error(got)
	}
}

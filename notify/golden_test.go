package notify_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/notify"
)

// Every form of event ever written is a line of events.jsonl; lines are added, never changed.
func TestEveryEventEverWrittenIsDecoded(t *testing.T) {
	t.Parallel()
	registry, err := aggregate.NewRegistry(notify.Forms()...)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var golden struct {
			Type   string
			Schema int
			Data   json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &golden); err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprintf("%s %d", golden.Type, golden.Schema)] = true
		event, err := registry.Decode(eventstore.Event{ID: "e", Type: golden.Type, Schema: golden.Schema, Data: golden.Data})
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := registry.Encode(event, eventstore.Metadata{})
		if err != nil {
			t.Error(err)
			continue
		}
		if golden.Schema == again.Schema {
			if diff := cmp.Diff(string(golden.Data), string(again.Data)); diff != "" {
				t.Errorf("%s loses something: %s", golden.Type, diff)
			}
		}
	}
	for name, form := range registry.Types() {
		for schema := 1; schema <= form.Schema; schema++ {
			if !seen[fmt.Sprintf("%s %d", name, schema)] {
				t.Errorf("events.jsonl has no %s of schema %d", name, schema)
			}
		}
	}
}

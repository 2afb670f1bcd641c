// Package aggregatetest tests that events stay readable.
package aggregatetest

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
)

// Golden reads a file that has a line for every form of event ever written; lines are added, never changed. Each is decoded
// by today's code, and one of today's schema is encoded again as it was. A form without a line is an error.
func Golden(t *testing.T, file string, forms ...aggregate.Form) {
	t.Helper()
	registry, err := aggregate.NewRegistry(forms...)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
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
				t.Errorf("%s has no %s of schema %d", file, name, schema)
			}
		}
	}
}

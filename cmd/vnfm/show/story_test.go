package show

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/sol"
)

// TestEveryEventOfAVnfIsTold in words: the form that it is stored in is for events of newer programs. Seen failing for
// opocc.connectivity-changed and others.
func TestEveryEventOfAVnfIsTold(t *testing.T) {
	b, err := os.ReadFile("../../../vnf/testdata/events.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(b, &all); err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	for _, e := range all {
		if said := said(&sol.VnfEvent{Type: e.Type, Data: e.Data}); strings.HasPrefix(said, "{") {
			t.Errorf("%s: %s", e.Type, said)
		}
	}
}

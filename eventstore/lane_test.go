package eventstore_test

import (
	"slices"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
)

type holds []int

func (h holds) Epoch(lane int) (int64, bool) { return 1, slices.Contains(h, lane) }

// Who holds nothing works on nothing; where nobody owns lanes everybody works on all.
func TestHeld(t *testing.T) {
	if got := eventstore.Held(holds{3, 63}); !slices.Equal(got, []int{3, 63}) {
		t.Errorf("held %v", got)
	}
	if got := eventstore.Held(holds{}); len(got) != 0 {
		t.Errorf("nothing is held, and yet %v", got)
	}
	if got := eventstore.Held(nil); len(got) != eventstore.Lanes {
		t.Errorf("%d lanes without owners", len(got))
	}
}

// The lane of a key is written in every database: another hash would put the events of one VNF into two lanes. Seen failing
// with another hash, and with another number of lanes.
func TestLaneOf_neverChanges(t *testing.T) {
	for key, want := range map[string]int{
		"": 5, "a": 44, "b": 37, "vnf": 57, "d3b07384-d9a0-4c9b-8f0e-1f4b2a3c4d5e": 39, "0a5f7c1e-0000-4000-8000-000000000001": 30,
		"0a5f7c1e-0000-4000-8000-000000000002": 11, "notify:sub.vnf": 40, "subscriptions": 37, "vnfd:Firewall/1.0": 61, "ключ": 33,
	} {
		if got := eventstore.LaneOf(key); got != want {
			t.Errorf("%q is in lane %d, want %d", key, got, want)
		}
	}
	if eventstore.Lanes != 64 {
		t.Errorf("%d lanes", eventstore.Lanes)
	}
}

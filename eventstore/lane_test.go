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

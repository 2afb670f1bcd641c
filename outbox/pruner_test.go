package outbox_test

import (
	"context"
	"errors"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/outbox"
)

// elsewhere is another database, with the consumers' positions in one lane.
type elsewhere map[string]int64

func (e elsewhere) Cursors(_ context.Context, consumer string) (out [eventstore.Lanes]eventstore.Position, err error) {
	at, known := e[consumer]
	if !known {
		return out, errors.New("away")
	}
	out[lane].Offset = at
	return out, nil
}

// What the slowest consumer has not had stays, in whichever database it keeps its position. Seen failing with the position of the
// first, of the last and of the furthest consumer taken, and with those that cannot be read left out.
func TestPruner_keeps_what_a_consumer_elsewhere_has_not_had(t *testing.T) {
	for name, c := range map[string]struct {
		at   elsewhere
		left int // of 9
	}{
		"the slow one first": {elsewhere{"a": 4, "b": 9, "c": 7}, 5},
		"the slow one last":  {elsewhere{"a": 9, "b": 7, "c": 4}, 5},
		"none has begun":     {elsewhere{"a": 0, "b": 0, "c": 0}, 9},
		"one has not begun":  {elsewhere{"a": 9, "b": 0, "c": 9}, 9},
		"all have all":       {elsewhere{"a": 9, "b": 9, "c": 9}, 0},
		"one is away":        {elsewhere{"a": 9, "b": 9}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New(memory.Config{})
			publish(t, store, 9)
			p := outbox.NewPruner(outbox.PrunerConfig{Store: store, Consumers: []string{"a", "b", "c"}, Cursors: c.at})
			if _, err := p.RunOnce(t.Context()); (err != nil) != (len(c.at) < 3) {
				t.Fatal(err)
			}
			left, err := store.ReadOutbox(t.Context(), lane, 0, 100)
			if err != nil || len(left) != c.left || c.left > 0 && left[len(left)-1].Offset != 9 {
				t.Errorf("%d messages are left, %v; want the last %d", len(left), err, c.left)
			}
		})
	}
}

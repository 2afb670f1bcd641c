package saga_test

import (
	"testing"

	"github.com/vnfm/vnfm/saga"
)

// What a runtime remembers of a saga is used only while it is what the store holds: others write, too.
// Seen failing with the bytes not compared: commands are sent twice.
func TestSaga_is_advanced_by_two_nodes_in_turn(t *testing.T) {
	whole := newPlant(t)
	whole.answer = rollsBack
	n := whole.start("a")
	n.begin("op", "key", saga.Rollback)
	n.run(500, true)

	p := newPlant(t)
	p.answer = rollsBack
	a, b := p.start("a"), p.start("b")
	a.begin("op", "key", saga.Rollback)
	for i := range 500 {
		for _, n := range []*node{a, b} {
			n.run(1+i%2, true)
			if err := n.keeper.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := p.story("op"), whole.story("op"); got != want {
		t.Fatalf("\n%s\nwant\n%s", got, want)
	}
}

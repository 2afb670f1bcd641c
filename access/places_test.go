package access_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
)

func TestPlaces(t *testing.T) {
	p := &access.Places{All: 8, Each: 3, Shared: true, What: "requests"}
	var leaves []func()
	take := func(caller string, want vnfm.Kind) {
		t.Helper()
		leave, err := p.Take(caller)
		if vnfm.KindOf(err) != want && (want != "" || err != nil) {
			t.Errorf("%s: %v, want %q", caller, err, want)
		}
		if err == nil {
			leaves = append(leaves, leave)
		}
	}
	for range 3 {
		take("a", "")
	}
	take("a", vnfm.TooMany) // a's own bound
	take("b", "")
	take("b", "")
	take("b", "")
	take("b", vnfm.TooMany)
	take("c", "") // 7 of 8: one is left for whoever comes
	take("c", vnfm.TooMany)
	take("d", "")
	take("e", vnfm.Unavailable)
	for range 2 { // twice is once
		leaves[0]()
	}
	if p.Taken() != 7 {
		t.Errorf("%d taken", p.Taken())
	}
	take("e", "")
	take("f", vnfm.Unavailable)
}

func TestPlacesWithoutABound(t *testing.T) {
	p := &access.Places{}
	for range 10_000 {
		if _, err := p.Take("a"); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever the callers do, whoever has nothing gets a place while there is one, few callers cannot hold all, and nobody's
// places are counted wrongly.
func TestPlacesKeepRoomForOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.IntRange(1, 60).Draw(t, "all")
		p := &access.Places{All: all, Shared: true}
		callers := rapid.IntRange(1, 5).Draw(t, "callers")
		held := map[string][]func(){}
		n := 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			c := fmt.Sprint("c", rapid.IntRange(0, callers-1).Draw(t, "who"))
			if l := held[c]; len(l) > 0 && rapid.IntRange(0, 3).Draw(t, "leave") == 0 {
				l[0]()
				held[c] = l[1:]
				n--
				continue
			}
			if leave, err := p.Take(c); err == nil {
				held[c] = append(held[c], leave)
				n++
			}
			if p.Taken() != n || n > all {
				t.Fatalf("%d taken, %d held, of %d", p.Taken(), n, all)
			}
		}
		leave, err := p.Take("newcomer")
		if (err == nil) != (n < all) {
			t.Fatalf("a newcomer beside %d of %d: %v", n, all, err)
		}
		if err == nil {
			leave()
		}
		if all > callers*(callers+1) && n == all {
			t.Fatalf("%d callers hold all %d places", callers, all)
		}
	})
}

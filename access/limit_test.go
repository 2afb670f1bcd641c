package access_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vnfm/vnfm/access"
)

func TestLimits(t *testing.T) {
	c := &clock{at: time.Unix(1000, 0)}
	l := access.NewLimits(2, 3, 2, c.now)
	for i, want := range []time.Duration{0, 0, 0, 500 * time.Millisecond, 500 * time.Millisecond} { // waiting costs nothing
		if got := l.Take("a"); got != want {
			t.Errorf("request %d waits %v, want %v", i, got, want)
		}
	}
	if l.Take("b") != 0 {
		t.Error("b pays for a")
	}
	c.add(time.Second)
	for i, wait := range []bool{false, false, true} {
		if got := l.Take("a"); (got > 0) != wait {
			t.Errorf("a second later request %d waits %v", i, got)
		}
	}
	l.Take("c") // there is room for two callers: b is forgotten, a is not
	if l.Take("a") == 0 {
		t.Error("a was forgotten")
	}
}

// However many callers there are, the memory is that of a few.
func TestLimitsForgetCallers(t *testing.T) {
	l := access.NewLimits(1, 1, 10, time.Now)
	for i := range 10_000 {
		l.Take(fmt.Sprint(i))
	}
	if n := l.Known(); n != 10 {
		t.Errorf("%d callers are remembered", n)
	}
}

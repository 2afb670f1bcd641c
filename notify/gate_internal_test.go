package notify

import (
	"testing"
	"time"
)

// A subscriber that failed is tried with one delivery at a time once its wait is over, until one succeeds: others may be lost in the
// time that it takes to find out. Seen failing with as many at once as for any.
func TestAGateLetsOneThroughUntilOneSucceeds(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := &gates{shut: map[string]*gate{}}
	wait := func(fails int) time.Duration { return time.Duration(fails) * time.Minute }
	room := func(at time.Time, want int) {
		t.Helper()
		if n, _ := g.room("s", at, 8); n != want {
			t.Errorf("after %s there is room for %d, want %d", at.Sub(now), n, want)
		}
	}
	room(now, 8)
	g.failed("s", now, now, wait)
	room(now, 0)
	room(now.Add(time.Minute), 1)
	g.failed("s", now.Add(time.Minute), now.Add(time.Minute), wait)
	room(now.Add(2*time.Minute), 0) // it waits longer each time
	room(now.Add(3*time.Minute), 1)
	g.open("s")
	room(now.Add(3*time.Minute), 8)
}

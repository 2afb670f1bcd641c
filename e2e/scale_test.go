package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A scaling that is killed again and again goes on: out, what was made is there once, and in, it removes what it had chosen and no
// other, so that the VNF has exactly what it had.
func TestKilledInTheMiddleOfAScalingItGoesOn(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, args(t)...)
			vnf := d.create(d.samplePackage(), "fw1")
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
			was := d.tokens(vnf)
			d.behave(150 * time.Millisecond)
			scale := func(kind string, steps int, progress func(before, now int) bool) {
				t.Helper()
				op := d.begin(vnf, "scale", map[string]any{"type": kind, "aspectId": "throughput", "numberOfSteps": steps})
				for range 2 {
					before := len(d.tokens(vnf))
					d.await("progress", func() bool { return progress(before, len(d.tokens(vnf))) })
					d.kill()
					d.start()
				}
				got := d.settle(op[strings.Index(op, "/vnflcm"):])
				if text(got, "operationState") != "COMPLETED" {
					t.Fatalf("%s ended %v: %v", kind, text(got, "operationState"), field(got, "error"))
				}
			}
			scale("SCALE_OUT", 2, func(before, now int) bool { return now > before })
			bigger := d.tokens(vnf)
			if len(bigger) != len(was)+3*4 { // a compute and three ports each
				t.Errorf("%d resources after the scale out, %d before", len(bigger), len(was))
			}
			scale("SCALE_IN", 2, func(before, now int) bool { return now < before })
			if now := d.tokens(vnf); !slices.Equal(now, was) {
				t.Errorf("was %v\nis  %v", was, now)
			}
			d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

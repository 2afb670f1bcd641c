package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A change of flavour that is killed in the middle goes on: the VNF has what the flavour says, and what both flavours have is as it was. Back
// again it has what it had.
func TestKilledInTheMiddleOfAChangeOfFlavourItGoesOn(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, args(t)...)
			vnf := d.create(d.samplePackage(), "fw1")
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
			was := d.tokens(vnf)
			d.behave(150 * time.Millisecond)
			change := func(body map[string]any) {
				t.Helper()
				op := d.begin(vnf, "change_flavour", body)
				before := len(d.tokens(vnf))
				d.await("progress", func() bool { return len(d.tokens(vnf)) != before })
				d.kill()
				d.start()
				got := d.settle(op[strings.Index(op, "/vnflcm"):])
				if text(got, "operationState") != "COMPLETED" {
					t.Fatalf("ended %v: %v", text(got, "operationState"), field(got, "error"))
				}
			}
			change(map[string]any{"newFlavourId": "redundant"})
			bigger := d.tokens(vnf)
			for _, token := range was {
				if strings.Contains(token, "port-") && !slices.Contains(bigger, token) && len(bigger) <= len(was) {
					t.Errorf("%s went", token)
				}
			}
			change(map[string]any{"newFlavourId": "standard"})
			if now := d.tokens(vnf); len(now) != len(was) {
				t.Errorf("was %v\nis  %v", was, now)
			}
			d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

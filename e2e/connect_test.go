package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A change of the external connectivity that is killed in the middle goes on: each connection point has one port, on the network that was
// asked for, and what is not named is as it was, ids at the VIM and all.
func TestKilledInTheMiddleOfAChangeOfConnectivityItGoesOn(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, args(t)...)
			vnf := d.create(d.samplePackage(), "fw1")
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
			d.run(vnf, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "throughput", "numberOfSteps": 2}, "COMPLETED")
			was := d.tokens(vnf)
			d.behave(150 * time.Millisecond)
			change := func(config map[string]any) any {
				t.Helper()
				op := d.begin(vnf, "change_ext_conn", map[string]any{"extVirtualLinks": []any{map[string]any{
					"id": "e", "resourceId": "outside-b", "extCps": []any{map[string]any{"cpdId": "gateway_outside", "cpConfig": config}},
				}}})
				before := d.revisions(vnf)
				d.kill()
				d.start()
				d.await("progress", func() bool { return d.revisions(vnf) > before })
				d.kill()
				d.start()
				got := d.settle(op[strings.Index(op, "/vnflcm"):])
				if text(got, "operationState") != "COMPLETED" {
					t.Fatalf("ended %v: %v", text(got, "operationState"), field(got, "error"))
				}
				return got
			}
			got := change(map[string]any{"default": dynamic})
			if now := d.tokens(vnf); !slices.Equal(now, was) { // changed where they stand
				t.Errorf("was %v\nis  %v", was, now)
			}
			if ports, _ := field(field(got, "resourceChanges"), "affectedExtLinkPorts").([]any); len(ports) != 4 {
				t.Errorf("%v", ports)
			}
			d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// revisions sums up how often what a VNF holds was made or changed.
func (d *daemon) revisions(vnf string) int {
	d.t.Helper()
	n := 0
	all, _ := d.must(200, "GET", "/vnfm/v1/sim/inventory", nil).([]any)
	for _, e := range all {
		if text(e, "owner") == vnf {
			r, _ := field(e, "revision").(float64)
			n += int(r)
		}
	}
	return n
}

// dynamic is a configuration with an address that the VIM chooses.
var dynamic = map[string]any{"cpProtocolData": []any{map[string]any{"layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": map[string]any{
	"ipAddresses": []any{map[string]any{"type": "IPV4", "numDynamicAddresses": 1}},
}}}}

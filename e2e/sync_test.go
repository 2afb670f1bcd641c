package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// addresses are what the connection points of a VNF have, by VNFC and connection point, with the ids of the VNFCs.
func (d *daemon) addresses(vnf string) []string {
	d.t.Helper()
	v := d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil)
	var out []string
	for _, c := range list(v, "instantiatedVnfInfo", "vnfcInfo") {
		out = append(out, "vnfc "+text(c, "id"))
	}
	for _, c := range list(v, "instantiatedVnfInfo", "vnfcResourceInfo") {
		for _, cp := range list(c, "vnfcCpInfo") {
			out = append(out, fmt.Sprint(text(c, "id"), " ", text(cp, "id"), " ", field(cp, "cpProtocolInfo")))
		}
	}
	slices.Sort(out)
	return out
}

// tamper changes what the VIM holds of a VNF: the first of a kind.
func (d *daemon) tamper(vnf, kind string, what map[string]any) {
	d.t.Helper()
	all, _ := d.must(200, "GET", "/vnfm/v1/sim/inventory", nil).([]any)
	for _, e := range all {
		if text(e, "owner") == vnf && text(e, "kind") == kind {
			what["vim"], what["id"] = text(e, "vim"), text(e, "id")
			d.must(204, "POST", "/vnfm/v1/sim/tamper", what)
			return
		}
	}
	d.t.Fatalf("%s has no %s", vnf, kind)
}

// A repair, and a healing, that is killed again and again goes on: what was missing is there once, with the ids, addresses and MACs it
// had, and nothing differs.
func TestKilledInTheMiddleOfARepairItGoesOn(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, args(t)...)
			vnf := d.create(d.samplePackage(), "fw1")
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard", "instantiationLevelId": "busy"}, "COMPLETED")
			was, n := d.addresses(vnf), len(d.tokens(vnf))
			inSync := func(when string) {
				t.Helper()
				drift := d.must(200, "GET", "/vnfm/v1/vnf_instances/"+vnf+"/drift", nil)
				if field(drift, "inSync") != true {
					t.Errorf("%s: %v", when, field(drift, "differences"))
				}
				if now := d.addresses(vnf); !slices.Equal(now, was) {
					t.Errorf("%s: was %v\nis  %v", when, was, now)
				}
				if now := len(d.tokens(vnf)); now != n {
					t.Errorf("%s: %d resources at the VIM, %d before", when, now, n)
				}
			}
			survive := func(op string) {
				t.Helper()
				for range 2 {
					before := d.revisions(vnf)
					d.await("progress", func() bool { return d.revisions(vnf) != before })
					d.kill()
					d.start()
				}
				if got := d.settle(op[strings.Index(op, "/vnflcm"):]); text(got, "operationState") != "COMPLETED" || text(got, "operation") != "HEAL" {
					t.Fatalf("%v ended %v: %v", field(got, "operation"), text(got, "operationState"), field(got, "error"))
				}
			}
			inSync("instantiated")
			d.behave(150 * time.Millisecond)
			d.tamper(vnf, "port", map[string]any{"gone": true})
			d.tamper(vnf, "port", map[string]any{"gone": true})
			d.tamper(vnf, "compute", map[string]any{"change": map[string]any{"compute": map[string]any{"power": "off"}}})
			status, header, _ := d.request("POST", "/vnfm/v1/vnf_instances/"+vnf+"/sync", map[string]any{"repair": true})
			if status != 202 {
				t.Fatalf("status %d", status)
			}
			survive(header.Get("Location"))
			inSync("repaired")
			d.tamper(vnf, "port", map[string]any{"gone": true})
			survive(d.begin(vnf, "heal", map[string]any{"cause": "a port is gone"}))
			inSync("healed")
			d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
			if left := d.inventory(""); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// noted is what the list says differs of a VNF; nil: nothing.
func (d *daemon) noted(vnf string) any {
	d.t.Helper()
	all, _ := d.must(200, "GET", "/vnfm/v1/vnf_instances?filter="+url.QueryEscape("(eq,id,"+vnf+")"), nil).([]any)
	if len(all) != 1 {
		d.t.Fatalf("%d VNFs have the id %s", len(all), vnf)
	}
	return field(all[0], "drift")
}

// told counts the events of a VNF of a type.
func (d *daemon) told(vnf, kind string) int {
	d.t.Helper()
	return len(list(d.must(200, "GET", "/vnfm/v1/vnf_instances/"+vnf+"/events?type="+kind, nil)))
}

// healings counts the repairs of a VNF that nobody asked for.
func (d *daemon) healings(vnf, state string) (n int) {
	d.t.Helper()
	filter := "(eq,vnfInstanceId," + vnf + ");(eq,operation,HEAL);(eq,isAutomaticInvocation,true);(eq,operationState," + state + ")"
	return len(list(d.must(200, "GET", "/vnflcm/v2/vnf_lcm_op_occs?filter="+url.QueryEscape(filter), nil)))
}

// Somebody changes what a VIM holds, and the program is killed again and again, in the middle of comparisons and of the repairs that they
// begin: what differs is told once, repaired once, and all is as it was.
func TestKilledInTheMiddleOfComparingItGoesOn(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, append(args(t), "--reconcile-interval=300ms", "--reconcile-backoff=1s", "--reconcile-attempts=5")...)
			pkg := d.samplePackage()
			watched, mended := d.create(pkg, "watched"), d.create(pkg, "mended")
			for _, vnf := range []string{watched, mended} {
				d.run(vnf, "instantiate", map[string]any{"flavourId": "standard", "instantiationLevelId": "busy"}, "COMPLETED")
			}
			d.must(202, "PATCH", "/vnflcm/v2/vnf_instances/"+mended, map[string]any{"vnfConfigurableProperties": map[string]any{"isAutohealEnabled": true}})
			was, n := d.addresses(mended), len(d.tokens(mended))
			d.behave(150 * time.Millisecond)
			d.tamper(watched, "compute", map[string]any{"change": map[string]any{"compute": map[string]any{"power": "off"}}})
			d.tamper(mended, "port", map[string]any{"gone": true})
			d.tamper(mended, "compute", map[string]any{"change": map[string]any{"compute": map[string]any{"power": "off"}}})
			for range 3 { // wherever it is: the rounds come three times a second
				d.kill()
				d.start()
				d.await("a comparison after the kill", func() bool { return field(d.noted(watched), "changed") == 1.0 })
			}
			before := d.revisions(mended)
			d.await("the repair", func() bool { return d.revisions(mended) != before || d.healings(mended, "COMPLETED") > 0 })
			d.kill()
			d.start()
			d.await("the end of the repair", func() bool { return d.healings(mended, "COMPLETED") == 1 && d.noted(mended) == nil })
			if now := d.addresses(mended); strings.Join(now, "\n") != strings.Join(was, "\n") {
				t.Errorf("was %v\nis  %v", was, now)
			}
			if now := len(d.tokens(mended)); now != n {
				t.Errorf("%d resources at the VIM, %d before", now, n)
			}
			if got := d.healings(watched, "COMPLETED") + d.told(watched, "vnf.drifted") - 1; got != 0 || field(d.noted(watched), "state") != "DRIFTED" {
				t.Errorf("what was only to be told was told %d times: %v", d.told(watched, "vnf.drifted"), d.noted(watched))
			}
			if report := d.must(200, "GET", "/vnfm/v1/audit", nil); field(report, "ok") != true {
				t.Errorf("%v", field(report, "findings"))
			}
		})
	}
}

// A VIM that suddenly shows next to nothing is suspect: nothing is repaired by it, until a person says that it is so.
func TestAVimThatLostNearlyAllIsSuspect(t *testing.T) {
	d := startDaemon(t, "--reconcile-interval=300ms", "--reconcile-policy=repair")
	vnf := d.create(d.samplePackage(), "fw1")
	d.must(202, "PATCH", "/vnflcm/v2/vnf_instances/"+vnf, map[string]any{"vnfConfigurableProperties": map[string]any{"isAutohealEnabled": true}})
	d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
	for _, kind := range []string{"compute", "compute", "port", "port", "port", "port", "port"} {
		d.tamper(vnf, kind, map[string]any{"gone": true})
	}
	d.await("suspicion", func() bool { return field(d.noted(vnf), "state") == "SUSPECT" })
	seen := field(d.must(200, "GET", "/vnfm/v1/vims/sim-1", nil), "comparison")
	if field(seen, "suspect") != true || field(seen, "missing") != 7.0 {
		t.Errorf("%v", seen)
	}
	if n := d.healings(vnf, "COMPLETED") + d.healings(vnf, "PROCESSING"); n > 0 {
		t.Errorf("%d repairs that nobody asked for", n)
	}
	if out := d.vnfm(0, "vnf", "list", "--trouble"); !strings.Contains(out, "VIM suspect") {
		t.Errorf("%s", out)
	}
	d.vnfm(0, "vnf", "sync", "fw1", "--repair", "--confirm")
	d.await("the end of the suspicion", func() bool { return d.noted(vnf) == nil })
}

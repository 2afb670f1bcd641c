package e2e

import (
	"bytes"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/samples"
)

// onboard uploads a package and waits until it is onboarded; it returns the package id.
func (d *daemon) onboard(csar []byte) string {
	d.t.Helper()
	id := text(d.must(201, "POST", "/vnfpkgm/v2/vnf_packages", map[string]any{}), "id")
	d.must(202, "PUT", "/vnfpkgm/v2/vnf_packages/"+id+"/package_content", bytes.NewReader(csar))
	var info any
	d.await("onboarding", func() bool {
		info = d.must(200, "GET", "/vnfpkgm/v2/vnf_packages/"+id, nil)
		s := text(info, "onboardingState")
		return s == "ONBOARDED" || s == "ERROR"
	})
	if text(info, "onboardingState") != "ONBOARDED" {
		d.t.Fatalf("the package is not onboarded: %v", field(info, "onboardingFailureDetails"))
	}
	return id
}

// samplePackage returns the vnfdId of our own package, which dev onboards.
func (d *daemon) samplePackage() string {
	d.t.Helper()
	d.await("the sample package", func() bool {
		all, _ := d.must(200, "GET", "/vnfpkgm/v2/vnf_packages", nil).([]any)
		for _, p := range all {
			if text(p, "onboardingState") == "ONBOARDED" && text(p, "vnfdId") == samples.VnfdID {
				return true
			}
		}
		return false
	})
	return samples.VnfdID
}

// create makes an instance and returns its id.
func (d *daemon) create(vnfdID, name string) string {
	d.t.Helper()
	return text(d.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": vnfdID, "vnfInstanceName": name}), "id")
}

// begin starts an operation on an instance and returns the URL of its occurrence.
func (d *daemon) begin(id, task string, body any) string {
	d.t.Helper()
	code, h, v := d.request("POST", "/vnflcm/v2/vnf_instances/"+id+"/"+task, body)
	if code != 202 {
		d.t.Fatalf("%s: status %d: %v", task, code, v)
	}
	return h.Get("Location")
}

// settle waits until an operation occurrence is in one of the states that need no more waiting and returns it.
func (d *daemon) settle(op string) any {
	d.t.Helper()
	var v any
	d.await("the operation "+op, func() bool {
		code, got := d.call("GET", op, nil)
		v = got
		switch text(got, "operationState") {
		case "COMPLETED", "FAILED", "ROLLED_BACK", "FAILED_TEMP":
			return code == 200
		}
		return false
	})
	return v
}

// run begins an operation and wants it to end in a state.
func (d *daemon) run(id, task string, body any, want string) any {
	d.t.Helper()
	op := d.settle(d.begin(id, task, body))
	if text(op, "operationState") != want {
		d.t.Fatalf("%s ended %s, want %s: %v", task, text(op, "operationState"), want, field(op, "error"))
	}
	return op
}

// inventory counts what the simulated VIMs hold, by kind; it fails when something is there twice.
func (d *daemon) inventory(owner string) map[string]int {
	d.t.Helper()
	all, ok := d.must(200, "GET", "/vnfm/v1/sim/inventory", nil).([]any)
	if !ok {
		d.t.Fatal("the inventory is no array")
	}
	count, seen := map[string]int{}, map[string]bool{}
	for _, e := range all {
		if owner != "" && text(e, "owner") != owner {
			continue
		}
		count[text(e, "kind")]++
		key := text(e, "vim") + " " + text(e, "token")
		if seen[key] {
			d.t.Errorf("token %s is there twice", key)
		}
		seen[key] = true
	}
	return count
}

// behave sets the simulator's behaviour.
func (d *daemon) behave(delay time.Duration, rules ...map[string]any) {
	d.t.Helper()
	if rules == nil {
		rules = []map[string]any{}
	}
	d.must(200, "PUT", "/vnfm/v1/sim/behaviour", map[string]any{"seed": 1, "delay": delay.String(), "rules": rules})
}

func sameCounts(got, want map[string]int) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	for k, n := range want {
		if got[k] != n {
			return fmt.Errorf("got %v, want %v", got, want)
		}
	}
	return nil
}

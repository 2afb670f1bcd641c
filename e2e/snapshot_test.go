package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A snapshot whose taking is killed in the middle is there once and whole, and a reversion that is killed makes the VNF what it was; a snapshot
// that is deleted, with the program killed right after, leaves nothing.
func TestKilledInTheMiddleOfASnapshotAndAReversionItGoesOn(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, args(t)...)
			vnf := d.create(d.samplePackage(), "fw1")
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
			ids := func() []string { // of what the VNF has, whatever the generation
				var out []string
				for _, token := range d.tokens(vnf) {
					id, _, _ := strings.Cut(token, ":")
					out = append(out, id)
				}
				slices.Sort(out)
				return out
			}
			was := d.tokens(vnf)
			info := text(d.must(201, "POST", "/vnflcm/v2/vnf_snapshots", map[string]any{}), "id")
			d.behave(150 * time.Millisecond)
			killed := func(task string, progress func(before, now []string) bool) {
				t.Helper()
				before := d.tokens(vnf)
				op := d.begin(vnf, task, map[string]any{"vnfSnapshotInfoId": info})
				d.await("progress", func() bool { return progress(before, d.tokens(vnf)) })
				d.kill()
				d.start()
				got := d.settle(op[strings.Index(op, "/vnflcm"):])
				if text(got, "operationState") != "COMPLETED" || text(got, "vnfSnapshotInfoId") != info {
					t.Fatalf("%s ended %v: %v", task, text(got, "operationState"), field(got, "error"))
				}
			}
			killed("create_snapshot", func(before, now []string) bool { return len(now) > len(before) })
			with := ids()
			if n := d.inventory("")["snapshot"]; n != 3 || len(with) != len(was)+3 { // of two machines and a volume
				t.Errorf("%d snapshots, %d resources, had %d", n, len(with), len(was))
			}
			if taken := d.must(200, "GET", "/vnflcm/v2/vnf_snapshots/"+info, nil); len(list(taken, "vnfSnapshot", "vnfcSnapshots")) != 2 {
				t.Errorf("%v", taken)
			}
			d.run(vnf, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "throughput"}, "COMPLETED")
			killed("revert_to_snapshot", func(before, now []string) bool { return !slices.Equal(before, now) })
			if now := ids(); !slices.Equal(now, with) {
				t.Errorf("was %v\nis  %v", with, now)
			}
			d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
			if n := d.inventory(""); n["snapshot"] != 3 || len(n) != 1 {
				t.Errorf("after the termination: %v", n)
			}
			d.must(204, "DELETE", "/vnflcm/v2/vnf_snapshots/"+info, nil)
			d.kill()
			d.start()
			d.await("the release of what the snapshot had", func() bool { return len(d.inventory("")) == 0 })
			d.must(404, "GET", "/vnflcm/v2/vnf_snapshots/"+info, nil)
		})
	}
}

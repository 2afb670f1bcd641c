package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/drift"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vnf"
)

// What differs of a VNF is told with each resource and both values, and which VIMs could not be looked at and why, no more; only a wish
// to repair begins an operation, once for an Idempotency-Key, and a policy's says that it is one. Seen failing with the automatic
// invocation left out, and with the whole error of a VIM told.
func TestSync(t *testing.T) {
	w := newWorld(t)
	id := w.do("POST", vnfs, newID).want(201).id()
	at, sync := own+"/vnf_instances/"+id+"/drift", own+"/vnf_instances/"+id+"/sync"
	w.do("GET", at, "").want(200, `"inSync":true`, `"differences":[]`, `"vims":[]`)
	w.do("POST", sync, `{"repair":true}`).want(200, `"inSync":true`)
	w.cases.differs = lcm.Drift{
		Differences: []drift.Difference{{
			Type: drift.Changed, ID: "c1", Generation: 1, Kind: vim.Compute, Name: "fw", Template: "vdu1", Vnfcs: []string{"c1"}, Connection: "v1", VimID: "server-1",
			Fields: []drift.Field{{Attribute: vim.AttributePower, Recorded: "on", Found: "off"}},
		}, {Type: drift.Orphaned, ID: "x", Generation: 3, Kind: vim.Port, Connection: "v1"}, {Type: drift.Missing, ID: "p", Generation: 1, Kind: vim.Port, Template: "cp"}},
		Looks: []drift.Look{{Connection: "v1", Recorded: 9, Found: 8, Suspect: true}, {
			Connection: "v2", Recorded: 2, Err: vnfm.Wrap(vnfm.Unavailable, fmt.Errorf("dial with "+canary), "the VIM connection v2 does not tell"),
		}},
	}
	for _, r := range []reply{w.do("GET", at, ""), w.do("POST", sync, `{}`), w.do("POST", sync, `{"repair":false,"confirmed":true}`)} {
		var d sol.Drift
		r.want(200).json(&d)
		x := d.Differences[0]
		if d.InSync || d.VnfInstanceId != id || len(d.Differences) != 3 || x.VduId != "vdu1" || x.Fields[0] != (sol.DifferingField{Attribute: "power", Recorded: "on", Found: "off"}) {
			t.Errorf("%s", r.body)
		}
		if d.Vims[1].Error != "the VIM connection v2 does not tell" || !d.Vims[0].Suspect || strings.Contains(r.body, canary) {
			t.Errorf("%s", r.body)
		}
	}
	first := w.do("POST", sync, `{"repair":true,"confirmed":true,"isAutomaticInvocation":true}`, "Idempotency-Key", "k1").want(202)
	again := w.do("POST", sync, `{"repair":true,"confirmed":true,"isAutomaticInvocation":true}`, "Idempotency-Key", "k1").want(202)
	location := first.header.Get("Location")
	if location != again.header.Get("Location") || !strings.Contains(location, "/vnflcm/v2/vnf_lcm_op_occs/") || first.body != "" {
		t.Errorf("%v %q, again %v", first.header, first.body, again.header)
	}
	if got, _ := w.cases.last.(lcm.Sync); !got.Repair || !got.Confirmed {
		t.Errorf("%+v", w.cases.last)
	}
	if by := w.cases.by; !by.Automatic {
		t.Errorf("%+v", by)
	}
	w.do("POST", sync, `{"repair":true}`).want(409)
	w.do("GET", location[len(w.http.URL):], "").want(200, `"operation":"`+string(vnf.OpHeal)+`"`)
	w.do("POST", sync, `{"repair":"yes"}`).want(400, `"attribute":"/repair"`)
	w.do("GET", sync, "").want(405)
	w.do("POST", at, `{}`).want(405)
	w.do("GET", own+"/vnf_instances/x/drift", "").want(404)
	w.do("POST", own+"/vnf_instances/x/sync", `{}`).want(404)
	other := w.do("POST", vnfs, newID).want(201).id()
	w.do("POST", own+"/vnf_instances/"+other+"/plan", `{"operation":"SYNC","request":{"repair":true,"confirmed":true}}`).want(200, `"operation":"SYNC"`)
	w.do("POST", own+"/vnf_instances/"+other+"/plan", `{"operation":"SYNC","request":{"repair":1}}`).want(400, `"attribute":"/request/repair"`)
}

// Of two equal requests at once the later one may find repaired what the earlier one repairs: it is answered as that one was, not that
// nothing differs. Seen failing with the key not read again after a success without an effect.
func TestEqualSyncsAtOnce(t *testing.T) {
	w := newWorld(t)
	sync := own + "/vnf_instances/" + w.do("POST", vnfs, newID).want(201).id() + "/sync"
	send := func() reply { return w.do("POST", sync, `{"repair":true}`, "Idempotency-Key", "k") }
	w.cases.differs = lcm.Drift{Differences: []drift.Difference{{Type: drift.Missing, ID: "p", Generation: 1, Kind: vim.Port}}}
	var first reply
	w.cases.meanwhile = func() {
		first = send()
		w.cases.differs = lcm.Drift{}
	}
	second := send().want(202)
	if at := first.want(202).header.Get("Location"); at == "" || second.header.Get("Location") != at {
		t.Errorf("%v, then %v", first.header, second.header)
	}
	w.do("POST", sync, `{"repair":true}`, "Idempotency-Key", "another").want(200)
}

// Somebody's hand at a simulated VIM is seen there; what is not there, and what is no change, is refused.
func TestTamper(t *testing.T) {
	w := newWorld(t)
	made, err := w.sim.Start(t.Context(), vim.Connection{ID: "v", Type: sim.Type}, vim.StartRequest{
		Token: vim.Token{ID: "n", Generation: 1}, Kind: vim.Network, Owner: "vnf", Spec: vim.Spec{Name: "net", Network: &vim.NetworkSpec{MTU: 1500}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := own + "/sim/tamper"
	w.do("POST", path, `{"vim":"v","id":"nobody","gone":true}`).want(422, `"attribute":"/id"`)
	w.do("POST", path, `{"vim":"v","id":"`+made.ID+`","change":{"network":{"mtu":"wide"}}}`).want(400, `"attribute":"/change"`)
	w.do("POST", path, `{"vim":"v","id":"`+made.ID+`","change":{"network":{"mtu":900}}}`).want(204)
	if got := w.sim.Inventory(); got[0].Spec.Network.MTU != 900 || got[0].Name != "net" || got[0].Revision != 1 {
		t.Errorf("%+v", got)
	}
	w.do("POST", path, `{"vim":"v","id":"`+made.ID+`","gone":true}`).want(204)
	if got := w.sim.Inventory(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

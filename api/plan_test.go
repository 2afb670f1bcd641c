package api_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim"
)

// TestPlan: the document of a dry run. The halves of a replacement are one step, where the first of them is; the configuration is
// no resource. Seen failing with a replacement counted twice, and with the additionalParams unmasked.
func TestPlan(t *testing.T) {
	w := newWorld(t)
	id := w.do("POST", vnfs, newID).want(201).id()
	w.cases.planned = lcm.Preview{
		Steps: []lcm.PreviewStep{
			{Stage: "clear-computes", Action: plan.Release, Replaces: true, ID: "c1", Kind: "compute", Name: "fw-0", Template: "vdu", Connection: "sim-1", Why: []vim.Attribute{"image"}},
			{Stage: "networks", Action: plan.Create, ID: "n1", Kind: "network", Name: "fw-net", Template: "vl"},
			{Stage: "computes", Action: plan.Create, Replaces: true, ID: "c1", Kind: "compute", Name: "fw-0", Template: "vdu", Why: []vim.Attribute{"image"}},
			{Stage: "computes", Action: plan.Change, ID: "c2", Kind: "compute", Name: "fw-1", Template: "vdu", Connection: "sim-1", Why: []vim.Attribute{"power"}, Optional: true},
			{Stage: "release-ports", Action: plan.Release, ID: "p1", Kind: "port", Name: "fw-p", Template: "cpd", Connection: "sim-1"},
			{Stage: "configure", Action: plan.Create, ID: "k", Kind: string(vim.Configuration), Name: "fw-configuration"},
		},
		Policy: saga.Hold, Reversible: true, Warnings: []string{"mind the gap"},
		Grant: nfvo.GrantRequest{
			VnfID: id, OpOccID: "o", VnfdID: "d", Operation: "OPERATE", AdditionalParams: json.RawMessage(`{"a":1,"password":"` + canary + `"}`),
			Add:    []nfvo.ResourceDefinition{{ID: "r1", Type: "COMPUTE", VduID: "vdu", TemplateID: "vdu"}},
			Update: []nfvo.ResourceDefinition{{ID: "r2", Type: "COMPUTE", TemplateID: "vdu", Resource: &nfvo.ResourceHandle{Connection: "sim-1", ID: "x"}}},
		},
	}
	var got sol.Plan
	w.do("POST", own+"/vnf_instances/"+id+"/plan", `{"operation":"OPERATE","request":{"changeStateTo":"STOPPED"}}`).want(200).json(&got)
	want := sol.Plan{
		VnfInstanceId: id, Operation: sol.PlanOperate, Policy: "hold", Reversible: true, Warnings: []string{"mind the gap"},
		Counts: sol.PlanCounts{Create: 1, Change: 1, Replace: 1, Release: 1},
		Steps: []sol.PlanStep{
			{Stage: "clear-computes", NextStage: "computes", Action: "replace", Id: "c1", Kind: "compute", Name: "fw-0", VduId: "vdu", ResourceTemplateId: "vdu", VimConnectionId: "sim-1", Why: []string{"image"}},
			{Stage: "networks", Action: "create", Id: "n1", Kind: "network", Name: "fw-net", ResourceTemplateId: "vl"},
			{Stage: "computes", Action: "change", Id: "c2", Kind: "compute", Name: "fw-1", VduId: "vdu", ResourceTemplateId: "vdu", VimConnectionId: "sim-1", Why: []string{"power"}, Optional: true},
			{Stage: "release-ports", Action: "release", Id: "p1", Kind: "port", Name: "fw-p", ResourceTemplateId: "cpd", VimConnectionId: "sim-1"},
			{Stage: "configure", Action: "configure", Id: "k", Kind: "configuration", Name: "fw-configuration"},
		},
		GrantRequest: &sol.GrantRequest{
			VnfInstanceId: id, VnfLcmOpOccId: "o", VnfdId: "d", Operation: "OPERATE",
			AdditionalParams: sol.KeyValuePairs{"a": json.RawMessage("1"), "password": json.RawMessage(`"***"`)},
			AddResources:     []sol.ResourceDefinition{{Id: "r1", Type: "COMPUTE", VduId: "vdu", ResourceTemplateId: "vdu"}},
			UpdateResources: []sol.ResourceDefinition{{
				Id: "r2", Type: "COMPUTE", ResourceTemplateId: "vdu", Resource: &sol.ResourceHandle{VimConnectionId: "sim-1", ResourceId: "x"},
			}},
			Links: sol.GrantRequestLinks{
				VnfLcmOpOcc: sol.Link{Href: w.http.URL + ops + "/o"}, VnfInstance: sol.Link{Href: w.http.URL + vnfs + "/" + id},
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if effects := w.cases.effects; effects != 1 { // the creation
		t.Errorf("%d effects", effects)
	}
}

// TestPlanHearsWhatTheOperationHears: the use case gets the same command of a plan as of the operation's own task, and what is
// refused is refused alike, below /request. Seen failing with the pointer left as the operation has it.
func TestPlanHearsWhatTheOperationHears(t *testing.T) {
	w := newWorld(t)
	for task, c := range map[string]struct {
		operation string
		bodies    []string
	}{
		"instantiate": {"INSTANTIATE", []string{
			`{"flavourId":"f","additionalParams":{"a":1},"vimConnectionInfo":{"v":{"vimType":"T"}}}`,
			`{}`, `{"flavourId":7}`, `{"flavourId":"f","extVirtualLinks":[{"id":"a","resourceId":"n","extCps":[{"cpdId":1}]}]}`,
			`{"flavourId":"f","extManagedVirtualLinks":[{"id":"m","vnfVirtualLinkDescId":"v","resourceId":"r","vnfLinkPort":[{}]}]}`,
		}},
		"terminate": {"TERMINATE", []string{
			`{"terminationType":"GRACEFUL","gracefulTerminationTimeout":5}`, `{"terminationType":"FORCEFUL","gracefulTerminationTimeout":5}`,
		}},
		"scale": {"SCALE", []string{
			`{"type":"SCALE_OUT","aspectId":"a"}`, `{"type":"SCALE_IN","aspectId":"a","numberOfSteps":0}`, `{"type":"UP","aspectId":"a"}`,
		}},
		"scale_to_level": {"SCALE_TO_LEVEL", []string{
			`{"instantiationLevelId":"l"}`, `{"scaleInfo":[{"aspectId":"a","scaleLevel":1}]}`, `{"scaleInfo":[{"scaleLevel":1}]}`,
		}},
		"heal": {"HEAL", []string{
			`{}`, `{"vnfcInstanceId":["c"],"cause":"w","additionalParams":{"all":true}}`, `{"vnfcInstanceId":[""]}`, `{"healScript":"x"}`,
		}},
		"change_ext_conn": {"CHANGE_EXT_CONN", []string{
			`{"extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c"}]}]}`,
			`{"extVirtualLinks":[]}`, `{}`, `{"extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"k":{}}}]}]}`,
		}},
		"change_flavour": {"CHANGE_FLAVOUR", []string{
			`{"newFlavourId":"f","instantiationLevelId":"l","additionalParams":{"a":1}}`, `{}`, `{"newFlavourId":"f","extVirtualLinks":[{"id":"a","resourceId":"n","extCps":[{"cpdId":1}]}]}`,
		}},
		"change_vnfpkg": {"CHANGE_VNFPKG", []string{
			`{"vnfdId":"d","additionalParams":{"batchSize":1}}`, `{}`, `{"vnfdId":"d","extensions":[]}`,
		}},
		"create_snapshot": {"CREATE_SNAPSHOT", []string{
			`{"vnfSnapshotInfoId":"s","userDefinedData":{"u":1},"additionalParams":{"a":1}}`, `{}`, `{"vnfSnapshotInfoId":1}`,
		}},
		"revert_to_snapshot": {"REVERT_TO_SNAPSHOT", []string{
			`{"vnfSnapshotInfoId":"s"}`, `{}`, `{"vnfSnapshotInfoId":"s","additionalParams":7}`,
		}},
		"operate": {"OPERATE", []string{
			`{"changeStateTo":"STOPPED","vnfcInstanceId":["c"]}`, `{"changeStateTo":"STARTED","stopType":"FORCEFUL"}`,
		}},
	} {
		for _, body := range c.bodies {
			id := w.do("POST", vnfs, newID).want(201).id()
			planned := w.do("POST", own+"/vnf_instances/"+id+"/plan", `{"operation":"`+c.operation+`","request":`+body+`}`)
			heard := w.cases.last
			begun := w.do("POST", vnfs+"/"+id+"/"+task, body)
			if begun.status == 202 {
				if planned.want(200); !reflect.DeepEqual(heard, w.cases.last) {
					t.Errorf("%s: %+v, and of the operation %+v", body, heard, w.cases.last)
				}
				continue
			}
			var a, b sol.ProblemDetails
			planned.json(&a)
			begun.json(&b)
			if a.Status != b.Status || a.Attribute != "/request"+b.Attribute || b.Attribute == "" {
				t.Errorf("%s: %s, and of the operation %s", body, planned.body, begun.body)
			}
		}
	}
	id := w.do("POST", vnfs, newID).want(201).id()
	path := own + "/vnf_instances/" + id + "/plan"
	const stop = `{"operation":"OPERATE","request":{"changeStateTo":"STOPPED"}}`
	for body, at := range map[string]string{
		`{"request":{}}`: "/operation", `{"operation":"MODIFY_INFO","request":{}}`: "/operation", `{"operation":"OPERATE"}`: "/request",
		`{"operation":"OPERATE","request":[]}`: "/request", `{"operation":"OPERATE","request":7}`: "/request",
	} {
		w.do("POST", path, body).want(400, `"attribute":"`+at+`"`)
	}
	w.do("POST", own+"/vnf_instances/x/plan", stop).want(404, `VNF instance \"x\"`)
	w.cases.fail = vnfm.Errorf(vnfm.Unprocessable, "the VNF has no VNFC %q", "c").At("/vnfcInstanceId/0")
	w.do("POST", path, stop).want(422, `"detail":"/request/vnfcInstanceId/0: the VNF has no VNFC \"c\""`, `"attribute":"/request/vnfcInstanceId/0"`)
	w.cases.fail = vnfm.Errorf(vnfm.Conflict, "another operation holds it")
	if r := w.do("POST", path, stop).want(409, "another operation holds it"); r.body != w.do("POST", vnfs+"/"+id+"/operate", `{"changeStateTo":"STOPPED"}`).want(409).body {
		t.Errorf("not what the operation answers: %s", r.body)
	}
}

// TestPlanKeepsNothing: an Idempotency-Key is taken, and nothing is kept under it: the next request is planned anew.
func TestPlanKeepsNothing(t *testing.T) {
	w := newWorld(t)
	id := w.do("POST", vnfs, newID).want(201).id()
	path, heads := own+"/vnf_instances/"+id+"/plan", func() [eventstore.Lanes]eventstore.LaneHead {
		h, err := w.store.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	before := heads()
	for _, state := range []string{"STOPPED", "STARTED"} {
		r := w.do("POST", path, `{"operation":"OPERATE","request":{"changeStateTo":"`+state+`"}}`, "Idempotency-Key", "k").want(200)
		if got := w.cases.last.(lcm.Operate).To; got != state || r.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("planned %s: %v", got, r.header)
		}
	}
	l, err := w.store.Load(t.Context(), eventstore.Load{Idempotency: &eventstore.IdempotencyKey{Caller: "local", Key: "k"}})
	if err != nil || l.Idempotency != nil || heads() != before {
		t.Errorf("kept: %+v, %v", l.Idempotency, err)
	}
}

// TestPlanIsForWhoMayOperate: an orchestrator or element manager sees nothing of ours, and who only looks has nothing to plan.
func TestPlanIsForWhoMayOperate(t *testing.T) {
	for role, status := range map[access.Role]int{access.Viewer: 403, access.Operator: 200, access.Admin: 200, access.NFVO: 403, access.EM: 403} {
		name := "somebody"
		w := newWorld(t, func(c *apiConfig) { c.Authenticate = as(&name, role) })
		in := instance("i")
		w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, in)
		w.do("POST", own+"/vnf_instances/i/plan", `{"operation":"OPERATE","request":{"changeStateTo":"STOPPED"}}`).want(status)
	}
}

package api_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/vnf"
)

// TestChangeFlavour: what the use cases hear of requests to change the flavour, in both versions, and what the edge refuses. The transport
// holds requests and answers against ETSI's documents. Seen failing with the level left out of the command.
func TestChangeFlavour(t *testing.T) {
	w := newWorld(t)
	for root, body := range map[string]string{
		vnfs: `{"newFlavourId":"f","instantiationLevelId":"l","extManagedVirtualLinks":[{"id":"m","vnfVirtualLinkDescId":"vl","resourceId":"r"}],
			"additionalParams":{"password":"` + canary + `"},"extensions":{"e":1},"vnfConfigurableProperties":{"p":2}}`,
		oldVnfs: `{"newFlavourId":"f","instantiationLevelId":"l","extManagedVirtualLinks":[{"id":"m","virtualLinkDescId":"vl","resourceId":"r"}],
			"additionalParams":{"password":"` + canary + `"},"extensions":{"e":1},"vnfConfigurableProperties":{"p":2}}`,
	} {
		uri := root + "/" + w.do("POST", root, newID).want(201).id()
		r := w.do("POST", uri+"/change_flavour", body).want(202)
		if ops := strings.Replace(root, "vnf_instances", "vnf_lcm_op_occs", 1); !strings.HasPrefix(r.header.Get("Location"), w.http.URL+ops+"/") || r.body != "" {
			t.Errorf("%v %q", r.header, r.body)
		}
		got, _ := w.cases.last.(lcm.ChangeFlavour)
		if kept := string(got.Params); strings.Contains(kept, canary) || kept == "" {
			t.Errorf("kept %s", kept)
		}
		if got.FlavourID != "f" || got.Level != "l" || string(got.Extensions["e"]) != "1" || string(got.Configurable["p"]) != "2" ||
			!reflect.DeepEqual(got.ExtManaged, []lcm.ExtManaged{{ID: "m", LinkID: "vl", NetworkID: "r"}}) {
			t.Errorf("%+v", got)
		}
		w.do("POST", uri+"/change_flavour", body).want(409)
		w.do("GET", uri+"/change_flavour", "").want(405)
		uri = root + "/" + w.do("POST", root, newID).want(201).id() + "/change_flavour"
		w.do("POST", uri, `{}`).want(400, `"attribute":"/newFlavourId"`)
		w.do("POST", root+"/x/change_flavour", body).want(404)
	}
}

// TestChangeVnfPkg: what the use cases hear of requests to change the package, which v1 does not have; and what it has modified is shown
// as triggered by it, not as changed info.
func TestChangeVnfPkg(t *testing.T) {
	w := old(t)
	uri := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	w.do("POST", uri+"/change_vnfpkg", `{"vnfdId":"d2","additionalParams":{"batchSize":1},"extensions":{"e":1}}`).want(202)
	got, _ := w.cases.last.(lcm.ChangeVnfPkg)
	if got.VnfdID != "d2" || string(got.AdditionalParams) != `{"batchSize":1}` || string(got.Extensions["e"]) != "1" {
		t.Errorf("%+v", got)
	}
	other := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	w.do("POST", other+"/change_vnfpkg", `{}`).want(400, `"attribute":"/vnfdId"`)
	w.do("POST", strings.Replace(other, vnfs, oldVnfs, 1)+"/change_vnfpkg", `{"vnfdId":"d2"}`).want(404)
	op := &vnf.OpOcc{ID: "x", VnfID: "i", State: vnf.Completed, Operation: vnf.OpChangeVnfPkg, ChangedInfo: &vnf.ChangedInfo{
		Package: &vnf.PackageUse{VnfdID: "d2", Provider: "p", ProductName: "n", SoftwareVersion: "2", VnfdVersion: "2"},
	}}
	w.put("vnf_lcm_op_occ", "opocc-", "x", "i", "i", 1, op)
	for _, path := range []string{ops + "/x", ops + "?all_fields&filter=(eq,id,x)"} {
		if r := w.do("GET", path, "").want(200, `"modificationsTriggeredByVnfPkgChange":{"vnfdId":"d2"`); strings.Contains(r.body, "changedInfo") {
			t.Error(r.body)
		}
	}
	if r := w.do("GET", oldOps+"/x", "").want(200); strings.Contains(r.body, "modificationsTriggered") {
		t.Error(r.body)
	}
}

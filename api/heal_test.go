package api_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
)

// TestHeal: what the use cases hear of requests to heal a VNF, in both versions and in the words of both, and what the edge refuses.
// The transport holds requests and answers against ETSI's documents. Seen failing with the cause left out of the command.
func TestHeal(t *testing.T) {
	w := newWorld(t)
	for _, root := range []string{vnfs, oldVnfs} {
		bodies := map[string]lcm.Heal{
			`{}`:                {},
			`{"cause":"smoke"}`: {Cause: "smoke"},
			`{"vnfcInstanceId":["a","b"],"additionalParams":{"all":true,"password":"` + canary + `"}}`: {
				Vnfcs: []string{"a", "b"}, AdditionalParams: []byte(`{"all":true,"password":"` + canary + `"}`),
			},
		}
		if root == oldVnfs {
			bodies[`{"vnfcResourceInfoId":["a"],"cause":"smoke"}`] = lcm.Heal{Vnfcs: []string{"a"}, Cause: "smoke"}
		}
		for body, want := range bodies {
			uri := root + "/" + w.do("POST", root, newID).want(201).id()
			r := w.do("POST", uri+"/heal", body).want(202)
			if ops := strings.Replace(root, "vnf_instances", "vnf_lcm_op_occs", 1); !strings.HasPrefix(r.header.Get("Location"), w.http.URL+ops+"/") || r.body != "" {
				t.Errorf("%s: %v %q", body, r.header, r.body)
			}
			got, _ := w.cases.last.(lcm.Heal)
			if kept := string(got.Params); strings.Contains(kept, canary) || kept == "" || strings.Contains(body, "smoke") != strings.Contains(kept, "smoke") {
				t.Errorf("kept %s", kept)
			}
			if got.Params = nil; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", body, got, want)
			}
			w.do("POST", uri+"/heal", body).want(409)
			w.do("GET", uri+"/heal", "").want(405)
		}
		uri := root + "/" + w.do("POST", root, newID).want(201).id() + "/heal"
		w.do("POST", uri, `{"cause":7}`).want(400, `"attribute":"/cause"`)
		w.do("POST", uri, `{"additionalParams":[]}`).want(400, `"attribute":"/additionalParams"`)
		w.do("POST", uri, `{"healScript":"restart.sh"}`).want(422, `"attribute":"/healScript"`)
		w.do("POST", root+"/x/heal", `{}`).want(404)
	}
	uri := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id() + "/heal"
	w.do("POST", uri, `{"vnfcInstanceId":["a",""]}`).want(400, `"attribute":"/vnfcInstanceId/1"`)
	old := oldVnfs + "/" + w.do("POST", oldVnfs, newID).want(201).id() + "/heal"
	w.do("POST", old, `{"vnfcResourceInfoId":["a",""]}`).want(400, `"attribute":"/vnfcResourceInfoId/1"`)
}

package api_test

import (
	"strings"
	"testing"
)

// TestAsAConformanceSuiteAsks sends what a suite of ETSI NFV-TST 010 sends, in both major versions and without a Version: each method that a
// resource does not have is 405 with the ones that it has, whatever is in a body or in none; error handling tasks take an empty body that
// says it is JSON; and every answer has the headers that a suite looks for.
func TestAsAConformanceSuiteAsks(t *testing.T) {
	w := newWhole(t)
	has := map[string]string{ // by what is below the root; "+": of v2 alone
		"vnf_instances": "GET POST", "vnf_instances/i": "GET PATCH DELETE",
		"vnf_instances/i/instantiate": "POST", "vnf_instances/i/scale": "POST", "vnf_instances/i/scale_to_level": "POST",
		"vnf_instances/i/change_flavour": "POST", "vnf_instances/i/terminate": "POST", "vnf_instances/i/heal": "POST", "vnf_instances/i/operate": "POST",
		"vnf_instances/i/change_ext_conn": "POST", "+vnf_instances/i/change_vnfpkg": "POST", "+vnf_instances/i/create_snapshot": "POST",
		"+vnf_instances/i/revert_to_snapshot": "POST",
		"vnf_lcm_op_occs":                     "GET", "vnf_lcm_op_occs/o": "GET", "vnf_lcm_op_occs/o/retry": "POST", "vnf_lcm_op_occs/o/rollback": "POST",
		"vnf_lcm_op_occs/o/fail": "POST", "vnf_lcm_op_occs/o/cancel": "POST",
		"subscriptions": "GET POST", "subscriptions/" + w.ids["subscriptions"]: "GET DELETE",
		"+vnf_snapshots": "GET POST", "+vnf_snapshots/" + w.ids["vnf_snapshots"]: "GET PATCH DELETE", "+vnf_snapshots/x/vnf_state_snapshot": "GET",
		"api_versions": "GET",
	}
	for _, root := range []string{"/vnflcm/v1/", "/vnflcm/v2/"} {
		for below, methods := range has {
			path, later := strings.CutPrefix(below, "+")
			if later && root == "/vnflcm/v1/" {
				continue
			}
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				if strings.Contains(methods, method) {
					continue
				}
				for _, body := range []string{"", "{}"} {
					got := w.send(t, method, root+path, body, "Accept", "application/json", "Content-Type", "application/json").taken(405)
					for want := range strings.FieldsSeq(methods) {
						if !strings.Contains(got.header.Get("Allow"), want) {
							t.Errorf("%s %s: Allow %q without %s", method, root+path, got.header.Get("Allow"), want)
						}
					}
				}
			}
		}
		for _, task := range []string{"retry", "rollback", "fail"} {
			got := w.send(t, "POST", root+"vnf_lcm_op_occs/o/"+task, "", "Accept", "application/json", "Content-Type", "application/json")
			if got.status != 202 && got.status != 200 || got.status == 202 && got.header.Get("Location") == "" {
				t.Errorf("%s: %d %v", task, got.status, got.header)
			}
		}
		for _, query := range []string{"attribute_not_exist=some_value", "fields=wrong_field", "filter=(eq,wrong_field,1)", "filter=(wrong,id,1)", "nextpage_opaque_marker=x"} {
			for _, list := range []string{"vnf_instances", "vnf_lcm_op_occs"} {
				w.send(t, "GET", root+list+"?"+query, "").taken(400)
			}
		}
	}
	for _, path := range []string{"/vnflcm/api_versions", "/vnflcm/v1/api_versions", "/vnflcm/v2/api_versions"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			w.send(t, method, path, "", "Content-Type", "application/json").taken(405)
		}
	}
}

package etsitest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/internal/etsitest"
)

const instance = `{"id":"a","vnfdId":"d","vnfProvider":"p","vnfProductName":"n","vnfSoftwareVersion":"1","vnfdVersion":"1",
	"instantiationState":"NOT_INSTANTIATED","_links":{"self":{"href":"http://h/x"}}}`

func header(kv ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(kv); i += 2 {
		h.Set(kv[i], kv[i+1])
	}
	return h
}

// The checker is not blind. Seen failing (nothing found) without the documents.
func TestCheck(t *testing.T) {
	json := header("Content-Type", "application/json", "Version", "2.3.0")
	problem := header("Content-Type", "application/problem+json")
	for name, c := range map[string]struct {
		method, path string
		status       int
		header       http.Header
		body, want   string // want "": nothing wrong
	}{
		"a good instance":        {"GET", "/vnflcm/v2/vnf_instances/a", 200, json, instance, ""},
		"a missing attribute":    {"GET", "/vnflcm/v2/vnf_instances/a", 200, json, strings.Replace(instance, `"vnfdId":"d",`, "", 1), "vnfdId"},
		"a wrong enum":           {"GET", "/vnflcm/v2/vnf_instances/a", 200, json, strings.Replace(instance, "NOT_", "UN", 1), "instantiationState"},
		"one in place of a list": {"GET", "/vnflcm/v2/vnf_instances", 200, json, instance, "array"},
		"not JSON":               {"GET", "/vnflcm/v2/vnf_instances/a", 200, json, "{", "not JSON"},
		"no Location":            {"POST", "/vnflcm/v2/vnf_instances", 201, json, instance, "Location"},
		"a status unknown":       {"GET", "/vnflcm/v2/vnf_instances/a", 201, json, instance, "status"},
		"a good error":           {"GET", "/vnflcm/v2/x", 404, problem, `{"status":404,"detail":"x"}`, ""},
		"an error of wrong type": {"GET", "/vnflcm/v2/x", 404, json, `{"status":404,"detail":"x"}`, "Content-Type"},
		"an error that lies":     {"GET", "/vnflcm/v2/x", 404, problem, `{"status":400,"detail":"x"}`, "status is 400"},
		"an error without words": {"GET", "/vnflcm/v2/x", 404, problem, `{"status":404}`, "detail"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(etsitest.Check(c.method, c.path, c.status, c.header, []byte(c.body)), "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want something with %q", got, c.want)
			}
		})
	}
}

func TestCheckRequest(t *testing.T) {
	const path = "/vnflcm/v2/vnf_instances/a/terminate"
	if got := etsitest.CheckRequest("POST", path, []byte(`{"terminationType":"FORCEFUL"}`)); len(got) != 0 {
		t.Errorf("a good request: %v", got)
	}
	if got := etsitest.CheckRequest("POST", path, []byte(`{"terminationType":"GENTLE"}`)); len(got) == 0 {
		t.Error("a wrong enum is not found")
	}
	const instance = "/vnflcm/v2/vnf_instances/a"
	if got := etsitest.CheckRequest("PATCH", instance, []byte(`{"vnfInstanceName":null,"vimConnectionInfo":{"a":null}}`)); len(got) != 0 {
		t.Errorf("a patch that removes: %v", got)
	}
	if got := etsitest.CheckRequest("PATCH", instance, []byte(`{"vnfInstanceName":7}`)); len(got) == 0 {
		t.Error("a patch of another type is not found")
	}
}

// The document types a list of occurrences as one of them; the elements are checked all the same.
func TestElementsOfListsAreChecked(t *testing.T) {
	h := header("Content-Type", "application/json", "Version", "2.3.0")
	for _, path := range []string{"/vnflcm/v2/vnf_lcm_op_occs", "/vnflcm/v2/vnf_instances"} {
		if got := etsitest.Check("GET", path, 200, h, []byte("[]")); len(got) != 0 {
			t.Errorf("%s: an empty list: %v", path, got)
		}
		if got := etsitest.Check("GET", path, 200, h, []byte(`[{"id":1}]`)); len(got) == 0 {
			t.Errorf("%s: a wrong element is not found", path)
		}
	}
}

package e2e

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/management/managementtest"
)

// A modification that a running VNF is told of, killed while the VNF does not answer and again while it is asked anew, goes on: the VNF has the
// property, the records have it, and not before the VNF had it.
func TestKilledInTheMiddleOfAModificationThatIsToldItGoesOn(t *testing.T) {
	for name, args := range backends {
		t.Run(name, func(t *testing.T) {
			em := managementtest.New(managementtest.Config{User: "vnfm", Password: "secret-of-the-em"})
			srv := httptest.NewServer(em.Handler())
			t.Cleanup(srv.Close)
			d := startDaemon(t, args(t)...)
			d.must(201, "POST", "/vnfm/v1/management_connections", map[string]any{
				"id": "em", "endpointType": "MGMT", "uri": srv.URL, "for": map[string]any{"vnfProvider": "vnfm"}, "interfaces": []string{"vnfconfig"},
				"authentication": map[string]any{"authType": []string{"BASIC"}, "paramsBasic": map[string]any{"userName": "vnfm", "password": "secret-of-the-em"}},
			})
			vnf := d.create(d.samplePackage(), "fw1")
			d.run(vnf, "instantiate", map[string]any{"flavourId": "standard"}, "COMPLETED")
			level := func() string {
				return text(d.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil), "vnfConfigurableProperties", "log_level")
			}
			told := func() string { return string(em.Configuration().VnfConfigurationData.VnfSpecificData["log_level"]) }
			was := len(em.Asked("PATCH"))
			em.SetBehaviour(managementtest.Behaviour{Rules: []managementtest.Rule{{On: "modify", Outcome: "503"}}})
			code, h, v := d.request("PATCH", "/vnflcm/v2/vnf_instances/"+vnf, map[string]any{"vnfConfigurableProperties": map[string]any{"log_level": "debug"}})
			if code != 202 {
				t.Fatalf("%d %v", code, v)
			}
			op := h.Get("Location")
			op = op[strings.Index(op, "/vnflcm"):]
			d.await("the first try", func() bool { return len(em.Asked("PATCH")) > was })
			d.kill()
			if n := unquoted(told()); n == "debug" {
				t.Error("the VNF has it already")
			}
			d.start()
			if got := level(); got == "debug" {
				t.Error("the records have what the VNF does not have")
			}
			again := len(em.Asked("PATCH"))
			d.await("another try", func() bool { return len(em.Asked("PATCH")) > again })
			em.SetBehaviour(managementtest.Behaviour{Rules: []managementtest.Rule{{On: "modify", Outcome: managementtest.Lost, Times: 1}}})
			d.await("the effect whose answer is lost", func() bool { return unquoted(told()) == "debug" })
			d.kill()
			d.start()
			if got := d.settle(op); text(got, "operationState") != "COMPLETED" || text(got, "changedInfo", "vnfConfigurableProperties", "log_level") != "debug" {
				t.Errorf("%v", got)
			}
			if got := level(); got != "debug" || unquoted(told()) != "debug" {
				t.Errorf("the records have %s, the VNF %s", got, told())
			}
			d.run(vnf, "terminate", map[string]any{"terminationType": "FORCEFUL"}, "COMPLETED")
		})
	}
}

// unquoted is a JSON text without its quotes.
func unquoted(raw string) string { return strings.Trim(raw, `"`) }

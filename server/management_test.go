package server_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/management/managementtest"
)

// A VNF whose element manager is registered is told its configuration and asked before and after a scaling, over HTTP; what the element
// manager answers steers the operation; its password is found nowhere.
func TestAnElementManagerIsToldAndAsked(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		em := managementtest.New(managementtest.Config{User: "vnfm", Password: "c4nary-of-the-em"})
		srv := httptest.NewServer(em.Handler())
		t.Cleanup(srv.Close)
		p := startProgram(t, args...)
		p.must(201, "POST", "/vnfm/v1/management_connections", map[string]any{
			"id": "em", "endpointType": "MGMT", "uri": srv.URL, "for": map[string]any{"vnfProvider": "vnfm"}, "vnfSpecificData": map[string]any{"ntpServers": []string{"10.0.0.1"}},
			"authentication": map[string]any{"authType": []string{"BASIC"}, "paramsBasic": map[string]any{"userName": "vnfm", "password": "c4nary-of-the-em"}},
		})
		v := p.must(200, "POST", "/vnfm/v1/management_connections/em/check", nil)
		if text(v, "reachable") != "true" || text(v, "interfaces", 0, "name") != "vnfconfig" {
			t.Errorf("checked: %v", v)
		}
		p.must(201, "POST", "/vnfm/v1/management_connections", map[string]any{"id": "own", "endpointType": "VNF", "uri": "https://{extCp.internet}:8443", "interfaces": []string{"lcmcoord"}})
		vnf := p.create("fw1")
		p.must(400, "POST", "/vnfm/v1/management_connections/own/check", nil)
		p.must(409, "POST", "/vnfm/v1/management_connections/own/check?vnf="+vnf, nil) // it has no address yet
		p.must(404, "POST", "/vnfm/v1/management_connections/own/check?vnf=none", nil)
		p.must(204, "DELETE", "/vnfm/v1/management_connections/own", nil)
		p.run(vnf, "instantiate", map[string]any{"flavourId": "redundant"})
		c := em.Configuration()
		if got := string(c.VnfConfigurationData.VnfSpecificData["ntpServers"]); got != `["10.0.0.1"]` || len(c.VnfcConfigurationData) < 2 {
			t.Errorf("told %+v", c)
		}
		before := len(c.VnfcConfigurationData)
		em.SetBehaviour(managementtest.Behaviour{Polls: 2, Warnings: "traffic moves"})
		op := p.run(vnf, "scale", map[string]any{"type": "SCALE_OUT", "aspectId": "capacity", "additionalParams": map[string]any{"reason": "evening"}})
		_, v = p.call("GET", op, nil)
		if text(v, "lcmCoordinations", 0, "coordinationActionName") != "announce" || text(v, "lcmCoordinations", 1, "coordinationResult") != "CONTINUE" || !strings.Contains(text(v, "warnings"), "traffic moves") {
			t.Errorf("%v", v)
		}
		if actions, _ := em.Coordinations(); !slices.Equal(actions, []string{"announce", "ready"}) {
			t.Errorf("coordinated %v", actions)
		}
		if c = em.Configuration(); len(c.VnfcConfigurationData) <= before {
			t.Errorf("told of %d VNFCs", len(c.VnfcConfigurationData))
		}
		em.SetBehaviour(managementtest.Behaviour{Result: "ABORT", Problem: "match of the day"})
		op = p.begin(vnf, "scale", map[string]any{"type": "SCALE_IN", "aspectId": "capacity"})
		p.await("the refusal", func() bool { _, v = p.call("GET", op, nil); return text(v, "operationState") == "FAILED_TEMP" })
		if !strings.Contains(text(v, "error", "detail"), "match of the day") {
			t.Errorf("%v", v)
		}
		em.SetBehaviour(managementtest.Behaviour{})
		p.must(202, "POST", op+"/retry", nil)
		p.completed(op)
		if c = em.Configuration(); len(c.VnfcConfigurationData) != before {
			t.Errorf("%d VNFCs are left", len(c.VnfcConfigurationData))
		}
		if strings.Contains(p.stored()+p.log.String(), "c4nary-of-the-em") {
			t.Error("the password is stored or logged")
		}
	})
}

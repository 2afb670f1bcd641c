package restclient_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/management/managementtest"
	"github.com/vnfm/vnfm/management/restclient"
)

// A check says of each interface whether it answers, and why not, without the credentials; it changes nothing.
func TestCheckSaysWhatAnswersAndWhyNot(t *testing.T) {
	basic := func(password string) *egress.Auth {
		return &egress.Auth{Types: []string{egress.BasicAuth}, Basic: &egress.Basic{UserName: "vnfm", Password: password}}
	}
	p := newPlace(t, managementtest.Config{User: "vnfm", Password: "right-12"}, basic("right-12"))
	em := &configuration.Endpoint{Connection: "em", Type: management.Mgmt}
	all := p.client.Check(t.Context(), em, nil)
	if len(all) != 2 || all[0].Interface != "vnfconfig" || all[1].Interface != "lcmcoord" || !restclient.Reachable(all) {
		t.Errorf("%+v", all)
	}
	for _, r := range p.vnf.Asked("") {
		if r.Method != http.MethodGet {
			t.Errorf("asked %s %s", r.Method, r.Path)
		}
	}
	p.connections["em"].Auth = basic("wrong-canary")
	all = p.client.Check(t.Context(), em, []string{"vnfconfig"})
	if restclient.Reachable(all) || !strings.Contains(all[0].Detail, "401") || strings.Contains(all[0].Detail, "wrong-canary") {
		t.Errorf("%+v", all)
	}
	bare := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(bare.Close)
	p.connections["em"].URI = bare.URL // versions need not be told; a configuration there must be
	if all = p.client.Check(t.Context(), em, nil); restclient.Reachable(all) || !all[1].Reachable || !strings.Contains(all[0].Detail, "404") || !strings.Contains(all[1].Detail, "404") {
		t.Errorf("%+v", all)
	}
	p.connections["em"].URI = "http://127.0.0.1:1"
	if all = p.client.Check(t.Context(), em, []string{"vnfconfig"}); restclient.Reachable(all) || all[0].Detail == "" {
		t.Errorf("%+v", all)
	}
	if all = p.client.Check(t.Context(), &configuration.Endpoint{Connection: "none"}, nil); restclient.Reachable(all) {
		t.Errorf("%+v", all)
	}
	p.connections["em"].URI = "https://{extCp.management}"
	if all = p.client.Check(t.Context(), em, []string{"vnfconfig"}); restclient.Reachable(all) || !strings.Contains(all[0].Detail, "management") {
		t.Errorf("%+v", all)
	}
}

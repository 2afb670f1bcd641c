package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/vim/sim"
)

// TestEveryRouteNeedsSomething: no route is without a permission, and only what is listed here is open to everybody.
func TestEveryRouteNeedsSomething(t *testing.T) {
	all := rest.Join(areas(&Config{Sim: &sim.Sim{}, Denials: &access.Denials{}, Subscriptions: &notify.Service{}}))
	open := []string{"/healthz", "/readyz", rest.OwnRoot + "/sign_in", rest.OwnRoot + "/openapi.json", rest.OwnRoot + "/api_versions", "/vnfm/api_versions", "/vnflcm/api_versions", "/vnflcm/v1/api_versions", rest.LcmRoot + "/api_versions", "/vnfpkgm/api_versions", "/vnfpkgm/v1/api_versions", rest.PkgRoot + "/api_versions"}
	seen := 0
	for path, methods := range all {
		for name, m := range methods {
			seen++
			if !slices.Contains(access.Permissions, m.Needs) {
				t.Errorf("%s %s needs %q, which is no permission", name, path, m.Needs)
			}
			if (m.Needs == access.Open) != slices.Contains(open, path) {
				t.Errorf("%s %s needs %s", name, path, m.Needs)
			}
			if name != "GET" && m.Needs != access.WriteLcm && m.Needs != access.WritePackages && m.Needs != access.Operate && m.Needs != access.Administer {
				t.Errorf("%s %s is a change and needs only %s", name, path, m.Needs)
			}
		}
	}
	for _, path := range []string{"/vnf_instances", "/vnf_instances/{id}", "/vnf_lcm_op_occs/{id}/retry", "/subscriptions", "/subscriptions/{id}"} {
		if all["/vnflcm/v1"+path] == nil {
			t.Errorf("v1 has no %s", path)
		}
	}
	for path := range all {
		if older, is := strings.CutPrefix(path, rest.PkgRoot); is && all["/vnfpkgm/v1"+older] == nil {
			t.Errorf("v1 of packages has no %s", older)
		}
	}
	if seen < 40 {
		t.Errorf("only %d methods seen", seen)
	}
}

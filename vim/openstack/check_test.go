package openstack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/openstack"
)

// limits serves what a check asks for.
func (f *fake) limits() {
	version := func(at string, answer obj) {
		f.on("GET "+at+"/{$}", http.StatusOK, func(*http.Request, obj) any { return answer })
	}
	version("/compute/v2.1", obj{"version": obj{"id": "v2.1", "status": "CURRENT", "version": "2.93"}})
	version("/network", obj{"versions": []obj{{"id": "v2.0", "status": "CURRENT"}}})
	version("/volume/v3", obj{"versions": []obj{{"id": "v3.0", "status": "CURRENT", "version": "3.70"}}})
	f.on("GET /image/{$}", http.StatusMultipleChoices, func(*http.Request, obj) any {
		return obj{"versions": []obj{{"id": "v2.9", "status": "SUPPORTED"}, {"id": "v2.15", "status": "CURRENT"}}}
	})
	f.on("GET /compute/v2.1/limits", http.StatusOK, func(*http.Request, obj) any {
		return obj{"limits": obj{"rate": []obj{}, "absolute": obj{"maxTotalInstances": 2, "totalInstancesUsed": 2, "maxTotalCores": -1, "totalCoresUsed": 3, "maxTotalRAMSize": 512, "totalRAMUsed": 0}}}
	})
	f.on("GET /volume/v3/"+fakeProject+"/limits", http.StatusOK, func(*http.Request, obj) any {
		return obj{"limits": obj{"rate": []obj{}, "absolute": obj{"maxTotalVolumes": 10, "totalVolumesUsed": 0}}}
	})
	f.on("GET /network/v2.0/quotas/"+fakeProject+"/details", http.StatusOK, func(*http.Request, obj) any {
		return obj{"quota": obj{"port": obj{"limit": 50, "used": 1, "reserved": 0}, "security_group": obj{"limit": 10, "used": 10, "reserved": 0}}}
	})
	f.on("GET /network/v2.0/extensions", http.StatusOK, func(*http.Request, obj) any {
		out := []obj{}
		for _, alias := range []string{"allowed-address-pairs", "binding", "port-security", "qos", "security-group"} {
			out = append(out, obj{"alias": alias})
		}
		return obj{"extensions": out}
	})
	f.on("GET /volume/v3/"+fakeProject+"/types", http.StatusOK, func(*http.Request, obj) any {
		return obj{"volume_types": []obj{{"name": "__DEFAULT__", "is_public": true, "description": "Default Volume Type"}}}
	})
}

// facts are those of a check, by area and name.
func facts(t *testing.T, d *openstack.Driver, conn vim.Connection) map[string]vim.Fact {
	t.Helper()
	all, err := d.Check(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]vim.Fact{}
	for _, f := range all {
		out[string(f.Area)+" "+f.Name] = f
	}
	return out
}

// A check tells what a project has and may do, and leaves nothing behind.
func checks(t *testing.T, s *site) {
	d := s.driver()
	got := facts(t, d, s.conn)
	for name, want := range map[string]string{
		"right project": "nfv", "version compute": "2.93", "version network": "v2.0", "version block-storage": "3.70", "version image": "v2.15",
		"extension qos": "there, for leaf bit rates", "storage class __DEFAULT__": "Default Volume Type",
		"right choose the type of a network": "not allowed: a VNFD with network types is refused", "right limit bit rates": "allowed",
	} {
		if f, ok := got[name]; !ok || f.Value != want || f.Lacks {
			t.Errorf("%s is %+v, want %s", name, f, want)
		}
	}
	for _, name := range []string{"instances", "cores", "ram (MiB)", "volumes", "ports", "security groups"} {
		if f, ok := got["quota "+name]; !ok || !strings.HasSuffix(f.Value, " used") && !strings.HasSuffix(f.Value, "no limit") {
			t.Errorf("the quota of %s is %+v", name, f)
		}
	}
	var nets struct{ Networks []struct{ Name string } }
	s.look(t, "network", "/v2.0/networks", &nets)
	for _, n := range nets.Networks {
		if strings.HasPrefix(n.Name, "vnfm-check") {
			t.Errorf("the check left %v", nets.Networks)
		}
	}
}

// What is full, too old or not there is said to be lacking; what may not be read is no error, and what cannot be asked is one.
func TestCheckOfWhatLacks(t *testing.T) {
	f := newFake(t)
	s := f.site()
	d := s.driver()
	got := facts(t, d, s.conn)
	for name, want := range map[string]vim.Fact{
		"quota instances":       {Value: "2 of 2 used", Lacks: true},
		"quota cores":           {Value: "3 used, no limit"},
		"quota security groups": {Value: "10 of 10 used", Lacks: true},
		"extension trunk":       {Value: "not there: ports that are reached through others are refused"},
	} {
		if f := got[name]; f.Value != want.Value || f.Lacks != want.Lacks {
			t.Errorf("%s is %+v, want %+v", name, f, want)
		}
	}
	no := http.StatusForbidden
	s.next(rule{method: http.MethodGet, path: "/compute/v2.1/limits", answer: no}, rule{method: http.MethodGet, path: "/details", answer: no},
		rule{method: http.MethodGet, path: "/extensions", answer: no}, rule{method: http.MethodGet, path: "/types", answer: no})
	got = facts(t, d, s.conn)
	for _, name := range []string{"quota compute", "quota network", "extension network", "storage class block-storage"} {
		if f := got[name]; f.Value != "cannot be read" {
			t.Errorf("%s is %+v", name, f)
		}
	}
	if _, ok := got["quota volumes"]; !ok {
		t.Errorf("what may be read is not told: %+v", got)
	}
	s.next(rule{method: http.MethodGet, path: "/compute/v2.1/", answer: http.StatusOK, body: `{"version":{"id":"v2.1","version":"2.38"}}`})
	if f := facts(t, d, s.conn)["version compute"]; !f.Lacks || f.Value != "2.38, and 2.52 is used" {
		t.Errorf("an old Nova is %+v", f)
	}
	for _, path := range []string{"/compute/v2.1/limits", "/extensions", "/types"} {
		s.next(rule{method: http.MethodGet, path: path})
		if _, err := d.Check(t.Context(), s.conn); vim.ClassOf(err) != message.UnknownOutcome {
			t.Errorf("%s does not answer: %v", path, err)
		}
	}
}

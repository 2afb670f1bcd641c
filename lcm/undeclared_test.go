package lcm_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/vnf"
)

func values(kv ...string) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i]] = json.RawMessage(kv[i+1])
	}
	return out
}

// TestWhatNoVnfdDeclares: the names of the standard are always taken; others by the site's choice, with a warning. Seen failing with
// every undeclared name refused.
func TestWhatNoVnfdDeclares(t *testing.T) {
	for name, c := range map[string]struct {
		extensions, configurable map[string]json.RawMessage
		at                       string // refused there, where undeclared names are refused
		always                   bool   // refused also where they are taken
	}{
		"the standard's names": {nil, values("isAutohealEnabled", "true", "isAutoscaleEnabled", "false", "is_autoscale_enabled", "true",
			"vnfmInterfaceInfo", `[{"a":1}]`, "vnfOauthServerInfo", `{}`, "vnfm_oauth_server_info", "{}"), "", false},
		"the standard's names with other types": {nil, values("isAutoscaleEnabled", `"yes"`), "/vnfConfigurableProperties/isAutoscaleEnabled", true},
		"the standard's names as extensions":    {values("isAutohealEnabled", "true"), nil, "/extensions/isAutohealEnabled", false},
		"an extension":                          {values("frob", `{"a":[1]}`), nil, "/extensions/frob", false},
		"a property":                            {nil, values("a/b", "7"), "/vnfConfigurableProperties/a~1b", false},
		"a declared one that does not fit":      {values("admin", "7"), nil, "/extensions/admin", true},
		"removal of what is not there":          {values("frob", "null"), nil, "/extensions/frob", false},
	} {
		for _, take := range []vnf.Extensible{vnf.DeclaredOnly, vnf.Undeclared} {
			t.Run(name+map[vnf.Extensible]string{vnf.DeclaredOnly: ", refused", vnf.Undeclared: ", taken"}[take], func(t *testing.T) {
				d := plantest.TwoVdus()
				d.Configurable = nil
				s := newSite(t, d, lcm.Settings{Take: take})
				defer s.finish()
				id := s.create()
				r := s.request()
				for k, v := range c.extensions {
					r.Extensions[k] = v
				}
				r.Configurable = c.configurable
				op, err := s.svc.Instantiate(s.ctx(), id, r, by)
				null := name == "removal of what is not there"
				refused := c.at != "" && (c.always || take == vnf.DeclaredOnly) && !null
				if refused {
					if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != c.at {
						t.Errorf("instantiate: %v at %s", err, attribute(err))
					}
				} else {
					s.must(err)
					s.settle()
					check(t, s.op(op.ID), c.at != "" && !null)
					for k, v := range c.extensions {
						if got := s.vnf(id).Extensions[k]; string(got) != string(v) && !null {
							t.Errorf("extensions/%s is %s", k, got)
						}
					}
					if _, there := s.vnf(id).Extensions["frob"]; there && null {
						t.Error("null is kept")
					}
				}
				op, err = s.svc.Modify(s.ctx(), id, lcm.Modify{Extensions: c.extensions, Configurable: c.configurable}, by)
				if refused {
					if vnfm.KindOf(err) != vnfm.Unprocessable || attribute(err) != c.at {
						t.Errorf("modify: %v at %s", err, attribute(err))
					}
					return
				}
				s.must(err)
				check(t, s.op(op.ID), c.at != "" && !null)
			})
		}
	}
}

func check(t *testing.T, o *vnf.OpOcc, warned bool) {
	t.Helper()
	if o.State != vnf.Completed {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	if got := slices.ContainsFunc(o.Warnings, func(w string) bool { return strings.Contains(w, "which the VNFD does not declare") }); got != warned {
		t.Errorf("%s warns: %q", o.Operation, o.Warnings)
	}
}

// TestExtensionsOfAnInstantiateAreAMergePatch: null removes, objects are merged, and what the VNFD requires must be left.
func TestExtensionsOfAnInstantiateAreAMergePatch(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{Take: vnf.Undeclared})
	defer s.finish()
	id := s.create()
	_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Extensions: values("admin", `"root"`, "more", `{"a":1,"b":2}`, "gone", "1")}, by)
	s.must(err)
	r := s.request()
	r.Extensions = values("admin", "null")
	if _, err := s.svc.Instantiate(s.ctx(), id, r, by); vnfm.KindOf(err) != vnfm.Conflict || !strings.Contains(err.Error(), "extensions/admin") {
		t.Errorf("without what is required: %v", err)
	}
	r.Extensions = values("more", `{"b":null,"c":3}`, "gone", "null")
	op, err := s.svc.Instantiate(s.ctx(), id, r, by)
	s.must(err)
	s.settle()
	got := s.vnf(id).Extensions
	if _, there := got["gone"]; there || string(got["more"]) != `{"a":1,"c":3}` || string(got["admin"]) != `"root"` {
		t.Errorf("%s, %s", s.op(op.ID).State, got)
	}
}

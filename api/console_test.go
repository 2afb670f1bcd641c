package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfpkg"
)

// pagesOf follows the pages of a list and returns what was found in each entry.
func pagesOf[T any](t *testing.T, w *annals, path string, of func(T) string) (all []string) {
	t.Helper()
	for path != "" {
		r := w.do("GET", path, "").want(200)
		var page []T
		r.json(&page)
		for _, x := range page {
			all = append(all, of(x))
		}
		link := r.header.Get("Link")
		if path = ""; link != "" {
			path = strings.TrimPrefix(link[1:strings.Index(link, ">")], w.http.URL)
		}
	}
	return all
}

// Our own lists come in the order that is asked for, page by page, whatever is equal or absent, filtered or not.
func TestSortedLists(t *testing.T) {
	w := newAnnals(t, func(c *api.Config) { c.PageSize = 2 })
	for i, name := range []string{"b", "", "a", "c", "a"} {
		id := fmt.Sprintf("v%d", i)
		w.on(id, &vnf.InstanceCreated{ID: id, Name: name, VnfdID: "d", PackageID: "p", Provider: "Acme", ProductName: fmt.Sprint("R", i%2), SoftwareVersion: "2", VnfdVersion: "1"})
		w.onOp(id, "o"+id, &vnf.OpStarted{ID: "o" + id, VnfID: id, Operation: vnf.OpInstantiate, Policy: "hold"})
	}
	vnfs := own + "/vnf_instances"
	for query, want := range map[string]string{
		"":                      "v0 v1 v2 v3 v4",
		"sort=-id":              "v4 v3 v2 v1 v0",
		"sort=vnfInstanceName":  "v1 v2 v4 v0 v3",
		"sort=-vnfInstanceName": "v3 v0 v4 v2 v1",
		"sort=vnfInstanceName&filter=(eq,vnfProductName,R0)": "v2 v4 v0",
		"sort=-vnfInstanceName&filter=(cont,vnfdId,d)":       "v3 v0 v4 v2 v1",
		"filter=(neq,operationUnderWay,)&sort=-id":           "",
	} {
		got := pagesOf(t, w, vnfs+"?"+query, func(v sol.VnfSummary) string { return v.Id })
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"sort=startTime":  "ov0 ov1 ov2 ov3 ov4",
		"sort=-startTime": "ov4 ov3 ov2 ov1 ov0",
		"sort=-startTime&filter=(in,vnfInstanceId,v1,v3)":   "ov3 ov1",
		"sort=-startTime&filter=(eq,isCancelPending,false)": "ov4 ov3 ov2 ov1 ov0",
	} {
		got := pagesOf(t, w, own+"/vnf_lcm_op_occs?"+query, func(o sol.OpOrigin) string { return o.VnfLcmOpOccId })
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	w.do("GET", vnfs+"?sort=vnfcs", "").want(400, "sort", "vnfInstanceName")
	w.do("GET", own+"/vnf_lcm_op_occs?sort=-operationState", "").want(400, "sort", "startTime")
	w.do("GET", "/vnflcm/v2/vnf_instances?sort=id", "").want(400, "not known") // the standard has no order
}

// An instance in few words says what stands and what holds it; an operation how far it got.
func TestSummaries(t *testing.T) {
	w := newAnnals(t)
	w.on("i", &vnf.InstanceCreated{ID: "i", Name: "fw", VnfdID: "d", PackageID: "p", Provider: "Acme", ProductName: "R", SoftwareVersion: "2", VnfdVersion: "1"})
	w.on("i", &vnf.OperationBegun{OpID: "o", Operation: vnf.OpInstantiate})
	var all []sol.VnfSummary
	w.do("GET", own+"/vnf_instances?filter=(eq,operationUnderWay,o)", "").want(200).json(&all)
	if len(all) != 1 || all[0].VnfInstanceName != "fw" || all[0].OperationUnderWay != "o" || all[0].VnfPkgId != "p" || all[0].InstantiationState != "NOT_INSTANTIATED" {
		t.Errorf("%+v", all)
	}
	w.onOp("i", "o", &vnf.OpStarted{ID: "o", VnfID: "i", Operation: vnf.OpInstantiate, Policy: "hold"})
	var ops []sol.OpOrigin
	w.do("GET", own+"/vnf_lcm_op_occs", "").want(200).json(&ops)
	if len(ops) != 1 || ops[0].OperationState != "STARTING" || ops[0].StateEnteredTime.IsZero() {
		t.Errorf("%+v", ops)
	}
}

// A descriptor is shown by its package and by the instances made by it; one that is not there says why.
func TestDescriptor(t *testing.T) {
	one := 1
	d := &vnfd.Descriptor{ID: "d", ProductName: "R", Flavours: []vnfd.Flavour{{
		ID: "f", DefaultLevel: "l",
		Vdus:   []vnfd.Vdu{{ID: "v", Min: 1, Max: 3, Initial: &one, Image: &vnfd.Image{Name: "im"}, BootData: &vnfd.BootData{Content: "hush"}}},
		Links:  []vnfd.VirtualLink{{ID: "net", Subnets: []vnfd.SubnetProfile{{CIDR: "10.0.0.0/24"}}}},
		Cps:    []vnfd.VduCp{{ID: "cp", Vdu: "v", Link: "net"}, {ID: "out", Vdu: "v", External: true}},
		ExtCps: []vnfd.ExtCp{{ID: "x", Link: "net"}}, Levels: []vnfd.Level{{ID: "l", Counts: map[string]int{"v": 2}}},
		Aspects:    []vnfd.Aspect{{ID: "a", MaxLevel: 2, Steps: map[string][]int{"v": {1, 1}}}},
		Operations: map[string]vnfd.Operation{"INSTANTIATE": {ParamsSchema: []byte(`{"type":"object"}`), Policy: "hold"}},
	}}}
	w := newAnnals(t, func(c *api.Config) {
		c.Descriptor = func(_ context.Context, digest string) (*vnfd.Descriptor, error) {
			if digest != "dig" {
				return nil, vnfm.Errorf(vnfm.NotFound, "no descriptor %q", digest)
			}
			return d, nil
		}
	})
	w.on("i", &vnf.InstanceCreated{ID: "i", VnfdID: "d", PackageID: "p", DescriptorDigest: "dig"})
	w.onPackage("p", &vnfpkg.Created{ID: "p"})
	r := w.do("GET", own+"/vnf_instances/i/descriptor", "").want(200, `"vnfcs":{"v":2}`, `"additionalParamsSchema":{"type":"object"}`, `"image":"im"`, `"cidrs":["10.0.0.0/24"]`, `"storages":[]`)
	if strings.Contains(r.body, "hush") || strings.Contains(r.body, "null") {
		t.Errorf("boot data, or null: %s", r.body)
	}
	w.do("GET", own+"/vnf_packages/p/descriptor", "").want(409, "CREATED")
	w.do("GET", own+"/vnf_packages/none/descriptor", "").want(404)
	w.do("GET", own+"/vnf_instances/none/descriptor", "").want(404)
}

// Who calls is told to every role; how one signs in to everybody, and no secret with it.
func TestCallerAndSignIn(t *testing.T) {
	w := newAnnals(t, func(c *api.Config) {
		c.SignIn = api.SignIn{Asked: true, Tokens: true, Issuer: "https://idp.example", Client: "web", Scope: "openid"}
		c.Authenticate = access.First(access.Static("viewer-token", access.Caller{Name: "ann", Roles: []access.Role{access.Viewer}}),
			access.Static("nfvo-token", access.Caller{Name: "nfvo", Roles: []access.Role{access.NFVO}}))
	})
	w.do("GET", own+"/sign_in", "").want(200, `{"required":true,"token":true,"openIdConnect":{"issuer":"https://idp.example","clientId":"web","scope":"openid"}}`)
	w.do("GET", own+"/caller", "").want(401)
	w.do("GET", own+"/caller", "", "Authorization", "Bearer viewer-token").want(200, `"name":"ann"`, `"roles":["viewer"]`, `["lcm:read","packages:read","site:read"]`)
	w.do("GET", own+"/caller", "", "Authorization", "Bearer nfvo-token").want(200, `"lcm:write"`)
	w.do("GET", own+"/system", "", "Authorization", "Bearer viewer-token").want(404)
}

// The console gets what is below /ui and browsers at the root, and nothing else; it is behind what every request passes.
func TestConsoleRoutes(t *testing.T) {
	w := newAnnals(t, func(c *api.Config) {
		c.Console = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "console "+r.URL.Path) })
		c.Front, _ = access.NewFront(true, "", nil)
	})
	w.do("GET", "/ui/vnfs/1", "").want(200, "console /ui/vnfs/1")
	w.do("GET", "/ui", "").want(200, "console /ui")
	w.do("GET", "/", "", "Accept", "text/html,application/xhtml+xml").want(200, "console /")
	w.do("GET", "/", "").want(404)
	w.do("GET", "/uix", "").want(404)
	w.do("POST", "/ui/vnfs", "{}").want(404)
	w.do("GET", "/ui/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors").want(403)
	w.do("GET", "/ui/", "", "X-Forwarded-For", "192.0.2.1").want(401)
}

// No page of another site changes anything, whatever its browser sends along: it has nothing to send that the server believes.
func TestNoPageOfAnotherSiteActs(t *testing.T) {
	w := newAnnals(t, func(c *api.Config) {
		c.Authenticate = access.First(access.Static("admin-token-1", access.Caller{Name: "root", Roles: []access.Role{access.Admin}}))
		c.Front, _ = access.NewFront(false, "", nil)
	})
	w.on("i", &vnf.InstanceCreated{ID: "i", VnfdID: "d", PackageID: "p"})
	for name, headers := range map[string][]string{
		"a cookie is no proof":          {"Cookie", "token=admin-token-1; vnfm.token=admin-token-1"},
		"another origin with the token": {"Origin", "https://evil.example", "Authorization", "Bearer admin-token-1"},
		"a form of another site":        {"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer admin-token-1"},
	} {
		r := w.do("DELETE", "/vnflcm/v2/vnf_instances/i", "", headers...)
		if r.status != 401 && r.status != 403 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if r.header.Get("Set-Cookie") != "" || r.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", name, r.header)
		}
	}
}

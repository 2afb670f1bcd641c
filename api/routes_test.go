package api_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/sol"
)

const (
	vnfs = "/vnflcm/v2/vnf_instances"
	ops  = "/vnflcm/v2/vnf_lcm_op_occs"
	pkgs = "/vnfpkgm/v2/vnf_packages"
	own  = "/vnfm/v1"

	oldVnfs = "/vnflcm/v1/vnf_instances"
	oldOps  = "/vnflcm/v1/vnf_lcm_op_occs"

	newID = `{"vnfdId":"vnfd-1","vnfInstanceName":"r1"}`
)

// TestEveryErrorIsProblemDetails: the transport checks form and media type of each; here it is the status that counts.
func TestEveryErrorIsProblemDetails(t *testing.T) {
	w := newWorld(t)
	vnfURI := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	inst := vnfURI + "/instantiate"
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		text                     string
	}{
		{"unknown path", "GET", "/nothing", "", nil, 404, "nothing at"},
		{"root", "GET", "/", "", nil, 404, ""},
		{"unknown instance", "GET", vnfs + "/x", "", nil, 404, `VNF instance \"x\"`},
		{"unknown instance deleted", "DELETE", vnfs + "/x", "", nil, 404, ""},
		{"unknown occurrence", "GET", ops + "/x", "", nil, 404, ""},
		{"unknown package", "GET", pkgs + "/x", "", nil, 404, ""},
		{"unknown saga", "GET", own + "/sagas/x", "", nil, 404, ""},
		{"events of no instance", "GET", own + "/vnf_instances/x/events", "", nil, 404, ""},
		{"doubled slash is not redirected", "POST", "/vnflcm//v2/vnf_instances", newID, nil, 404, ""},
		{"dots are not redirected", "POST", "/vnflcm/v2/../v2/vnf_instances", newID, nil, 404, ""},
		{"slash at the end", "POST", vnfs + "/", newID, nil, 404, ""},
		{"method on a collection", "PUT", vnfs, "{}", nil, 405, "PUT"},
		{"GET on a task", "GET", inst, "", nil, 405, ""},
		{"method on api_versions", "POST", "/vnflcm/api_versions", "{}", nil, 405, ""},
		{"method on an unknown id", "POST", vnfs + "/x", "{}", nil, 405, ""},
		{"Accept without JSON", "GET", vnfs, "", []string{"Accept", "text/html"}, 406, ""},
		{"JSON refused by q", "GET", vnfs, "", []string{"Accept", "application/json;q=0"}, 406, ""},
		{"version not served", "GET", vnfs, "", []string{"Version", "1.3.0"}, 406, "2.3.0"},
		{"version of another major", "GET", oldVnfs, "", []string{"Version", "2.3.0"}, 406, "1.3.0"},
		{"v1: unknown instance", "GET", oldVnfs + "/x", "", nil, 404, `VNF instance \"x\"`},
		{"v1: method on a collection", "PUT", oldVnfs, "{}", nil, 405, "PUT"},
		{"v1: GET on a task", "GET", oldVnfs + "/x/instantiate", "", nil, 405, ""},
		{"v1: what only v2 has", "POST", "/vnflcm/v1/vnf_snapshots", "{}", nil, 404, "nothing at"},
		{"v1: Accept without JSON", "GET", oldVnfs, "", []string{"Accept", "text/html"}, 406, ""},
		{"v1: wrong Content-Type", "POST", oldVnfs, newID, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"v1: unknown query parameter", "GET", oldVnfs + "?frobnicate=1", "", nil, 400, "frobnicate"},
		{"v1: not JSON", "POST", oldVnfs, "{", nil, 400, "not JSON"},
		{"v1: no body", "POST", oldVnfs, "", []string{"Content-Type", "application/json"}, 400, "empty"},
		{"v1: mandatory attribute missing", "POST", oldVnfs, "{}", nil, 400, `"attribute":"/vnfdId"`},
		{"v1: a map for an array", "POST", oldVnfs + "/x/instantiate", `{"flavourId":"f","vimConnectionInfo":{}}`, nil, 400, `"attribute":"/vimConnectionInfo"`},
		{"v1: connection without id", "POST", oldVnfs + "/x/instantiate", `{"flavourId":"f","vimConnectionInfo":[{"vimType":"T"}]}`, nil, 400,
			`"attribute":"/vimConnectionInfo/0/id"`},
		{"v1: connection with one id", "POST", oldVnfs + "/x/instantiate", `{"vimConnectionInfo":[{"id":"a"},{"id":"a"}]}`, nil, 400,
			`"attribute":"/vimConnectionInfo/1/id"`},
		{"v1: mandatory in an entry", "POST", oldVnfs + "/x/instantiate", `{"flavourId":"f","vimConnectionInfo":[{"id":"a"}]}`, nil, 400,
			`"detail":"vimConnectionInfo/0/vimType is mandatory.","attribute":"/vimConnectionInfo/0/vimType"`},
		{"v1: neither port nor addresses", "POST", oldVnfs + "/x/instantiate",
			`{"flavourId":"f","extVirtualLinks":[{"id":"a","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":[{"createExtLinkPort":false}]}]}]}`, nil, 400,
			`"attribute":"/extVirtualLinks/0/extCps/0/cpConfig/0"`},
		{"v1: renamed attribute of a wrong type", "POST", oldVnfs + "/x/instantiate",
			`{"flavourId":"f","extManagedVirtualLinks":[{"id":"a","virtualLinkDescId":7,"resourceId":"n"}]}`, nil, 400,
			`"attribute":"/extManagedVirtualLinks/0/virtualLinkDescId"`},
		{"v1: filter by a name of v2", "GET", oldOps + "?filter=(eq,warnings,x)", "", nil, 400, "warnings"},
		{"v1: selector by a name of v2", "GET", oldVnfs + "?fields=instantiatedVnfInfo/maxScaleLevels", "", nil, 400, "maxScaleLevels"},
		{"v1: cancel mode", "POST", oldOps + "/x/cancel", `{"cancelMode":"NOW"}`, nil, 400, "cancelMode"},
		{"v1: If-Match of another revision", "DELETE", strings.Replace(vnfURI, "v2", "v1", 1), "", []string{"If-Match", `"7"`}, 412, "ETag"},
		{"wrong Content-Type", "POST", vnfs, newID, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"no Content-Type", "POST", vnfs, newID, []string{"Content-Type", ""}, 415, ""},
		{"unknown query parameter", "GET", vnfs + "?frobnicate=1", "", nil, 400, "frobnicate"},
		{"query parameter on a POST", "POST", vnfs + "?all_fields", newID, nil, 400, "all_fields"},
		{"two selectors", "GET", vnfs + "?all_fields&exclude_default", "", nil, 400, "exclude"},
		{"forged marker", "GET", vnfs + "?nextpage_opaque_marker=zzz", "", nil, 400, "marker"},
		{"no body", "POST", vnfs, "", []string{"Content-Type", "application/json"}, 400, "empty"},
		{"not JSON", "POST", vnfs, "{", nil, 400, "not JSON"},
		{"trailing garbage", "POST", vnfs, newID + "x", nil, 400, "after"},
		{"not an object", "POST", vnfs, "[]", nil, 400, "object"},
		{"mandatory attribute missing", "POST", vnfs, "{}", nil, 400, `"attribute":"/vnfdId"`},
		{"mandatory attribute null", "POST", vnfs, `{"vnfdId":null}`, nil, 400, "vnfdId is mandatory"},
		{"mandatory attribute empty", "POST", vnfs, `{"vnfdId":""}`, nil, 400, "vnfdId"},
		{"name of another case", "POST", vnfs, `{"VNFDID":"x"}`, nil, 400, "vnfdId is mandatory"},
		{"wrong type", "POST", vnfs, `{"vnfdId":7}`, nil, 400, "vnfdId must be a string"},
		{"wrong type of a map", "POST", vnfs, `{"vnfdId":"x","metadata":[]}`, nil, 400, `"attribute":"/metadata"`},
		{"wrong type deep inside", "POST", inst, `{"flavourId":"f","extVirtualLinks":[{"id":"a","resourceId":"n","extCps":[{"cpdId":1}]}]}`, nil, 400,
			`"attribute":"/extVirtualLinks/0/extCps/0/cpdId"`},
		{"empty list of at least one", "POST", vnfURI + "/change_ext_conn", `{"extVirtualLinks":[]}`, nil, 400, "extVirtualLinks"},
		{"enum", "POST", vnfURI + "/terminate", `{"terminationType":"GENTLE"}`, nil, 400, "FORCEFUL, GRACEFUL"},
		{"negative timeout", "POST", vnfURI + "/terminate", `{"terminationType":"GRACEFUL","gracefulTerminationTimeout":-1}`, nil, 400, "gracefulTerminationTimeout"},
		{"fraction for an integer", "POST", vnfURI + "/terminate", `{"terminationType":"GRACEFUL","gracefulTerminationTimeout":1.5}`, nil, 400, "integer"},
		{"cancel mode", "POST", ops + "/x/cancel", `{"cancelMode":"NOW"}`, nil, 400, "cancelMode"},
		{"decision about a stuck item", "POST", "/vnfm/v1/vnf_lcm_op_occs/x/resolve", `{"decision":"hope","step":"s"}`, nil, 400, "mark-done"},
		{"use case says 422", "POST", vnfs, `{"vnfdId":"unknown"}`, nil, 422, `"attribute":"/vnfdId"`},
		{"If-Match of another revision", "DELETE", vnfURI, "", []string{"If-Match", `"7"`}, 412, "ETag"},
		{"bad idempotency key", "POST", vnfs, newID, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "Idempotency-Key"},
		{"empty idempotency key", "POST", vnfs, newID, []string{"Idempotency-Key", ""}, 400, "Idempotency-Key"},
		{"patch of nothing", "PATCH", pkgs + "/x", `{}`, []string{"Content-Type", "application/merge-patch+json"}, 400, "operationalState"},
		{"package content of a wrong type", "PUT", pkgs + "/x/package_content", "zip", nil, 415, "application/zip"},
		{"simulator told nonsense", "PUT", own + "/sim/behaviour", `{"rules":[{"on":"lunch","outcome":"hang"}]}`, nil, 400, "rules"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			w.t = t
			r := w.do(c.method, c.path, c.body, c.header...).want(c.status, c.text)
			var p sol.ProblemDetails
			r.json(&p)
			if p.Status != c.status || p.Detail == "" || p.Title == "" {
				t.Errorf("incomplete: %s", r.body)
			}
			if (c.status == 405) != (r.header.Get("Allow") != "") {
				t.Errorf("Allow is %q", r.header.Get("Allow"))
			}
		})
	}
}

func TestMethodNotAllowedNamesTheOthers(t *testing.T) {
	r := newWorld(t).do("PUT", vnfs, "{}").want(405)
	if got := r.header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", got)
	}
}

func TestVersionHeader(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		oldVnfs: "1.3.0", oldVnfs + "/x": "1.3.0", vnfs: "2.3.0", vnfs + "/x": "2.3.0", ops: "2.3.0", "/vnflcm/api_versions": "2.3.0", pkgs: "2.4.0", own + "/vims": "",
	} {
		if got := w.do("GET", path, "").header.Get("Version"); got != want {
			t.Errorf("%s answers version %q, want %q", path, got, want)
		}
	}
	w.do("GET", "/vnflcm/api_versions", "", "Version", "9.9.9").want(200, `"uriPrefix":"/vnflcm"`, `"version":"1.3.0"`, `"version":"2.3.0"`)
	if r := w.do("GET", "/vnflcm/v1/api_versions", "").want(200, `"uriPrefix":"/vnflcm/v1"`, "1.3.0"); strings.Contains(r.body, "2.3.0") {
		t.Errorf("v1 names versions of v2: %s", r.body)
	}
	w.do("GET", "/vnflcm/v2/api_versions", "").want(200, `"uriPrefix":"/vnflcm/v2"`, "2.3.0")
}

func TestBodyOverTheLimit(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.MaxBody, c.MaxPackage = 64, 64 })
	big := strings.Repeat(" ", 100)
	w.do("POST", vnfs, big).want(413)
	id := w.do("POST", pkgs, "{}").want(201).id()
	w.do("PUT", pkgs+"/"+id+"/package_content", big, "Content-Type", "application/zip").want(413)
	w.do("PUT", pkgs+"/"+id+"/package_content", big, "Content-Type", "application/zip", "Idempotency-Key", "k").want(413)
}

func TestCallerIsAuthenticated(t *testing.T) {
	t.Run("loopback", func(t *testing.T) {
		w := newWorld(t)
		w.do("POST", vnfs, newID).want(201)
		if w.cases.by.Actor != "local" || w.cases.by.ID == "" {
			t.Errorf("by %+v", w.cases.by)
		}
		r := httptest.NewRequestWithContext(t.Context(), "GET", vnfs, nil)
		r.RemoteAddr = "192.0.2.1:1234"
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		if rec.Code != http.StatusUnauthorized {
			t.Errorf("a caller from elsewhere got %d", rec.Code)
		}
	})
	t.Run("bearer", func(t *testing.T) {
		w := newWorld(t, func(c *api.Config) {
			c.Authenticate = access.First(access.Static("s3cret", access.Caller{Name: "nfvo", Roles: []access.Role{access.NFVO}}))
		})
		if r := w.do("GET", vnfs, "").want(401); !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("WWW-Authenticate: %q", r.header.Get("WWW-Authenticate"))
		}
		w.do("GET", vnfs, "", "Authorization", "Bearer wrong").want(401)
		w.do("POST", vnfs, newID, "Authorization", "Bearer s3cret").want(201)
		if w.cases.by.Actor != "nfvo" {
			t.Errorf("actor %q", w.cases.by.Actor)
		}
		w.do("GET", "/readyz", "").want(200)
		w.do("GET", "/vnflcm/api_versions", "").want(200)
	})
}

func TestErrorsOfUseCases(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		text   string
	}{
		{"internal text stays in the log", errors.New("disk " + canary), 500, "server's log"},
		{"an internal kind too", vnfm.Errorf(vnfm.Internal, "row %s", canary), 500, "server's log"},
		{"database down", eventstore.ErrUnavailable, 503, "again"},
		{"lost the last retry", eventstore.ErrVersion, 503, "again"},
		{"conflict", vnfm.Errorf(vnfm.Conflict, "busy"), 409, "busy"},
		{"forbidden", vnfm.Errorf(vnfm.Forbidden, "no"), 403, "no"},
		{"name taken", eventstore.ErrNameTaken, 409, "taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.cases.fail = c.err
			r := w.do("POST", vnfs, newID).want(c.status, c.text)
			if strings.Contains(r.body, canary) {
				t.Errorf("the cause leaked: %s", r.body)
			}
			if (c.status == 503) != (r.header.Get("Retry-After") != "") {
				t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
			}
			if n := strings.Count(w.log.String(), "request refused"); n != 1 {
				t.Errorf("logged %d times", n)
			}
		})
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	w := newWorld(t, func(c *api.Config) { c.Ready = func(context.Context) []api.Check { panic(canary) } })
	r := w.do("GET", "/readyz", "").want(500, "server's log")
	if strings.Contains(r.body, canary) || !strings.Contains(w.log.String(), "request panicked") {
		t.Errorf("answered %s, logged %s", r.body, w.log)
	}
}

func TestHead(t *testing.T) {
	w := newWorld(t)
	id := w.do("POST", vnfs, newID).want(201).id()
	get, head := w.do("GET", vnfs+"/"+id, "").want(200), w.do("HEAD", vnfs+"/"+id, "").want(200)
	if head.body != "" || head.header.Get("Content-Length") != get.header.Get("Content-Length") ||
		head.header.Get("ETag") != get.header.Get("ETag") || get.header.Get("ETag") != `"1"` {
		t.Errorf("GET %v, HEAD %v with %q", get.header, head.header, head.body)
	}
}

// Seen failing also with whatever is forwarded taken for a host.
func TestAbsoluteLinks(t *testing.T) {
	w := newWorld(t)
	if r := w.do("POST", vnfs, newID).want(201, w.http.URL+vnfs); !strings.HasPrefix(r.header.Get("Location"), w.http.URL) {
		t.Errorf("Location: %s", r.header.Get("Location"))
	}
	r := w.do("POST", vnfs, newID, "X-Forwarded-Proto", "https", "X-Forwarded-Host", "nfv.example", "X-Forwarded-Prefix", "/site/").want(201)
	if got := r.header.Get("Location"); !strings.HasPrefix(got, "https://nfv.example/site/vnflcm/v2/") {
		t.Errorf("Location: %s", got)
	}
	for _, host := range []string{"nfv.example/evil", "nfv.example, evil", "nfv.example?x", "nfv.example#x", `nfv.example\evil`, "evil@nfv.example", "a b"} {
		r := w.do("POST", vnfs, newID, "X-Forwarded-Host", host, "X-Forwarded-Prefix", "evil", "X-Forwarded-Proto", "javascript").want(201)
		if got := r.header.Get("Location"); !strings.HasPrefix(got, w.http.URL+vnfs) {
			t.Errorf("a forwarded host %q makes Location: %s", host, got)
		}
	}
	w = newWorld(t, func(c *api.Config) { c.BaseURL = "https://vnfm.example/" })
	if got := w.do("POST", vnfs, newID).want(201).header.Get("Location"); !strings.HasPrefix(got, "https://vnfm.example/vnflcm/") {
		t.Errorf("Location: %s", got)
	}
}

func TestIfMatch(t *testing.T) {
	w := newWorld(t)
	uri := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	w.do("DELETE", uri, "", "If-Match", `"2", "3"`).want(412)
	if w.cases.effects != 1 {
		t.Fatalf("a use case ran in spite of the precondition")
	}
	w.do("DELETE", uri, "", "If-Match", `"1"`).want(204)
	if w.cases.by.Revision != 1 {
		t.Errorf("the use case was not told the revision: %d", w.cases.by.Revision)
	}
	uri = vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	w.do("DELETE", uri, "", "If-Match", `*`).want(204)
}

func TestUnknownAttributesAndNullsAreIgnored(t *testing.T) {
	w := newWorld(t)
	w.lenient = true
	uri := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id()
	w.do("POST", uri+"/instantiate", `{"flavourId":"f","extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{
		"gone":null,"p":{"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET"}]}}}]}]}`).want(202)
	if config := w.cases.last.(lcm.Instantiate).ExtLinks[0].Cps[0].Config; len(config) != 1 {
		t.Errorf("%+v", config)
	}
	w.do("POST", vnfs, `{"vnfdId":"v","vnfInstanceName":null,"frob":{"a":1},"metadata":{"k":null}}`).want(201)
	got := w.cases.last.(lcm.CreateVnf)
	if got.Name != "" || !bytes.Equal(got.Metadata["k"], []byte("null")) {
		t.Errorf("%+v", got)
	}
}

func TestReadiness(t *testing.T) {
	ok := true
	w := newWorld(t, func(c *api.Config) {
		c.Ready = func(context.Context) []api.Check { return []api.Check{{Name: "database", OK: ok, Detail: "no answer"}} }
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics 1\n")) })
	})
	w.do("GET", "/readyz", "").want(200, `"database"`)
	ok = false
	w.do("GET", "/readyz", "").want(503, "database: no answer")
	w.do("GET", "/healthz", "").want(200, `"ok"`)
	w.do("GET", "/metrics", "").want(200, "metrics 1")
}

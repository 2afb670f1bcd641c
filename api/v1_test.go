package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// old is a world with one instance and operation that have everything.
func old(t *testing.T, change ...func(*api.Config)) *world {
	t.Helper()
	w := newWorld(t, change...)
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, full("i"))
	op := failed("o", "i")
	op.Params = []byte(`{"flavourId":"f","vimConnectionInfo":{"a":{"vimType":"T"},"b":null},"additionalParams":{"n":12345678901234567890}}`)
	name := "n"
	op.ChangedInfo = &vnf.ChangedInfo{Name: &name, Connections: map[string]vnf.VimConnection{"a": {Type: "T"}}}
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 1, op)
	return w
}

// The shapes of v2 are no shapes of v1: the schemas tell them apart. Seen failing with each entry of the table in api/v1
// that these two resources have taken away.
func TestV1HasTheShapesOfItsVersion(t *testing.T) {
	w := old(t)
	for _, c := range []struct{ path, kind string }{
		{"/vnf_instances/i", "VnfInstance"}, {"/vnf_instances?all_fields", "[]VnfInstance"}, {"/vnf_instances", "[]VnfInstance"},
		{"/vnf_lcm_op_occs/o", "VnfLcmOpOcc"}, {"/vnf_lcm_op_occs?all_fields", "[]VnfLcmOpOcc"}, {"/vnf_lcm_op_occs", "[]VnfLcmOpOcc"},
	} {
		r := w.do("GET", "/vnflcm/v1"+c.path, "").want(200)
		for _, wrong := range etsitest.Older(c.kind, []byte(r.body)) {
			t.Errorf("%s: %s", c.path, wrong)
		}
		if strings.Contains(r.body, "/vnflcm/v2/") || r.header.Get("Version") != "1.3.0" {
			t.Errorf("%s is of version %s: %s", c.path, r.header.Get("Version"), r.body)
		}
		if !strings.Contains(c.path, "?") && strings.Count(c.path, "/") == 1 { // a list without the default attributes is the same in both
			continue
		}
		if len(etsitest.Older(c.kind, []byte(w.do("GET", "/vnflcm/v2"+c.path, "").want(200).body))) == 0 {
			t.Errorf("%s of v2 is taken for one of v1", c.path)
		}
	}
	w.do("GET", oldOps+"/o", "").want(200, `"vimConnectionInfoDeleteIds":["b"]`, `"virtualLinkDescId":"vl"`, `"changeType":"MODIFIED"`, "12345678901234567890")
	get := w.do("GET", oldVnfs+"/i", "")
	if head := w.do("HEAD", oldVnfs+"/i", ""); head.header.Get("Content-Length") != fmt.Sprint(len(get.body)) || head.header.Get("ETag") != `"1"` {
		t.Errorf("%v", head.header)
	}
	w.do("GET", oldVnfs+"/i", "", "If-None-Match", `"1"`).want(http.StatusNotModified)
	if r := w.do("POST", oldOps+"/o/fail", "").want(200); !strings.Contains(r.body, oldOps+"/o") || strings.Contains(r.body, "vnfLinkPortIds") {
		t.Errorf("fail answers %s", r.body)
	}
}

// One VNF through the whole of v1, with the commands that the use cases get.
func TestLifeCycleOverV1(t *testing.T) {
	w := newWorld(t)
	created := w.do("POST", oldVnfs, newID).want(201, `"instantiate":{"href":"`+w.http.URL+oldVnfs)
	if loc := created.header.Get("Location"); !strings.HasPrefix(loc, w.http.URL+oldVnfs+"/") {
		t.Errorf("Location: %s", loc)
	}
	uri := oldVnfs + "/" + created.id()
	r := w.do("POST", uri+"/instantiate", `{"flavourId":"f","extVirtualLinks":[{"id":"el","resourceId":"net","extCps":[{"cpdId":"cp","cpConfig":
		[{"cpInstanceId":"k","linkPortId":"lp"},{"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":
		[{"type":"IPV4","numDynamicAddresses":1}]}}]}]}]}],"extManagedVirtualLinks":[{"id":"em","virtualLinkDescId":"vl","resourceId":"n2"}],
		"vimConnectionInfo":[{"id":"v1","vimType":"SIM","accessInfo":{"password":"`+canary+`"}}]}`).want(202)
	if !strings.HasPrefix(r.header.Get("Location"), w.http.URL+oldOps+"/") || r.body != "" {
		t.Errorf("%v %q", r.header, r.body)
	}
	got := w.cases.last.(lcm.Instantiate)
	cps := got.ExtLinks[0].Cps[0].Config
	if cps["k"].LinkPortID != "lp" || cps["cp-1"].IPs[0].Dynamic != 1 || got.ExtManaged[0].LinkID != "vl" || !strings.Contains(string(got.Connections["v1"]), canary) {
		t.Errorf("%+v", got)
	}
	if strings.Contains(string(got.Params), canary) {
		t.Errorf("kept %s", got.Params)
	}
	w.do("POST", uri+"/terminate", `{"terminationType":"FORCEFUL"}`).want(409)
	op := oldOps + "/" + r.id()
	for _, task := range []string{"retry", "rollback"} {
		if loc := w.do("POST", op+"/"+task, "").want(202).header.Get("Location"); loc != w.http.URL+op {
			t.Errorf("%s: Location %s", task, loc)
		}
		if w.cases.last != task {
			t.Errorf("command %v", w.cases.last)
		}
	}
	w.do("POST", op+"/cancel", `{"cancelMode":"GRACEFUL"}`).want(202)
	w.do("DELETE", uri, "").want(204)
	w.do("GET", strings.Replace(uri, "v1", "v2", 1), "").want(404) // they are the same instances
}

func TestModificationOverV1(t *testing.T) {
	w := old(t)
	pkg := pkgs + "/" + w.do("POST", pkgs, "{}").want(201).id()
	id := pkg[strings.LastIndex(pkg, "/")+1:]
	for body, c := range map[string]struct {
		status int
		at     string
	}{
		`{"vnfPkgId":"x"}`:                                {422, `"attribute":"/vnfPkgId"`},
		`{"vnfPkgId":"` + id + `"}`:                       {422, "onboarded"},
		`{"vnfPkgId":7}`:                                  {400, `"attribute":"/vnfPkgId"`},
		`{"vnfPkgId":null}`:                               {400, `"attribute":"/vnfPkgId"`},
		`{"vimConnectionInfo":{"a":null}}`:                {400, `"attribute":"/vimConnectionInfo"`},
		`{"vimConnectionInfoDeleteIds":["a","a"]}`:        {400, `"attribute":"/vimConnectionInfoDeleteIds/1"`},
		`{"vnfInstanceName":7}`:                           {400, `"attribute":"/vnfInstanceName"`},
		`{"vimConnectionInfo":[{"id":"a"},{"id":"a"}]}`:   {400, `"attribute":"/vimConnectionInfo/1/id"`},
		`{"vimConnectionInfo":[{"id":"a"}, "connected"]}`: {400, `"attribute":"/vimConnectionInfo/1"`},
	} {
		w.do("PATCH", oldVnfs+"/i", body, "Content-Type", mergePatch).want(c.status, c.at)
	}
	w.do("PUT", pkg+"/package_content", "zip", "Content-Type", "application/zip").want(202)
	w.do("PATCH", oldVnfs+"/i", `{"vnfPkgId":"`+id+`","vnfdId":"other"}`, "Content-Type", mergePatch).want(422, "vnfd-1")
	r := w.do("PATCH", oldVnfs+"/i", `{"vnfPkgId":"`+id+`","vimConnectionInfo":[{"id":"sim-1","extra":{"x":1}}],"vimConnectionInfoDeleteIds":["b"]}`,
		"Content-Type", mergePatch, "If-Match", `"1"`).want(202)
	if !strings.Contains(r.header.Get("Location"), oldOps+"/") {
		t.Errorf("Location: %s", r.header.Get("Location"))
	}
	got := w.cases.last.(lcm.Modify)
	w.put(readmodel.KindVnf, "vnf-", "j", "j", "", 1, instance("j"))
	if newer := w.do("PATCH", vnfs+"/j", `{"vnfPkgId":"`+id+`"}`, "Content-Type", mergePatch); newer.status != 202 || *w.cases.last.(lcm.Modify).VnfdID != "vnfd-1" {
		t.Errorf("%d %s: %+v", newer.status, newer.body, w.cases.last)
	}
	if *got.VnfdID != "vnfd-1" || string(got.Connections["sim-1"]) != `{"extra":{"x":1}}` || string(got.Connections["b"]) != "null" {
		t.Errorf("%+v", got)
	}
}

// A key replays what its version answered, and is used up for the other. Seen failing with the answer stored as v2 has it.
func TestIdempotencyKeysOfV1(t *testing.T) {
	w := newWorld(t)
	first := w.do("POST", oldVnfs, newID, "Idempotency-Key", "k").want(201)
	again := w.do("POST", oldVnfs, newID, "Idempotency-Key", "k").want(201)
	if again.header.Get("Idempotency-Replayed") != "true" || again.body != first.body || w.cases.effects != 1 ||
		again.header.Get("Location") != first.header.Get("Location") || again.header.Get("Version") != "1.3.0" {
		t.Errorf("%v\n%s\n%s", again.header, first.body, again.body)
	}
	w.do("POST", vnfs, newID, "Idempotency-Key", "k").want(422, "another request")
	uri := oldVnfs + "/" + first.id() + "/instantiate"
	body := `{"flavourId":"f","vimConnectionInfo":[{"id":"a","vimType":"T"}]}`
	op := w.do("POST", uri, body, "Idempotency-Key", "l").want(202).header.Get("Location")
	if again := w.do("POST", uri, body, "Idempotency-Key", "l").want(202).header.Get("Location"); again != op || !strings.Contains(op, oldOps) {
		t.Errorf("first %s, then %s", op, again)
	}
	w.do("POST", uri, strings.Replace(body, `"T"`, `"U"`, 1), "Idempotency-Key", "l").want(422)
}

func TestQueriesOfV1(t *testing.T) {
	w := stocked(t, func(c *api.Config) { c.PageSize = 2 })
	for _, tt := range []struct{ path, filter, want string }{
		{oldVnfs, "(eq,vnfInstanceName,fw1)", "i1"},
		{oldVnfs, "(eq,vimConnectionInfo/id,sim-1)", "i0 i1 i2"},
		{oldVnfs, "(eq,vimConnectionInfo/vimType,SIM);(eq,vnfProductName,Router)", "i0 i2"},
		{oldVnfs, "(eq,vimConnectionInfo/vimType,OTHER)", ""},
		{oldVnfs, "(eq,instantiatedVnfInfo/virtualLinkResourceInfo/id,l1)", "i0 i1 i2"},
		{oldVnfs, "(eq,metadata/@key,owner)", "i0 i1 i2"},
		{oldVnfs, "(cont,_links/self/href,/v1/vnf_instances/i2)", "i2"},
		{oldOps, "(eq,resourceChanges/affectedVirtualLinks/virtualLinkDescId,vl)", "o0 o2"},
		{oldOps, "(eq,resourceChanges/affectedVirtualLinks/changeType,MODIFIED)", "o0 o2"},
		{oldOps, "(eq,resourceChanges/affectedVirtualLinks/changeType,LINK_PORT_ADDED)", ""},
		{oldOps, "(eq,operationState,PROCESSING);(gte,startTime,2026-01-02T04:30:00Z)", "o3"},
	} {
		if got := w.ids(tt.path, tt.filter); got != tt.want {
			t.Errorf("%s %s finds %q, want %q", tt.path, tt.filter, got, tt.want)
		}
	}
	for _, filter := range []string{"(eq,nothing,x)", "(eq,vimConnectionInfo", "(eq,instantiatedVnfInfo/vnfVirtualLinkResourceInfo/id,l1)"} {
		w.do("GET", oldVnfs+"?filter="+url.QueryEscape(filter), "").want(400)
	}
	marker := w.do("GET", oldVnfs, "").want(200).header.Get("Link")
	if !strings.Contains(marker, oldVnfs+"?nextpage_opaque_marker=") {
		t.Fatalf("Link: %s", marker)
	}
	w.do("GET", vnfs+"?"+nextLink.FindStringSubmatch(marker)[1][len(oldVnfs)+1:], "").want(400, "for this list")

	for query, want := range map[string]string{
		"":                                 `{}`,
		"fields=vimConnectionInfo/vimType": `{"vimConnectionInfo":[{"id":"sim-1","vimType":"SIM"}]}`,
		"fields=vimConnectionInfo/id":      `{"vimConnectionInfo":[{"id":"sim-1","vimId":"sim-1","vimType":"SIM","interfaceInfo":{"endpoint":"e"}}]}`,
		"fields=instantiatedVnfInfo/virtualLinkResourceInfo/zoneId":                                                        "",
		"exclude_fields=vimConnectionInfo/interfaceInfo,instantiatedVnfInfo,metadata,extensions,vnfConfigurableProperties": `{"vimConnectionInfo":[{"id":"sim-1","vimId":"sim-1","vimType":"SIM"}]}`,
		"exclude_fields=vimConnectionInfo/id,instantiatedVnfInfo,metadata,extensions,vnfConfigurableProperties":            `{"vimConnectionInfo":[{"id":"sim-1","vimId":"sim-1","vimType":"SIM","interfaceInfo":{"endpoint":"e"}}]}`,
	} {
		var got []map[string]json.RawMessage
		w.do("GET", oldVnfs+"?"+query, "").want(200).json(&got)
		if want == "" {
			if info := string(got[0]["instantiatedVnfInfo"]); !strings.Contains(info, `"virtualLinkResourceInfo"`) || strings.Contains(info, "vnfcResourceInfo") {
				t.Errorf("%s: %s", query, info)
			}
			continue
		}
		kept := map[string]json.RawMessage{}
		for _, name := range vnfInstanceDefaults {
			if v, there := got[0][name]; there {
				kept[name] = v
			}
		}
		var a, b any
		_ = json.Unmarshal([]byte(want), &b)
		if have, _ := json.Marshal(kept); json.Unmarshal(have, &a) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: %s, want %s", query, have, want)
		}
	}
	w.do("GET", oldVnfs+"?exclude_fields=vimConnectionInfo/id", "").want(200, `"vimConnectionInfo":[{`)
	if r := w.do("GET", oldVnfs+"?fields=vimConnectionInfo/nothing", "").want(400, "vimConnectionInfo/nothing"); strings.Contains(r.body, "u0000") {
		t.Errorf("%s", r.body)
	}
}

// vnfInstanceDefaults are what a list leaves out unless it is asked.
var vnfInstanceDefaults = []string{"vnfConfigurableProperties", "vimConnectionInfo", "instantiatedVnfInfo", "metadata", "extensions"}

func TestElementManagersSeeNoVimsOverV1(t *testing.T) {
	name := "ems"
	w := old(t, func(c *api.Config) {
		c.Authenticate = func(r *http.Request) (*access.Caller, error) { return as(&name, access.EM)(r) }
	})
	for _, path := range []string{oldVnfs + "/i", oldVnfs + "?all_fields", oldOps + "/o", oldOps + "?all_fields"} {
		if r := w.do("GET", path, "").want(200); strings.Contains(r.body, "vimConnectionInfo") {
			t.Errorf("%s: %s", path, r.body)
		}
	}
	for _, body := range []string{`{"vimConnectionInfo":[{"id":"a"}]}`, `{"vimConnectionInfoDeleteIds":["sim-1"]}`, `{"vimConnectionInfoDeleteId\u0073":["sim-1"]}`} {
		w.do("PATCH", oldVnfs+"/i", body, "Content-Type", mergePatch).want(403)
	}
	if w.cases.effects != 0 {
		t.Error("a use case ran")
	}
}

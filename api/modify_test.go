package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

const mergePatch = "application/merge-patch+json"

// Seen failing with null taken for absent.
func TestAMergePatchBecomesTheCommand(t *testing.T) {
	w := newWorld(t)
	w.lenient = true // null is not in the document's schema
	in := instance("a")
	in.Metadata = map[string]json.RawMessage{"x": json.RawMessage(`1`)}
	w.put(readmodel.KindVnf, "vnf-", "a", "a", "", 1, in)
	r := w.do("PATCH", vnfs+"/a", `{"vnfInstanceName":null,"vnfInstanceDescription":"d","metadata":null,"extensions":{"e":null,"f":{"g":null}},
		"vimConnectionInfo":{"sim-1":null,"mine":{"vimType":"T","accessInfo":{"password":"`+canary+`"}}}}`,
		"Content-Type", mergePatch, "If-Match", `"1"`).want(http.StatusAccepted)
	if !strings.Contains(r.header.Get("Location"), "/vnflcm/v2/vnf_lcm_op_occs/") || r.body != "" {
		t.Errorf("%v %q", r.header, r.body)
	}
	got, ok := w.cases.last.(lcm.Modify)
	if !ok || got.Name == nil || *got.Name != "" || *got.Description != "d" || got.VnfdID != nil || got.Configurable != nil ||
		string(got.Metadata["x"]) != "null" || string(got.Extensions["e"]) != "null" || string(got.Extensions["f"]) != `{"g":null}` ||
		string(got.Connections["sim-1"]) != "null" || !strings.Contains(string(got.Connections["mine"]), canary) {
		t.Errorf("%+v", w.cases.last)
	}
	if strings.Contains(string(got.Params), canary) || w.cases.by.Revision != 1 {
		t.Errorf("kept %s, revision %d", got.Params, w.cases.by.Revision)
	}
}

func TestAMergePatchIsRefused(t *testing.T) {
	w := newWorld(t)
	w.lenient = true
	w.put(readmodel.KindVnf, "vnf-", "a", "a", "", 1, instance("a"))
	for body, c := range map[string]struct {
		status int
		at     string
	}{
		`{"vnfInstanceName":7}`:                  {400, "/vnfInstanceName"},
		`{"vnfdId":null}`:                        {400, "/vnfdId"},
		`{"metadata":[]}`:                        {400, "/metadata"},
		`{"vimConnectionInfo":{"a/b":"secret"}}`: {400, "/vimConnectionInfo/a~1b"},
		`{"vnfPkgId":"x"}`:                       {422, "/vnfPkgId"},
		`{"vnfPkgId":null}`:                      {400, "/vnfPkgId"},
		`[]`:                                     {400, ""},
	} {
		w.do("PATCH", vnfs+"/a", body, "Content-Type", mergePatch).want(c.status, c.at)
	}
	w.do("PATCH", vnfs+"/a", `{}`, "Content-Type", "text/plain").want(http.StatusUnsupportedMediaType)
	w.do("PATCH", vnfs+"/a", `{}`, "Content-Type", mergePatch, "If-Match", `"7"`).want(http.StatusPreconditionFailed)
	w.do("PATCH", vnfs+"/nope", `{}`, "Content-Type", mergePatch).want(http.StatusNotFound)
	if w.cases.effects != 0 {
		t.Errorf("%d effects", w.cases.effects)
	}
}

func TestChangedInfoIsShown(t *testing.T) {
	w := newWorld(t)
	name := "new"
	w.put(readmodel.KindOpOcc, "opocc-", "o", "o", "a", 1, &vnf.OpOcc{
		ID: "o", VnfID: "a", Operation: vnf.OpModifyInfo, State: vnf.Completed, StateEntered: epoch, Started: epoch, ChangedInfo: &vnf.ChangedInfo{
			Name: &name, Metadata: map[string]json.RawMessage{"x": json.RawMessage(`1`)}, Package: &vnf.PackageUse{VnfdID: "v2", Provider: "P"},
			Connections: map[string]vnf.VimConnection{"mine": {Type: "T", AccessInfo: map[string]json.RawMessage{"password": json.RawMessage(`"***"`)}}},
		},
	})
	w.do("GET", ops+"/o", "").want(200, `"vnfInstanceName":"new"`, `"vnfdId":"v2"`, `"vnfProvider":"P"`, `"password":"***"`)
}

func TestVimsOverHTTP(t *testing.T) {
	w := newWorld(t)
	const vims = "/vnfm/v1/vims"
	r := w.do("POST", vims, `{"id":"sim-1"}`, "Idempotency-Key", "k").want(http.StatusCreated, `"password":"***"`)
	if r.id() != "sim-1" || r.header.Get("ETag") != `"3"` {
		t.Errorf("%v", r.header)
	}
	w.do("GET", vims, "").want(200, `"builtIn":true`)
	w.do("GET", vims+"/sim-1", "").want(200, `"endpoint":"http://vim"`)
	w.do("GET", vims+"/nope", "").want(http.StatusNotFound)
	w.do("PATCH", vims+"/sim-1", `{"vimId":"x"}`, "Content-Type", mergePatch, "If-Match", `"2"`).want(http.StatusPreconditionFailed)
	w.do("PATCH", vims+"/sim-1", `{"vimId":"x"}`, "Content-Type", mergePatch, "If-Match", `"3"`).want(200)
	if w.cases.last != `change sim-1 {"vimId":"x"}` || w.cases.by.Revision != 3 {
		t.Errorf("%v at %d", w.cases.last, w.cases.by.Revision)
	}
	w.do("POST", vims+"/sim-1/check", "").want(200, `"reachable":false`, `"detail":"it does not answer"`, `"tookMs":7`)
	w.do("DELETE", vims+"/sim-1", "").want(http.StatusNoContent)
}

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// What an element manager sends and gets is what SOL002 has: VNFCs to heal and to modify, coordinations in occurrences, its filters of
// subscriptions, and notifications.
func TestElementManagersSpeakSOL002(t *testing.T) {
	name := "ems"
	w := newWorld(t, func(c *api.Config) { c.Authenticate = as(&name, access.EM) })
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	in := full("i")
	in.Info.Vnfcs[0].Configurable = map[string]json.RawMessage{"role": json.RawMessage(`"active"`)}
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, in)
	for n := range 4 { // an operation holds the one that it is begun for
		other := *in
		other.ID = fmt.Sprintf("i%d", n)
		w.put(readmodel.KindVnf, "vnf-", other.ID, other.ID, "", 1, &other)
	}
	op := failed("o", "i")
	op.Coordinations = []vnf.Coordination{{ID: "c1", Action: "drain", Endpoint: "MGMT", Result: "ABORT", Started: at, Ended: at}, {ID: "c2", Action: "drain", Endpoint: "VNF", Started: at, Delay: at}}
	op.Rejected = []vnf.Rejection{{Action: "drain", Endpoint: "MGMT", At: at, Delay: at}}
	op.ChangedInfo = &vnf.ChangedInfo{Vnfcs: map[string]map[string]json.RawMessage{"c1": {"role": json.RawMessage(`"standby"`)}}}
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 1, op)
	asked := func(method, path, body string, status int, has ...string) {
		t.Helper()
		media := "application/json"
		if method == http.MethodPatch {
			media = mergePatch
		}
		r := w.do(method, path, body, "Content-Type", media).want(status, has...)
		for _, problem := range etsitest.Check(method, etsitest.Managed(path), r.status, r.header, []byte(r.body)) {
			t.Errorf("%s %s answered %d: %s", method, path, r.status, problem)
		}
		if body != "" && r.status < 400 {
			for _, problem := range etsitest.CheckRequest(method, etsitest.Managed(path), []byte(body)) {
				t.Errorf("%s %s took %s: %s", method, path, body, problem)
			}
		}
	}
	asked("GET", vnfs+"/i", "", 200, `"vnfcConfigurableProperties":{"role":"active"}`)
	asked("GET", vnfs+"?all_fields", "", 200, `"vnfcInfo"`)
	asked("GET", ops+"/o", "", 200, `"coordinationResult":"ABORT"`, `"rejectedLcmCoordinations":[{"coordinationActionName":"drain"`, `"vnfcInfoModifications":[{"id":"c1"`)
	asked("GET", ops+"?all_fields", "", 200, `"lcmCoordinations"`)
	asked("GET", ops+"?filter=(eq,lcmCoordinations/coordinationActionName,drain)&all_fields", "", 200, `"id":"o"`)
	asked("POST", vnfs+"/i0/heal", `{"vnfcInstanceId":["c1"],"cause":"stuck"}`, 202)
	asked("POST", vnfs+"/i1/operate", `{"vnfcInstanceId":["c1"],"changeStateTo":"STOPPED","stopType":"FORCEFUL"}`, 202)
	asked("POST", vnfs+"/i2/scale", `{"type":"SCALE_OUT","aspectId":"a"}`, 202)
	asked("PATCH", vnfs+"/i3", `{"vnfConfigurableProperties":{"isAutoscaleEnabled":false},"vnfcInfoModifications":[{"id":"c1","vnfcConfigurableProperties":{"role":"standby"}}]}`, 202)
	if got, _ := w.cases.last.(lcm.Modify); string(got.Vnfcs["c1"]["role"]) != `"standby"` {
		t.Errorf("the use case got %+v", got)
	}
	asked("PATCH", vnfs+"/i", `{"vnfcInfoModifications":[{"id":"c1","vnfcConfigurableProperties":{}},{"id":"c1","vnfcConfigurableProperties":{}}]}`, 400, "/vnfcInfoModifications/1/id")
	asked("PATCH", vnfs+"/i", `{"vnfcInfoModifications":[{"id":"c9","vnfcConfigurableProperties":{}}]}`, 422, "/vnfcInfoModifications/0/id")
	asked("GET", vnfs+"/none", "", 404)

	body := vnflcm.NotificationOf("")
	for kind, want := range map[sol.Point]bool{sol.VeVnfm: true, sol.OrVnfm: false} {
		b, err := body(&notify.Notice{Instance: in, Op: op, Type: notify.TypeOperation}, &notify.Subscription{ID: "s", Point: kind, Verbosity: notify.Full}, at)
		if err != nil {
			t.Fatal(err)
		}
		b = sol.Narrow(b, kind)
		if got := !strings.Contains(string(b), "resourceDefinitionId"); got != want {
			t.Errorf("%s is told %s", kind, b)
		}
		if kind == sol.VeVnfm {
			for _, problem := range etsitest.ManagedNotification(b) {
				t.Errorf("a notification: %s: %s", problem, b)
			}
		}
	}
}

// TestAnElementManagerWalksEveryRoute: with the role em alone, each method of each resource, by SOL002 v3.7.1 §5.3 and §5.4: what it has is answered, what it does not have is 405
// with what it has, and what is beyond SOL002 (packages, the site) is 403, as is what an element manager may never do. Nothing is left out: the routes of the table
// are those of the program.
func TestAnElementManagerWalksEveryRoute(t *testing.T) {
	name, role := "ems", access.Admin
	w := newWhole(t, func(c *api.Config) {
		c.Authenticate = func(*http.Request) (*access.Caller, error) {
			return &access.Caller{Name: name, Roles: []access.Role{role}}, nil
		}
	})
	role = access.EM
	w.send(t, "POST", "/vnflcm/v2/subscriptions", `{"callbackUri":"http://ems.example/here"}`).taken(201)
	has := map[string]string{ // of SOL002, below /vnflcm/v1 and /vnflcm/v2; "+": of v2 alone
		"api_versions": "GET", "vnf_instances": "GET POST", "vnf_instances/{id}": "GET PATCH DELETE",
		"vnf_lcm_op_occs": "GET", "vnf_lcm_op_occs/{id}": "GET", "subscriptions": "GET POST", "subscriptions/{id}": "GET DELETE",
		"+vnf_snapshots": "GET POST", "+vnf_snapshots/{id}": "GET PATCH DELETE", "+vnf_snapshots/{id}/vnf_state_snapshot": "GET",
	}
	for _, task := range []string{"instantiate", "scale", "scale_to_level", "change_flavour", "terminate", "heal", "operate", "change_ext_conn", "+change_vnfpkg", "+create_snapshot", "+revert_to_snapshot"} {
		later, task := strings.HasPrefix(task, "+"), strings.TrimPrefix(task, "+")
		below := "vnf_instances/{id}/" + task
		if later {
			below = "+" + below
		}
		has[below] = "POST"
	}
	for _, task := range []string{"retry", "rollback", "fail", "cancel"} {
		has["vnf_lcm_op_occs/{id}/"+task] = "POST"
	}
	walked := 0
	for _, root := range []string{"/vnflcm/v1/", "/vnflcm/v2/"} {
		for below, methods := range has {
			path, later := strings.CutPrefix(below, "+")
			if later && root == "/vnflcm/v1/" {
				continue
			}
			route := root + path
			if !slices.ContainsFunc(w.routes, func(r api.Served) bool { return r.Pattern == route }) {
				t.Errorf("%s is no route", route)
				continue
			}
			walked++
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				to := strings.Replace(route, "{id}", "00000000-0000-4000-8000-000000000000", 1)
				got := w.send(t, method, to, "{}", "Accept", "application/json", "Content-Type", "application/json")
				switch allowed := got.header.Get("Allow"); {
				case strings.Contains(methods, method):
					if got.status == 401 || got.status == 403 || got.status == 405 || got.status >= 500 {
						t.Errorf("%s %s: %d %s", method, route, got.status, got.body)
					}
				case got.status != 405:
					t.Errorf("%s %s: %d, want 405: %s", method, route, got.status, got.body)
				default:
					for want := range strings.FieldsSeq(methods) {
						if !strings.Contains(allowed, want) {
							t.Errorf("%s %s: Allow %q without %s", method, route, allowed, want)
						}
					}
				}
			}
		}
	}
	for _, r := range w.routes {
		of, lcm := strings.CutPrefix(r.Pattern, "/vnflcm/")
		if _, below, _ := strings.Cut(of, "/"); lcm && below != "" && has[below] == "" && has["+"+below] == "" {
			t.Errorf("%s is not in the table of this test", r.Pattern)
		}
		if lcm || r.Open || r.Pattern == own+"/caller" { // which is whoever asks
			continue
		}
		walked++
		to := strings.NewReplacer("{id}", "x", "{path...}", "x").Replace(r.Pattern)
		if got := w.send(t, r.Method, to, "{}", "Content-Type", "application/json"); got.status != 403 {
			t.Errorf("%s %s: %d, want 403: %s", r.Method, r.Pattern, got.status, got.body)
		}
	}
	if walked < 80 {
		t.Errorf("walked %d routes", walked)
	}
}

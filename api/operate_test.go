package api_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
)

// TestOperate: what the use case hears of a request to start or stop a VNF, in both versions, and what the edge refuses. The
// transport holds requests and answers against ETSI's documents. Seen failing without vnfcInstanceId in the command, and without
// the checks of OperateCommand.
func TestOperate(t *testing.T) {
	w := newWorld(t)
	for _, root := range []string{vnfs, oldVnfs} {
		for body, want := range map[string]lcm.Operate{
			`{"changeStateTo":"STARTED"}`:                                                {To: "STARTED"},
			`{"changeStateTo":"STARTED","stopType":"FORCEFUL"}`:                          {To: "STARTED"},
			`{"changeStateTo":"STARTED","stopType":"GRACEFUL","gracefulStopTimeout":30}`: {To: "STARTED"},
			`{"changeStateTo":"STOPPED","stopType":"FORCEFUL","gracefulStopTimeout":1}`:  {To: "STOPPED", StopType: "FORCEFUL"},
			`{"changeStateTo":"STOPPED"}`:                                                {To: "STOPPED"},
			`{"changeStateTo":"STOPPED","gracefulStopTimeout":1}`:                        {To: "STOPPED", StopType: "GRACEFUL", GracefulTimeout: 1},
			`{"changeStateTo":"STOPPED","gracefulStopTimeout":0}`:                        {To: "STOPPED"},
			`{"changeStateTo":"STOPPED","stopType":"FORCEFUL"}`:                          {To: "STOPPED", StopType: "FORCEFUL"},
			`{"changeStateTo":"STOPPED","vnfcInstanceId":["c1"]}`:                        {To: "STOPPED", Vnfcs: []string{"c1"}},
			`{"changeStateTo":"STOPPED","stopType":"GRACEFUL","gracefulStopTimeout":30,"additionalParams":{"password":"` + canary + `"}}`: {
				To: "STOPPED", StopType: "GRACEFUL", GracefulTimeout: 30, AdditionalParams: []byte(`{"password":"` + canary + `"}`),
			},
		} {
			uri := root + "/" + w.do("POST", root, newID).want(201).id()
			r := w.do("POST", uri+"/operate", body).want(202)
			ops := strings.Replace(root, "vnf_instances", "vnf_lcm_op_occs", 1)
			if !strings.HasPrefix(r.header.Get("Location"), w.http.URL+ops+"/") || r.body != "" {
				t.Errorf("%s: %v %q", body, r.header, r.body)
			}
			got, _ := w.cases.last.(lcm.Operate)
			if strings.Contains(string(got.Params), canary) || len(got.Params) == 0 {
				t.Errorf("kept %s", got.Params)
			}
			if got.Params = nil; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", body, got, want)
			}
			w.do("POST", uri+"/operate", body).want(409)
			w.do("GET", root+"/"+r.id()+"/operate", "").want(405)
		}
		uri := root + "/" + w.do("POST", root, newID).want(201).id() + "/operate"
		for body, at := range map[string]string{
			`{}`:                           "/changeStateTo",
			`{"changeStateTo":"SLEEPING"}`: "/changeStateTo",
			`{"changeStateTo":"STOPPED","stopType":"GENTLE"}`:                                                 "/stopType",
			`{"changeStateTo":"STOPPED","gracefulStopTimeout":-1}`:                                            "/gracefulStopTimeout",
			`{"changeStateTo":"STOPPED","stopType":"GRACEFUL","gracefulStopTimeout":-1}`:                      "/gracefulStopTimeout",
			`{"changeStateTo":"STOPPED","vnfcInstanceId":"c1"}`:                                               "/vnfcInstanceId",
			`{"changeStateTo":"STOPPED","vnfcInstanceId":["c1",""]}`:                                          "/vnfcInstanceId/1",
			`{"changeStateTo":"STOPPED","vnfcInstanceId":["c1",7]}`:                                           "/vnfcInstanceId/1",
			`{"changeStateTo":"STOPPED","stopType":"GRACEFUL","gracefulStopTimeout":1,"additionalParams":[]}`: "/additionalParams",
		} {
			w.do("POST", uri, body).want(400, `"attribute":"`+at+`"`)
		}
		w.do("POST", root+"/x/operate", `{"changeStateTo":"STOPPED"}`).want(404)
	}
}

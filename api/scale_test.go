package api_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
)

// TestScale: what the use cases hear of requests to scale a VNF, in both versions, and what the edge refuses. The transport holds
// requests and answers against ETSI's documents. Seen failing with numberOfSteps left out of the command.
func TestScale(t *testing.T) {
	w := newWorld(t)
	for _, root := range []string{vnfs, oldVnfs} {
		for request, want := range map[string]any{
			`scale {"type":"SCALE_OUT","aspectId":"a"}`: lcm.Scale{Type: "SCALE_OUT", AspectID: "a"},
			`scale {"type":"SCALE_IN","aspectId":"a","numberOfSteps":3,"additionalParams":{"password":"` + canary + `"}}`: lcm.Scale{
				Type: "SCALE_IN", AspectID: "a", Steps: 3, AdditionalParams: []byte(`{"password":"` + canary + `"}`),
			},
			`scale_to_level {"instantiationLevelId":"l"}`: lcm.ScaleToLevel{Level: "l"},
			`scale_to_level {"scaleInfo":[{"aspectId":"a","scaleLevel":0},{"aspectId":"b","scaleLevel":2}],"additionalParams":{"password":"` + canary + `"}}`: lcm.ScaleToLevel{
				Scale: []lcm.AspectLevel{{AspectID: "a"}, {AspectID: "b", Level: 2}}, AdditionalParams: []byte(`{"password":"` + canary + `"}`),
			},
		} {
			task, body, _ := strings.Cut(request, " ")
			uri := root + "/" + w.do("POST", root, newID).want(201).id()
			r := w.do("POST", uri+"/"+task, body).want(202)
			if ops := strings.Replace(root, "vnf_instances", "vnf_lcm_op_occs", 1); !strings.HasPrefix(r.header.Get("Location"), w.http.URL+ops+"/") || r.body != "" {
				t.Errorf("%s: %v %q", request, r.header, r.body)
			}
			kept, got := "", w.cases.last
			switch c := got.(type) {
			case lcm.Scale:
				kept, c.Params = string(c.Params), nil
				got = c
			case lcm.ScaleToLevel:
				kept, c.Params = string(c.Params), nil
				got = c
			}
			if strings.Contains(kept, canary) || kept == "" {
				t.Errorf("kept %s", kept)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", request, got, want)
			}
			w.do("POST", uri+"/"+task, body).want(409)
			w.do("GET", uri+"/"+task, "").want(405)
		}
		uri := root + "/" + w.do("POST", root, newID).want(201).id() + "/"
		for request, at := range map[string]string{
			`scale {"aspectId":"a"}`:                                                                    "/type",
			`scale {"type":"SCALE_UP","aspectId":"a"}`:                                                  "/type",
			`scale {"type":"SCALE_OUT"}`:                                                                "/aspectId",
			`scale {"type":"SCALE_OUT","aspectId":""}`:                                                  "/aspectId",
			`scale {"type":"SCALE_OUT","aspectId":"a","numberOfSteps":0}`:                               "/numberOfSteps",
			`scale {"type":"SCALE_OUT","aspectId":"a","numberOfSteps":-1}`:                              "/numberOfSteps",
			`scale {"type":"SCALE_OUT","aspectId":"a","numberOfSteps":"1"}`:                             "/numberOfSteps",
			`scale_to_level {"instantiationLevelId":"l","scaleInfo":[{"aspectId":"a","scaleLevel":0}]}`: "/scaleInfo",
			`scale_to_level {"scaleInfo":[{"aspectId":"a"}]}`:                                           "/scaleInfo/0/scaleLevel",
			`scale_to_level {"scaleInfo":[{"aspectId":"a","scaleLevel":-1}]}`:                           "/scaleInfo/0/scaleLevel",
			`scale_to_level {"scaleInfo":[{"scaleLevel":1}]}`:                                           "/scaleInfo/0/aspectId",
		} {
			task, body, _ := strings.Cut(request, " ")
			w.do("POST", uri+task, body).want(400, `"attribute":"`+at+`"`)
		}
		w.do("POST", uri+"scale_to_level", `{}`).want(400, "neither instantiationLevelId nor scaleInfo")
		w.do("POST", root+"/x/scale", `{"type":"SCALE_OUT","aspectId":"a"}`).want(404)
	}
}

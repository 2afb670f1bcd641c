package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/samples"
)

// Text that not every database holds, wherever a client can put it, is no failure of the server, and what was taken is shown
// again. Seen failing on PostgreSQL with the checks of names and queries for control characters, and of bodies for UTF-8, taken
// out of package api.
func TestHostileTextIsNoFailure(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		p := startProgram(t, args...)
		vnf := p.create("hostile")
		op := path.Base(p.run(vnf, "instantiate", instantiate))
		send := func(method, uri, body string, header ...string) (int, string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, p.url+uri, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			res, err := http.DefaultClient.Do(r) // not the validating one, which cannot read all of this
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode >= 500 {
				t.Errorf("%s %.200s %.200q: %d %v %.300s", method, uri, body, res.StatusCode, err, b)
			}
			return res.StatusCode, string(b)
		}
		for _, id := range []string{"%00", "a%00b", "%FF", "%ED%A0%80", "%01", "%7F", "%C2%80", "%F0%9F%98%80", "%E2%80%AE", "%EF%BF%BF", "'%22%5C", strings.Repeat("x", 20_000)} {
			for _, route := range []string{
				"/vnflcm/v2/vnf_instances/%s", "/vnflcm/v1/vnf_instances/%s", "/vnflcm/v2/vnf_lcm_op_occs/%s", "/vnflcm/v2/subscriptions/%s", "/vnfpkgm/v2/vnf_packages/%s",
				"/vnfm/v1/vims/%s", "/vnfm/v1/sagas/%s", "/vnfm/v1/vnf_instances/%s", "/vnfm/v1/vnf_instances/%s/events", "/vnfm/v1/vnf_instances/%s/leftovers",
				"/vnfm/v1/vnf_lcm_op_occs/%s/grant", "/vnfm/v1/vnf_lcm_op_occs/%s/progress", "/vnfm/v1/vnf_packages/%s/diff",
				"/vnfm/v1/sagas?vnf=%s", "/vnfm/v1/sagas?nextpage_opaque_marker=%s", "/vnfm/v1/events?vnf=%s", "/vnfm/v1/events?type=%s", "/vnfm/v1/parked_messages?consumer=%s",
				"/vnfm/v1/notifications?subscription=%s", "/vnflcm/v2/vnf_instances?filter=(eq,id,'%s')", "/vnflcm/v2/vnf_instances?filter=(cont,metadata/%s,x)",
			} {
				send("GET", fmt.Sprintf(route, strings.ReplaceAll(id, "'", "''")), "")
			}
			for _, task := range []string{"instantiate", "terminate"} {
				send("POST", "/vnflcm/v2/vnf_instances/"+id+"/"+task, `{"flavourId":"simple","terminationType":"FORCEFUL"}`)
			}
			for _, task := range []string{"retry", "rollback", "fail"} {
				send("POST", "/vnflcm/v2/vnf_lcm_op_occs/"+id+"/"+task, "")
			}
			send("POST", "/vnfm/v1/parked_messages/"+id+"/redrive", "")
			send("DELETE", "/vnflcm/v2/vnf_instances/"+id, "")
		}
		deep := strings.Repeat("[", 90) + strings.Repeat("]", 90)
		for n, raw := range []string{
			`"a\u0000b"`, `"\u0000"`, `"\ud800"`, `"\udc00\ud800"`, "\"\xff\"", "\"\xed\xa0\x80\"", `"\u001f"`, `"\ufffe"`, `"` + strings.Repeat("x", 100_000) + `"`,
			"1e400", "-1e-400", "1e999999999", "1e99999999999999999999", strings.Repeat("9", 200_000), deep, `{"":1}`, `{"\u0000":1}`, `{"\ud800":"\u0000"}`,
		} {
			texts := raw[0] == '"'
			for _, one := range []struct {
				method, uri, body string
				text              bool // takes texts only
			}{
				{"POST", "/vnflcm/v2/vnf_instances", `{"vnfdId":"` + samples.VnfdID + `","vnfInstanceName":%s}`, true},
				{"POST", "/vnflcm/v2/vnf_instances", `{"vnfdId":"` + samples.VnfdID + `","vnfInstanceDescription":%s}`, true},
				{"POST", "/vnflcm/v2/vnf_instances", `{"vnfdId":"` + samples.VnfdID + `","metadata":{"m":%s}}`, false},
				{"POST", "/vnflcm/v2/vnf_instances", `{"vnfdId":%s}`, true},
				{"PATCH", "/vnflcm/v2/vnf_instances/" + vnf, `{"vnfInstanceName":%s}`, true},
				{"PATCH", "/vnflcm/v2/vnf_instances/" + vnf, `{"metadata":{"m":%s}}`, false},
				{"PATCH", "/vnflcm/v2/vnf_instances/" + vnf, `{"vimConnectionInfo":{"x":{"vimType":"SIM","extra":{"m":%s}}}}`, false},
				{"PATCH", "/vnflcm/v2/vnf_instances/" + vnf, `{"vimConnectionInfo":{%s:{"vimType":"SIM"}}}`, true},
				{"POST", "/vnflcm/v2/vnf_instances/" + vnf + "/instantiate", `{"flavourId":%s}`, true},
				{"POST", "/vnfpkgm/v2/vnf_packages", `{"userDefinedData":{"m":%s}}`, false},
				{"POST", "/vnflcm/v2/subscriptions", `{"callbackUri":%s}`, true},
				{"POST", "/vnflcm/v2/subscriptions", `{"callbackUri":"http://127.0.0.1:1/","filter":{"vnfInstanceSubscriptionFilter":{"vnfInstanceNames":[%s]}}}`, true},
				{"POST", "/vnfm/v1/vims", `{"id":%s,"vimType":"SIM"}`, true},
				{"POST", "/vnfm/v1/vims", fmt.Sprintf(`{"id":"v%d","vimType":"VNFM.SIM.V_1","extra":{"m":%%s}}`, n), false},
				{"POST", "/vnfm/v1/vnf_lcm_op_occs/" + op + "/resolve", `{"decision":"skip-item","step":%s,"reason":%s}`, true},
				{"POST", "/vnfm/v1/notifications/vnf_packages", `{"notificationType":"VnfPackageOnboardingNotification","vnfdId":%s}`, true},
			} {
				if one.text && !texts {
					continue
				}
				code, answer := send(one.method, one.uri, strings.ReplaceAll(one.body, "%s", raw))
				if code >= 300 {
					continue
				}
				if code == 201 && !json.Valid([]byte(answer)) {
					t.Errorf("%s %s %.100q: %.300s", one.method, one.uri, raw, answer)
				}
				if code == 202 && one.method == "PATCH" {
					p.await("the modification", func() bool {
						_, all := p.call("GET", "/vnflcm/v2/vnf_lcm_op_occs?filter="+url.QueryEscape("(in,operationState,STARTING,PROCESSING)"), nil)
						list, _ := all.([]any)
						return len(list) == 0
					})
				}
			}
		}
		for _, key := range []string{"\x80", "\u00e9", strings.Repeat("k", 255)} {
			send("POST", "/vnflcm/v2/vnf_instances", `{"vnfdId":"x"}`, "Idempotency-Key", key, "X-Request-Id", key, "Traceparent", key, "Tracestate", key)
			send("POST", "/vnflcm/v2/vnf_instances", `{"vnfdId":"x"}`, "X-Forwarded-Host", key)
		}
		for _, at := range []string{
			"0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:59", "-2562047h", "9223372036854775807", "-1ns",
		} {
			at = url.QueryEscape(at)
			for _, past := range []string{"/vnf_instances/" + vnf + "?at=", "/vnf_instances/" + vnf + "/diff?from=", "/vnf_instances/" + vnf + "/events?to=", "/events?from=", "/events?to="} {
				send("GET", "/vnfm/v1"+past+at, "")
			}
			send("GET", "/vnflcm/v2/vnf_lcm_op_occs?filter="+url.QueryEscape("(gt,startTime,")+at+")", "")
		}
		for _, list := range []string{
			"/vnflcm/v2/vnf_instances?all_fields", "/vnflcm/v1/vnf_instances?all_fields", "/vnflcm/v2/vnf_lcm_op_occs?all_fields", "/vnflcm/v1/vnf_lcm_op_occs?all_fields",
			"/vnfpkgm/v2/vnf_packages?all_fields", "/vnflcm/v2/subscriptions", "/vnfm/v1/vims", "/vnfm/v1/events", "/vnfm/v1/sagas",
			"/vnflcm/v2/vnf_instances?filter=(cont,metadata/m,a)", "/vnflcm/v2/vnf_instances?filter=(gt,metadata/m,1)", "/vnflcm/v2/vnf_instances?filter=(eq,metadata/m,1e400)",
			"/vnflcm/v2/vnf_instances/" + vnf, "/vnfm/v1/vnf_instances/" + vnf + "/diff",
		} {
			if code, answer := send("GET", list, ""); code != 200 || !json.Valid([]byte(answer)) {
				t.Errorf("GET %s: %d %.300s", list, code, answer)
			}
		}
	})
}

package api_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/vnf"
)

// TestChangeExtConn: what the use cases hear of requests to connect a VNF in another way, in both versions, nulls included, and what
// the edge refuses. The transport holds requests and answers against ETSI's documents. Seen failing with nulls passed over.
func TestChangeExtConn(t *testing.T) {
	w := newWorld(t)
	w.lenient = true // null is not in the document's schema
	dynamic := vnf.ExtCpConfig{IPs: []vnf.ExtCpIPs{{Type: "IPV4", Dynamic: 1}}}
	const protocol = `"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4","numDynamicAddresses":1}]}}]`
	for root, body := range map[string]string{
		vnfs: `{"extVirtualLinks":[{"id":"e","resourceId":"n","vimConnectionId":"v","extCps":[{"cpdId":"c","cpConfig":{"k":{` + protocol + `},"gone":null}},{"cpdId":"d"}]}],
			"vimConnectionInfo":{"v":{"vimType":"T","accessInfo":{"password":"` + canary + `"}}},"additionalParams":{"a":1}}`,
		oldVnfs: `{"extVirtualLinks":[{"id":"e","resourceId":"n","vimConnectionId":"v","extCps":[{"cpdId":"c","cpConfig":[{"cpInstanceId":"k",` + protocol + `},{"cpInstanceId":"gone"}]},{"cpdId":"d"}]}],
			"vimConnectionInfo":[{"id":"v","vimType":"T","accessInfo":{"password":"` + canary + `"}}],"additionalParams":{"a":1}}`,
	} {
		uri := root + "/" + w.do("POST", root, newID).want(201).id()
		r := w.do("POST", uri+"/change_ext_conn", body).want(202)
		if ops := strings.Replace(root, "vnf_instances", "vnf_lcm_op_occs", 1); !strings.HasPrefix(r.header.Get("Location"), w.http.URL+ops+"/") || r.body != "" {
			t.Errorf("%v %q", r.header, r.body)
		}
		got, _ := w.cases.last.(lcm.ChangeExtConn)
		if kept := string(got.Params); strings.Contains(kept, canary) || kept == "" {
			t.Errorf("kept %s", kept)
		}
		if !strings.Contains(string(got.Connections["v"]), canary) || string(got.AdditionalParams) != `{"a":1}` {
			t.Errorf("%s, %s", got.Connections, got.AdditionalParams)
		}
		want := []lcm.ExtLink{{ID: "e", NetworkID: "n", Connection: "v", Nulls: []lcm.NullEntry{{Cp: 0, Key: "gone"}}, Cps: []vnf.ExtCpData{
			{CpdID: "c", Config: map[string]vnf.ExtCpConfig{"k": dynamic}}, {CpdID: "d", Config: map[string]vnf.ExtCpConfig{}},
		}}}
		if !reflect.DeepEqual(got.ExtLinks, want) {
			t.Errorf("%+v", got.ExtLinks)
		}
		w.do("POST", uri+"/change_ext_conn", body).want(409)
		w.do("GET", uri+"/change_ext_conn", "").want(405)
		uri = root + "/" + w.do("POST", root, newID).want(201).id() + "/change_ext_conn"
		w.do("POST", uri, `{}`).want(400, `"attribute":"/extVirtualLinks"`)
		w.do("POST", uri, `{"extVirtualLinks":[]}`).want(400, `"attribute":"/extVirtualLinks"`)
		w.do("POST", uri, `{"extVirtualLinks":[{"id":"e","resourceId":"n"}]}`).want(400, `"attribute":"/extVirtualLinks/0/extCps"`)
		w.do("POST", root+"/x/change_ext_conn", body).want(404)
		w.do("POST", uri, `{"extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[]}]}`).want(202) // it connects nothing
	}
}

// TestChangedExtConnectivity: an operation shows the external links that it has changed, and lists show them when they are asked to.
func TestChangedExtConnectivity(t *testing.T) {
	w := old(t)
	op := &vnf.OpOcc{ID: "x", VnfID: "i", State: vnf.Completed}
	op.Operation, op.ExtLinks = vnf.OpChangeExtConn, []vnf.ExtVirtualLink{{
		ID: "e", Handle: vnf.Handle{Connection: "v", VimID: "n"}, Cps: []vnf.ExtCpData{{CpdID: "c", Config: map[string]vnf.ExtCpConfig{"k": {LinkPortID: "p"}}}},
	}}
	w.put("vnf_lcm_op_occ", "opocc-", "x", "i", "i", 1, op)
	w.do("GET", ops+"/x", "").want(200, `"changedExtConnectivity":[{"id":"e"`, `"linkPortId":"p"`)
	w.do("GET", ops+"?all_fields&filter=(eq,id,x)", "").want(200, `"changedExtConnectivity":[{"id":"e"`)
	if r := w.do("GET", oldOps+"/x", "").want(200, `"changedExtConnectivity":[{"id":"e"`); strings.Contains(r.body, "currentVnfExtCpData") {
		t.Error(r.body)
	}
	w.do("GET", ops+"?filter=(eq,changedExtConnectivity/id,e)", "").want(200, `"id":"x"`)
}

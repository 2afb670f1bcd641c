package v1_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm"
	v1 "github.com/vnfm/vnfm/api/v1"
)

const base = "https://vnfm.example"

// same compares JSON by what it means.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	values := make([]any, 2)
	for i, raw := range [][]byte{got, want} {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&values[i]); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
	}
	if d := cmp.Diff(values[1], values[0]); d != "" {
		t.Error(d)
	}
}

// requests are pairs of what v1 and v2 have for the same.
var requests = []struct{ name, v1, v2 string }{
	{"nothing differs", `{"flavourId":"f","n":12345678901234567890}`, `{"flavourId":"f","n":12345678901234567890}`},
	{
		"connections", `{"vimConnectionInfo":[{"id":"a","vimType":"T"},{"id":"b/c","vimType":"U","extra":{"id":"x"}}]}`,
		`{"vimConnectionInfo":{"a":{"vimType":"T"},"b/c":{"vimType":"U","extra":{"id":"x"}}}}`,
	},
	{
		"external connection points",
		`{"extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":[{"cpInstanceId":"k","linkPortId":"p"},{"cpInstanceId":"l"}]}]}]}`,
		`{"extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"k":{"linkPortId":"p"},"l":null}}]}]}`,
	},
	{
		"managed links", `{"extManagedVirtualLinks":[{"id":"m","virtualLinkDescId":"vl","resourceId":"n"}]}`,
		`{"extManagedVirtualLinks":[{"id":"m","vnfVirtualLinkDescId":"vl","resourceId":"n"}]}`,
	},
	{
		"connections changed and removed", `{"vimConnectionInfo":[{"id":"a","vimType":"T","extra":{"x":null}}],"vimConnectionInfoDeleteIds":["b"]}`,
		`{"vimConnectionInfo":{"a":{"vimType":"T","extra":{"x":null}},"b":null}}`,
	},
	{"connections removed only", `{"vimConnectionInfoDeleteIds":["a","b"]}`, `{"vimConnectionInfo":{"a":null,"b":null}}`},
	{"all connections removed", `{"vimConnectionInfo":null}`, `{"vimConnectionInfo":null}`},
	{"no connections", `{"vimConnectionInfo":[]}`, `{"vimConnectionInfo":{}}`},
	{
		"names inside values of clients", `{"additionalParams":{"vimConnectionInfo":[{"x":1}],"virtualLinkDescId":"v"},"metadata":{"cpConfig":[]}}`,
		`{"additionalParams":{"vimConnectionInfo":[{"x":1}],"virtualLinkDescId":"v"},"metadata":{"cpConfig":[]}}`,
	},
}

// What a client of v1 sends is shown to it again as it was sent. Seen failing with removals left out of Down.
func TestRequestsThereAndBack(t *testing.T) {
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			up, _, err := v1.Body.Up([]byte(r.v1))
			if err != nil {
				t.Fatal(err)
			}
			same(t, up, []byte(r.v2))
			same(t, v1.Body.Down(up, base), []byte(r.v1))
		})
	}
}

func TestAConfigurationWithoutAKeyGetsOne(t *testing.T) {
	up, _, err := v1.Body.Up([]byte(`{"extVirtualLinks":[{"extCps":[{"cpdId":"c","cpConfig":[{"linkPortId":"p"},{"linkPortId":"q"}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	same(t, up, []byte(`{"extVirtualLinks":[{"extCps":[{"cpdId":"c","cpConfig":{"c-0":{"linkPortId":"p"},"c-1":{"linkPortId":"q"}}}]}]}`))
}

func TestWhatCannotBeV2IsRefused(t *testing.T) {
	for body, at := range map[string]string{
		`{"vimConnectionInfo":{}}`:                                                                                "/vimConnectionInfo",
		`{"vimConnectionInfo":[7]}`:                                                                               "/vimConnectionInfo/0",
		`{"vimConnectionInfo":[{"vimType":"T"}]}`:                                                                 "/vimConnectionInfo/0/id",
		`{"vimConnectionInfo":[{"id":""}]}`:                                                                       "/vimConnectionInfo/0/id",
		`{"vimConnectionInfo":[{"id":"a"},{"id":"a"}]}`:                                                           "/vimConnectionInfo/1/id",
		`{"vimConnectionInfo":[{"id":"a"}],"vimConnectionInfoDeleteIds":["b","a"]}`:                               "/vimConnectionInfoDeleteIds/1",
		`{"vimConnectionInfoDeleteIds":"a"}`:                                                                      "/vimConnectionInfoDeleteIds",
		`{"extVirtualLinks":[{},{"extCps":[{"cpConfig":[{"cpInstanceId":7}]}]}]}`:                                 "/extVirtualLinks/1/extCps/0/cpConfig/0/cpInstanceId",
		`{"extVirtualLinks":[{"extCps":[{"cpConfig":[{}]}]}]}`:                                                    "/extVirtualLinks/0/extCps/0/cpConfig/0",
		`{"extManagedVirtualLinks":[{"virtualLinkDescId":"a","vnfVirtualLinkDescId":"b"}]}`:                       "/extManagedVirtualLinks/0/virtualLinkDescId",
		`{"extVirtualLinks":[{"extCps":[{"cpdId":"c","cpConfig":[{"cpInstanceId":"c-1"},{"linkPortId":"p"}]}]}]}`: "/extVirtualLinks/0/extCps/0/cpConfig/1/cpInstanceId",
	} {
		_, _, err := v1.Body.Up([]byte(body))
		var known *vnfm.Error
		if !errors.As(err, &known) || known.Kind != vnfm.Invalid || known.Attribute != at {
			t.Errorf("%s: %+v, want an error at %s", body, err, at)
		}
	}
	for _, body := range []string{"", "{", "[]", "null", `{"a":1}x`} { // for whoever reads it to say
		if up, _, err := v1.Body.Up([]byte(body)); err != nil || string(up) != body {
			t.Errorf("%q became %q, %v", body, up, err)
		}
	}
}

func TestPointersLeadBack(t *testing.T) {
	_, from, err := v1.Body.Up([]byte(`{"vimConnectionInfo":[{"id":"x"},{"id":"a/b"}],"vimConnectionInfoDeleteIds":["c"],
		"extManagedVirtualLinks":[{"virtualLinkDescId":"v"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for v2, want := range map[string]string{
		"/vimConnectionInfo/a~1b/vimType":                "/vimConnectionInfo/1/vimType",
		"/vimConnectionInfo/c":                           "/vimConnectionInfoDeleteIds/0",
		"/extManagedVirtualLinks/0/vnfVirtualLinkDescId": "/extManagedVirtualLinks/0/virtualLinkDescId",
		"/flavourId": "/flavourId", "": "",
	} {
		if got := from.Of(v2); got != want {
			t.Errorf("%s leads to %s, want %s", v2, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		shape  *v1.Shape
		v1, v2 string // "": v1 has no such attribute
		other  bool
	}{
		{v1.VnfInstance, "vnfInstanceName", "vnfInstanceName", false},
		{v1.VnfInstance, "metadata/vimConnectionInfo/id", "metadata/vimConnectionInfo/id", false},
		{v1.VnfInstance, "vimConnectionInfo", "vimConnectionInfo", false},
		{v1.VnfInstance, "vimConnectionInfo/vimType", "vimConnectionInfo/*/vimType", true},
		{v1.VnfInstance, "vimConnectionInfo/id", "vimConnectionInfo/*", true},
		{v1.VnfInstance, "instantiatedVnfInfo/virtualLinkResourceInfo/id", "instantiatedVnfInfo/vnfVirtualLinkResourceInfo/id", false},
		{v1.VnfInstance, "instantiatedVnfInfo/vnfVirtualLinkResourceInfo", "", false},
		{v1.VnfInstance, "instantiatedVnfInfo/extCpInfo/cpConfigId", "", false},
		{v1.VnfInstance, "_links/self/href", "_links/self/href", true},
		{v1.VnfLcmOpOcc, "warnings", "", false},
		{v1.VnfLcmOpOcc, "resourceChanges/affectedVirtualLinks/changeType", "resourceChanges/affectedVirtualLinks/changeType", true},
		{v1.VnfLcmOpOcc, "resourceChanges/affectedVirtualLinks/virtualLinkDescId", "resourceChanges/affectedVirtualLinks/vnfVirtualLinkDescId", false},
		{v1.VnfLcmOpOcc, "resourceChanges/affectedExtLinkPorts/id", "", false},
		{v1.LccnSubscription, "callbackUri", "callbackUri", false},
		{v1.LccnSubscription, "verbosity", "", false},
		{v1.VnfLcmOpOcc, "operationParams/vimConnectionInfoDeleteIds", "operationParams/vimConnectionInfo", true},
	} {
		got, ok := c.shape.Path(strings.Split(c.v1, "/"))
		v2 := strings.ReplaceAll(strings.Join(got.Steps, "/"), v1.Entry, "*")
		if ok != (c.v2 != "") || ok && (v2 != c.v2 || got.Other != c.other) {
			t.Errorf("%s: %s %+v %v", c.v1, v2, got, ok)
		}
	}
}

// resources are documents of v2 that have everything v1 has otherwise.
var resources = []struct {
	shape  *v1.Shape
	v2, v1 string
}{
	{
		v1.VnfInstance,
		`{"id":"i","vimConnectionInfo":{"b":{"vimType":"U"},"a":{"vimType":"T"}},"instantiatedVnfInfo":{"flavourId":"f","maxScaleLevels":[],
		"extCpInfo":[{"id":"x","cpdId":"c","cpConfigId":"k"}],"extVirtualLinkInfo":[{"id":"e","currentVnfExtCpData":[]}],
		"vnfVirtualLinkResourceInfo":[{"id":"l","vnfVirtualLinkDescId":"vl"}]},"_links":{"self":{"href":"https://vnfm.example/vnflcm/v2/vnf_instances/i"},
		"changeExtConn":{"href":"https://vnfm.example/vnflcm/v2/vnf_instances/i/change_ext_conn"}}}`,
		`{"id":"i","vimConnectionInfo":[{"id":"a","vimType":"T"},{"id":"b","vimType":"U"}],"instantiatedVnfInfo":{"flavourId":"f",
		"extCpInfo":[{"id":"x","cpdId":"c"}],"extVirtualLinkInfo":[{"id":"e"}],
		"virtualLinkResourceInfo":[{"id":"l","vnfVirtualLinkDescId":"vl"}]},"_links":{"self":{"href":"https://vnfm.example/vnflcm/v1/vnf_instances/i"},
		"changeExtConn":{"href":"https://vnfm.example/vnflcm/v1/vnf_instances/i/change_ext_conn"}}}`,
	},
	{
		v1.VnfLcmOpOcc,
		`{"id":"o","warnings":["w"],"operationParams":{"vimConnectionInfo":{"a":null}},"changedInfo":{"vimConnectionInfo":{"a":{"vimType":"T"}}},
		"resourceChanges":{"affectedVirtualLinks":[{"id":"l","vnfVirtualLinkDescId":"vl","vnfLinkPortIds":["p"],"changeType":"LINK_PORT_ADDED"},
		{"id":"m","vnfVirtualLinkDescId":"vl","vnfdId":"d","changeType":"ADDED"}],"affectedVnfcs":[{"id":"v","vnfdId":"d"}],"affectedExtLinkPorts":[],
		"affectedVipCps":[]},"changedExtConnectivity":[{"id":"e","currentVnfExtCpData":[]}],"_links":{"grant":{"href":"https://nfvo.example/grant/v1/grants/g"},"vnfInstance":{"href":"https://vnfm.example/vnflcm/v2/vnf_instances/i"}}}`,
		`{"id":"o","operationParams":{"vimConnectionInfoDeleteIds":["a"]},"changedInfo":{"vimConnectionInfo":[{"id":"a","vimType":"T"}]},
		"resourceChanges":{"affectedVirtualLinks":[{"id":"l","virtualLinkDescId":"vl","changeType":"MODIFIED"},
		{"id":"m","virtualLinkDescId":"vl","changeType":"ADDED"}],"affectedVnfcs":[{"id":"v"}]},"changedExtConnectivity":[{"id":"e"}],
		"_links":{"grant":{"href":"https://nfvo.example/grant/v1/grants/g"},"vnfInstance":{"href":"https://vnfm.example/vnflcm/v1/vnf_instances/i"}}}`,
	},
	{
		v1.LccnSubscription,
		`{"id":"s","callbackUri":"https://nfvo.example/vnflcm/v2/","verbosity":"FULL","_links":{"self":{"href":"https://vnfm.example/vnflcm/v2/subscriptions/s"}}}`,
		`{"id":"s","callbackUri":"https://nfvo.example/vnflcm/v2/","_links":{"self":{"href":"https://vnfm.example/vnflcm/v1/subscriptions/s"}}}`,
	},
	{
		v1.Notification,
		`{"id":"n","verbosity":"FULL","affectedVirtualLinks":[{"id":"l","vnfVirtualLinkDescId":"vl","vnfLinkPortIds":["p"],"changeType":"LINK_PORT_REMOVED"}],
		"affectedVnfcs":[{"id":"v","vnfdId":"d"}],"affectedVirtualStorages":[{"id":"s","vnfdId":"d"}],"affectedExtLinkPorts":[],"affectedVipCps":[],
		"changedInfo":{"vimConnectionInfo":{"a":{"vimType":"T"}}},"changedExtConnectivity":[{"id":"e","currentVnfExtCpData":[]}],
		"modificationsTriggeredByVnfPkgChange":{},"_links":{"subscription":{"href":"https://vnfm.example/vnflcm/v2/subscriptions/s"}}}`,
		`{"id":"n","affectedVirtualLinks":[{"id":"l","virtualLinkDescId":"vl","changeType":"MODIFIED"}],
		"affectedVnfcs":[{"id":"v"}],"affectedVirtualStorages":[{"id":"s"}],"changedInfo":{"vimConnectionInfo":[{"id":"a","vimType":"T"}]},
		"changedExtConnectivity":[{"id":"e"}],"_links":{"subscription":{"href":"https://vnfm.example/vnflcm/v1/subscriptions/s"}}}`,
	},
}

func TestResourcesAreShownAsV1HasThem(t *testing.T) {
	for _, r := range resources {
		down := r.shape.Down([]byte(r.v2), base)
		same(t, down, []byte(r.v1))
		same(t, r.shape.Down(down, base), down) // twice is once
		same(t, r.shape.Down([]byte("["+r.v2+"]"), base), []byte("["+r.v1+"]"))
	}
}

func TestResourcesOfV1(t *testing.T) {
	if v1.Resource("/vnf_instances/{id}") != v1.VnfInstance || v1.Resource("/vnf_lcm_op_occs/{id}/fail") != v1.VnfLcmOpOcc || v1.Resource("/vnf_instances/{id}/change_ext_conn") == nil ||
		v1.Resource("/subscriptions/{id}") != v1.LccnSubscription {
		t.Error("a resource has the wrong shape")
	}
	for _, path := range []string{"/vnf_snapshots", "/vnf_instances/{id}/change_vnfpkg", "/vnf_instances/{id}/create_snapshot"} {
		if v1.Resource(path) != nil {
			t.Errorf("v1 has %s", path)
		}
	}
}

// FuzzBody: whatever can be sent, comes back as it was sent, or is refused.
func FuzzBody(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r.v1))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		up, _, err := v1.Body.Up(body)
		if err != nil || !json.Valid(body) {
			return
		}
		again, _, err := v1.Body.Up(v1.Body.Down(up, base))
		if err != nil {
			t.Fatalf("%s became %s, which is refused: %v", body, up, err)
		}
		same(t, again, up)
	})
}

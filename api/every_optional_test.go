package api_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// TestEveryOptionalAttribute: an optional attribute of a request, at any depth, that is null or empty is as one that is not there:
// the use case hears the same, or the client hears at which attribute the request is refused. Where null or empty means something of
// its own, meant says what. Seen failing with null entries of maps left out of connections, with an empty cpConfig read as no
// entry, and with an empty text of a modification read as none.
func TestEveryOptionalAttribute(t *testing.T) {
	// What is of its own meaning, by route and pointer ("*" for a key): a modification is a merge patch (RFC 7396), and so is
	// vimConnectionInfo wherever it is.
	type meaning = func(t *testing.T, without, got any)
	const modify, instantiate = "PATCH /vnflcm/v2/vnf_instances/{id}", "POST /vnflcm/v2/vnf_instances/{id}/instantiate"
	takenAway := func(key string) meaning {
		return func(t *testing.T, _, got any) {
			var links []lcm.ExtLink
			switch c := got.(type) {
			case lcm.ChangeExtConn:
				links = c.ExtLinks
			case lcm.ChangeFlavour:
				links = c.ExtLinks
			case lcm.ChangeVnfPkg:
				links = c.ExtLinks
			}
			same(t, links[0].Nulls, []lcm.NullEntry{{Cp: 0, Key: key}})
		}
	}
	meant := map[string]map[string]meaning{
		modify + " /vnfInstanceName": {
			"null":  func(t *testing.T, _, got any) { same(t, got.(lcm.Modify).Name, new(string)) },
			"empty": func(t *testing.T, _, got any) { same(t, got.(lcm.Modify).Name, new(string)) },
		},
		modify + " /vnfInstanceDescription": {
			"null":  func(t *testing.T, _, got any) { same(t, got.(lcm.Modify).Description, new(string)) },
			"empty": func(t *testing.T, _, got any) { same(t, got.(lcm.Modify).Description, new(string)) },
		},
		modify + " /vnfConfigurableProperties": {"null": func(t *testing.T, _, got any) { same(t, len(got.(lcm.Modify).Configurable), 0) }},
		modify + " /metadata":                  {"null": func(t *testing.T, _, got any) { same(t, len(got.(lcm.Modify).Metadata), 0) }},
		modify + " /extensions":                {"null": func(t *testing.T, _, got any) { same(t, len(got.(lcm.Modify).Extensions), 0) }},
		modify + " /vimConnectionInfo":         {"null": func(t *testing.T, _, got any) { same(t, len(got.(lcm.Modify).Connections), 0) }},
		modify + " /vimConnectionInfo/c": {
			"null":  func(t *testing.T, _, got any) { same(t, string(got.(lcm.Modify).Connections["c"]), "null") },
			"empty": func(t *testing.T, _, got any) { same(t, string(got.(lcm.Modify).Connections["c"]), "{}") },
		},
		instantiate + " /vimConnectionInfo/v~11": {
			"null": func(t *testing.T, _, got any) { same(t, string(got.(lcm.Instantiate).Connections["v/1"]), "null") },
		},
	}
	for _, task := range []string{"change_ext_conn", "change_flavour", "change_vnfpkg"} {
		at := "POST /vnflcm/v2/vnf_instances/{id}/" + task + " /extVirtualLinks/0/extCps/0/cpConfig/"
		meant[at+"sub"], meant[at+"k~01"] = map[string]meaning{"null": takenAway("sub")}, map[string]meaning{"null": takenAway("k~1")}
	}
	tried := 0
	for _, r := range newWhole(t).routes {
		route := r.Method + " " + r.Pattern
		if examples[route].schema == nil || !strings.HasPrefix(r.Pattern, "/vnflcm/v2/vnf_instances") {
			continue
		}
		t.Run(route, func(t *testing.T) {
			w := newWhole(t)
			for _, body := range examples[route].bodies {
				// hear returns the command that the use case gets of a body, or the refusal.
				hear := func(body string) (any, reply) {
					id := uuid.NewString()
					w.put(readmodel.KindVnf, "vnf-", id, id, "", 1, instance(id))
					path := strings.Replace(r.Pattern, "{id}", id, 1)
					w.cases.last = nil
					got := w.send(t, r.Method, path, body, "Content-Type", contentType(r))
					return bare(w.cases.last), got
				}
				for n := 0; ; n++ {
					_, p := with(t, body, n, func(place) {})
					if p.set == nil {
						break
					}
					needed, known := mandatory(examples[route].schema, p.pointer)
					if p.free || p.remove == nil || known && needed {
						continue
					}
					absent, _ := with(t, body, n, func(p place) { p.remove() })
					without, refusedWithout := hear(absent)
					for name, value := range map[string]any{"null": nil, "empty": emptied(p.value)} {
						if value == nil && name == "empty" {
							continue // numbers and booleans are not empty
						}
						tried++
						changed, _ := with(t, body, n, func(p place) { p.set(value) })
						got, answer := hear(changed)
						if f := meant[route+" "+p.pointer][name]; f != nil {
							if answer.status >= 300 {
								t.Errorf("%s is %s: %d %s", p.pointer, name, answer.status, answer.body)
								continue
							}
							f(t, without, got)
							continue
						}
						if strings.HasPrefix(p.pointer, "/vimConnectionInfo/") && answer.status < 300 { // a merge patch, handed on as it came
							same(t, connectionsOf(t, got), connectionsSent(t, changed))
							continue
						}
						at := ""
						if answer.status >= 300 {
							at = answer.problem().Attribute
						}
						switch {
						case answer.status >= 300 && (answer.status != 400 && answer.status != 422 || !strings.HasPrefix(p.pointer, at) && !strings.HasPrefix(at, p.pointer)):
							t.Errorf("%s is %s: %d %s", p.pointer, name, answer.status, answer.body)
						case answer.status < 300 && refusedWithout.status >= 300:
							t.Errorf("%s is %s: taken, and refused without: %s", p.pointer, name, refusedWithout.body)
						case answer.status < 300 && !reflect.DeepEqual(got, without):
							t.Errorf("%s is %s, which is not as without:\n%s", p.pointer, name, cmp.Diff(without, got))
						}
					}
				}
			}
		})
	}
	if tried < 80 {
		t.Errorf("only %d bodies tried", tried)
	}
}

// connectionsOf decodes the VIM connections of a command.
func connectionsOf(t *testing.T, command any) (out map[string]any) {
	t.Helper()
	var all map[string]json.RawMessage
	switch c := command.(type) {
	case lcm.Instantiate:
		all = c.Connections
	case lcm.ChangeExtConn:
		all = c.Connections
	case lcm.ChangeFlavour:
		all = c.Connections
	case lcm.ChangeVnfPkg:
		all = c.Connections
	case lcm.Modify:
		all = c.Connections
	}
	b, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func connectionsSent(t *testing.T, body string) map[string]any {
	t.Helper()
	var sent struct {
		VimConnectionInfo map[string]any `json:"vimConnectionInfo"`
	}
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	return sent.VimConnectionInfo
}

// emptied is the empty value of a kind; nil where there is none.
func emptied(v any) any {
	switch v.(type) {
	case string:
		return ""
	case []any:
		return []any{}
	case map[string]any:
		return map[string]any{}
	}
	return nil
}

// bare is a command without the request as it was sent, which is for showing only, and with no difference between no map and an
// empty one.
func bare(command any) any {
	switch c := command.(type) {
	case lcm.Instantiate:
		c.Params = nil
		if len(c.AdditionalParams) == 0 || string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		for _, m := range []*map[string]json.RawMessage{&c.Connections, &c.Extensions, &c.Configurable} {
			if len(*m) == 0 {
				*m = nil
			}
		}
		bareLinks(c.ExtLinks)
		return c
	case lcm.ChangeExtConn:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		if len(c.Connections) == 0 {
			c.Connections = nil
		}
		bareLinks(c.ExtLinks)
		return c
	case lcm.ChangeFlavour:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		for _, m := range []*map[string]json.RawMessage{&c.Connections, &c.Extensions, &c.Configurable} {
			if len(*m) == 0 {
				*m = nil
			}
		}
		bareLinks(c.ExtLinks)
		return c
	case lcm.ChangeVnfPkg:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		for _, m := range []*map[string]json.RawMessage{&c.Connections, &c.Extensions, &c.Configurable} {
			if len(*m) == 0 {
				*m = nil
			}
		}
		bareLinks(c.ExtLinks)
		return c
	case lcm.CreateSnapshot:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		if len(c.UserData) == 0 {
			c.UserData = nil
		}
		return c
	case lcm.RevertToSnapshot:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		return c
	case lcm.Terminate:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		return c
	case lcm.Operate:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		if len(c.Vnfcs) == 0 {
			c.Vnfcs = nil
		}
		return c
	case lcm.Heal:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		if len(c.Vnfcs) == 0 {
			c.Vnfcs = nil
		}
		return c
	case lcm.Scale:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		return c
	case lcm.ScaleToLevel:
		c.Params = nil
		if string(c.AdditionalParams) == "{}" {
			c.AdditionalParams = nil
		}
		return c
	case lcm.Modify:
		c.Params = nil
		for _, m := range []*map[string]json.RawMessage{&c.Connections, &c.Extensions, &c.Configurable, &c.Metadata} {
			if len(*m) == 0 {
				*m = nil
			}
		}
		return c
	case lcm.CreateVnf:
		if len(c.Metadata) == 0 {
			c.Metadata = nil
		}
		return c
	}
	return command
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s", cmp.Diff(want, got))
	}
}

// TestAnEntryWithoutConfigurationInBothVersions: what v1 and v2 write for no configuration reaches the use case as the link's, and
// null alone is refused.
func TestAnEntryWithoutConfigurationInBothVersions(t *testing.T) {
	w := newWorld(t)
	w.lenient = true
	for root, forms := range map[string][]string{
		vnfs:    {``, `,"cpConfig":null`, `,"cpConfig":{}`},
		oldVnfs: {``, `,"cpConfig":null`, `,"cpConfig":[]`},
	} {
		for _, form := range forms {
			uri := root + "/" + w.do("POST", root, newID).want(201).id() + "/instantiate"
			w.do("POST", uri, `{"flavourId":"f","extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c"`+form+`}]}]}`).want(202)
			got := w.cases.last.(lcm.Instantiate).ExtLinks
			if len(got) != 1 || len(got[0].Cps) != 1 || got[0].Cps[0].CpdID != "c" || len(got[0].Cps[0].Config) != 0 || got[0].NetworkID != "n" {
				t.Errorf("%s%s: %+v", root, form, got)
			}
		}
	}
	for root, c := range map[string][2]string{
		vnfs: {`{"k":null}`, "/extVirtualLinks/0/extCps/0/cpConfig/k"}, oldVnfs: {`[{"cpInstanceId":"k"}]`, "/extVirtualLinks/0/extCps/0/cpConfig/0"},
	} {
		uri := root + "/" + w.do("POST", root, newID).want(201).id() + "/instantiate"
		w.do("POST", uri, `{"flavourId":"f","extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":`+c[0]+`}]}]}`).
			want(400, `"attribute":"`+c[1]+`"`)
	}
}

// TestWhatIsNotDoneIsRefused: what a release of the standard can ask for and is not done here is refused where it is asked for, in
// both versions; what says nothing is taken. Seen failing with each attribute of other releases and of SOL002 looked past.
func TestWhatIsNotDoneIsRefused(t *testing.T) {
	w := newWorld(t)
	w.lenient = true
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, instance("i"))
	const managed, external = `{"flavourId":"f","extManagedVirtualLinks":[{"id":"m","vnfVirtualLinkDescId":"v","resourceId":"n",`, `{"flavourId":"f","extVirtualLinks":[{"id":"e","resourceId":"n",`
	config := func(inside string) string {
		return external + `"extCps":[{"cpdId":"c","cpConfig":{"k":{` + inside + `}}}]}]}`
	}
	protocol := func(data string) string { return config(`"cpProtocolData":[` + data + `]`) }
	const at = "/extVirtualLinks/0/extCps/0/cpConfig/k/"
	layer := `{"layerProtocol":"IP_OVER_ETHERNET"`
	send := func(root, task, body string) reply {
		switch task {
		case "create":
			return w.do("POST", root, body)
		case "modify":
			return w.do("PATCH", root+"/i", body, "Content-Type", mergePatch)
		}
		return w.do("POST", root+"/"+w.do("POST", root, newID).want(201).id()+"/"+task, body)
	}
	for body, c := range map[string]struct {
		task   string
		status int
		at     string
	}{
		managed + `"vnfLinkPort":[{"vnfLinkPortId":"p"}]}]}`:                                                                        {"instantiate", 422, "/extManagedVirtualLinks/0/vnfLinkPort"},
		managed + `"extManagedMultisiteVirtualLinkId":"x"}]}`:                                                                       {"instantiate", 422, "/extManagedVirtualLinks/0/extManagedMultisiteVirtualLinkId"},
		managed + `"extNetAttDefResourceData":[{"netAttDefResourceId":"x"}]}]}`:                                                     {"instantiate", 422, "/extManagedVirtualLinks/0/extNetAttDefResourceData"},
		external + `"extNetAttDefResourceData":[{"netAttDefResourceId":"x"}],"extCps":[{"cpdId":"c"}]}]}`:                           {"instantiate", 422, "/extVirtualLinks/0/extNetAttDefResourceData"},
		config(`"linkPortId":"p","netAttDefResourceId":["x"]`):                                                                      {"instantiate", 422, at + "netAttDefResourceId"},
		protocol(layer + `,"virtualCpAddress":{"type":"IPV4"}}`):                                                                    {"instantiate", 422, at + "cpProtocolData/0/virtualCpAddress"},
		protocol(`{"layerProtocol":"IP_FOR_VIRTUAL_CP"}`):                                                                           {"instantiate", 400, at + "cpProtocolData/0/layerProtocol"},
		`{"flavourId":"f","targetScaleLevelInfo":[{"aspectId":"a","scaleLevel":1}]}`:                                                {"instantiate", 422, "/targetScaleLevelInfo"},
		`{"flavourId":"f","selectedDeployableModule":["m"]}`:                                                                        {"instantiate", 422, "/selectedDeployableModule"},
		protocol(layer + `},` + layer + `}`):                                                                                        {"instantiate", 422, at + "cpProtocolData/1"},
		protocol(layer + `,"ipOverEthernet":{"macAddress":"fa:16:3e:00:00:01","segmentationId":"7"}}`):                              {"instantiate", 400, at + "parentCpConfigId"},
		protocol(layer + `,"ipOverEthernet":{"macAddress":"fa:16:3e:00:00:01","segmentationType":"VLAN"}}`):                         {"instantiate", 400, at + "parentCpConfigId"},
		protocol(layer + `,"ipOverEthernet":{"ipAddresses":[{"type":"IPV4","addressRange":{"minAddress":"a","maxAddress":"b"}}]}}`): {"instantiate", 422, at + "cpProtocolData/0/ipOverEthernet/ipAddresses/0/addressRange"},
		`{"vnfdId":"vnfd-1","certificateConfigurationData":{"a":1}}`:                                                                {"create", 422, "/certificateConfigurationData"},
		`{"vnfcInfoModifications":[{"id":"c"}]}`:                                                                                    {"modify", 400, "/vnfcInfoModifications/0/vnfcConfigurableProperties"},
		`{"vnfcInfoModifications":[{"id":"none","vnfcConfigurableProperties":{"a":1}}]}`:                                            {"modify", 422, "/vnfcInfoModifications/0/id"},
		`{"vnfcInfoModificationsDeleteIds":["c"]}`:                                                                                  {"modify", 422, "/vnfcInfoModificationsDeleteIds"},
	} {
		got := send(vnfs, c.task, body)
		if got.status != c.status || got.problem().Attribute != c.at {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
		older := strings.Replace(body, "vnfVirtualLinkDescId", "virtualLinkDescId", 1)
		if inside, is := strings.CutSuffix(strings.Replace(body, `"cpConfig":{"k":{`, `"cpConfig":[{`, 1), "}}}]}]}"); is { // an array in v1
			older = inside + "}]}]}]}"
		}
		got = send(oldVnfs, c.task, older)
		if got.status != c.status || got.problem().Attribute != strings.Replace(c.at, "cpConfig/k", "cpConfig/0", 1) {
			t.Errorf("v1: %s: %d %s", older, got.status, got.body)
		}
	}
	empty := managed + `"vnfLinkPort":[],"extManagedMultisiteVirtualLinkId":""}],"targetScaleLevelInfo":null,"selectedDeployableModule": [ ]}`
	send(vnfs, "instantiate", empty).want(202)
	send(vnfs, "modify", `{"vnfcInfoModifications":[],"vnfcInfoModificationsDeleteIds":[]}`).want(202)
}

// TestVnfcsAndTrunksAreShown: vnfcInfo, which SOL002 has, is there for whoever asks, at both versions; and so are the subports of
// trunks and the addresses of several subnets, as a request would have them. Seen failing with vnfcInfo left out.
func TestVnfcsAndTrunksAreShown(t *testing.T) {
	w := newWorld(t)
	in := full("i")
	in.Info.Vnfcs[0].Cps[0].ParentID = "parent-cp"
	in.Info.ExtLinks[0].Ports[0].Trunk = "trunk-1"
	in.Info.ExtLinks[0].Cps[0].Config["sub"] = vnf.ExtCpConfig{Parent: "cfg", SegmentationType: "VLAN", SegmentationID: "7", IPs: []vnf.ExtCpIPs{
		{Type: "IPV4", Fixed: []string{"10.0.0.9"}, Subnet: "s4"}, {Type: "IPV6", Dynamic: 2, Subnet: "s6"},
	}}
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, in)
	for _, root := range []string{vnfs, oldVnfs} {
		var got struct {
			InstantiatedVnfInfo struct {
				VnfcInfo []map[string]any `json:"vnfcInfo"`
			} `json:"instantiatedVnfInfo"`
		}
		w.do("GET", root+"/i", "").want(200).json(&got)
		v := in.Info.Vnfcs[0]
		want := map[string]any{"id": v.ID, "vduId": v.VduID, "vnfcResourceInfoId": v.ID, "vnfcState": in.Info.VnfState}
		if n := got.InstantiatedVnfInfo.VnfcInfo; len(n) != len(in.Info.Vnfcs) || !reflect.DeepEqual(n[0], want) {
			t.Errorf("%s: %v, want %v", root, n, want)
		}
	}
	for _, wrong := range etsitest.Older("VnfInstance", []byte(w.do("GET", oldVnfs+"/i", "").want(200).body)) { // what came after it is gone
		t.Error(wrong)
	}
	w.do("GET", vnfs+"/i", "").want(200, `"parentCpId":"parent-cp"`, `"trunkResourceId":"trunk-1"`,
		`"sub":{"parentCpConfigId":"cfg","cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"segmentationType":"VLAN","segmentationId":"7","ipAddresses":[`+
			`{"type":"IPV4","fixedAddresses":["10.0.0.9"],"subnetId":"s4"},{"type":"IPV6","numDynamicAddresses":2,"subnetId":"s6"}]}}]}`)
	if !slices.Contains([]string{"STARTED", "STOPPED"}, in.Info.VnfState) {
		t.Errorf("state %q", in.Info.VnfState)
	}
}

func bareLinks(links []lcm.ExtLink) {
	for i := range links {
		if len(links[i].Ports) == 0 {
			links[i].Ports = nil
		}
		for j := range links[i].Cps {
			if len(links[i].Cps[j].Config) == 0 {
				links[i].Cps[j].Config = map[string]vnf.ExtCpConfig{}
			}
		}
	}
}

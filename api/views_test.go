package api_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

func TestVnfInstanceIsComplete(t *testing.T) {
	w := newWorld(t)
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, full("i"))
	var got sol.VnfInstance
	w.do("GET", vnfs+"/i", "").want(200).json(&got) // and the document says that it is well-formed
	info := got.InstantiatedVnfInfo
	if got.VnfdId != "vnfd-1" || got.VnfProvider != "Acme" || string(got.VimConnectionInfo["sim-1"].InterfaceInfo["endpoint"]) != `"e"` {
		t.Errorf("%+v", got)
	}
	want := []sol.CpProtocolInfo{{LayerProtocol: "IP_OVER_ETHERNET", IpOverEthernet: &sol.IpOverEthernetAddressInfo{
		MacAddress: "fa:16:3e:00:00:01", IpAddresses: []sol.IpAddressInfo{
			{Type: "IPV4", Addresses: []string{"10.0.0.1", "10.0.0.2"}, SubnetId: "s1"},
			{Type: "IPV6", Addresses: []string{"2001:db8::1"}, SubnetId: "s2", IsDynamic: true},
		},
	}}}
	if d := cmp.Diff(want, info.VnfcResourceInfo[0].VnfcCpInfo[0].CpProtocolInfo); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, info.ExtCpInfo[0].CpProtocolInfo); d != "" {
		t.Error(d)
	}
	handle := sol.ResourceHandle{VimConnectionId: "sim-1", ResourceId: "port", VimLevelResourceType: "T"}
	for name, ok := range map[string]bool{
		"scaleStatus":         info.ScaleStatus[0].ScaleLevel == 1 && info.MaxScaleLevels[0].ScaleLevel == 3,
		"compute":             info.VnfcResourceInfo[0].ComputeResource.ResourceId == "server" && info.VnfcResourceInfo[0].ZoneId == "z",
		"storage of a VNFC":   slices.Equal(info.VnfcResourceInfo[0].StorageResourceIds, []string{"st1"}),
		"external CP of NIC":  info.VnfcResourceInfo[0].VnfcCpInfo[0].VnfExtCpId == "x1",
		"link port of NIC":    info.VnfcResourceInfo[0].VnfcCpInfo[1].VnfLinkPortId == "p1",
		"link port":           info.VnfVirtualLinkResourceInfo[0].VnfLinkPorts[0] == sol.VnfLinkPortInfo{Id: "p1", ResourceHandle: handle, CpInstanceId: "cp2", CpInstanceType: "VNFC_CP"},
		"storage":             info.VirtualStorageResourceInfo[0].StorageResource.ResourceId == "volume",
		"CP of a VNFC":        info.ExtCpInfo[0].AssociatedVnfcCpId == "cp1" && info.ExtCpInfo[0].ExtLinkPortId == "ep1",
		"CP of a link":        info.ExtCpInfo[1].AssociatedVnfVirtualLinkId == "l1" && info.ExtCpInfo[1].AssociatedVnfcCpId == "",
		"external link":       info.ExtVirtualLinkInfo[0].ExtLinkPorts[0].CpInstanceId == "x1",
		"current CP data":     len(info.ExtVirtualLinkInfo[0].CurrentVnfExtCpData[0].CpConfig) == 3,
		"two kinds and a dyn": len(info.ExtVirtualLinkInfo[0].CurrentVnfExtCpData[0].CpConfig["cfg"].CpProtocolData[0].IpOverEthernet.IpAddresses) == 3,
		"managed link":        info.ExtManagedVirtualLinkInfo[0].NetworkResource.ResourceId == "managed",
		"monitoring":          info.MonitoringParameters[0].PerformanceMetric == "VcpuUsageMeanVnf",
	} {
		if !ok {
			t.Errorf("%s is wrong: %+v", name, info)
		}
	}
	// A container VNF may have no external connection point; the attribute is there all the same.
	in := full("j")
	in.Info.ExtCps, in.Info.ExtLinks = nil, nil
	w.put(readmodel.KindVnf, "vnf-", "j", "j", "", 1, in)
	w.do("GET", vnfs+"/j", "").want(200, `"extCpInfo":[]`)
}

func TestTaskLinksAreThereWhileTheTaskIsPossible(t *testing.T) {
	w := newWorld(t)
	n := 0
	links := func(kind, path string, doc any) string {
		n++
		id := string(rune('a' + n))
		w.put(kind, "x-", id, id, "", 1, doc)
		var got struct {
			Links map[string]sol.Link `json:"_links"`
		}
		w.do("GET", path+"/"+id, "").want(200).json(&got)
		var names []string
		for name := range got.Links {
			if name != "self" && name != "vnfInstance" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	for name, c := range map[string]struct {
		in   vnf.Instance
		want string
	}{
		"not instantiated": {vnf.Instance{State: vnf.NotInstantiated}, "instantiate"},
		"instantiated":     {vnf.Instance{State: vnf.Instantiated}, "changeCurrentVnfPkg changeExtConn changeFlavour createSnapshot heal operate revertToSnapshot terminate"},
		"scalable": {
			vnf.Instance{State: vnf.Instantiated, Info: &vnf.InstantiatedInfo{FlavourID: "f", VnfState: "STARTED", MaxScaleLevels: []vnf.ScaleInfo{{AspectID: "a", Level: 1}}}},
			"changeCurrentVnfPkg changeExtConn changeFlavour createSnapshot heal operate revertToSnapshot scale scaleToLevel terminate",
		},
		"held": {vnf.Instance{State: vnf.NotInstantiated, Operation: "o"}, ""},
	} {
		if got := links(readmodel.KindVnf, vnfs, c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for name, c := range map[string]struct {
		op   vnf.OpOcc
		want string
	}{
		"starting":                {vnf.OpOcc{State: vnf.Starting}, "cancel"},
		"processing":              {vnf.OpOcc{State: vnf.Processing}, "cancel"},
		"rolling back":            {vnf.OpOcc{State: vnf.RollingBack}, "cancel"},
		"being cancelled":         {vnf.OpOcc{State: vnf.Processing, CancelPending: true, CancelMode: "FORCEFUL"}, ""},
		"failed for now":          {vnf.OpOcc{State: vnf.FailedTemp}, "fail retry rollback"},
		"failed while undoing":    {vnf.OpOcc{State: vnf.FailedTemp, UndoBegun: true}, "fail rollback"},
		"termination failed":      {vnf.OpOcc{State: vnf.FailedTemp, Operation: vnf.OpTerminate, Irreversible: true}, "fail retry"},
		"completed":               {vnf.OpOcc{State: vnf.Completed}, ""},
		"rolled back":             {vnf.OpOcc{State: vnf.RolledBack}, ""},
		"failed":                  {vnf.OpOcc{State: vnf.Failed}, ""},
		"cancel mode of the past": {vnf.OpOcc{State: vnf.Completed, CancelMode: "FORCEFUL"}, ""},
	} {
		if c.op.Operation == "" {
			c.op.Operation = vnf.OpInstantiate
		}
		c.op.VnfID = "v"
		if got := links(readmodel.KindOpOcc, ops, c.op); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// No link and no id of a grant that exists nowhere outside, and no cancel mode of a cancellation that is over.
	r := w.do("GET", ops+"?all_fields", "").want(200)
	if strings.Contains(r.body, "grant") || strings.Count(r.body, "cancelMode") != 1 {
		t.Errorf("%s", r.body)
	}
}

func TestOperationOccurrenceIsComplete(t *testing.T) {
	w := newWorld(t)
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 1, failed("o", "i"))
	var got sol.VnfLcmOpOcc
	w.do("GET", ops+"/o", "").want(200, `"operationParams":{"flavourId":"f"}`, `"affectedVnfcCpIds":["cp1"]`, `"addedStorageResourceIds":["st1"]`,
		`"changeType":"LINK_PORT_ADDED"`, `"vnfLinkPortIds":["p1"]`, `"extCpInstanceId":"x1"`, `"virtualStorageDescId":"disk"`, `"isCancelPending":false`).json(&got)
	if got.Error.Detail != "d" || got.Warnings[0] != "w" {
		t.Errorf("%+v", got)
	}
	var p sol.OpProgress
	w.do("GET", own+"/vnf_lcm_op_occs/o/progress", "").want(200).json(&p)
	if len(p.Resources) != 1 || p.Resources[0].Attempt != 2 || p.Resources[0].Reason != "quota" || !p.Now.Equal(epoch) || p.Final {
		t.Errorf("%+v", p)
	}
	w.do("POST", ops+"/o/fail", "").want(200, `"id":"o"`)
	if loc := w.do("POST", ops+"/o/retry", "").want(202).header.Get("Location"); !strings.HasSuffix(loc, ops+"/o") {
		t.Errorf("Location: %s", loc)
	}
	w.do("POST", ops+"/o/cancel", `{"cancelMode":"GRACEFUL"}`).want(202)
	if w.cases.last != "cancel GRACEFUL" {
		t.Errorf("command %v", w.cases.last)
	}
}

func TestInstantiateRequestBecomesTheCommand(t *testing.T) {
	w := newWorld(t)
	uri := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id() + "/instantiate"
	body := `{"flavourId":"f","instantiationLevelId":"l","localizationLanguage":"en","extVirtualLinks":[{"id":"el","vimConnectionId":"sim-1",
		"resourceId":"net","extCps":[{"cpdId":"cp","cpConfig":{"a":{"cpProtocolData":[{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":
		{"macAddress":"fa:16:3e:00:00:01","ipAddresses":[{"type":"IPV4","fixedAddresses":["10.0.0.1"],"subnetId":"s"}]}}]},"b":{"linkPortId":"lp"}}}],
		"extLinkPorts":[{"id":"lp","resourceHandle":{"resourceId":"port"}}]}],
		"extManagedVirtualLinks":[{"id":"em","vnfVirtualLinkDescId":"vl","resourceId":"n2"}],
		"vimConnectionInfo":{"sim-1":{"vimType":"SIM","accessInfo":{"password":"` + canary + `"}}},
		"additionalParams":{"n":12345678901234567890,"adminPassword":"` + canary + `"},"extensions":{"e":1},"vnfConfigurableProperties":{"c":true}}`
	op := w.do("POST", uri, body).want(202)
	if !strings.Contains(op.header.Get("Location"), ops) || op.body != "" {
		t.Errorf("Location %s, body %q", op.header.Get("Location"), op.body)
	}
	got := w.cases.last.(lcm.Instantiate)
	want := []lcm.ExtLink{{
		ID: "el", Connection: "sim-1", NetworkID: "net",
		Cps: []vnf.ExtCpData{{CpdID: "cp", Config: map[string]vnf.ExtCpConfig{
			"a": {MAC: "fa:16:3e:00:00:01", IPs: []vnf.ExtCpIPs{{Type: "IPV4", Fixed: []string{"10.0.0.1"}, Subnet: "s"}}}, "b": {LinkPortID: "lp"},
		}}},
		Ports: []vnf.ExtPort{{ID: "lp", Handle: vnf.Handle{VimID: "port"}}},
	}}
	if d := cmp.Diff(want, got.ExtLinks); d != "" {
		t.Error(d)
	}
	if got.FlavourID != "f" || got.Level != "l" || got.Localization != "en" || got.ExtManaged[0].LinkID != "vl" ||
		string(got.Extensions["e"]) != "1" || string(got.Configurable["c"]) != "true" {
		t.Errorf("%+v", got)
	}
	// Credentials go to whoever seals them, and nowhere else.
	if !strings.Contains(string(got.Connections["sim-1"]), canary) {
		t.Errorf("the credentials are lost: %s", got.Connections["sim-1"])
	}
	if kept := string(got.Params); strings.Contains(kept, canary) || strings.Contains(w.log.String(), canary) {
		t.Errorf("a secret is kept: %s", kept)
	}
	if !strings.Contains(string(got.Params), "12345678901234567890") {
		t.Errorf("a number changed on its way: %s", got.Params)
	}
	for text, at := range map[string]string{
		`{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{}}`:                                                                                     "/ipOverEthernet",
		`{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"macAddress":"no"}}`:                                                                    "/macAddress",
		`{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4"}]}}`:                                                      "/ipAddresses/0",
		`{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4","fixedAddresses":["::1"]}]}}`:                             "/fixedAddresses/0",
		`{"layerProtocol":"IP_OVER_ETHERNET","ipOverEthernet":{"ipAddresses":[{"type":"IPV4","fixedAddresses":["1.1.1.1"],"numDynamicAddresses":1}]}}`: "/ipAddresses/0",
		`{"layerProtocol":"ATM"}`: "/layerProtocol",
	} {
		body := `{"flavourId":"f","extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"a":{"cpProtocolData":[` + text + `]}}}]}]}`
		r := w.do("POST", uri, body).want(400)
		if !strings.Contains(r.body, at+`"`) {
			t.Errorf("%s is not said to be at %s: %s", text, at, r.body)
		}
	}
	w.do("POST", uri, `{"flavourId":"f","extVirtualLinks":[{"id":"e","resourceId":"n","extCps":[{"cpdId":"c","cpConfig":{"a":{}}}]}]}`).want(400, "linkPortId or cpProtocolData")
}

func TestTerminateRequestBecomesTheCommand(t *testing.T) {
	w := newWorld(t)
	uri := vnfs + "/" + w.do("POST", vnfs, newID).want(201).id() + "/terminate"
	w.do("POST", uri, `{"terminationType":"GRACEFUL","gracefulTerminationTimeout":7,"additionalParams":{"a":1}}`).want(202)
	got := w.cases.last.(lcm.Terminate)
	if got.Type != "GRACEFUL" || got.GracefulTimeout != 7 || string(got.AdditionalParams) != `{"a":1}` || len(got.Params) == 0 {
		t.Errorf("%+v", got)
	}
	w.do("POST", uri, `{"terminationType":"FORCEFUL"}`).want(409)
}

func TestEventsTellTheStoryInOrder(t *testing.T) {
	w := newWorld(t, func(c *apiConfig) { c.PageSize = 2 })
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, instance("i"))
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 1, failed("o", "i"))
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 2, instance("i"))
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 2, failed("o", "i"))
	var streams []string
	for path := own + "/vnf_instances/i/events"; path != ""; {
		r := w.do("GET", path, "").want(200, `"actor":"tester"`, `"command":"test.write"`, `"causationId":"c"`)
		var events []sol.VnfEvent
		r.json(&events)
		for _, e := range events {
			streams = append(streams, e.Stream)
			if e.Hash == "" || !e.Time.Equal(epoch) || string(e.Data) != `{"n":1}` {
				t.Errorf("%+v", e)
			}
		}
		path = ""
		if link := r.header.Get("Link"); link != "" {
			path = nextLink.FindStringSubmatch(link)[1]
		}
	}
	if got := strings.Join(streams, " "); got != "vnf-i opocc-o vnf-i opocc-o" {
		t.Errorf("order: %s", got)
	}
}

func TestSagaIsShownWithItsCleanups(t *testing.T) {
	w := newWorld(t)
	due := epoch.Add(time.Minute)
	in := saga.Instance{
		Policy: saga.Rollback, Started: epoch, Deadline: epoch.Add(time.Hour), Cause: &saga.Failure{Class: message.Quota, Reason: "full"},
		Items: []*saga.ItemRun{
			{Step: "network", Item: "n1", Stage: 0, State: saga.ItemDone, Result: []byte(`{"id":"x"}`), Log: []saga.Sending{
				{Command: "cmd", Seq: 1, Attempt: 1, Sent: epoch, Replied: due, State: saga.RowSucceeded}}},
			{Step: "compute", Item: "c1", Stage: 1, State: saga.ItemSent, Attempt: 2, Due: due, Timer: 4, Open: []saga.Sending{
				{Command: "cmd-2", Seq: 2, Attempt: 2, Sent: epoch}}},
		},
	}
	data, _ := json.Marshal(in)
	row := func(id, parent string) eventstore.SagaRow {
		return eventstore.SagaRow{ID: id, Type: "instantiate", DefVersion: 1, Key: "i", Parent: parent, State: "RUNNING", Data: data}
	}
	if _, err := w.doer.Do(t.Context(), &eventstore.Work{
		Keys: []string{"i"}, Load: func() eventstore.Load { return eventstore.Load{} },
		Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
			return &eventstore.Commit{
				Sagas: []eventstore.SagaRow{row("o", ""), row("o-cleanup", "o")},
			}, nil
		},
	}); err != nil {
		t.Fatal(err)
	}
	var got sol.Saga
	w.do("GET", own+"/sagas/o", "").want(200).json(&got)
	if len(got.Stages) != 2 || got.Stages[1].Items[0].Attempt != 2 || !got.NextTimeout.Equal(due) || got.Cause.Reason != "full" ||
		len(got.Attempts) != 2 || got.Attempts[0].State != "SUCCEEDED" || string(got.Attempts[0].Result) != `{"id":"x"}` || got.Attempts[1].State != "SENT" ||
		!got.Attempts[1].Sent.Equal(epoch) || len(got.Cleanups) != 1 || got.Cleanups[0].Id != "o-cleanup" {
		t.Errorf("%+v", got)
	}
}

func TestAuditVerify(t *testing.T) {
	w := newWorld(t)
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, instance("i"))
	for _, method := range []string{"GET", "POST"} {
		var got sol.Audit
		w.do(method, own+"/audit/verify", "").want(200).json(&got)
		if !got.Ok || got.Streams != 1 || got.Events != 1 || len(got.Problems) != 0 {
			t.Errorf("%+v", got)
		}
	}
	w = newWorld(t, func(c *apiConfig) { c.Views = forger{c.Views} })
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, instance("i"))
	var got sol.Audit
	w.do("GET", own+"/audit/verify", "").want(200).json(&got)
	if got.Ok || got.Found == 0 || got.Problems[0].Stream != "vnf-i" {
		t.Errorf("%+v", got)
	}
}

// forger changes an event on its way out.
type forger struct{ eventstore.Reader }

func (f forger) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]eventstore.Event, error) {
	events, err := f.Reader.ReadStream(ctx, stream, after, limit)
	for i := range events {
		events[i].Data = []byte(`{"n":2}`)
	}
	return events, err
}

func TestOwnResources(t *testing.T) {
	w := newWorld(t)
	r := w.do("GET", own+"/vims", "").want(200, `"id":"sim-1"`, `"default":true`, `"endpoint":"http://vim"`)
	if strings.Contains(r.body, canary) {
		t.Errorf("a credential is shown: %s", r.body)
	}
	behaviour := `{"seed":1,"delay":"1s","rules":[{"on":"configure","outcome":"permanent","times":1},{"on":"reserve","outcome":"hang"},{"on":"*","outcome":"duplicate-reply"}]}`
	w.do("PUT", own+"/sim/behaviour", behaviour, "Idempotency-Key", "k").want(200, `"delay":"1s"`)
	w.do("GET", own+"/sim/behaviour", "").want(200, `"outcome":"hang"`)
	r = w.do("POST", own+"/vnf_instances/i/cleanup", "").want(202, `"sagaId":"saga-i"`)
	if !strings.HasSuffix(r.header.Get("Location"), own+"/sagas/saga-i") {
		t.Errorf("Location: %s", r.header.Get("Location"))
	}
	w = newWorld(t, func(c *apiConfig) { c.Sim = nil })
	w.do("GET", own+"/sim/inventory", "").want(404)
}

func TestPackages(t *testing.T) {
	w := newWorld(t)
	uri := pkgs + "/" + w.do("POST", pkgs, `{"userDefinedData":{"a":1}}`).want(201, `"onboardingState":"CREATED"`, `"usageState":"NOT_IN_USE"`).id()
	w.do("PUT", uri+"/package_content", "PK", "Content-Type", "application/octet-stream").want(202)
	if w.cases.last != "PK" {
		t.Errorf("content %v", w.cases.last)
	}
	w.do("PUT", uri+"/package_content", "PK", "Content-Type", "application/zip").want(409)
	w.do("GET", uri, "").want(200, `"onboardingState":"ONBOARDED"`, `/package_content"`, `"checksum":"sha-256:ab12"`,
		`"findings":[{"rule":"rule","text":"text","file":"a.yaml","line":3}]`, `"vnfSoftwareVersion":"2.0"`, `"onboardingFailureDetails":{`)
	w.do("GET", pkgs, "").want(200, `"vnfdId":"vnfd-1"`)
	w.do("PATCH", uri, `{"operationalState":"DISABLED"}`, "Content-Type", "application/merge-patch+json", "If-Match", `"1"`).want(412)
	w.do("PATCH", uri, `{"operationalState":"DISABLED"}`, "Content-Type", "application/merge-patch+json", "If-Match", `"2"`).want(200, `{"operationalState":"DISABLED"}`)
	w.do("DELETE", uri, "").want(204)
}

package api_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

var nextLink = regexp.MustCompile(`^<http://[^/]+(/[^>]+)>; rel="next"$`)

func TestListsArePagedInOrder(t *testing.T) {
	for _, size := range []int{0, 1, 3, 7, 8} {
		w := newWorld(t, func(c *apiConfig) { c.PageSize = size })
		for i := range 7 {
			w.put(readmodel.KindVnf, "vnf-", fmt.Sprint("id", i), fmt.Sprint("id", i), "", 1, full(fmt.Sprint("id", i)))
		}
		var ids []string
		pages := 0
		for path := vnfs + "?all_fields"; path != ""; pages++ {
			r := w.do("GET", path, "").want(200)
			var page []sol.VnfInstance
			r.json(&page)
			for _, in := range page {
				ids = append(ids, in.Id)
				if in.InstantiatedVnfInfo == nil {
					t.Errorf("page %d forgot the selector of the first", pages)
				}
			}
			path = ""
			if link := r.header.Get("Link"); link != "" {
				path = nextLink.FindStringSubmatch(link)[1]
			}
		}
		want := 1
		if size > 0 {
			want = (7 + size - 1) / size
		}
		if got := strings.Join(ids, " "); got != "id0 id1 id2 id3 id4 id5 id6" || pages != want {
			t.Errorf("page size %d: %d pages, want %d: %s", size, pages, want, got)
		}
	}
}

func TestPackagesArePagedToo(t *testing.T) {
	for _, size := range []int{0, 2, 3} {
		w := newWorld(t, func(c *apiConfig) { c.PageSize = size })
		for range 3 {
			w.do("POST", pkgs, "{}").want(201)
		}
		var ids []string
		for path := pkgs; path != ""; {
			r := w.do("GET", path, "").want(200)
			var page []sol.VnfPkgInfo
			r.json(&page)
			if size > 0 && len(page) > size {
				t.Errorf("a page of %d", len(page))
			}
			for _, p := range page {
				ids = append(ids, p.Id)
			}
			path = ""
			if link := r.header.Get("Link"); link != "" {
				path = nextLink.FindStringSubmatch(link)[1]
			}
		}
		if slices.Sort(ids); len(slices.Compact(ids)) != 3 {
			t.Errorf("page size %d: %v", size, ids)
		}
	}
}

func TestEmptyListIsAList(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{vnfs, ops, pkgs, own + "/sim/inventory", own + "/parked_messages"} {
		if r := w.do("GET", path, "").want(200); r.body != "[]" {
			t.Errorf("%s answers %s", path, r.body)
		}
	}
}

func TestRedriveAndLeftovers(t *testing.T) {
	w := newWorld(t)
	if r := w.do("POST", own+"/parked_messages/m1/redrive", "").want(200); r.body != `{"handled":2}` {
		t.Errorf("redrive answers %s", r.body)
	}
	w.do("POST", own+"/parked_messages/m2/redrive", "").want(404, "m2")
	if r := w.do("POST", own+"/parked_messages/m1/skip", `{"reason":"its timeout asks again"}`).want(200); r.body != `{"handled":1}` {
		t.Errorf("skip answers %s", r.body)
	}
	w.do("POST", own+"/parked_messages/m2/skip", `{"reason":"r"}`).want(404, "m2")
	w.do("POST", own+"/parked_messages/m1/skip", `{"reason":" "}`).want(400, "/reason")
	w.do("GET", own+"/parked_messages/m2", "").want(404, "m2")
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, vnf.Instance{ID: "i", Leftovers: []vnf.Resource{
		{ID: "p1", Generation: 2, Kind: "port", Name: "a-port", Connection: "sim-1", VimID: "port-1"},
	}})
	const want = `[{"id":"p1","generation":2,"kind":"port","name":"a-port","vimConnectionId":"sim-1","resourceId":"port-1"}]`
	if r := w.do("GET", own+"/vnf_instances/i/leftovers", "").want(200); r.body != want {
		t.Errorf("leftovers are %s", r.body)
	}
}

func TestSelectors(t *testing.T) {
	w := newWorld(t)
	w.put(readmodel.KindVnf, "vnf-", "i", "i", "", 1, full("i"))
	w.put(readmodel.KindOpOcc, "opocc-", "o", "i", "i", 1, failed("o", "i"))
	excluded := map[string][]string{
		vnfs: {"vnfConfigurableProperties", "vimConnectionInfo", "instantiatedVnfInfo", "metadata", "extensions"},
		ops:  {"operationParams", "error", "resourceChanges", "warnings"},
	}
	for path, names := range excluded {
		for query, all := range map[string]bool{"": false, "?exclude_default": false, "?all_fields": true} {
			var items []map[string]any
			w.do("GET", path+query, "").want(200).json(&items)
			for _, name := range names {
				if _, ok := items[0][name]; ok != all {
					t.Errorf("%s%s: %s present: %v", path, query, name, ok)
				}
			}
		}
	}
	w.do("GET", vnfs+"?all_fields=1", "").want(400, "takes no value")
	w.do("GET", vnfs+"/i?all_fields", "").want(400)
}

// full is an instantiated instance with every sub-structure.
func full(id string) *vnf.Instance {
	in := instance(id)
	h := func(n string) vnf.Handle { return vnf.Handle{Connection: "sim-1", VimID: n, VimType: "T"} }
	addresses := vnf.Protocol{MAC: "fa:16:3e:00:00:01", IPs: []vnf.IP{
		{Type: "IPV4", Address: "10.0.0.1", Subnet: "s1"}, {Type: "IPV4", Address: "10.0.0.2", Subnet: "s1"},
		{Type: "IPV6", Address: "2001:db8::1", Subnet: "s2", Dynamic: true},
	}}
	in.State = vnf.Instantiated
	in.Configurable = sol.KeyValuePairs{"isAutoscaleEnabled": []byte("true")}
	in.Extensions = sol.KeyValuePairs{"license": []byte(`{"n":1}`)}
	in.Metadata = sol.KeyValuePairs{"owner": []byte(`"me"`)}
	in.Connections = map[string]vnf.VimConnection{"sim-1": {VimID: "sim-1", Type: "SIM", InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"e"`)}}}
	in.Info = &vnf.InstantiatedInfo{
		FlavourID: "f", VnfState: "STARTED", Localization: "en",
		ScaleStatus:    []vnf.ScaleInfo{{AspectID: "a", Level: 1}},
		MaxScaleLevels: []vnf.ScaleInfo{{AspectID: "a", Level: 3}},
		Vnfcs: []vnf.Vnfc{{ID: "c1", VduID: "vdu", Handle: h("server"), Zone: "z", Storages: []string{"st1"}, Cps: []vnf.VnfcCp{
			{ID: "cp1", CpdID: "ext", ExtCpID: "x1", Addresses: addresses},
			{ID: "cp2", CpdID: "int", LinkPortID: "p1", Addresses: vnf.Protocol{}},
		}}},
		Links:    []vnf.VirtualLink{{ID: "l1", LinkID: "vl", Handle: h("net"), Ports: []vnf.LinkPort{{ID: "p1", Handle: h("port"), CpID: "cp2", CpType: "VNFC_CP"}}}},
		Storages: []vnf.Storage{{ID: "st1", StorageID: "disk", Handle: h("volume"), Zone: "z"}},
		ExtCps: []vnf.ExtCp{
			{ID: "x1", CpdID: "ext", ConfigID: "cfg", Addresses: addresses, LinkPortID: "ep1", VnfcCpID: "cp1"},
			{ID: "x2", CpdID: "vext", ConfigID: "cfg", LinkID: "l1"},
		},
		ExtLinks: []vnf.ExtVirtualLink{{
			ID: "el", Handle: h("ext-net"), Ports: []vnf.ExtPort{{ID: "ep1", Handle: h("ext-port"), CpID: "x1"}},
			Cps: []vnf.ExtCpData{{CpdID: "ext", Config: map[string]vnf.ExtCpConfig{
				"cfg":  {MAC: "fa:16:3e:00:00:01", FixedIPs: []string{"10.0.0.1", "10.0.0.2", "2001:db8::1"}, Subnet: "s1", DynamicIPs: 1},
				"bare": {}, "port": {LinkPortID: "lp"},
			}}},
		}},
		ExtManaged: []vnf.ExtManagedLink{{ID: "em", LinkID: "vl2", Handle: h("managed")}},
		Monitoring: []vnf.MonitoringParameter{{ID: "m", Metric: "VcpuUsageMeanVnf"}},
	}
	return in
}

// failed is an occurrence in FAILED_TEMP with everything set.
func failed(id, vnfID string) *vnf.OpOcc {
	h := vnf.Handle{Connection: "sim-1", VimID: "r"}
	return &vnf.OpOcc{
		ID: id, VnfID: vnfID, Operation: vnf.OpInstantiate, State: vnf.FailedTemp, StateEntered: epoch, Started: epoch,
		Params: []byte(`{"flavourId":"f"}`), Policy: "hold", Error: &vnf.Problem{Title: "t", Status: 500, Detail: "d"}, Version: 1,
		Warnings: []string{"w"},
		Changes: vnf.ResourceChanges{
			Vnfcs:    vnf.ListOf(vnf.AffectedVnfc{ID: "c1", VduID: "vdu", Change: vnf.Added, Handle: h, CpIDs: []string{"cp1"}, AddedStorages: []string{"st1"}, Definition: "d1"}),
			Links:    vnf.ListOf(vnf.AffectedLink{ID: "l1", LinkID: "vl", Change: vnf.LinkPortAdded, Handle: h, PortIDs: []string{"p1"}}),
			ExtPorts: vnf.ListOf(vnf.AffectedExtPort{ID: "ep1", Change: vnf.Added, ExtCpID: "x1", Handle: h}),
			Storages: vnf.ListOf(vnf.AffectedStorage{ID: "st1", StorageID: "disk", Change: vnf.Added, Handle: h}),
		},
		Progress: vnf.ProgressOf(vnf.Progress{Step: "compute", ID: "c1", Kind: "compute", Name: "vdu-0", State: "FAILED", Attempt: 2, Began: epoch, Reason: "quota"}),
	}
}

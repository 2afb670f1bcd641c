package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfpkg"
)

// stocked has resources of each kind that differ in many attributes.
func stocked(t *testing.T, change ...func(*apiConfig)) *world {
	t.Helper()
	w := newWorld(t, change...)
	w.lenient = true
	for i := range 4 {
		id := fmt.Sprint("i", i)
		in := full(id)
		in.Name, in.ProductName = fmt.Sprint("fw", i), []string{"Router", "Firewall"}[i%2]
		if i == 3 {
			in = instance(id)
		}
		w.put(readmodel.KindVnf, "vnf-", id, id, "", 1, in)
		op := failed(fmt.Sprint("o", i), id)
		op.Started = epoch.Add(time.Duration(i) * time.Hour)
		if i%2 == 1 {
			op.State, op.Operation, op.Error, op.Changes, op.CancelPending, op.CancelMode = vnf.Processing, vnf.OpTerminate, nil, vnf.ResourceChanges{}, true, "GRACEFUL"
		}
		w.put(readmodel.KindOpOcc, "opocc-", op.ID, id, id, 1, op)
		p := vnfpkg.Package{ID: fmt.Sprint("p", i), Onboarding: "ONBOARDED", Operational: []string{"ENABLED", "DISABLED"}[i%2],
			VnfdID: fmt.Sprint("d", i), Provider: "Acme", ProductName: "P", SHA256: fmt.Sprint("aa", i), Version: 1, VnfmInfo: []string{"vnfm", "x"},
			UserDefinedData: map[string]json.RawMessage{"site": json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))}}
		w.put(readmodel.KindPackage, "pkg-", p.ID, p.ID, "", 1, p)
	}
	return w
}

func (w *world) ids(path, text string) string {
	w.t.Helper()
	var ids []string
	if path += "?filter=" + url.QueryEscape(text); !strings.Contains(path, "/subscriptions") {
		path += "&all_fields"
	}
	for path != "" {
		r := w.do("GET", path, "").want(200)
		var page []struct{ ID string }
		r.json(&page)
		for _, in := range page {
			ids = append(ids, in.ID)
		}
		path = ""
		if link := r.header.Get("Link"); link != "" {
			path = nextLink.FindStringSubmatch(link)[1]
		}
	}
	return strings.Join(ids, " ")
}

func TestFiltersSelect(t *testing.T) {
	w := stocked(t, func(c *apiConfig) { c.PageSize = 2 })
	for _, tt := range []struct{ path, filter, want string }{
		{vnfs, "(eq,vnfInstanceName,fw1)", "i1"},
		{vnfs, "(eq,instantiationState,INSTANTIATED);(eq,vnfProductName,Router)", "i0 i2"},
		{vnfs, "(neq,vnfInstanceName,)", "i0 i1 i2"},
		{vnfs, "(eq,metadata/owner,me);(in,id,i1,i2,i3)", "i1 i2"},
		{vnfs, "(eq,metadata/@key,owner)", "i0 i1 i2"},
		{vnfs, "(eq,vimConnectionInfo/@key,sim-1)", "i0 i1 i2"},
		{vnfs, "(eq,extensions/license/n,1)", "i0 i1 i2"},
		{vnfs, "(eq,instantiatedVnfInfo/vnfcResourceInfo/computeResource/resourceId,server);(cont,vnfInstanceName,2)", "i2"},
		{vnfs, "(eq,instantiatedVnfInfo/extCpInfo/cpProtocolInfo/ipOverEthernet/ipAddresses/addresses,10.0.0.2)", "i0 i1 i2"},
		{vnfs, "(gt,instantiatedVnfInfo/scaleStatus/scaleLevel,0)", "i0 i1 i2"},
		{vnfs, "(eq,instantiatedVnfInfo/vnfcResourceInfo/index,0)", ""}, // of the document only
		{ops, "(eq,operationState,PROCESSING);(gte,startTime,2026-01-02T04:30:00Z)", "o3"},
		{ops, "(lt,startTime,2026-01-02T05:04:05+01:00)", "o0"},
		{ops, "(eq,vnfInstanceId,i2)", "o2"},
		{ops, "(eq,cancelMode,GRACEFUL);(eq,isCancelPending,true)", "o1 o3"},
		{ops, "(eq,error/status,500)", "o0 o2"},
		{ops, "(eq,lcmCoordinations/id,x)", ""}, // the standard's, not ours
		{pkgs, "(eq,operationalState,ENABLED);(neq,vnfdId,d0)", "p2"},
		{pkgs, "(eq,usageState,IN_USE)", "p0 p2"},
		{pkgs, "(eq,checksum,sha-256:aa3)", "p3"},
		{pkgs, "(gte,userDefinedData/site/n,2)", "p2 p3"},
	} {
		if got := w.ids(tt.path, tt.filter); got != tt.want {
			t.Errorf("%s %s finds %q, want %q", tt.path, tt.filter, got, tt.want)
		}
	}
}

// Every value a representation shows can be asked for, and is found where it is: each leaf of each entry is compared
// with what the evaluator says about the representations.
func TestEveryAttributeCanBeFiltered(t *testing.T) {
	w := stocked(t)
	for _, path := range []string{vnfs, ops, pkgs} {
		var entries []json.RawMessage
		w.do("GET", path+"?all_fields", "").want(200).json(&entries)
		terms := map[string]bool{}
		for _, entry := range entries {
			var v any
			if err := json.Unmarshal(entry, &v); err != nil {
				t.Fatal(err)
			}
			leaves(v, nil, func(path []filter.Step, value string) {
				for _, op := range []filter.Op{filter.Eq, filter.Neq, filter.Lte, filter.Cont} {
					terms[filter.Term{Op: op, Path: path, Values: []string{value}}.String()] = true
				}
			})
		}
		if len(terms) < 40 {
			t.Errorf("%s: only %d terms", path, len(terms))
		}
		for _, text := range slices.Sorted(maps.Keys(terms)) {
			f, err := filter.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, entry := range entries {
				var id struct{ ID string }
				_ = json.Unmarshal(entry, &id)
				if f.Match(entry) {
					want = append(want, id.ID)
				}
			}
			if got := w.ids(path, text); got != strings.Join(want, " ") {
				t.Errorf("%s %s finds %q, want %q", path, text, got, want)
			}
		}
	}
}

func leaves(v any, path []filter.Step, leaf func([]filter.Step, string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if len(path) > 0 {
				leaf(append(slices.Clone(path), filter.Step{Keys: true}), name)
			}
			leaves(inner, append(slices.Clone(path), filter.Step{Name: name}), leaf)
		}
	case []any:
		for _, inner := range v {
			leaves(inner, path, leaf)
		}
	case nil:
	default:
		leaf(slices.Clone(path), fmt.Sprint(v))
	}
}

func TestSelectorsKeepAndDrop(t *testing.T) {
	w := stocked(t)
	const mandatory = "_links id instantiationState vnfProductName vnfProvider vnfSoftwareVersion vnfdId vnfdVersion"
	for query, want := range map[string]string{
		"":                                   mandatory + " vnfInstanceName",
		"exclude_default":                    mandatory + " vnfInstanceName",
		"all_fields":                         mandatory + " extensions instantiatedVnfInfo metadata vimConnectionInfo vnfConfigurableProperties vnfInstanceName",
		"fields=metadata":                    mandatory + " metadata",
		"fields=metadata,extensions/license": mandatory + " extensions metadata",
		"exclude_fields=metadata,extensions": mandatory + " instantiatedVnfInfo vimConnectionInfo vnfConfigurableProperties vnfInstanceName",
		"exclude_fields=id,vnfdId":           mandatory + " extensions instantiatedVnfInfo metadata vimConnectionInfo vnfConfigurableProperties vnfInstanceName",
		"fields=metadata&exclude_default":    mandatory + " metadata vnfInstanceName",
	} {
		var items []map[string]any
		w.do("GET", vnfs+"?"+query, "").want(200).json(&items)
		wanted := strings.Fields(want)
		if slices.Sort(wanted); strings.Join(slices.Sorted(maps.Keys(items[0])), " ") != strings.Join(wanted, " ") {
			t.Errorf("%s: %v", query, slices.Sorted(maps.Keys(items[0])))
		}
	}
	var items []struct {
		InstantiatedVnfInfo struct {
			FlavourID        string           `json:"flavourId"`
			ScaleStatus      []any            `json:"scaleStatus"`
			VnfcResourceInfo []map[string]any `json:"vnfcResourceInfo"`
		} `json:"instantiatedVnfInfo"`
	}
	w.do("GET", vnfs+"?fields=instantiatedVnfInfo/vnfcResourceInfo/zoneId", "").want(200).json(&items)
	in := items[0].InstantiatedVnfInfo
	if in.FlavourID == "" || in.ScaleStatus != nil || len(in.VnfcResourceInfo) != 1 {
		t.Errorf("%+v", in)
	} else if got := strings.Join(slices.Sorted(maps.Keys(in.VnfcResourceInfo[0])), " "); got != "computeResource id vduId zoneId" {
		t.Errorf("of the VNFC: %s", got)
	}
	items = nil
	w.do("GET", vnfs+"?exclude_fields=instantiatedVnfInfo/vnfcResourceInfo/zoneId,instantiatedVnfInfo/scaleStatus", "").want(200).json(&items)
	if in = items[0].InstantiatedVnfInfo; in.ScaleStatus != nil || in.VnfcResourceInfo[0]["vnfcCpInfo"] == nil || in.VnfcResourceInfo[0]["zoneId"] != nil {
		t.Errorf("%+v", in)
	}
	for _, path := range []string{pkgs + "?exclude_default", pkgs, pkgs + "?exclude_fields=checksum,userDefinedData"} {
		if r := w.do("GET", path, "").want(200); strings.Contains(r.body, "checksum") || strings.Contains(r.body, "userDefinedData") {
			t.Errorf("%s: %s", path, r.body)
		}
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	w := stocked(t, func(c *apiConfig) { c.PageSize = 1 })
	link := nextLink.FindStringSubmatch(w.do("GET", vnfs+"?fields=metadata", "").want(200).header.Get("Link"))[1]
	marker := link[strings.Index(link, "=")+1:]
	forged, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil {
		t.Fatal(err)
	}
	forged[len(forged)-3] ^= 1
	for query, want := range map[string]string{
		vnfs + "?filter=(eq,id)":                                                         "character 7",
		vnfs + "?filter=(like,id,x)":                                                     "character 2",
		vnfs + "?filter=(eq,vnfIntanceName,x)":                                           "vnfIntanceName",
		vnfs + "?filter=(eq,id,x)&filter=(eq,id,y)":                                      "more than once",
		vnfs + "?fields=wrong_field":                                                     "wrong_field",
		vnfs + "?exclude_fields=metadata,wrong":                                          "wrong",
		vnfs + "?fields=instantiatedVnfInfo/wrong":                                       "instantiatedVnfInfo/wrong",
		vnfs + "?fields=":                                                                "needs attribute names",
		vnfs + "?fields":                                                                 "needs attribute names",
		vnfs + "?exclude_default=x":                                                      "takes no value",
		vnfs + "?all_fields&fields=metadata":                                             "do not go together",
		vnfs + "?fields=metadata&exclude_fields=extensions":                              "do not go together",
		vnfs + "?exclude_fields=metadata&exclude_default":                                "do not go together",
		vnfs + "?all_fields&exclude_default":                                             "do not go together",
		vnfs + "?Filter=(eq,id,x)":                                                       "Filter",
		link + "&all_fields":                                                             "send nextpage_opaque_marker alone",
		ops + "?nextpage_opaque_marker=" + marker:                                        "for this list",
		vnfs + "?nextpage_opaque_marker=" + marker + "A":                                 "for this list",
		vnfs + "?nextpage_opaque_marker=" + marker[1:]:                                   "for this list",
		vnfs + "?nextpage_opaque_marker=":                                                "for this list",
		vnfs + "?nextpage_opaque_marker=" + base64.RawURLEncoding.EncodeToString(forged): "for this list",
		vnfs + "/i1?filter=(eq,id,x)":                                                    "filter",
		pkgs + "?filter=(eq,nothing,x)":                                                  "nothing",
	} {
		w.do("GET", query, "").want(400, want)
	}
	w.do("GET", vnfs+"?filter=(eq,id,"+strings.Repeat("x", 40_000)+")", "").want(414, "32768")
	w.do("GET", vnfs+"?filter=(eq,id,"+strings.Repeat("x", 10_000)+")", "").want(400, "8192")
}

// A page begins behind the last entry of the one before, whatever came and went, and asks what the first one asked.
func TestPagesStayStableWhileDataChanges(t *testing.T) {
	w := stocked(t, func(c *apiConfig) { c.PageSize = 1 })
	r := w.do("GET", vnfs+"?fields=metadata&filter=(eq,instantiationState,INSTANTIATED)", "").want(200, `"i0"`)
	w.put(readmodel.KindVnf, "vnf-", "h9", "h9", "", 1, full("h9"))    // before the page that is out
	w.put(readmodel.KindVnf, "vnf-", "i00", "i00", "", 1, full("i00")) // behind it
	for _, want := range []string{"i00", "i1", "i2"} {
		r = w.do("GET", nextLink.FindStringSubmatch(r.header.Get("Link"))[1], "").want(200, `"`+want+`"`, "metadata")
		if strings.Contains(r.body, "extensions") || strings.Contains(r.body, "h9") {
			t.Errorf("%s", r.body)
		}
	}
	if link := r.header.Get("Link"); link != "" {
		t.Errorf("there is a page behind the last: %s", link)
	}
}

func TestWhatIsKnownIsNotSentAgain(t *testing.T) {
	w := stocked(t)
	for _, path := range []string{vnfs + "/i1", ops + "/o1", pkgs + "/p1"} {
		tag := w.do("GET", path, "").want(200).header.Get("ETag")
		for header, status := range map[string]int{tag: 304, "W/" + tag: 304, `"9", ` + tag: 304, "*": 304, `"9"`: 200, "": 200} {
			r := w.do("GET", path, "", "If-None-Match", header).want(status)
			if r.header.Get("ETag") != tag || (status == 304) != (r.body == "") {
				t.Errorf("%s, If-None-Match %s: ETag %s, body %q", path, header, r.header.Get("ETag"), r.body)
			}
		}
	}
}

package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/samples/shapes"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

var params = map[string]string{"admin": "root", "vnf.name": "fw", "vnf.id": "id"}

func build(t testing.TB, d *vnfd.Descriptor, r plan.Request) *plan.Wanted {
	t.Helper()
	p, err := plan.Build("op-1", "fw", d, &r, params)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// counts is what a plan holds of each kind; "external" ports are counted among the ports as well.
func counts(p *plan.Wanted) map[string]int {
	n := map[string]int{}
	for _, r := range p.Resources {
		n[string(r.Kind)]++
	}
	for _, e := range p.ExtCps {
		if e.Port != "" {
			n["external"]++
		}
	}
	return n
}

func TestPlanCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    *vnfd.Descriptor
		r    plan.Request
		want map[string]int
	}{
		{"one flavour, default level", plantest.Minimal(), plan.Request{FlavourID: "simple"},
			map[string]int{"compute": 2, "port": 2, "network": 1, "subnet": 1, "server-group": 1}},
		{"one flavour, level 2", plantest.Minimal(), plan.Request{FlavourID: "simple", Level: "instantiation_level_2"},
			map[string]int{"compute": 4, "port": 4, "network": 1, "subnet": 1, "server-group": 1}},
		{"two VDUs, default level", plantest.TwoVdus(), plan.Request{FlavourID: "simple"},
			map[string]int{"compute": 2, "port": 6, "external": 2, "network": 2, "subnet": 2, "volume": 1, "server-group": 1}},
		{"two VDUs, level 2", plantest.TwoVdus(), plan.Request{FlavourID: "simple", Level: "instantiation_level_2"},
			map[string]int{"compute": 3, "port": 9, "external": 3, "network": 2, "subnet": 2, "volume": 1, "server-group": 1}},
		{"two VDUs, aspect maximum", plantest.TwoVdus(), plan.Request{FlavourID: "simple", Level: "largest"},
			map[string]int{"compute": 4, "port": 12, "external": 4, "network": 2, "subnet": 2, "volume": 1, "server-group": 1}},
		{"external connection points on the internal link are no ports", plantest.HA(), plan.Request{FlavourID: "ha"},
			map[string]int{"compute": 2, "port": 2, "network": 1, "subnet": 1, "server-group": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := counts(build(t, tt.d, tt.r)); !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestPlanCountsOfPackages reads packages in the shapes of the field.
func TestPlanCountsOfPackages(t *testing.T) {
	for _, tt := range []struct {
		shape, flavour, level string
		want                  map[string]int
	}{
		{shapes.Web, "simple", "", map[string]int{"compute": 2, "port": 2, "network": 1, "subnet": 1, "server-group": 1}},
		{shapes.Web, "simple", "instantiation_level_2", map[string]int{"compute": 4, "port": 4, "network": 1, "subnet": 1, "server-group": 1}},
		{shapes.Store, "simple", "", map[string]int{"compute": 2, "port": 6, "external": 2, "network": 2, "subnet": 2, "volume": 1, "server-group": 1}},
		{shapes.Store, "simple", "instantiation_level_2", map[string]int{"compute": 3, "port": 9, "external": 3, "network": 2, "subnet": 2, "volume": 1, "server-group": 1}},
		{shapes.Pair, "ha", "", map[string]int{"compute": 2, "port": 2, "network": 1, "subnet": 1, "server-group": 1}},
		{shapes.Pair, "scalable", "r-node-min", map[string]int{"compute": 2, "port": 4, "external": 2, "network": 1, "subnet": 1, "server-group": 1}},
		{shapes.Pair, "scalable", "r-node-max", map[string]int{"compute": 3, "port": 6, "external": 3, "network": 1, "subnet": 1, "server-group": 1}},
	} {
		t.Run(tt.shape+"/"+tt.flavour+tt.level, func(t *testing.T) {
			data := shapes.CSAR(tt.shape)
			pkg, err := csar.Open(bytes.NewReader(data), int64(len(data)), csar.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := counts(build(t, pkg.Descriptor, plan.Request{FlavourID: tt.flavour, Level: tt.level}))
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func find(t *testing.T, p *plan.Wanted, kind vim.Kind, name string) plan.Resource {
	t.Helper()
	i := slices.IndexFunc(p.Resources, func(r plan.Resource) bool { return r.Kind == kind && r.Spec.Name == name })
	if i < 0 {
		t.Fatalf("no %s %s", kind, name)
	}
	return p.Resources[i]
}

func TestPlanIsTheSameEachTime(t *testing.T) {
	a := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple"})
	b := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple"})
	if !reflect.DeepEqual(a, b) {
		t.Error("two plans of one operation differ")
	}
	seen := map[string]bool{}
	for _, r := range a.Resources {
		if seen[r.ID] {
			t.Errorf("the id %s is used twice", r.ID)
		}
		seen[r.ID] = true
	}
}

func TestPlanOrdersInterfacesByOrder(t *testing.T) {
	p := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple"})
	var got []string
	for _, ref := range find(t, p, vim.Compute, "fw-VDU1-0").Spec.Compute.Ports {
		i := slices.IndexFunc(p.Resources, func(r plan.Resource) bool { return "plan:"+r.ID == ref })
		got = append(got, p.Resources[i].Template)
	}
	if want := []string{"VDU1_CP1", "VDU1_CP2", "VDU1_CP3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Older descriptors call a normal network card by the name of its driver, which no VIM takes. Seen failing with their word handed on.
func TestPlanNamesNetworkCardsAsVimsDo(t *testing.T) {
	for word, want := range map[string]string{"": "", "normal": "normal", "virtio": "normal", "direct": "direct", "macvtap": "macvtap"} {
		d := plantest.Minimal()
		for i := range d.Flavours[0].Cps {
			d.Flavours[0].Cps[i].VnicType = word
		}
		p, err := plan.Build("op", "fw", d, &plan.Request{FlavourID: d.Flavours[0].ID}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ports := 0
		for _, r := range p.Resources {
			if r.Spec.Port != nil {
				ports++
				if r.Spec.Port.VnicType != want {
					t.Errorf("%q becomes %q, want %q", word, r.Spec.Port.VnicType, want)
				}
			}
		}
		if ports == 0 {
			t.Error("there is no port")
		}
	}
}

func TestPlanBootsFromVolume(t *testing.T) {
	p := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple"})
	c := find(t, p, vim.Compute, "fw-VDU2-0").Spec.Compute
	if c.Image != "" || len(c.Volumes) != 1 || !c.Volumes[0].Boot {
		t.Errorf("VDU2 does not boot from its volume: %+v", c)
	}
	if v := find(t, p, vim.Volume, "fw-VDU2-0-VDU2-VirtualStorage").Spec.Volume; v.SizeBytes != plantest.GiB || v.Image == "" {
		t.Errorf("volume: %+v", v)
	}
}

func ext(id string, cps ...vnf.ExtCpData) plan.ExtLink {
	return plan.ExtLink{ID: id, NetworkID: "net-" + id, Cps: cps}
}

func data(cpd string, config map[string]vnf.ExtCpConfig) vnf.ExtCpData {
	return vnf.ExtCpData{CpdID: cpd, Config: config}
}

func TestPlanCoversExternalConnectionPoints(t *testing.T) {
	dynamic := vnf.ExtCpConfig{DynamicIPs: 1}
	fixed := func(a string) vnf.ExtCpConfig { return vnf.ExtCpConfig{FixedIPs: []string{a}} }
	level2 := plan.Request{FlavourID: "simple", Level: "instantiation_level_2"}

	t.Run("by the grant when the request says nothing", func(t *testing.T) {
		p := build(t, plantest.TwoVdus(), level2)
		if want := []string{"VDU1_CP1", "VDU2_CP1"}; !slices.Equal(p.Uncovered, want) {
			t.Errorf("uncovered %v, want %v", p.Uncovered, want)
		}
		if n := find(t, p, vim.Port, "fw-VDU1-1-VDU1_CP1").Spec.Port.Network; n != "grant-ext:VDU1_CP1" {
			t.Errorf("network %q", n)
		}
	})
	t.Run("one entry without fixed addresses serves all instances", func(t *testing.T) {
		r := level2
		r.ExtLinks = []plan.ExtLink{ext("a", data("VDU1_CP1", map[string]vnf.ExtCpConfig{"k": dynamic}))}
		p := build(t, plantest.TwoVdus(), r)
		for _, name := range []string{"fw-VDU1-0-VDU1_CP1", "fw-VDU1-1-VDU1_CP1"} {
			if n := find(t, p, vim.Port, name).Spec.Port.Network; n != "net-a" {
				t.Errorf("%s: network %q", name, n)
			}
		}
		if want := []string{"VDU2_CP1"}; !slices.Equal(p.Uncovered, want) {
			t.Errorf("uncovered %v, want %v", p.Uncovered, want)
		}
	})
	t.Run("one entry each, in the order of their keys, across links", func(t *testing.T) {
		r := level2
		r.ExtLinks = []plan.ExtLink{
			ext("a", data("VDU1_CP1", map[string]vnf.ExtCpConfig{"k2": fixed("10.0.0.2")})),
			ext("b", data("VDU1_CP1", map[string]vnf.ExtCpConfig{"k1": fixed("10.0.0.1")})),
		}
		p := build(t, plantest.TwoVdus(), r)
		for name, want := range map[string]string{"fw-VDU1-0-VDU1_CP1": "net-b 10.0.0.1", "fw-VDU1-1-VDU1_CP1": "net-a 10.0.0.2"} {
			s := find(t, p, vim.Port, name).Spec.Port
			if got := s.Network + " " + s.FixedIPs[0].Address; got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	})
	t.Run("a fixed address cannot serve two", func(t *testing.T) {
		r := level2
		r.ExtLinks = []plan.ExtLink{ext("a", data("VDU1_CP1", map[string]vnf.ExtCpConfig{"k": fixed("10.0.0.2")}))}
		refused(t, r, "/extVirtualLinks/0/extCps/0/cpConfig/k")
	})
	t.Run("a port made by someone else is not made again", func(t *testing.T) {
		l := ext("a", data("VDU2_CP1", map[string]vnf.ExtCpConfig{"k": {LinkPortID: "p1"}}))
		l.Ports = []vnf.ExtPort{{ID: "p1", Handle: vnf.Handle{VimID: "vim-port-1"}}}
		p := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple", ExtLinks: []plan.ExtLink{l}})
		if n := counts(p)["port"]; n != 5 {
			t.Errorf("%d ports planned, want 5", n)
		}
		if ports := find(t, p, vim.Compute, "fw-VDU2-0").Spec.Compute.Ports; ports[0] != "vim-port-1" {
			t.Errorf("ports %v", ports)
		}
	})
	t.Run("an internal link provided from outside is not made", func(t *testing.T) {
		p := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple", ExtManaged: []plan.ExtManaged{{ID: "m", LinkID: "internalVL1", NetworkID: "net-m"}}})
		if got := counts(p); got["network"] != 1 || got["subnet"] != 1 {
			t.Errorf("%v", got)
		}
		if n := find(t, p, vim.Port, "fw-VDU1-0-VDU1_CP2").Spec.Port.Network; n != "net-m" {
			t.Errorf("network %q", n)
		}
	})
}

func attribute(err error) string {
	var e *vnfm.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Attribute
}

func refused(t *testing.T, r plan.Request, want string) {
	t.Helper()
	_, err := plan.Build("op-1", "fw", plantest.TwoVdus(), &r, params)
	if vnfm.KindOf(err) != vnfm.Unprocessable {
		t.Fatalf("got %v, want Unprocessable", err)
	}
	if at := attribute(err); at != want {
		t.Errorf("attribute %q, want %q (%s)", at, want, err)
	}
}

func TestPlanRefusesWhatTheDescriptorDoesNotHave(t *testing.T) {
	refused(t, plan.Request{FlavourID: "huge"}, "/flavourId")
	refused(t, plan.Request{FlavourID: "simple", Level: "huge"}, "/instantiationLevelId")
	refused(t, plan.Request{FlavourID: "simple", ExtLinks: []plan.ExtLink{ext("a", data("VDU1_CP2", nil))}}, "/extVirtualLinks/0/extCps/0/cpdId")
	refused(t, plan.Request{FlavourID: "simple", ExtManaged: []plan.ExtManaged{{LinkID: "x", NetworkID: "n"}}},
		"/extManagedVirtualLinks/0/vnfVirtualLinkDescId")
}

func TestPlanNeedsValuesForBootData(t *testing.T) {
	_, err := plan.Build("op-1", "fw", plantest.TwoVdus(), &plan.Request{FlavourID: "simple"}, map[string]string{})
	if vnfm.KindOf(err) != vnfm.Unprocessable || !strings.Contains(err.Error(), "admin") {
		t.Errorf("got %v", err)
	}
}

func TestPlanSurvivesJSON(t *testing.T) {
	p := build(t, plantest.TwoVdus(), plan.Request{FlavourID: "simple"})
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q := &plan.Wanted{}
	if err := json.Unmarshal(b, q); err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != string(c) {
		t.Errorf("%s\n%s", b, c)
	}
}

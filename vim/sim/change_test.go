package sim_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// to asks for a revision of what r started.
func to(r vim.StartRequest, revision int, spec vim.Spec) vim.ChangeRequest {
	return vim.ChangeRequest{Token: r.Token, Kind: r.Kind, Owner: r.Owner, Revision: revision, From: r.Spec, To: spec}
}

func change(t *testing.T, s *sim.Sim, r vim.ChangeRequest) vim.Resource {
	t.Helper()
	res, err := s.Change(t.Context(), conn, r)
	if err != nil {
		t.Fatalf("change %s to revision %d: %v", r.Kind, r.Revision, err)
	}
	return res
}

func changeRefused(t *testing.T, s *sim.Sim, r vim.ChangeRequest, want message.Class, hint string) {
	t.Helper()
	before := entry(t, s, r.Token)
	_, err := s.Change(t.Context(), conn, r)
	if vim.ClassOf(err) != want || !strings.Contains(fmt.Sprint(err), hint) {
		t.Errorf("change %s: %v, want %s: %s", r.Kind, err, want, hint)
	}
	if after := entry(t, s, r.Token); !equalJSON(t, before, after) || len(vim.Differences(before.Spec, after.Spec)) > 0 {
		t.Errorf("a change that was refused left %+v, was %+v", after, before)
	}
}

func entry(t *testing.T, s *sim.Sim, token vim.Token) sim.Entry {
	t.Helper()
	for _, e := range s.Inventory() {
		if e.Token == token.String() {
			return e
		}
	}
	t.Fatalf("nothing carries %s", token)
	return sim.Entry{}
}

func machine(ports ...string) vim.StartRequest {
	return request(vim.Compute, vim.Spec{Name: "vm", Compute: &vim.ComputeSpec{Flavour: "m1.tiny", Image: "image-a", Ports: ports}})
}

// with returns a specification with something about its machine altered.
func with(s vim.Spec, f func(*vim.ComputeSpec)) vim.Spec {
	c := *s.Compute
	f(&c)
	s.Compute = &c
	return s
}

func port(network string, ips ...vim.FixedIP) vim.StartRequest {
	return request(vim.Port, vim.Spec{Port: &vim.PortSpec{Network: network, FixedIPs: ips}})
}

// The ports of a machine are its own: one that is taken from it is free for another, and one that another has is refused.
func TestPortsAreTakenAndGiven(t *testing.T) {
	s := open(t, sim.Config{})
	a, b := start(t, s, port("external")), start(t, s, port("external"))
	first, second := machine(a.ID), machine(b.ID)
	start(t, s, first)
	start(t, s, second)
	changeRefused(t, s, to(first, 2, with(first.Spec, func(c *vim.ComputeSpec) { c.Ports = []string{a.ID, b.ID} })), message.Exists, "in use by")
	change(t, s, to(second, 2, with(second.Spec, func(c *vim.ComputeSpec) { c.Ports = nil })))
	change(t, s, to(first, 2, with(first.Spec, func(c *vim.ComputeSpec) { c.Ports = []string{b.ID, a.ID} })))
	if got := entry(t, s, first.Token).Spec.Compute.Ports; !slices.Equal(got, []string{b.ID, a.ID}) {
		t.Errorf("the ports are %v", got)
	}
	changeRefused(t, s, to(second, 3, with(second.Spec, func(*vim.ComputeSpec) {})), message.Exists, "in use by")
	changeRefused(t, s, to(first, 3, with(first.Spec, func(c *vim.ComputeSpec) { c.Ports = []string{"port-gone"} })), message.NotFound, "port-gone")
}

// A port that goes to another network gives its addresses back, keeps its MAC address, and gets others; one that stays keeps
// what it has.
func TestAPortGoesToAnotherNetwork(t *testing.T) {
	s := open(t, sim.Config{})
	net := start(t, s, network())
	sub := start(t, s, request(vim.Subnet, vim.Spec{Subnet: &vim.SubnetSpec{Network: net.ID, IPVersion: 4, CIDR: "10.1.0.0/24"}}))
	other := start(t, s, network())
	away := start(t, s, request(vim.Subnet, vim.Spec{Subnet: &vim.SubnetSpec{Network: other.ID, IPVersion: 4, CIDR: "10.2.0.0/24"}}))
	p := port(net.ID, vim.FixedIP{Subnet: sub.ID, Address: "10.1.0.77"})
	before := start(t, s, p)
	after := change(t, s, to(p, 2, vim.Spec{Port: &vim.PortSpec{Network: other.ID, FixedIPs: []vim.FixedIP{{Subnet: away.ID, Address: "10.2.0.77"}}}}))
	if after.ID != before.ID || after.MAC != before.MAC || len(after.Addresses) != 1 || after.Addresses[0].Address != "10.2.0.77" {
		t.Errorf("the port is %+v, was %+v", after, before)
	}
	taken := port(net.ID, vim.FixedIP{Subnet: sub.ID, Address: "10.1.0.77"})
	start(t, s, taken) // it was given back
	changeRefused(t, s, to(p, 3, p.Spec), message.Exists, "10.1.0.77")
	same := change(t, s, to(taken, 2, vim.Spec{Port: &vim.PortSpec{Network: net.ID, FixedIPs: []vim.FixedIP{
		{Subnet: sub.ID, Address: "10.1.0.77"}, {Subnet: sub.ID, Address: "10.1.0.78"},
	}}}))
	if len(same.Addresses) != 2 || same.Addresses[0].Address != "10.1.0.77" || same.Addresses[1].Address != "10.1.0.78" {
		t.Errorf("with one more address the port has %v", same.Addresses)
	}
	changeRefused(t, s, to(p, 3, vim.Spec{Port: &vim.PortSpec{Network: "network-gone"}}), message.NotFound, "network-gone")
}

func TestWhatAChangeAsksForMustBeThere(t *testing.T) {
	s := open(t, sim.Config{})
	behave(t, s, `{"absent":["m1.gone","image-gone"]}`)
	vm := machine()
	start(t, s, vm)
	changeRefused(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Flavour = "m1.gone" })), message.NotFound, "no flavour")
	changeRefused(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Image = "image-gone" })), message.NotFound, "no image")
	changeRefused(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Image = "" })), message.Permanent, "to boot from")
	volume := request(vim.Volume, vim.Spec{Volume: &vim.VolumeSpec{SizeBytes: 2 << 30}})
	start(t, s, volume)
	changeRefused(t, s, to(volume, 2, vim.Spec{Volume: &vim.VolumeSpec{SizeBytes: 1 << 30}}), message.Permanent, "does not shrink")
	changeRefused(t, s, to(volume, 2, vim.Spec{}), message.Permanent, "no specification")
	wrong := to(volume, 2, vm.Spec)
	wrong.Kind = vim.Compute
	changeRefused(t, s, wrong, message.Permanent, "the token is a volume's")
}

// Quota and placement hold for changes as for what is new.
func TestQuotaAndPlacementOfChanges(t *testing.T) {
	s := open(t, sim.Config{Hosts: 1}) // two zones, a host each
	behave(t, s, `{"quota":{"unit":5}}`)
	unit := func(n int) vim.Spec { return vim.Spec{Unit: &vim.UnitSpec{Replicas: n}} }
	a, b := request(vim.Unit, unit(2)), request(vim.Unit, unit(2))
	start(t, s, a)
	start(t, s, b)
	refused(t, s, request(vim.Unit, unit(2)), message.Quota)
	changeRefused(t, s, to(a, 2, unit(4)), message.Quota, "the quota of 5")
	change(t, s, to(a, 2, unit(3)))
	changeRefused(t, s, to(b, 2, unit(3)), message.Quota, "the quota of 5")
	change(t, s, to(a, 3, unit(0)))
	change(t, s, to(b, 2, unit(5)))
	changeRefused(t, s, to(b, 3, unit(-1)), message.Permanent, "not negative")

	g := start(t, s, group(false))
	var vms []vim.StartRequest
	for range 2 {
		vm := machine()
		vm.Spec.Compute.ServerGroup = []string{g.ID}
		start(t, s, vm)
		vms = append(vms, vm)
	}
	hosts := map[string]bool{}
	for i, vm := range vms { // each may stay where it is, and nowhere else
		change(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Flavour = fmt.Sprint("other-", i) })))
		hosts[entry(t, s, vm.Token).Host] = true
	}
	if len(hosts) != 2 {
		t.Errorf("after a change of size the machines of an anti-affine group are on %v", hosts)
	}
	full := open(t, sim.Config{Hosts: 1})
	zone := start(t, full, group(true))
	alone := machine()
	alone.Spec.Compute.ServerGroup, alone.Spec.Compute.Zone = []string{zone.ID}, "az-1"
	start(t, full, alone)
	if res := change(t, full, to(alone, 2, with(alone.Spec, func(c *vim.ComputeSpec) { c.Flavour = "m1.large" }))); res.Zone != "az-1" {
		t.Errorf("the zone is %s", res.Zone)
	}
}

// What is fixed at a VIM is not in its table, and a change of it is refused.
func TestAVimThatCannotChangeAFlavour(t *testing.T) {
	s := open(t, sim.Config{})
	if !s.InPlace().Can(vim.Compute, vim.AttributeFlavour, vim.AttributePower) || s.InPlace().Can(vim.Compute, vim.AttributeZone) {
		t.Errorf("the table is %v", s.InPlace())
	}
	behave(t, s, `{"fixed":{"compute":["flavour","image"]}}`)
	if p := s.InPlace(); p.Can(vim.Compute, vim.AttributeFlavour) || !p.Can(vim.Compute, vim.AttributePower) || !sim.InPlace().Can(vim.Compute, vim.AttributeFlavour) {
		t.Errorf("with a fixed flavour the table is %v", p)
	}
	vm := machine()
	start(t, s, vm)
	changeRefused(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Flavour = "m1.large" })), message.Permanent, "the flavour of a compute")
	changeRefused(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.UserData = "x" })), message.Permanent, "the userData of a compute")
	change(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Metadata = map[string]string{"a": "b"} })))
}

func TestOutcomesOfChanges(t *testing.T) {
	vm := machine()
	asked := to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Flavour, c.Image = "m1.large", "image-b" }))
	for name, c := range map[string]struct {
		rule     string
		class    message.Class
		revision int // at once
		differs  int // in how many attributes from what was asked, at once
		later    int // revision after a minute
	}{
		"nothing":    {``, "", 2, 0, 2},
		"transient":  {`{"on":"change","outcome":"transient"}`, message.Transient, 1, 2, 1},
		"quota":      {`{"on":"change","outcome":"quota"}`, message.Quota, 1, 2, 1},
		"lose-reply": {`{"on":"change","outcome":"lose-reply"}`, message.UnknownOutcome, 2, 0, 2},
		"late":       {`{"on":"change","outcome":"late-effect","after":"5s"}`, message.UnknownOutcome, 1, 2, 2},
		"half":       {`{"on":"change","outcome":"half"}`, message.UnknownOutcome, 1, 1, 1},
		"of others":  {`{"on":"reserve","outcome":"transient"}`, "", 2, 0, 2},
		"any":        {`{"on":"*","outcome":"transient"}`, message.Transient, 1, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			clk := newClock()
			s := open(t, sim.Config{Now: clk.now})
			start(t, s, vm)
			behave(t, s, `{"rules":[`+c.rule+`]}`)
			_, err := s.Change(t.Context(), conn, asked)
			if got := vim.ClassOf(err); got != c.class {
				t.Errorf("class %q, want %q: %v", got, c.class, err)
			}
			e := entry(t, s, vm.Token)
			if e.Revision != c.revision || len(vim.Differences(e.Spec, asked.To)) != c.differs {
				t.Errorf("at once at revision %d, it differs in %v", e.Revision, vim.Differences(e.Spec, asked.To))
			}
			clk.advance(time.Minute)
			if e := entry(t, s, vm.Token); e.Revision != c.later {
				t.Errorf("later at revision %d, want %d", e.Revision, c.later)
			}
		})
	}
	t.Run("twice", func(t *testing.T) { // and in between another
		clk := newClock()
		s := open(t, sim.Config{Now: clk.now})
		start(t, s, vm)
		behave(t, s, `{"rules":[{"on":"change","outcome":"twice","times":1,"after":"5s"}]}`)
		if _, err := s.Change(t.Context(), conn, asked); vim.ClassOf(err) != message.UnknownOutcome {
			t.Errorf("%v", err)
		}
		change(t, s, to(vm, 3, vm.Spec))
		if e := entry(t, s, vm.Token); e.Revision != 3 {
			t.Errorf("revision %d", e.Revision)
		}
		clk.advance(5 * time.Second)
		if e := entry(t, s, vm.Token); e.Revision != 2 || len(vim.Differences(e.Spec, asked.To)) > 0 {
			t.Errorf("what landed last is at revision %d", e.Revision)
		}
	})
	t.Run("late, of what is gone", func(t *testing.T) {
		clk := newClock()
		s := open(t, sim.Config{Now: clk.now})
		start(t, s, vm)
		behave(t, s, `{"rules":[{"on":"change","outcome":"late-effect","times":1}]}`)
		_, _ = s.Change(t.Context(), conn, asked)
		if done, err := s.Release(t.Context(), conn, vm.Kind, vm.Token); !done || err != nil {
			t.Fatal(err)
		}
		clk.advance(time.Minute)
		if left := s.Inventory(); len(left) > 0 {
			t.Errorf("there is %v", left)
		}
	})
}

// A killed simulator comes back to every change it answered, and to those that are under way.
func TestAKilledSimulatorKeepsChanges(t *testing.T) {
	clk := newClock()
	path := filepath.Join(t.TempDir(), "sim.journal")
	s := open(t, sim.Config{Path: path, Now: clk.now})
	vm, unit := machine(), request(vim.Unit, vim.Spec{Unit: &vim.UnitSpec{Replicas: 1, Values: json.RawMessage(`{"a":1}`)}})
	start(t, s, vm)
	start(t, s, unit)
	behave(t, s, `{"delay":"1s","stop":"30s","rules":[{"on":"change","outcome":"late-effect","times":1,"after":"10s"}]}`)
	late := to(unit, 2, vim.Spec{Unit: &vim.UnitSpec{Replicas: 4, Values: json.RawMessage(`{"a":2}`)}})
	if _, err := s.Change(t.Context(), conn, late); vim.ClassOf(err) != message.UnknownOutcome {
		t.Fatal(err)
	}
	off := to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Power = vim.PowerOff }))
	off.Grace = time.Minute
	change(t, s, off)
	want := s.Inventory()
	for range 3 { // each opening compacts
		s = open(t, sim.Config{Path: path, Now: clk.now}) // the old one is not closed: it was killed
		if got := s.Inventory(); !equalJSON(t, got, want) {
			t.Fatalf("inventory after the kill: %+v, want %+v", got, want)
		}
	}
	if e := entry(t, s, vm.Token); e.Power != vim.PowerOn || e.State != "BUILDING" {
		t.Errorf("while it stops the machine is %+v", e)
	}
	clk.advance(10 * time.Second)
	if e := entry(t, s, unit.Token); e.Revision != 2 || e.Spec.Unit.Replicas != 4 {
		t.Errorf("what landed late is %+v", e)
	}
	clk.advance(20 * time.Second)
	if e := entry(t, s, vm.Token); e.Power != vim.PowerOff || e.State != "ACTIVE" {
		t.Errorf("after half a minute the machine is %+v", e)
	}
}

// Observed state: power and health as they are seen.
func TestPowerAndHealth(t *testing.T) {
	clk := newClock()
	s := open(t, sim.Config{Now: clk.now})
	behave(t, s, `{"delay":"1s"}`)
	vm := machine()
	if res := start(t, s, vm); res.Health != "" || res.Ready {
		t.Errorf("being built: %+v", res)
	}
	changeRefused(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Flavour = "m1.large" })), message.Transient, "being built")
	clk.advance(time.Second)
	look := func() vim.Resource {
		res, err := s.Find(t.Context(), conn, vm.Kind, vm.Token)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := look(); res.Health != vim.Healthy || res.Power != vim.PowerOn || res.Revision != 1 {
		t.Errorf("built: %+v", res)
	}
	change(t, s, to(vm, 2, with(vm.Spec, func(c *vim.ComputeSpec) { c.Power = vim.PowerOff })))
	clk.advance(time.Second)
	if res := look(); res.Health != "" || res.Power != vim.PowerOff || res.Revision != 2 {
		t.Errorf("off: %+v", res)
	}
	asleep := machine()
	asleep.Spec.Compute.Power = vim.PowerOff
	if res := start(t, s, asleep); res.Power != vim.PowerOff {
		t.Errorf("made to be off: %+v", res)
	}
}

package lcm_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// sizes are what VIMs can change where it stands, for a change of machines.
var sizes = map[string]vim.InPlace{
	"everything anew": {vim.Compute: {vim.AttributePower}},
	"all in place": {
		vim.Compute: {vim.AttributePower, vim.AttributeFlavour, vim.AttributeImage, vim.AttributeUserData, vim.AttributePorts, vim.AttributeVolumes},
		vim.Volume:  {vim.AttributeSize}, vim.Port: {vim.AttributeNetwork, vim.AttributeAddresses},
	},
}

// threeApps is a VNF of the small flavour with three apps and a database: a connected outside by an entry of its own, others by another.
func threeApps(t *testing.T, settings lcm.Settings, can vim.InPlace) (*site, string) {
	t.Helper()
	s := newSite(t, plantest.Flavours(), settings)
	s.can, s.others = can, []string{"net-out", "net-new"}
	id := s.create()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
		FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`),
		ExtLinks: []lcm.ExtLink{ext("out", data("app_out", configs("a", chosen(), "b", fixed("10.9.0.2"))))},
	}, by)
	s.must(err)
	s.settle()
	s.completed(op.ID)
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	s.sent = nil
	return s, id
}

func (s *site) flavour(id string, r lcm.ChangeFlavour) string {
	s.t.Helper()
	op, err := s.svc.ChangeFlavour(s.ctx(), id, r, by)
	s.must(err)
	return op.ID
}

// vdus counts the VNFCs of a VNF.
func (s *site) vdus(id string) map[string]int {
	out := map[string]int{}
	for _, c := range s.vnf(id).Info.Vnfcs {
		out[c.VduID]++
	}
	return out
}

// boots is what the machines boot with, by VDU and index.
func (s *site) boots(id string) map[string]string {
	out := map[string]string{}
	for _, c := range s.vnf(id).Info.Vnfcs {
		for _, r := range s.vnf(id).Resources {
			if r.ID == c.ID {
				out[fmt.Sprint(c.VduID, c.Index)] = s.specs[vim.Token{ID: r.ID, Generation: r.Generation}].Compute.UserData
			}
		}
	}
	return out
}

// kept asserts which resources two states of a VNF have in common, and that VNFCs of a VDU have their ports, addresses and volumes.
func (s *site) kept(was, now *vnf.Instance, vdu string, n int) {
	s.t.Helper()
	same := 0
	for _, c := range now.Info.Vnfcs {
		for _, o := range was.Info.Vnfcs {
			if c.ID != o.ID || c.VduID != vdu {
				continue
			}
			same++
			if !reflect.DeepEqual(c.Cps, o.Cps) || !slices.Equal(c.Storages, o.Storages) || c.Index != o.Index {
				s.t.Errorf("%+v\nwas %+v", c, o)
			}
		}
	}
	if same != n {
		s.t.Errorf("%d VNFCs of %s stayed", same, vdu)
	}
}

// TestChangeFlavour: VDUs stay, go and come; what stays keeps its ids, ports, addresses, configuration and volumes; the level is that of
// the new flavour. A change back gives the VNF what it had of the first. Seen failing with VNFCs planned anew.
func TestChangeFlavour(t *testing.T) {
	for name, can := range sizes {
		t.Run(name, func(t *testing.T) {
			s, id := threeApps(t, lcm.Settings{}, can)
			was, entries := s.vnf(id), s.entries(id)
			op := s.flavour(id, lcm.ChangeFlavour{FlavourID: "large", Level: "three"})
			s.settle()
			o := s.completed(op)
			v := s.vnf(id)
			if got := s.vdus(id); !reflect.DeepEqual(got, map[string]int{"app": 3, "cache": 1}) || v.Info.FlavourID != "large" || v.Info.Level != "three" {
				t.Errorf("%v of %s at %s", got, v.Info.FlavourID, v.Info.Level)
			}
			if !slices.Equal(v.Info.ScaleStatus, []vnf.ScaleInfo{{AspectID: "apps", Level: 2}}) || !slices.Equal(v.Info.MaxScaleLevels, []vnf.ScaleInfo{{AspectID: "apps", Level: 3}}) {
				t.Errorf("%v of %v", v.Info.ScaleStatus, v.Info.MaxScaleLevels)
			}
			s.kept(was, v, "app", 3)
			if got := s.boots(id); got["app0"] != "large n=0 key=k" || got["app2"] != "large n=2 key=k" {
				t.Errorf("%v", got)
			}
			if !slices.Equal(s.entries(id), entries) {
				t.Errorf("%v, was %v", s.entries(id), entries)
			}
			changes := map[vnf.ChangeType]int{}
			for _, c := range o.Changes.Vnfcs.All() {
				changes[c.Change]++
			}
			if !reflect.DeepEqual(changes, map[vnf.ChangeType]int{vnf.Modified: 3, vnf.Added: 1, vnf.Removed: 1}) || o.Irreversible {
				t.Errorf("%v", changes)
			}
			s.wired(id)
			s.consistent(id)
			s.recorded(id)
			s.healable(id)
			s.scale(id, "SCALE_OUT", "apps", 1)
			s.settle()
			if got := s.vdus(id); got["app"] != 4 || s.boots(id)["app3"] != "large n=3 key=k" {
				t.Errorf("%v, %v", got, s.boots(id))
			}
			op = s.flavour(id, lcm.ChangeFlavour{FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"q"}`)})
			s.settle()
			s.completed(op)
			if got := s.vdus(id); !reflect.DeepEqual(got, map[string]int{"app": 1, "db": 1}) || s.boots(id)["app0"] != "name=fw n=0 key=q" {
				t.Errorf("%v, %v", got, s.boots(id))
			}
			s.kept(was, s.vnf(id), "app", 1)
			s.wired(id)
			s.consistent(id)
			s.recorded(id)
			s.terminated(id)
			s.finish()
		})
	}
}

// TestChangeFlavourChangesNoMoreThanDiffers: what the two flavours say the same of is not touched.
func TestChangeFlavourChangesNoMoreThanDiffers(t *testing.T) {
	s, id := threeApps(t, lcm.Settings{}, sizes["all in place"])
	was := s.vnf(id)
	s.flavour(id, lcm.ChangeFlavour{FlavourID: "large", Level: "three"})
	s.settle()
	for _, r := range s.vnf(id).Resources {
		for _, o := range was.Resources {
			touched := r.Kind == "compute" || r.Template == "pool"
			if o.ID == r.ID && (touched != (r.Revision != o.Revision) || r.Generation != o.Generation) {
				t.Errorf("%s %s is %d.%d, was %d.%d", r.Kind, r.Name, r.Generation, r.Revision, o.Generation, o.Revision)
			}
		}
	}
	s.finish()
}

// TestChangeFlavourWithLinks: the links of the request are laid over those there are.
func TestChangeFlavourWithLinks(t *testing.T) {
	s, id := threeApps(t, lcm.Settings{}, sizes["all in place"])
	op := s.flavour(id, lcm.ChangeFlavour{FlavourID: "large", Level: "three", ExtLinks: []lcm.ExtLink{ext("new", data("app_out", configs("b", fixed("10.8.0.2"))))}})
	s.settle()
	o := s.completed(op)
	if got := s.external(id); got["b"] != "new net-new 10.8.0.2" || got["a"] != "out net-out chosen" || len(o.ExtLinks) != 2 {
		t.Errorf("%v, %+v", got, o.ExtLinks)
	}
	s.wired(id)
	s.consistent(id)
	s.recorded(id)
	s.finish()
}

// TestChangeFlavourOfAStoppedVnf: it stays stopped, new machines and all.
func TestChangeFlavourOfAStoppedVnf(t *testing.T) {
	s, id := threeApps(t, lcm.Settings{}, sizes["everything anew"])
	_, err := s.svc.Operate(s.ctx(), id, lcm.Operate{To: "STOPPED"}, by)
	s.must(err)
	s.settle()
	op := s.flavour(id, lcm.ChangeFlavour{FlavourID: "large"})
	s.settle()
	s.completed(op)
	for token, r := range s.held {
		if spec := s.specs[token]; spec.Compute != nil && spec.Compute.Power != vim.PowerOff {
			t.Errorf("%s is on", r.Name)
		}
	}
	if s.vnf(id).Info.VnfState != "STOPPED" {
		t.Error("it was started")
	}
	s.recorded(id)
	s.finish()
}

// TestChangeFlavourRefused: what is wrong is told with the place, before anything is begun, and by the dry run as well.
func TestChangeFlavourRefused(t *testing.T) {
	s, id := threeApps(t, lcm.Settings{}, nil)
	for name, c := range map[string]struct {
		r    lcm.ChangeFlavour
		kind vnfm.Kind
		at   string
		text string
	}{
		"no flavour":      {lcm.ChangeFlavour{}, vnfm.Invalid, "/newFlavourId", "names"},
		"no such flavour": {lcm.ChangeFlavour{FlavourID: "x"}, vnfm.Unprocessable, "/newFlavourId", "simple, large"},
		"the same":        {lcm.ChangeFlavour{FlavourID: "simple"}, vnfm.Unprocessable, "/newFlavourId", "already"},
		"no such level":   {lcm.ChangeFlavour{FlavourID: "large", Level: "big"}, vnfm.Unprocessable, "/instantiationLevelId", "three"},
		"no such link":    {lcm.ChangeFlavour{FlavourID: "large", ExtManaged: []lcm.ExtManaged{{LinkID: "x", NetworkID: "n"}}}, vnfm.Unprocessable, "/extManagedVirtualLinks/0/vnfVirtualLinkDescId", "x"},
		"no such CPD":     {lcm.ChangeFlavour{FlavourID: "large", ExtLinks: []lcm.ExtLink{ext("new", data("db_in", nil))}}, vnfm.Unprocessable, "/extVirtualLinks/0/extCps/0/cpdId", "db_in"},
	} {
		_, err := s.svc.ChangeFlavour(s.ctx(), id, c.r, by)
		_, dry := s.svc.PlanChangeFlavour(s.ctx(), id, c.r)
		for _, err := range []error{err, dry} {
			if vnfm.KindOf(err) != c.kind || attribute(err) != c.at || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v at %q", name, err, attribute(err))
			}
		}
	}
	if v := s.vnf(id); v.Operation != "" || len(s.sent) > 0 {
		t.Errorf("held by %s after %d commands", v.Operation, len(s.sent))
	}
	p, err := s.svc.PlanChangeFlavour(s.ctx(), id, lcm.ChangeFlavour{FlavourID: "large", Level: "three"})
	s.must(err)
	if g := p.Grant; g.FlavourID != "large" || g.Operation != "CHANGE_FLAVOUR" || len(g.Images) == 0 || len(g.Computes) != 2 || !p.Reversible {
		t.Errorf("%+v", g)
	}
	one, other := of(t, plantest.Elastic(), lcm.Settings{})
	if _, err := one.svc.ChangeFlavour(one.ctx(), other, lcm.ChangeFlavour{FlavourID: "simple"}, by); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("of one flavour: %v", err)
	}
	for other, kind := range map[string]vnfm.Kind{s.create(): vnfm.Conflict, "nobody": vnfm.NotFound} {
		if _, err := s.svc.ChangeFlavour(s.ctx(), other, lcm.ChangeFlavour{FlavourID: "large"}, by); vnfm.KindOf(err) != kind {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// TestChangeFlavourFails: however a change fails, it is retried, undone to what was there, boot data of the first flavour and addresses
// included, or given up; then healed, and changed again.
func TestChangeFlavourFails(t *testing.T) {
	for name, can := range sizes {
		for e, end := range []string{"retry", "rollback", "policy", "fail", "cancel"} {
			for breaks := 1 + e%stride; breaks < 12; breaks += stride {
				t.Run(fmt.Sprintf("%s, %s, command %d", name, end, breaks), func(t *testing.T) {
					policy := saga.Hold
					if end == "policy" {
						policy = saga.Rollback
					}
					s, id := threeApps(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpChangeFlavour: policy}}, can)
					s.rebuildingFails(id, end, breaks, func() string { return s.flavour(id, lcm.ChangeFlavour{FlavourID: "large", Level: "three"}) }, func() {
						if got := s.vdus(id); !reflect.DeepEqual(got, map[string]int{"app": 3, "cache": 1}) || s.vnf(id).Info.FlavourID != "large" {
							t.Errorf("%v of %s", got, s.vnf(id).Info.FlavourID)
						}
					})
				})
			}
		}
	}
}

// rebuildingFails lets an operation fail at a command, and end in a way; changed asserts that it came about.
func (s *site) rebuildingFails(id, end string, breaks int, begin func() string, changed func()) {
	s.t.Helper()
	was, boots, entries := s.vnf(id), s.boots(id), s.entries(id)
	n, failed := 0, false
	s.script = func(m message.Message) *answer {
		if m.Type == nfvo.TypeRequestGrant {
			return nil
		}
		if n++; n != breaks {
			return nil
		}
		failed = true
		if end == "cancel" {
			_, err := s.svc.Cancel(s.ctx(), s.vnf(id).Operation, "GRACEFUL", by)
			s.must(err)
			return nil
		}
		return permanent
	}
	op := begin()
	s.run()
	s.script = nil
	if o := s.op(op); !failed || o.State == vnf.Completed { // it has fewer commands
		changed()
		return
	}
	tasks := map[string]func(string) error{
		"retry":    func(op string) error { _, err := s.svc.Retry(s.ctx(), op, by); return err },
		"rollback": func(op string) error { _, err := s.svc.Rollback(s.ctx(), op, by); return err },
		"fail":     func(op string) error { _, err := s.svc.Fail(s.ctx(), op, by); return err },
		"policy":   func(string) error { return nil },
	}
	tasks["cancel"] = tasks["rollback"]
	err := tasks[end](op)
	if vnfm.KindOf(err) == vnfm.Conflict && end != "fail" { // a volume was released: there is no way back
		if s.op(op).State != vnf.FailedTemp || !strings.Contains(err.Error(), "released") {
			s.t.Fatal(err)
		}
		return
	}
	s.must(err)
	s.run()
	switch o := s.op(op); end {
	case "retry":
		s.completed(op)
		changed()
	case "fail":
		if o.State != vnf.Failed {
			s.t.Fatalf("%s", o.State)
		}
		if len(s.vnf(id).Leftovers) > 0 {
			_, err := s.svc.Cleanup(s.ctx(), id, by)
			s.must(err)
			s.run()
		}
		heal := s.heal(id, lcm.Heal{})
		s.run()
		s.completed(heal)
		again := begin()
		s.run()
		s.completed(again)
		changed()
	default:
		if o.State != vnf.RolledBack {
			s.t.Fatalf("%s: %+v", o.State, o.Error)
		}
		(&chaos{s: s}).sweep(id)
		now := s.vnf(id)
		if !reflect.DeepEqual(addressesOf(now), addressesOf(was)) || !reflect.DeepEqual(s.boots(id), boots) || !slices.Equal(s.entries(id), entries) {
			s.t.Errorf("%v %v\nwas %v %v", addressesOf(now), s.boots(id), addressesOf(was), boots)
		}
		if now.Info.FlavourID != was.Info.FlavourID || now.VnfdID != was.VnfdID || len(now.Resources) != len(was.Resources) {
			s.t.Errorf("%+v", now)
		}
	}
	s.wired(id)
	s.consistent(id)
	s.recorded(id)
	s.finish()
}

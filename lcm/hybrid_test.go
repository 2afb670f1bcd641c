package lcm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// hybrid is a VNF of machines with a network between them, and of containers: at two VIMs of two types.
func hybrid(t *testing.T) (*site, string) { t.Helper(); return hybridWith(t, lcm.Settings{}) }

func hybridWith(t *testing.T, settings lcm.Settings) (*site, string) {
	t.Helper()
	d := plantest.Minimal()
	f := &d.Flavours[0]
	two := 2
	f.Vdus = append(f.Vdus, vnfd.Vdu{ID: "POD", Name: "web", Min: 1, Max: 4, Initial: &two, Container: true})
	f.Aspects = append(f.Aspects, vnfd.Aspect{ID: "webs", MaxLevel: 2, Steps: map[string][]int{"POD": {1, 1}}})
	s := newSite(t, d, settings)
	s.files = manifestFiles
	s.can = vim.InPlace{vim.Unit: {vim.AttributeReplicas, vim.AttributeObjects, vim.AttributeGone}}
	s.grant = func(g *nfvo.Grant) { // as the local policy does
		for _, x := range slices.Concat(s.asked.Add, s.asked.Temp) {
			if x.Form == string(vim.Objects) {
				g.Info(x.ID).Connection, g.Info(x.ID).Zone = "vim-2", ""
			}
		}
	}
	id := s.create()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
		FlavourID: f.ID, AdditionalParams: json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/rest.yaml"]}`),
		Connections: map[string]json.RawMessage{"vim-1": json.RawMessage(`{}`), "vim-2": json.RawMessage(`{}`)},
	}, by)
	s.must(err)
	s.ended(op.ID)
	if asked := s.asked; asked.DefaultConnection != "" || !asked.Named || !slices.Equal(asked.Connections, []string{"vim-1", "vim-2"}) {
		t.Errorf("asked for a grant at %q, %v", asked.DefaultConnection, asked.Connections)
	}
	return s, id
}

// placesOf counts the VNFCs by VDU and VIM connection.
func (s *site) placesOf(id string) map[string]int {
	out := map[string]int{}
	for _, c := range s.vnf(id).Info.Vnfcs {
		out[c.VduID+" "+c.Handle.Connection]++
	}
	return out
}

// A VNF of machines at one VIM and containers at another lives: each operation asks for what it makes at the VIM that runs it, and nothing
// is left at either.
func TestAVnfOfMachinesAndContainersLivesAtTwoVims(t *testing.T) {
	s, id := hybrid(t)
	was := s.placesOf(id)
	if was["POD vim-2"] != 2 || was["POD vim-1"] != 0 || len(was) != 3 {
		t.Fatalf("%v", was)
	}
	s.ended(s.scale(id, "SCALE_OUT", "webs", 1))
	if now := s.placesOf(id); now["POD vim-2"] != 3 || len(now) != 3 {
		t.Errorf("scaled: %v", now)
	}
	all := s.vnf(id).Info.Vnfcs
	for _, c := range []vnf.Vnfc{all[0], all[len(all)-1]} {
		s.ended(s.heal(id, lcm.Heal{Vnfcs: []string{c.ID}}))
	}
	if now := s.placesOf(id); now["POD vim-2"] != 3 || len(now) != 3 {
		t.Errorf("healed: %v", now)
	}
	if v := s.vnf(id); len(v.Connections) != 2 {
		t.Errorf("connections %v", v.Connections)
	}
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
	s.finish()
}

// Of a VNF of machines and containers no snapshot is taken as a whole: pods have none. One of its machines, named, has, and is reverted to it.
func TestASnapshotOfAMachineOfAVnfWithContainers(t *testing.T) {
	s, id := hybrid(t)
	info := s.info()
	if _, err := s.svc.CreateSnapshot(s.ctx(), id, lcm.CreateSnapshot{InfoID: info}, by); vnfm.KindOf(err) != vnfm.Conflict || !strings.Contains(err.Error(), "vnfcInstanceId") {
		t.Fatalf("%v", err)
	}
	was, machine := s.placesOf(id), s.vnf(id).Info.Vnfcs[0]
	op, err := s.svc.CreateSnapshot(s.ctx(), id, lcm.CreateSnapshot{InfoID: info, VnfcID: machine.ID}, by)
	s.must(err)
	s.ended(op.ID)
	op, err = s.svc.RevertToSnapshot(s.ctx(), id, lcm.RevertToSnapshot{InfoID: info, VnfcID: machine.ID, VnfcSnapshotID: s.taken(op.ID).Vnfcs[0].ID}, by)
	s.must(err)
	s.ended(op.ID)
	if now := s.placesOf(id); !maps.Equal(now, was) {
		t.Errorf("%v, was %v", now, was)
	}
	s.recorded(id)
}

// Where a VNF was before it was terminated says nothing of where it goes: the connection may be gone, and another the default.
func TestAVnfThatWasTerminatedGoesWhereANewOneWould(t *testing.T) {
	s, id := hybrid(t)
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	s.grant = nil
	r := s.request()
	r.AdditionalParams = json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/rest.yaml"]}`)
	op, err := s.svc.Instantiate(s.ctx(), id, r, by)
	s.must(err)
	s.settle()
	if asked := s.asked; asked.Operation != "INSTANTIATE" || asked.Named || asked.DefaultConnection != "" || len(asked.Connections) != 0 {
		t.Errorf("%s asked for a grant at %q, %v, named %v", op.ID, asked.DefaultConnection, asked.Connections, asked.Named)
	}
}

// flavours adds flavours to the descriptor: of machines alone, of containers alone, and of more of both.
func (s *site) flavours() {
	both := s.d.Flavours[0]
	only := func(id string, containers bool) vnfd.Flavour {
		f := both
		f.ID = id
		f.Vdus = slices.DeleteFunc(slices.Clone(f.Vdus), func(v vnfd.Vdu) bool { return v.Container != containers })
		f.Aspects = slices.DeleteFunc(slices.Clone(f.Aspects), func(a vnfd.Aspect) bool { return (a.ID == "webs") != containers })
		return f
	}
	more, three := both, 3
	more.ID, more.Vdus, more.DefaultLevel = "more", slices.Clone(more.Vdus), "instantiation_level_2"
	more.Vdus[len(more.Vdus)-1].Initial = &three
	pods := only("pods", true)
	pods.Cps, pods.ExtCps, pods.Links, pods.Storages = nil, nil, nil, nil
	s.d.Flavours = append(s.d.Flavours, only("machines", false), pods, more)
}

// unitsAndMachines counts what stands at the VIMs.
func (s *site) unitsAndMachines() (units, machines int) {
	for token := range s.held {
		switch spec := s.specs[token]; {
		case spec.Unit != nil:
			units++
		case spec.Compute != nil:
			machines++
		}
	}
	return units, machines
}

// A VNF of machines and containers changes its flavour to one of more of both, of machines alone, of containers alone, and back, each at the VIM that
// runs it; what both flavours have stays, and nothing is left. Seen failing: it was refused.
func TestAVnfOfMachinesAndContainersChangesItsFlavour(t *testing.T) {
	s, id := hybrid(t)
	s.flavours()
	minimal := s.d.Flavours[0].ID
	was, before := s.placesOf(id), s.vnf(id)
	units, machines := s.unitsAndMachines()
	change := func(to string, want map[string]int) {
		t.Helper()
		s.ended(s.flavour(id, lcm.ChangeFlavour{FlavourID: to}))
		if now := s.placesOf(id); !maps.Equal(now, want) {
			t.Errorf("%s: %v, want %v", to, now, want)
		}
		s.recorded(id)
	}
	change("more", map[string]int{"VDU1 vim-1": 3, "VDU2 vim-1": 1, "POD vim-2": 3})
	for _, c := range before.Info.Vnfcs {
		if !slices.ContainsFunc(s.vnf(id).Info.Vnfcs, func(n vnf.Vnfc) bool { return n.ID == c.ID }) {
			t.Errorf("the VNFC %s of %s has not stayed", c.ID, c.VduID)
		}
	}
	change(minimal, was)
	alone := maps.Clone(was)
	delete(alone, "POD vim-2")
	change("machines", alone)
	if u, m := s.unitsAndMachines(); u != 0 || m != machines {
		t.Errorf("%d units, %d machines", u, m)
	}
	// The containers come again, with a namespace of their own, as at the instantiation, and where the request says. Seen failing: the only connection that it
	// names was not in the grant request.
	_, err := s.svc.ChangeFlavour(s.ctx(), id, lcm.ChangeFlavour{FlavourID: minimal, Connections: map[string]json.RawMessage{"vim-2": json.RawMessage(`{}`)}}, by)
	s.must(err)
	s.settle()
	if asked := s.asked; asked.DefaultConnection != "vim-1" || !slices.Equal(asked.Connections, []string{"vim-2"}) || asked.Named {
		t.Errorf("asked for a grant at %q, %v", asked.DefaultConnection, asked.Connections)
	}
	if now := s.placesOf(id); !maps.Equal(now, was) {
		t.Errorf("%v, want %v", now, was)
	}
	if u, m := s.unitsAndMachines(); u != units || m != machines {
		t.Errorf("%d units, %d machines; %d and %d at first", u, m, units, machines)
	}
	change("pods", map[string]int{"POD vim-2": 2})
	if u, m := s.unitsAndMachines(); u != units || m != 0 {
		t.Errorf("%d units, %d machines", u, m)
	}
	change(minimal, was)
	s.ended(s.scale(id, "SCALE_OUT", "webs", 1))
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
	s.finish()
}

// Whatever command of such a change fails, it is tried again, undone to what was there, or given up; then healed, and made.
func TestAVnfOfMachinesAndContainersFailsToChange(t *testing.T) {
	for _, to := range []string{"more", "machines", "pods"} {
		for e, end := range []string{"retry", "rollback", "policy", "fail", "cancel"} {
			for breaks := 1 + e%stride; breaks < 14; breaks += stride {
				t.Run(fmt.Sprintf("%s, %s, command %d", to, end, breaks), func(t *testing.T) {
					policy := saga.Hold
					if end == "policy" {
						policy = saga.Rollback
					}
					s, id := hybridWith(t, lcm.Settings{Attempts: 1, OnFailure: map[vnf.Operation]saga.Policy{vnf.OpChangeFlavour: policy}})
					s.flavours()
					s.rebuildingFails(id, end, breaks, func() string { return s.flavour(id, lcm.ChangeFlavour{FlavourID: to}) }, func() {
						if now := s.vnf(id).Info.FlavourID; now != to {
							t.Errorf("it has the flavour %s", now)
						}
					})
				})
			}
		}
	}
}

// A VNF of machines and containers becomes one of another package: what both have stays, and is changed.
func TestAVnfOfMachinesAndContainersBecomesOfAnotherPackage(t *testing.T) {
	s, id := hybrid(t)
	was, before := s.placesOf(id), s.vnf(id)
	next := *s.d
	next.ID, next.SoftwareVersion = "hybrid-2", "2.0"
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": &next}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	s.files = maps.Clone(s.files)
	s.files["Files/rest.yaml"] = strings.Replace(s.files["Files/rest.yaml"], "kind: Thing\nmetadata: {name: t}", "kind: Thing\nmetadata: {name: t2}", 1)
	op, err := s.svc.ChangeVnfPkg(s.ctx(), id, lcm.ChangeVnfPkg{VnfdID: next.ID}, by)
	s.must(err)
	s.ended(op.ID)
	now := s.vnf(id)
	if !maps.Equal(s.placesOf(id), was) || now.VnfdID != next.ID || len(now.Resources) != len(before.Resources) {
		t.Errorf("%v of %s, %d resources; %v and %d before", s.placesOf(id), now.VnfdID, len(now.Resources), was, len(before.Resources))
	}
	for i, c := range before.Info.Vnfcs {
		if now.Info.Vnfcs[i].ID != c.ID {
			t.Errorf("the VNFC %s of %s has not stayed", c.ID, c.VduID)
		}
	}
	s.recorded(id)
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
	s.finish()
}

// What a request names comes before what the VNF has of its own, and what it does not name goes to that, with the namespace of it.
func TestTheVnfsOwnConnectionIsAskedForUnlessTheRequestNamesOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		named map[string]json.RawMessage
		usual string
		made  bool // a namespace for the VNF
	}{
		"none":   {nil, "mine", false},
		"others": {map[string]json.RawMessage{"vim-1": json.RawMessage(`{}`), "vim-2": json.RawMessage(`{}`)}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := plantest.Minimal()
			two := 2
			d.Flavours[0].Vdus = append(d.Flavours[0].Vdus, vnfd.Vdu{ID: "POD", Name: "web", Min: 1, Max: 4, Initial: &two, Container: true})
			s := newSiteWith(t, d, lcm.Settings{}, &brought{lcm.FixedConnections{Registry: append(registered(), vim.Connection{
				ID: "mine", Type: "VNFM.SIM.V_1", Extra: map[string]json.RawMessage{"namespace": json.RawMessage(`"of-mine"`)},
			})}})
			s.files = manifestFiles
			id := s.create()
			_, err := s.svc.Modify(s.ctx(), id, lcm.Modify{Connections: map[string]json.RawMessage{"mine": json.RawMessage(`{"vimType":"VNFM.SIM.V_1"}`)}}, by)
			s.must(err)
			s.settle()
			_, err = s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
				FlavourID: d.Flavours[0].ID, Connections: tt.named, AdditionalParams: json.RawMessage(`{"lcm-kubernetes-def-files":["Files/web.yaml","Files/rest.yaml"]}`),
			}, by)
			s.must(err)
			s.settle()
			if asked := s.asked; asked.DefaultConnection != tt.usual || asked.Named != (tt.named != nil) || slices.Contains(asked.Connections, "mine") {
				t.Errorf("asked for a grant at %q, %v, named %v", asked.DefaultConnection, asked.Connections, asked.Named)
			}
			made := false
			for _, spec := range s.specs {
				made = made || spec.Unit != nil && strings.Contains(string(spec.Unit.Objects), `"Namespace"`)
			}
			if made != tt.made {
				t.Errorf("a namespace was made for the VNF: %v", made)
			}
		})
	}
}

// What somebody took of a VNF of machines and containers is made again where it was, at both VIMs.
func TestAVnfOfMachinesAndContainersIsRepairedAtBothVims(t *testing.T) {
	s, id := hybrid(t)
	was := s.placesOf(id)
	for _, r := range s.vnf(id).Resources {
		if k := vim.Kind(r.Kind); k == vim.Compute || k == vim.Unit && r.Name == "Deployment web" {
			delete(s.held, vim.Token{ID: r.ID, Generation: r.Generation})
		}
	}
	s.ended(s.sync(id, lcm.Sync{Confirmed: true}))
	if now := s.placesOf(id); !maps.Equal(now, was) || now["POD vim-2"] != 2 {
		t.Errorf("%v, %v before", now, was)
	}
	s.ended(s.terminate(id, lcm.Terminate{Type: "FORCEFUL"}))
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
}

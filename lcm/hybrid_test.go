package lcm_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// hybrid is a VNF of machines with a network between them, and of containers: at two VIMs of two types.
func hybrid(t *testing.T) (*site, string) {
	t.Helper()
	d := plantest.Minimal()
	f := &d.Flavours[0]
	two := 2
	f.Vdus = append(f.Vdus, vnfd.Vdu{ID: "POD", Name: "web", Min: 1, Max: 4, Initial: &two, Container: true})
	f.Aspects = append(f.Aspects, vnfd.Aspect{ID: "webs", MaxLevel: 2, Steps: map[string][]int{"POD": {1, 1}}})
	s := newSite(t, d, lcm.Settings{})
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

// What has machines becomes nothing of containers by a change of its flavour: the machines would stay, and be nobody's.
func TestMachinesDoNotBecomeContainers(t *testing.T) {
	s, id := hybrid(t)
	pods, both := s.d.Flavours[0], s.d.Flavours[0]
	pods.ID, both.ID = "pods", "both"
	pods.Vdus, pods.Aspects = slices.DeleteFunc(slices.Clone(pods.Vdus), func(v vnfd.Vdu) bool { return !v.Container }), nil
	s.d.Flavours = append(s.d.Flavours, pods, both)
	for _, to := range []string{"pods", "both"} {
		_, err := s.svc.ChangeFlavour(s.ctx(), id, lcm.ChangeFlavour{FlavourID: to}, by)
		if vnfm.KindOf(err) != vnfm.Unprocessable || !strings.Contains(err.Error(), "has machines") {
			t.Errorf("%s: %v", to, err)
		}
	}
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

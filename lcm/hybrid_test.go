package lcm_test

import (
	"encoding/json"
	"slices"
	"testing"

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
	if asked := s.asked; asked.DefaultConnection != "" || !slices.Equal(asked.Connections, []string{"vim-1", "vim-2"}) {
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

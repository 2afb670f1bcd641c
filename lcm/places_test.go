package lcm_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// spread grants every second resource a place at the second VIM.
func spread(g *nfvo.Grant) {
	for i := range g.Infos {
		if i%2 == 1 {
			g.Infos[i].Connection, g.Infos[i].Zone = "vim-2", "z2"
		}
	}
	g.Zones = append(g.Zones, nfvo.Zone{ID: "z2", ZoneID: "zone-b", Connection: "vim-2"})
}

// lonely has computes without ports: nothing keeps them at one VIM.
func lonely(n int) *vnfd.Descriptor {
	v := plantest.Vdu("VDU", n, n)
	return &vnfd.Descriptor{ID: "lonely", Flavours: []vnfd.Flavour{{
		ID: "simple", Vdus: []vnfd.Vdu{v}, Affinity: []vnfd.AffinityRule{{ID: "apart", Scope: "nfvi_node", Vdus: []string{"VDU"}}},
	}}}
}

// Each resource is made, recorded and shown in the zone that its grant names (checkSpec), also when those of one VIM are in
// several. Seen failing with the zone of the first resource, and the first zone of the grant, taken for all.
func TestEachResourceIsInTheZoneItsGrantNames(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	s.grant = func(g *nfvo.Grant) {
		for i := range g.Infos {
			z := fmt.Sprint("own-", i)
			g.Zones = append(g.Zones, nfvo.Zone{ID: z, ZoneID: "zone-" + z, Connection: "vim-1"})
			g.Infos[i].Zone = z
		}
	}
	id := s.up()
	v := s.vnf(id)
	shown := map[string]bool{}
	for _, c := range v.Info.Vnfcs {
		if c.Zone != s.zones[c.ID] {
			t.Errorf("%s was granted in %q and is shown in %q", c.ID, s.zones[c.ID], c.Zone)
		}
		shown[c.Zone] = true
	}
	for _, x := range v.Info.Storages {
		if x.Zone != s.zones[x.ID] {
			t.Errorf("%s was granted in %q and is shown in %q", x.ID, s.zones[x.ID], x.Zone)
		}
		shown[x.Zone] = true
	}
	if len(shown) != 3 { // two computes and a volume
		t.Errorf("zones %v", shown)
	}
	other := newSite(t, lonely(4), lcm.Settings{})
	other.grant = spread
	in := map[string]int{}
	for _, c := range other.vnf(other.up()).Info.Vnfcs {
		in[c.Handle.Connection+"/"+c.Zone]++
	}
	if in["vim-1/zone-a"] != 2 || in["vim-2/zone-b"] != 2 {
		t.Errorf("%v", in)
	}
}

func TestServerGroupAtEachVimWithTwoComputes(t *testing.T) {
	for _, tt := range []struct{ computes, groups int }{{2, 0}, {3, 1}, {4, 2}} {
		s := newSite(t, lonely(tt.computes), lcm.Settings{})
		s.grant = spread
		id := s.up()
		if n := s.kinds()[vim.ServerGroup]; n != tt.groups {
			t.Errorf("%d computes: %d groups, want %d", tt.computes, n, tt.groups)
		}
		in := 0
		for _, m := range s.sent {
			var c vim.Reserve
			if m.Type != vim.TypeReserveResource || kindOf(m) != vim.Compute {
				continue
			}
			s.must(json.Unmarshal(m.Data, &c))
			in += len(c.Spec.Compute.ServerGroup)
		}
		if in != tt.groups*2 {
			t.Errorf("%d computes: %d are in a group", tt.computes, in)
		}
		ops, err := s.store.Views(s.ctx(), eventstore.ViewQuery{Kind: readmodel.KindOpOcc, Parent: id})
		s.must(err)
		o := s.op(ops[0].ID)
		if slices.ContainsFunc(o.Progress.Slice(), func(p vnf.Progress) bool { return p.State != vnf.ProgressDone && p.State != vnf.ProgressSkipped }) {
			t.Errorf("%+v", o.Progress)
		}
		if len(s.vnf(id).Connections) != 2 {
			t.Errorf("connections %v", s.vnf(id).Connections)
		}
		s.terminate(id, lcm.Terminate{Type: "FORCEFUL"})
		s.run()
		if len(s.held) != 0 {
			t.Errorf("left %v", s.held)
		}
		s.finish()
	}
}

// A port is where its compute is; a network at another VIM is no use to it.
func TestGrantThatTearsAPortFromItsNetworkIsUndone(t *testing.T) {
	s := newSite(t, plantest.Minimal(), lcm.Settings{})
	s.grant = func(g *nfvo.Grant) {
		for i := range g.Infos {
			if i == 2 { // the second compute: networks come first, then computes
				g.Infos[i].Connection, g.Infos[i].Zone = "vim-2", ""
			}
		}
	}
	op := s.instantiate(s.create())
	s.run()
	if o := s.op(op); o.State != vnf.RolledBack || o.Error == nil || len(s.held) != 0 {
		t.Errorf("%s %+v, left %v", o.State, o.Error, s.held)
	}
	s.finish()
}

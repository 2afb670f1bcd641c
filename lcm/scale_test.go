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
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// elastic returns a site with an instantiated VNF of plantest.Elastic, whose apps have the key k.
func elastic(t *testing.T, settings lcm.Settings, links ...lcm.ExtLink) (s *site, id string) {
	t.Helper()
	return of(t, plantest.Elastic(), settings, links...)
}

// of is elastic of a descriptor like it.
func of(t *testing.T, d *vnfd.Descriptor, settings lcm.Settings, links ...lcm.ExtLink) (s *site, id string) {
	t.Helper()
	s = newSite(t, d, settings)
	id = s.create()
	s.others = append(s.others, "net-out", "port-x")
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`), ExtLinks: links}, by)
	s.must(err)
	s.settle()
	if o := s.op(op.ID); o.State != vnf.Completed {
		t.Fatalf("instantiate is %s: %+v", o.State, o.Error)
	}
	s.sent = nil
	return s, id
}

func (s *site) scale(id, kind, aspect string, steps int, params ...string) string {
	s.t.Helper()
	r := lcm.Scale{Type: kind, AspectID: aspect, Steps: steps}
	if len(params) > 0 {
		r.AdditionalParams = json.RawMessage(params[0])
	}
	op, err := s.svc.Scale(s.ctx(), id, r, by)
	s.must(err)
	return op.ID
}

func (s *site) scaleTo(id string, r lcm.ScaleToLevel) string {
	s.t.Helper()
	op, err := s.svc.ScaleToLevel(s.ctx(), id, r, by)
	s.must(err)
	return op.ID
}

// sized asserts how many VNFCs of app and db the VNF has, its scale levels, and that all of it is recorded.
func (s *site) sized(id string, app, db, grow, apps int) {
	s.t.Helper()
	v := s.vnf(id)
	n := map[string]int{}
	for _, c := range v.Info.Vnfcs {
		n[c.VduID]++
	}
	levels := []vnf.ScaleInfo{{AspectID: "grow", Level: grow}, {AspectID: "apps", Level: apps}}
	if n["app"] != app || n["db"] != db || !slices.Equal(v.Info.ScaleStatus, levels) {
		s.t.Errorf("%v at %v, want %d and %d at %v", n, v.Info.ScaleStatus, app, db, levels)
	}
	if most := []vnf.ScaleInfo{{AspectID: "grow", Level: 2}, {AspectID: "apps", Level: 3}}; !slices.Equal(v.Info.MaxScaleLevels, most) {
		s.t.Errorf("at most %v", v.Info.MaxScaleLevels)
	}
	s.recorded(id)
}

// consistent asserts that whatever the information about a VNF names stands, once, and is named by all that should.
func (s *site) consistent(id string) {
	s.t.Helper()
	v := s.vnf(id)
	at := map[string]string{}
	for _, r := range v.Resources {
		at[r.ID] = r.VimID
		for _, p := range r.Pods {
			at["pod "+p.ID] = p.ID
		}
	}
	seen := map[string]bool{}
	stands := func(what, id string, h vnf.Handle) {
		if seen[what+id] || at[id] == "" || at[id] != h.VimID {
			s.t.Errorf("%s %s (%s) is twice, or is not held", what, id, h.VimID)
		}
		seen[what+id] = true
	}
	storages, ports := map[string]bool{}, map[string]string{}
	for _, x := range v.Info.Storages {
		stands("storage", x.ID, x.Handle)
		storages[x.ID] = true
	}
	for _, l := range v.Info.Links {
		stands("link", l.ID, l.Handle)
		for _, p := range l.Ports {
			stands("port", p.ID, p.Handle)
			ports[p.CpID] = p.ID
		}
	}
	ext := map[string]vnf.ExtCp{}
	for _, e := range v.Info.ExtCps {
		ext[e.ID] = e
	}
	served := 0
	for _, l := range v.Info.ExtLinks {
		for _, p := range l.Ports {
			if e, ok := ext[p.CpID]; ok && e.LinkPortID == p.ID {
				served++
			}
		}
	}
	if served != len(ext) {
		s.t.Errorf("%d of %d external connection points have a port", served, len(ext))
	}
	addresses := map[string]bool{}
	index := map[string]bool{}
	for _, c := range v.Info.Vnfcs {
		if id := c.ID; c.UnitID != "" {
			stands("pod", "pod "+c.Handle.VimID, c.Handle)
		} else {
			stands("VNFC", id, c.Handle)
		}
		if key := fmt.Sprint(c.VduID, c.Index); index[key] {
			s.t.Errorf("two VNFCs are %s", key)
		} else {
			index[key] = true
		}
		for _, id := range c.Storages {
			if !storages[id] {
				s.t.Errorf("the VNFC %s has the storage %s, which is not there", c.ID, id)
			}
		}
		for _, cp := range c.Cps {
			if cp.ExtCpID == "" && ports[cp.ID] != cp.LinkPortID || cp.ExtCpID != "" && ext[cp.ExtCpID].VnfcCpID != cp.ID {
				s.t.Errorf("%+v", cp)
			}
			for _, ip := range cp.Addresses.IPs {
				if addresses[ip.Address] {
					s.t.Errorf("the address %s is there twice", ip.Address)
				}
				addresses[ip.Address] = true
			}
		}
	}
}

// TestScaleOut: the steps of an aspect differ and touch several VDUs; what they add is made as what was instantiated.
func TestScaleOut(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	defer s.finish()
	s.sized(id, 1, 1, 0, 0)
	before := s.vnf(id)
	op := s.scale(id, "SCALE_OUT", "grow", 1)
	s.settle()
	o := s.op(op)
	if o.State != vnf.Completed {
		t.Fatalf("%s: %+v", o.State, o.Error)
	}
	s.sized(id, 2, 1, 1, 0)
	s.consistent(id)
	if made := o.Changes; made.Vnfcs.Len() != 1 || made.Storages.Len() != 1 || made.ExtPorts.Len() != 1 || made.Links.Len() != 1 {
		t.Errorf("%d VNFCs, %d storages, %d external ports, %d links", made.Vnfcs.Len(), made.Storages.Len(), made.ExtPorts.Len(), made.Links.Len())
	}
	for _, c := range o.Changes.Vnfcs.All() {
		if c.Change != vnf.Added || c.VduID != "app" || len(c.AddedStorages) != 1 || len(c.CpIDs) != 2 || c.Handle.VimID == "" {
			t.Errorf("%+v", c)
		}
	}
	for _, l := range o.Changes.Links.All() {
		if l.Change != vnf.LinkPortAdded || len(l.PortIDs) != 1 || l.Handle != before.Info.Links[0].Handle {
			t.Errorf("%+v", l)
		}
	}
	var grant nfvo.GrantRequest
	s.must(json.Unmarshal(s.sent[0].Data, &grant))
	types := map[string]int{}
	for _, d := range grant.Add {
		types[d.Type+" "+d.TemplateID]++
	}
	if want := map[string]int{"COMPUTE app": 1, "STORAGE own": 1, "LINKPORT app_out": 1}; !maps.Equal(types, want) || len(grant.Remove)+len(grant.Update) > 0 {
		t.Errorf("the grant is asked to add %v, to remove %v", types, grant.Remove)
	}
	if p := grant.Placement; len(p) != 1 || p[0].Affinity || len(p[0].Resources) != 1 || len(p[0].Existing) != 1 || p[0].Existing[0].ID != before.Info.Vnfcs[0].Handle.VimID {
		t.Errorf("placement %+v", p)
	}
	if grant.DefaultConnection != "vim-1" || grant.FlavourID != "" || len(grant.SameVim) != 1 {
		t.Errorf("%+v", grant)
	}
	boots, groups := 0, 0
	for _, m := range s.sent {
		var c vim.Reserve
		if m.Type != vim.TypeReserveResource {
			continue
		}
		s.must(json.Unmarshal(m.Data, &c))
		if x := c.Spec.Compute; x != nil {
			boots++
			if x.UserData != "name=fw n=1 key=k" || len(x.ServerGroup) != 1 || len(x.Volumes) != 2 || len(x.Ports) != 2 {
				t.Errorf("%s: %+v", c.Spec.Name, x)
			}
		}
		if c.Kind == vim.ServerGroup {
			groups++
		}
		if c.Fence != 2 {
			t.Errorf("fence %d", c.Fence)
		}
	}
	if boots != 1 || groups != 1 { // two apps are bound by the rule that one was not
		t.Errorf("%d computes, %d server groups", boots, groups)
	}

	s.scale(id, "SCALE_OUT", "grow", 1)
	s.settle()
	s.sized(id, 4, 2, 2, 0)
	s.consistent(id)
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	s.sized(id, 6, 2, 2, 2)
	s.consistent(id)
	if n := s.kinds(); n[vim.ServerGroup] != 1 || n[vim.Network] != 1 || n[vim.Volume] != 6+1 {
		t.Errorf("%v", n)
	}
	names := map[string]bool{}
	for _, r := range s.held {
		if r.Kind == vim.Compute {
			names[r.Name] = true
		}
	}
	if !names["fw-app-5"] || len(names) != 8 {
		t.Errorf("%v", names)
	}
}

// TestScaleIn: the newest go first, or who is named, with what is their own; what others share stays.
func TestScaleIn(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	defer s.finish()
	for range 2 {
		s.scale(id, "SCALE_OUT", "apps", 1)
		s.settle()
	}
	s.sized(id, 3, 1, 0, 2)
	vnfcs := s.vnf(id).Info.Vnfcs // app 0, db 0, app 1, app 2
	op := s.scale(id, "SCALE_IN", "apps", 1)
	s.settle()
	s.sized(id, 2, 1, 0, 1)
	s.consistent(id)
	o := s.op(op)
	var gone []*vnf.AffectedVnfc
	for _, c := range o.Changes.Vnfcs.All() {
		gone = append(gone, c)
	}
	if o.State != vnf.Completed || len(gone) != 1 || gone[0].ID != vnfcs[3].ID || gone[0].Change != vnf.Removed ||
		!slices.Equal(gone[0].RemovedStorages, vnfcs[3].Storages[:1]) || o.Changes.Storages.Len() != 1 || o.Changes.ExtPorts.Len() != 1 {
		t.Errorf("%s %+v", o.State, gone)
	}
	s.sent = nil
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	s.sized(id, 4, 1, 0, 3)
	s.sent = nil
	named := s.scale(id, "SCALE_IN", "apps", 2, `{"vnfcInstanceId":["`+vnfcs[0].ID+`"]}`)
	s.settle()
	s.sized(id, 2, 1, 0, 1)
	s.consistent(id)
	var grant nfvo.GrantRequest
	s.must(json.Unmarshal(s.sent[0].Data, &grant))
	if len(grant.Add) > 0 || len(grant.Remove) != 6 || grant.Remove[0].Resource == nil || grant.Remove[0].Resource.Connection != "vim-1" {
		t.Errorf("the grant is asked to remove %+v", grant.Remove)
	}
	left := map[string]bool{}
	for _, c := range s.vnf(id).Info.Vnfcs {
		left[c.ID] = true
	}
	if left[vnfcs[0].ID] || !left[vnfcs[2].ID] {
		t.Errorf("%v are left", left)
	}
	if !s.op(named).Irreversible {
		t.Error("a scale in can be rolled back")
	}
	// What is free is used again: the lowest index, and the address that goes with it.
	s.scale(id, "SCALE_OUT", "apps", 1)
	s.settle()
	i := s.vnf(id).Info
	if c := i.Vnfcs[len(i.Vnfcs)-1]; c.Index != 0 || c.Cps[1].Addresses.IPs[0].Address != "192.168.7.10" {
		t.Errorf("%+v", c)
	}
	s.consistent(id)
}

// TestScaleRefused: what is wrong with a request is said with what is allowed, before anything is begun.
func TestScaleRefused(t *testing.T) {
	s, id := elastic(t, lcm.Settings{})
	v := s.vnf(id)
	ops := v.Operations
	for name, tt := range map[string]struct {
		r    lcm.Scale
		kind vnfm.Kind
		at   string
		says []string
	}{
		"type":            {lcm.Scale{Type: "UP", AspectID: "grow"}, vnfm.Invalid, "/type", []string{"SCALE_OUT", "SCALE_IN"}},
		"no aspect":       {lcm.Scale{Type: "SCALE_OUT"}, vnfm.Invalid, "/aspectId", nil},
		"negative steps":  {lcm.Scale{Type: "SCALE_OUT", AspectID: "grow", Steps: -1}, vnfm.Invalid, "/numberOfSteps", nil},
		"unknown aspect":  {lcm.Scale{Type: "SCALE_OUT", AspectID: "x"}, vnfm.Unprocessable, "/aspectId", []string{"grow, apps"}},
		"beyond aspect":   {lcm.Scale{Type: "SCALE_OUT", AspectID: "grow", Steps: 3}, vnfm.Unprocessable, "/numberOfSteps", []string{"0 to 2", "grow"}},
		"below aspect":    {lcm.Scale{Type: "SCALE_IN", AspectID: "grow"}, vnfm.Unprocessable, "/numberOfSteps", []string{"0 to 2", "grow"}},
		"very many steps": {lcm.Scale{Type: "SCALE_OUT", AspectID: "grow", Steps: 1 << 62}, vnfm.Unprocessable, "/numberOfSteps", nil},
		"named for out": {
			lcm.Scale{Type: "SCALE_OUT", AspectID: "grow", AdditionalParams: json.RawMessage(`{"vnfcInstanceId":["` + v.Info.Vnfcs[0].ID + `"]}`)},
			vnfm.Unprocessable, "/additionalParams/vnfcInstanceId/0", []string{"app"},
		},
		"no names": {
			lcm.Scale{Type: "SCALE_OUT", AspectID: "grow", AdditionalParams: json.RawMessage(`{"vnfcInstanceId":7}`)},
			vnfm.Unprocessable, "/additionalParams/vnfcInstanceId", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.svc.Scale(s.ctx(), id, tt.r, by)
			_, planned := s.svc.PlanScale(s.ctx(), id, tt.r)
			if vnfm.KindOf(err) != tt.kind || attribute(err) != tt.at || fmt.Sprint(err) != fmt.Sprint(planned) {
				t.Errorf("%v at %q, planned: %v", err, attribute(err), planned)
			}
			for _, says := range tt.says {
				if !strings.Contains(fmt.Sprint(err), says) {
					t.Errorf("%v does not say %s", err, says)
				}
			}
		})
	}
	t.Run("profile", func(t *testing.T) {
		s, id := elastic(t, lcm.Settings{})
		s.d.Flavours[0].Vdus[0].Max = 2
		_, err := s.svc.Scale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "apps", Steps: 2}, by)
		if attribute(err) != "/numberOfSteps" || !strings.Contains(err.Error(), "1 to 2") || !strings.Contains(err.Error(), "level 2 of 0 to 3") {
			t.Errorf("%v", err)
		}
	})
	t.Run("site", func(t *testing.T) {
		settings := lcm.Settings{}
		settings.Limits.Vnfcs = 3
		s, id := elastic(t, settings)
		if _, err := s.svc.Scale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "apps", Steps: 2}, by); !strings.Contains(fmt.Sprint(err), "max-vnfcs-per-vnf") {
			t.Errorf("%v", err)
		}
		s.scale(id, "SCALE_OUT", "apps", 1)
	})
	t.Run("state", func(t *testing.T) {
		none := s.create()
		if _, err := s.svc.Scale(s.ctx(), none, lcm.Scale{Type: "SCALE_OUT", AspectID: "grow"}, by); vnfm.KindOf(err) != vnfm.Conflict {
			t.Errorf("%v", err)
		}
		s.scale(id, "SCALE_OUT", "grow", 1)
		if _, err := s.svc.Scale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "grow"}, by); vnfm.KindOf(err) != vnfm.Conflict {
			t.Errorf("%v", err)
		}
		s.settle()
	})
	t.Run("no aspects", func(t *testing.T) {
		s := newSite(t, plantest.HA(), lcm.Settings{})
		id := s.up()
		if _, err := s.svc.Scale(s.ctx(), id, lcm.Scale{Type: "SCALE_OUT", AspectID: "grow"}, by); vnfm.KindOf(err) != vnfm.NotFound {
			t.Errorf("%v", err)
		}
		if _, err := s.svc.ScaleToLevel(s.ctx(), id, lcm.ScaleToLevel{Level: "x"}, by); vnfm.KindOf(err) != vnfm.NotFound {
			t.Errorf("%v", err)
		}
	})
	if got := s.vnf(id).Operations; got != ops+1 {
		t.Errorf("%d operations were begun", got-ops)
	}
}

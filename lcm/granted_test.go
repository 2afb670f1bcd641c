package lcm_test

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// A grant's links, ports and parameters are used where the request says nothing, and what it says of a resource beside
// its place reaches the driver. Seen failing with Plan.granted returning the plan as it was,
// and with the parameters kept from the VNF's configuration.
func TestEveryFieldOfTheGrantIsUsed(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{Configures: true})
	s.others = []string{"granted-net", "managed-net", "port-of-others"}
	s.grant = func(g *nfvo.Grant) {
		g.Local, g.Href, g.ExtNetworks = false, "http://nfvo/grants/grant-1", nil
		for i := range g.Infos {
			g.Infos[i].Reservation, g.Infos[i].Group = "reserved", "tenant"
		}
		g.ExtLinks = []nfvo.ExtLink{{
			ID: "link-a", Connection: "vim-1", NetworkID: "granted-net",
			Cps: []nfvo.ExtCpData{
				{CpdID: "VDU1_CP1", Config: map[string]nfvo.ExtCpConfig{"k": {MAC: "fa:16:3e:aa:bb:cc", FixedIPs: []string{"10.9.9.9"}, Subnet: "granted-subnet"}}},
				{CpdID: "VDU2_CP1", Config: map[string]nfvo.ExtCpConfig{"k": {LinkPortID: "their-port"}}},
			},
			Ports: []nfvo.ExtPort{{ID: "their-port", Handle: nfvo.ResourceHandle{Connection: "vim-1", ID: "port-of-others"}}},
		}}
		g.ExtManaged = []nfvo.ExtManaged{{ID: "managed-1", LinkID: "internalVL1", Connection: "vim-1", NetworkID: "managed-net"}}
		g.AdditionalParams = map[string]json.RawMessage{"granted": json.RawMessage(`"yes"`)}
	}
	id := s.create()
	op := s.instantiate(id)
	s.settle()
	defer s.finish()
	o, v := s.op(op), s.vnf(id)
	if o.State != vnf.Completed || o.GrantID != "grant-1" || o.GrantHref == "" {
		t.Fatalf("%s, grant %q at %q: %+v", o.State, o.GrantID, o.GrantHref, o.Error)
	}
	var ours *vim.PortSpec
	computes := map[string]bool{}
	var configured map[string]json.RawMessage
	for _, m := range s.sent {
		if m.Type == configuration.TypeConfigure {
			var c configuration.Configure
			s.must(json.Unmarshal(m.Data, &c))
			s.must(json.Unmarshal(c.Params, &configured))
		}
		if m.Type != vim.TypeReserveResource {
			continue
		}
		var c vim.Reserve
		s.must(json.Unmarshal(m.Data, &c))
		for _, r := range []vim.Reserve{c} {
			switch {
			case r.Spec.Port != nil && r.Spec.Port.Network == "granted-net":
				ours = r.Spec.Port
			case r.Spec.Network != nil && r.Spec.Name == "fw-internalVL1":
				t.Error("the managed network was made")
			case r.Spec.Compute != nil:
				if p := r.Spec.Placement; p == nil || p.Reservation != "reserved" || p.Group != "tenant" {
					t.Errorf("placement of %s: %+v", r.Spec.Name, p)
				}
				for _, port := range r.Spec.Compute.Ports {
					computes[port] = true
				}
			}
		}
	}
	if string(configured["granted"]) != `"yes"` {
		t.Errorf("the VNF is configured with %s", configured)
	}
	if ours == nil || ours.MAC != "fa:16:3e:aa:bb:cc" || len(ours.FixedIPs) != 1 || ours.FixedIPs[0] != (vim.FixedIP{Address: "10.9.9.9", Subnet: "granted-subnet"}) {
		t.Errorf("the granted port: %+v", ours)
	}
	if !computes["port-of-others"] {
		t.Errorf("the port of others is not attached: %v", computes)
	}
	if len(v.Info.ExtLinks) != 1 || v.Info.ExtLinks[0].ID != "link-a" || len(v.Info.ExtLinks[0].Ports) != 2 {
		t.Errorf("external links %+v", v.Info.ExtLinks)
	}
	if len(v.Info.ExtManaged) != 1 || v.Info.ExtManaged[0].Handle.VimID != "managed-net" {
		t.Errorf("managed links %+v", v.Info.ExtManaged)
	}
}

func TestTheGrantRequestIsComplete(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	s.instantiate(s.create())
	var g nfvo.GrantRequest
	s.must(json.Unmarshal(s.next()[0].Data, &g))
	ids := map[string]bool{}
	for _, d := range g.Add {
		ids[d.ID] = true
	}
	if len(g.SameVim) != 1 || len(g.SameVim[0].Resources) != len(ids) {
		t.Errorf("what refers to each other must be at one VIM: %+v of %d", g.SameVim, len(ids))
	}
	for _, p := range g.Placement {
		for _, r := range p.Resources {
			if !ids[r] {
				t.Errorf("rule over %s, which is not asked for", r)
			}
		}
	}
}

// Seen failing with the withdrawal left out of the turn: nobody tells the NFVO manager to stop asking.
func TestACancelledWaitForTheGrantIsWithdrawn(t *testing.T) {
	s := newSite(t, plantest.TwoVdus(), lcm.Settings{})
	op := s.instantiate(s.create())
	if _, err := s.svc.Cancel(s.ctx(), op, "FORCEFUL", by); err != nil {
		t.Fatal(err)
	}
	if o := s.op(op); o.State != vnf.RolledBack {
		t.Fatalf("%s", o.State)
	}
	all := s.next()
	if last := all[len(all)-1]; last.Type != nfvo.TypeWithdrawGrant || last.CorrelationID != op {
		t.Errorf("sent last: %+v", last)
	}
}

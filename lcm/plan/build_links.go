package plan

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// links plans a network and its subnets for each internal link that a connection point refers to, unless the request
// provides it.
func (p *planner) links() error {
	for i, m := range p.r.ExtManaged {
		at := fmt.Sprintf("/extManagedVirtualLinks/%d", i)
		if !slices.ContainsFunc(p.f.Links, func(l vnfd.VirtualLink) bool { return l.ID == m.LinkID }) {
			return vnfm.Errorf(vnfm.Unprocessable, "flavour %s has no virtual link %q", p.f.ID, m.LinkID).At(at + "/vnfVirtualLinkDescId")
		}
		if m.NetworkID == "" {
			return vnfm.Errorf(vnfm.Unprocessable, "the network to use is not named").At(at + "/resourceId")
		}
		if _, twice := p.managed[m.LinkID]; twice {
			return vnfm.Errorf(vnfm.Unprocessable, "the virtual link %q is provided twice", m.LinkID).At(at + "/vnfVirtualLinkDescId")
		}
		l := Link{ID: m.ID, Desc: m.LinkID, NetworkID: m.NetworkID, Connection: m.Connection, Provider: m.Provider}
		if l.ID == "" {
			l.ID = message.DeriveID(p.op, "ext-managed", m.LinkID)
		}
		p.managed[m.LinkID] = l
		p.plan.Links = append(p.plan.Links, l)
		p.network[m.LinkID] = m.NetworkID
	}
	for _, l := range p.f.Links {
		if _, ok := p.managed[l.ID]; ok || !p.used(l.ID) {
			continue
		}
		if l.ExternallyManaged == "required" {
			return vnfm.Errorf(vnfm.Unprocessable, "the virtual link %s must be provided", l.ID).At("/extManagedVirtualLinks")
		}
		p.link(l)
	}
	return nil
}

// used reports whether any connection point refers to a link, also one of a VDU that has no instance at this level:
// scaling out finds the link there.
func (p *planner) used(link string) bool {
	return slices.ContainsFunc(p.f.Cps, func(c vnfd.VduCp) bool { return c.Link == link }) ||
		slices.ContainsFunc(p.f.ExtCps, func(c vnfd.ExtCp) bool { return c.Link == link })
}

func (p *planner) link(l vnfd.VirtualLink) {
	n := Resource{
		ID: p.id(vim.Network, l.ID), Kind: vim.Network, Template: l.ID,
		Spec: vim.Spec{Name: p.name(l.ID), Network: &vim.NetworkSpec{Type: l.NetworkType, MTU: l.MTU}},
	}
	if l.BitRate != nil {
		rate := p.f.LinkRateAt(&l, p.plan.Level)
		n.Spec.Network.RootBitRate, n.Spec.Network.LeafBitRate = rate.Root, rate.Leaf
	}
	n.Definition = n.ID
	p.add(n)
	p.network[l.ID] = refPlan + n.ID
	for i, s := range l.Subnets {
		name := s.Name
		if name == "" {
			name = p.name(l.ID, "subnet", strconv.Itoa(i))
		}
		sub := Resource{
			ID: p.id(vim.Subnet, l.ID, strconv.Itoa(i)), Kind: vim.Subnet, Template: l.ID, Near: n.ID,
			Spec: vim.Spec{Name: name, Subnet: &vim.SubnetSpec{
				Network: refPlan + n.ID, IPVersion: s.IPVersion, CIDR: s.CIDR, Gateway: s.Gateway, DHCP: s.DHCP,
			}},
		}
		p.add(sub)
		p.subnets[l.ID] = append(p.subnets[l.ID], sub)
	}
}

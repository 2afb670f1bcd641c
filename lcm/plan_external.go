package lcm

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// coverage is one cpConfig entry of the request for an external connection point.
type coverage struct {
	key    string
	link   *ExtLink
	config vnf.ExtCpConfig
	at     string // JSON pointer
}

// static reports whether an entry can serve one connection point only.
func (c coverage) static() bool {
	return c.config.LinkPortID != "" || c.config.MAC != "" || len(c.config.FixedIPs) > 0
}

// grantConfig is the cpConfigId of external connection points that the grant connects.
const grantConfig = "default"

// coverage reads the extVirtualLinks of the request.
func (p *planner) coverage() error {
	ids := map[string]bool{}
	for i := range p.r.ExtLinks {
		l := &p.r.ExtLinks[i]
		at := fmt.Sprintf("/extVirtualLinks/%d", i)
		if l.ID == "" || ids[l.ID] {
			return vnfm.Errorf(vnfm.Unprocessable, "an external virtual link needs an id of its own").At(at + "/id")
		}
		ids[l.ID] = true
		for j, data := range l.Cps {
			cpAt := fmt.Sprintf("%s/extCps/%d", at, j)
			if !p.isExternal(data.CpdID) {
				return vnfm.Errorf(vnfm.Unprocessable, "flavour %s has no external connection point %q", p.f.ID, data.CpdID).At(cpAt + "/cpdId")
			}
			for _, key := range slices.Sorted(maps.Keys(data.Config)) {
				c := coverage{key: key, link: l, config: data.Config[key], at: cpAt + "/cpConfig/" + key}
				if c.config.LinkPortID == "" && l.NetworkID == "" {
					return vnfm.Errorf(vnfm.Unprocessable, "the network to connect to is not named").At(at + "/resourceId")
				}
				if id := c.config.LinkPortID; id != "" && !slices.ContainsFunc(l.Ports, func(x vnf.ExtPort) bool { return x.ID == id }) {
					return vnfm.Errorf(vnfm.Unprocessable, "extLinkPorts has no port %q", id).At(c.at + "/linkPortId")
				}
				p.cover[data.CpdID] = append(p.cover[data.CpdID], c)
			}
		}
		if len(l.Cps) > 0 {
			p.plan.ExtLinks = append(p.plan.ExtLinks, *l)
		}
	}
	for cpd := range p.cover {
		slices.SortStableFunc(p.cover[cpd], func(a, b coverage) int {
			switch {
			case a.key < b.key:
				return -1
			case a.key > b.key:
				return 1
			}
			return 0
		})
	}
	return nil
}

// checkAddresses refuses more addresses on one connection point than the site allows.
func (s *Service) checkAddresses(links []ExtLink) error {
	for i, l := range links {
		for j, data := range l.Cps {
			for _, key := range slices.Sorted(maps.Keys(data.Config)) {
				c := data.Config[key]
				if n := len(c.FixedIPs) + c.DynamicIPs; c.DynamicIPs < 0 || n > s.cfg.Settings.Addresses {
					at := fmt.Sprintf("/extVirtualLinks/%d/extCps/%d/cpConfig%s", i, j, vnfm.Step(key))
					return vnfm.Errorf(vnfm.Unprocessable, "a connection point has at most %d addresses here (operation-addresses), fixedAddresses and numDynamicAddresses together; %s of %s wants %d",
						s.cfg.Settings.Addresses, key, data.CpdID, n).At(at)
				}
			}
		}
	}
	return nil
}

// isExternal reports whether a CPD of the flavour can be connected from outside.
func (p *planner) isExternal(cpd string) bool {
	return slices.ContainsFunc(p.f.Cps, func(c vnfd.VduCp) bool { return c.ID == cpd && (c.External || c.Link == "") }) ||
		slices.ContainsFunc(p.f.ExtCps, func(c vnfd.ExtCp) bool { return c.ID == cpd })
}

// external reports whether a connection point of a VDU is external in this plan. One that has an internal link and is
// exposed as well is what the request makes of it.
func (p *planner) external(cp vnfd.VduCp) bool {
	return cp.Link == "" || cp.External && len(p.cover[cp.ID]) > 0
}

// entry returns the request's entry for the n-th instance of a CPD: the n-th in the order of their keys, else the first
// that can serve several. ok is false when the request has none at all.
func (p *planner) entry(cpd string, n int) (c coverage, ok bool, err error) {
	entries := p.cover[cpd]
	if len(entries) == 0 {
		return coverage{}, false, nil
	}
	if n < len(entries) {
		return entries[n], true, nil
	}
	for _, e := range entries {
		if !e.static() {
			return e, true, nil
		}
	}
	return coverage{}, true, vnfm.Errorf(vnfm.Unprocessable,
		"%s has more instances than entries, and each entry fixes an address or a port", cpd).At(entries[0].at)
}

// extPort plans an external connection point of a VNFC.
func (p *planner) extPort(c *Vnfc, cp vnfd.VduCp, port Planned, point Cp) (string, error) {
	e, covered, err := p.entry(cp.ID, c.Index)
	if err != nil {
		return "", err
	}
	ext := ExtCp{ID: message.DeriveID(port.ID, "ext-cp"), Cpd: cp.ID, ConfigID: grantConfig, Cp: point.ID, Dynamic: true}
	point.ExtCp = ext.ID
	ref := refPlan + port.ID
	switch {
	case !covered:
		port.Spec.Port.Network = refExtNet + cp.ID
		p.uncovered(cp.ID)
	case e.config.LinkPortID != "":
		i := slices.IndexFunc(e.link.Ports, func(x vnf.ExtPort) bool { return x.ID == e.config.LinkPortID })
		foreign := e.link.Ports[i]
		point.Foreign = &foreign
		ref = foreign.Handle.VimID
	default:
		port.Spec.Port.Network, port.Spec.Port.MAC = e.link.NetworkID, e.config.MAC
		for _, a := range e.config.FixedIPs {
			port.Spec.Port.FixedIPs = append(port.Spec.Port.FixedIPs, vim.FixedIP{Address: a, Subnet: e.config.Subnet})
		}
		for range e.config.DynamicIPs {
			if e.config.Subnet != "" {
				port.Spec.Port.FixedIPs = append(port.Spec.Port.FixedIPs, vim.FixedIP{Subnet: e.config.Subnet})
			}
		}
		ext.Dynamic = len(e.config.FixedIPs) == 0
	}
	if covered {
		ext.ConfigID, ext.ExtLink = e.key, e.link.ID
	}
	if point.Foreign == nil {
		port.Definition = port.ID // the grant hears of every link port we create
		p.add(port)
		point.Port, ext.Port = port.ID, port.ID
	} else {
		ext.Port = point.Foreign.ID
	}
	c.Cps = append(c.Cps, point)
	p.plan.ExtCps = append(p.plan.ExtCps, ext)
	return ref, nil
}

func (p *planner) uncovered(cpd string) {
	if !slices.Contains(p.plan.Uncovered, cpd) {
		p.plan.Uncovered = append(p.plan.Uncovered, cpd)
	}
}

// extCps plans the VnfExtCps that expose an internal link or a connection point: they are no ports.
func (p *planner) extCps() error {
	for _, cp := range p.f.ExtCps {
		if cp.Cp != "" {
			if err := p.exposed(cp); err != nil {
				return err
			}
			continue
		}
		if _, ok := p.network[cp.Link]; !ok {
			return vnfm.Errorf(vnfm.Unprocessable, "%s names the virtual link %q, which the flavour does not have", cp.ID, cp.Link).At("/flavourId")
		}
		if err := p.extCp(cp, 0, ExtCp{ID: message.DeriveID(p.op, "ext-cp", cp.ID), Link: cp.Link}); err != nil {
			return err
		}
	}
	return nil
}

// exposed plans one external CP for each instance of the connection point it exposes.
func (p *planner) exposed(cp vnfd.ExtCp) error {
	n := 0
	for i := range p.plan.Vnfcs {
		for _, point := range p.plan.Vnfcs[i].Cps {
			if point.Cpd != cp.Cp {
				continue
			}
			if err := p.extCp(cp, n, ExtCp{ID: message.DeriveID(point.ID, "ext-cp", cp.ID), Cp: point.ID}); err != nil {
				return err
			}
			n++
		}
	}
	return nil
}

func (p *planner) extCp(cp vnfd.ExtCp, n int, ext ExtCp) error {
	e, covered, err := p.entry(cp.ID, n)
	if err != nil {
		return err
	}
	ext.Cpd, ext.ConfigID, ext.Dynamic = cp.ID, grantConfig, true
	if covered {
		ext.ConfigID, ext.ExtLink = e.key, e.link.ID
	} else {
		p.uncovered(cp.ID)
	}
	p.plan.ExtCps = append(p.plan.ExtCps, ext)
	return nil
}

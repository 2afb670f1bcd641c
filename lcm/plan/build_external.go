package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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

// grantConfig is the cpConfigId of external connection points that the grant connects, or that a request connects without any
// configuration.
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
		link := *l
		link.Cps = slices.Clone(l.Cps)
		for j, data := range l.Cps {
			cpAt := fmt.Sprintf("%s/extCps/%d", at, j)
			if !p.isExternal(data.CpdID) {
				return vnfm.Errorf(vnfm.Unprocessable, "flavour %s has no external connection point %q", p.f.ID, data.CpdID).At(cpAt + "/cpdId")
			}
			if len(data.Config) == 0 { // all connection points of the CPD, as the VIM likes
				data.Config = map[string]vnf.ExtCpConfig{grantConfig: {}}
				link.Cps[j] = data
			}
			for _, key := range slices.Sorted(maps.Keys(data.Config)) {
				c := coverage{key: key, link: l, config: data.Config[key], at: cpAt + "/cpConfig" + vnfm.Step(key)}
				if err := p.covered(data.CpdID, c, at); err != nil {
					return err
				}
			}
		}
		if len(l.Cps) > 0 {
			p.plan.ExtLinks = append(p.plan.ExtLinks, link)
		} else {
			p.warnf("the external virtual link %s connects nothing: it has no extCps", l.ID)
		}
		for _, port := range l.Ports {
			if !l.connects(port.ID) {
				p.warnf("the link port %s of the external virtual link %s is not used: no linkPortId names it", port.ID, l.ID)
			}
		}
	}
	for cpd := range p.cover {
		slices.SortStableFunc(p.cover[cpd], func(a, b coverage) int { return strings.Compare(a.key, b.key) })
	}
	return p.trunks()
}

// covered takes one entry for a CPD, of the link at a pointer.
func (p *planner) covered(cpd string, c coverage, link string) error {
	if c.config.LinkPortID == "" && c.link.NetworkID == "" {
		return vnfm.Errorf(vnfm.Unprocessable, "the network to connect to is not named").At(link + "/resourceId")
	}
	if id := c.config.LinkPortID; id != "" && !slices.ContainsFunc(c.link.Ports, func(x vnf.ExtPort) bool { return x.ID == id }) {
		return vnfm.Errorf(vnfm.Unprocessable, "extLinkPorts has no port %q", id).At(c.at + "/linkPortId")
	}
	if slices.ContainsFunc(p.cover[cpd], func(x coverage) bool { return x.key == c.key }) {
		return vnfm.Errorf(vnfm.Unprocessable, "the configuration %q of %s is there more than once", c.key, cpd).At(c.at)
	}
	p.cover[cpd] = append(p.cover[cpd], c)
	return nil
}

// trunks checks that each subport names the configuration of a port that can be the parent of its trunk.
func (p *planner) trunks() error {
	for _, cpd := range slices.Sorted(maps.Keys(p.cover)) {
		cp := p.vduCp(cpd)
		for _, c := range p.cover[cpd] {
			if c.config.Parent == "" {
				continue
			}
			if cp == nil {
				return vnfm.Errorf(vnfm.Unprocessable, "%s exposes a virtual link or a connection point: it is no subport of a trunk", cpd).At(c.at + "/parentCpConfigId")
			}
			parent := p.parentOf(cp, c)
			if parent == nil {
				return vnfm.Errorf(vnfm.Unprocessable, "no external connection point of the VDU %s has a configuration %q that can be the parent of a trunk",
					cp.Vdu, c.config.Parent).At(c.at + "/parentCpConfigId")
			}
			if !parent.Trunk {
				p.warnf("%s is the parent of a trunk, which the VNFD does not say of it (trunk_mode)", parent.ID)
			}
		}
	}
	return nil
}

// parentOf returns the connection point that has the configuration which a subport names: of the same CPD, or another one of
// the VDU; nil when none has it.
func (p *planner) parentOf(cp *vnfd.VduCp, c coverage) *vnfd.VduCp {
	has := func(cpd string) bool {
		return slices.ContainsFunc(p.cover[cpd], func(x coverage) bool { return x.key == c.config.Parent && x.config.Parent == "" })
	}
	if has(cp.ID) {
		return cp
	}
	for i := range p.f.Cps {
		if other := &p.f.Cps[i]; other.Vdu == cp.Vdu && has(other.ID) {
			return other
		}
	}
	return nil
}

// vduCp returns a connection point of a VDU by its id, nil when there is none.
func (p *planner) vduCp(cpd string) *vnfd.VduCp {
	if i := slices.IndexFunc(p.f.Cps, func(c vnfd.VduCp) bool { return c.ID == cpd }); i >= 0 {
		return &p.f.Cps[i]
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

// entryOf returns the entry of one connection point: the one that it has, where it is there still, else the next.
func (p *planner) entryOf(cpd string, index int) (c coverage, ok bool, err error) {
	if key, has := p.keeps[keepKey(cpd, index)]; has {
		for _, e := range p.cover[cpd] {
			if e.key == key {
				return e, true, nil
			}
		}
	}
	return p.entry(cpd)
}

// entry returns the entry for the next instance of a CPD: the first in the order of their keys that serves none yet, else the
// first that can serve several. Subports of the CPD's own ports are no instances. ok is false when there is none at all.
func (p *planner) entry(cpd string) (c coverage, ok bool, err error) {
	entries := slices.DeleteFunc(slices.Clone(p.cover[cpd]), func(e coverage) bool {
		return slices.ContainsFunc(p.cover[cpd], func(x coverage) bool { return e.config.Parent != "" && x.key == e.config.Parent })
	})
	if len(entries) == 0 {
		return coverage{}, false, nil
	}
	for _, e := range entries {
		if !p.taken[entryKey(cpd, e.key)] && !p.heldByOther(e) {
			p.taken[entryKey(cpd, e.key)] = true
			return e, true, nil
		}
	}
	for _, e := range entries {
		if !e.config.Static() {
			return e, true, nil
		}
	}
	if p.grows {
		c, ok = p.further(cpd, entries)
		return c, ok, nil
	}
	return coverage{}, true, vnfm.Errorf(vnfm.Unprocessable,
		"%s has more instances than entries, and each entry fixes an address or a port", cpd).At(entries[0].at)
}

// nics are the interfaces of a VNFC while they are planned: what its compute refers to.
type nics struct {
	ports []string
	byKey map[string]Cp // external ones, by the key of their configuration
	refs  map[string]string
	subs  []subport
}

// subport is a port that waits for the parent of its trunk to be planned.
type subport struct {
	entry coverage
	ref   string
	point int // of the VNFC
}

// extPorts plans an external connection point of a VNFC, with the subports of its own CPD.
func (p *planner) extPorts(c *Vnfc, cp vnfd.VduCp, port Resource, point Cp, n *nics) error {
	if p.keeps[keepKey(cp.ID, c.Index)] == disconnected {
		c.Cps = append(c.Cps, point)
		return nil
	}
	e, covered, err := p.entryOf(cp.ID, c.Index)
	if err != nil {
		return err
	}
	var entry *coverage
	if covered {
		entry = &e
	}
	ref := p.extPort(c, cp, port, point, entry)
	if !covered || e.config.Parent == "" {
		n.ports = append(n.ports, ref)
		if covered {
			n.byKey[e.key], n.refs[e.key] = c.Cps[len(c.Cps)-1], ref
		}
	} else {
		n.subs = append(n.subs, subport{entry: e, ref: ref, point: len(c.Cps) - 1})
	}
	if !covered {
		return nil
	}
	for _, sub := range p.cover[cp.ID] {
		if sub.config.Parent != e.key || sub.key == e.key {
			continue
		}
		if sub.config.Static() && p.planned[sub.at] {
			return vnfm.Errorf(vnfm.Unprocessable, "%s serves one connection point only, and its trunk has several", sub.key).At(sub.at)
		}
		p.planned[sub.at] = true
		under := Resource{
			ID: p.id(vim.Port, cp.ID, strconv.Itoa(c.Index), sub.key), Kind: vim.Port, Template: cp.ID, Near: c.ID,
			Spec: vim.Spec{Name: port.Spec.Name + "-" + sub.key, Port: portOf(&cp)},
		}
		ref := p.extPort(c, cp, under, Cp{ID: message.DeriveID(under.ID, "cp"), Cpd: cp.ID}, &sub)
		n.subs = append(n.subs, subport{entry: sub, ref: ref, point: len(c.Cps) - 1})
	}
	return nil
}

// trunk puts the subports of a VNFC under their parents.
func (p *planner) trunk(c *Vnfc, spec *vim.ComputeSpec, n *nics) error {
	spec.Ports = n.ports
	for _, s := range n.subs {
		config := s.entry.config
		parent, ok := n.byKey[config.Parent]
		if !ok {
			return vnfm.Errorf(vnfm.Unprocessable, "the configuration %q is not that of a connection point of the same VNFC", config.Parent).
				At(s.entry.at + "/parentCpConfigId")
		}
		c.Cps[s.point].Parent = parent.ID
		if parent.Foreign != nil && c.Cps[s.point].Foreign != nil {
			continue // whoever made both has put one under the other
		}
		spec.SubPorts = append(spec.SubPorts, vim.SubPort{
			Port: s.ref, Parent: n.refs[config.Parent], SegmentationType: config.SegmentationType, SegmentationID: config.SegmentationID,
		})
	}
	return nil
}

// extPort plans a port of an external connection point of a VNFC as an entry of the request says, or, when that is nil, as the
// grant will say. It returns what the compute refers to.
func (p *planner) extPort(c *Vnfc, cp vnfd.VduCp, port Resource, point Cp, e *coverage) string {
	ext := ExtCp{ID: message.DeriveID(port.ID, "ext-cp"), Cpd: cp.ID, ConfigID: grantConfig, Cp: point.ID, Dynamic: true}
	point.ExtCp = ext.ID
	ref := refPlan + port.ID
	switch {
	case e == nil:
		port.Spec.Port.Network = refExtNet + cp.ID
		p.uncovered(cp.ID)
	case e.config.LinkPortID != "":
		i := slices.IndexFunc(e.link.Ports, func(x vnf.ExtPort) bool { return x.ID == e.config.LinkPortID })
		foreign := e.link.Ports[i]
		point.Foreign = &foreign
		ref = foreign.Handle.VimID
	default:
		s := port.Spec.Port
		s.Network, s.MAC, s.NoIPs = e.link.NetworkID, e.config.MAC, e.config.NoIPs
		s.FixedIPs = wantedIPs(e.config.Addresses())
		ext.Dynamic = !slices.ContainsFunc(s.FixedIPs, func(ip vim.FixedIP) bool { return ip.Address != "" })
	}
	if e != nil {
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
	return ref
}

// wantedIPs is what a port's specification asks for: each fixed address, and one entry for each that the VIM chooses. Where only
// older programs' words are there and they name no subnet, the VIM chooses everything.
func wantedIPs(all []vnf.ExtCpIPs) []vim.FixedIP {
	var out []vim.FixedIP
	for _, ips := range all {
		for _, a := range ips.Fixed {
			out = append(out, vim.FixedIP{Address: a, Subnet: ips.Subnet})
		}
		version := map[string]int{"IPV4": 4, "IPV6": 6}[ips.Type]
		for range ips.Dynamic {
			if ips.Subnet != "" || version != 0 {
				out = append(out, vim.FixedIP{Subnet: ips.Subnet, IPVersion: version})
			}
		}
	}
	return out
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
		if err := p.extCp(cp, ExtCp{ID: message.DeriveID(p.op, "ext-cp", cp.ID), Link: cp.Link}); err != nil {
			return err
		}
	}
	return nil
}

// exposed plans one external CP for each instance of the connection point it exposes.
func (p *planner) exposed(cp vnfd.ExtCp) error {
	for i := range p.plan.Vnfcs {
		for _, point := range p.plan.Vnfcs[i].Cps {
			if point.Cpd != cp.Cp {
				continue
			}
			if err := p.extCp(cp, ExtCp{ID: message.DeriveID(point.ID, "ext-cp", cp.ID), Cp: point.ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *planner) extCp(cp vnfd.ExtCp, ext ExtCp) error {
	e, covered, err := p.entry(cp.ID)
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

// keepKey names a connection point of a VNFC, disconnected the entry of one that is connected to nothing.
func keepKey(cpd string, index int) string { return cpd + " " + strconv.Itoa(index) }

const disconnected = "\x00"

package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Granted returns what is wanted with what a grant decides: external links and internal links that others manage where the
// request did not connect (SOL003 v3.7.1 §9.5.2.3), parameters, a server group at each VIM that has computes of it, and images and flavours that are to be made. The
// request's own words stand. What it is made from is not changed; equal arguments give an equal result.
func (p *Wanted) Granted(g *nfvo.Grant) *Wanted {
	c := *p
	c.Resources, c.Vnfcs = slices.Clone(p.Resources), slices.Clone(p.Vnfcs)
	for i := range c.Vnfcs {
		c.Vnfcs[i].Cps = slices.Clone(c.Vnfcs[i].Cps)
	}
	c.ExtCps, c.ExtLinks, c.Links = slices.Clone(p.ExtCps), slices.Clone(p.ExtLinks), slices.Clone(p.Links)
	c.Index()
	c.grantManaged(g)
	c.grantExternal(g)
	c.Index() // without what others provide
	c.grantParams(g)
	c.grantGroups(g)
	c.Index()
	c.grantNamespace(g)
	c.grantAssets(g)
	return &c
}

// grantNamespace leaves the namespace away that was planned for the objects where the grant names another.
func (p *Wanted) grantNamespace(g *nfvo.Grant) {
	own := slices.IndexFunc(p.Resources, func(r Resource) bool { return r.Kind == vim.Unit && r.Template == ownNamespace && r.At == nil })
	if own < 0 {
		return
	}
	r := &p.Resources[own]
	if r.Definition == "" {
		r = p.resource(r.Near)
	}
	if r == nil {
		return
	}
	if i := g.Info(r.Definition); i != nil && i.Group != "" {
		p.Resources = slices.Delete(p.Resources, own, own+1)
		p.Index()
	}
}

// grantGroups puts a server group at each VIM that is to have at least two of the computes of its rule, in place of the one
// that was planned before anybody knew the VIMs.
func (p *Wanted) grantGroups(g *nfvo.Grant) {
	var out []Resource
	at := map[string]map[string]string{} // by planned group, by connection: the group's id
	for _, r := range p.Resources {
		if r.Kind != vim.ServerGroup || r.At != nil {
			out = append(out, r)
			continue
		}
		groups := p.groups(g, &r)
		at[r.ID] = map[string]string{}
		for _, x := range groups {
			at[r.ID][x.connection] = x.id
			one := r
			one.ID, one.Near = x.id, x.near
			out = append(out, one)
		}
	}
	p.Resources = out
	p.Index()
	for i := range p.Resources {
		r := &p.Resources[i]
		if r.Kind != vim.Compute || len(r.Spec.Compute.ServerGroup) == 0 || r.At != nil {
			continue
		}
		connection, _ := p.place(g, r)
		c := *r.Spec.Compute
		c.ServerGroup = nil
		for _, ref := range r.Spec.Compute.ServerGroup {
			here, planned := at[strings.TrimPrefix(ref, refPlan)]
			switch id := here[connection]; {
			case !planned && p.standsAt(ref, connection): // there may be one at another VIM, too
				c.ServerGroup = append(c.ServerGroup, ref)
			case !planned:
			case id != "":
				c.ServerGroup = append(c.ServerGroup, refPlan+id)
			}
		}
		r.Spec.Compute = &c
	}
}

// standsAt reports whether a resource that is referred to stands at a VIM connection.
func (p *Wanted) standsAt(ref, connection string) bool {
	r := p.resource(strings.TrimPrefix(ref, refPlan))
	return r != nil && r.At != nil && r.At.Connection == connection
}

// group is a server group at one VIM.
type group struct {
	id, connection, near string
}

// groups returns where a server group is needed: a rule whose computes are spread over several VIMs has one at each that has
// at least two of them.
func (p *Wanted) groups(g *nfvo.Grant, r *Resource) []group {
	count, first := map[string]int{}, map[string]string{}
	var order []string
	for _, rule := range p.Rules {
		if rule.Group != r.ID {
			continue
		}
		for _, h := range rule.Existing {
			count[h.Connection]++
		}
	}
	for _, m := range r.Members {
		c, _ := p.place(g, p.resource(m))
		if first[c] == "" {
			order = append(order, c)
			first[c] = m
		}
		count[c]++
	}
	var out []group
	for _, c := range order {
		if count[c] < 2 {
			continue
		}
		id := r.ID
		if len(out) > 0 {
			id = message.DeriveID(r.ID, c)
		}
		out = append(out, group{id: id, connection: c, near: first[c]})
	}
	return out
}

// grantManaged puts the networks of the grant where ours would be.
func (p *Wanted) grantManaged(g *nfvo.Grant) {
	for _, m := range g.ExtManaged {
		i := slices.IndexFunc(p.Resources, func(r Resource) bool { return r.Kind == vim.Network && r.Template == m.LinkID && r.At == nil })
		if i < 0 {
			continue // it is provided, or stands, or nothing refers to it
		}
		network := p.Resources[i]
		id := m.ID
		if id == "" {
			id = network.ID
		}
		p.Links = append(p.Links, Link{ID: id, Desc: m.LinkID, NetworkID: m.NetworkID, Connection: m.Connection})
		subnets := map[string]bool{}
		p.Resources = slices.DeleteFunc(p.Resources, func(r Resource) bool {
			if r.Kind == vim.Subnet && r.Near == network.ID {
				subnets[refPlan+r.ID] = true
			}
			return r.ID == network.ID || r.Kind == vim.Subnet && r.Near == network.ID
		})
		p.port(func(r *Resource, s *vim.PortSpec) {
			if s.Network != refPlan+network.ID {
				return
			}
			s.Network = m.NetworkID
			for j := range s.FixedIPs {
				if subnets[s.FixedIPs[j].Subnet] {
					s.FixedIPs[j].Subnet = "" // the VIM finds the subnet of the address
				}
			}
		})
	}
}

// port lets f change the specification of every port, a copy of it.
func (p *Wanted) port(f func(*Resource, *vim.PortSpec)) {
	for i := range p.Resources {
		r := &p.Resources[i]
		if r.Kind != vim.Port {
			continue
		}
		s := *r.Spec.Port
		s.FixedIPs = slices.Clone(s.FixedIPs)
		f(r, &s)
		r.Spec.Port = &s
	}
}

// granting is one cpConfig entry of the grant.
type granting struct {
	key    string
	link   *nfvo.ExtLink
	config nfvo.ExtCpConfig
}

// static reports whether an entry can serve one connection point only.
func (c granting) static() bool { return configOf(c.config).Static() }

// entries returns the grant's entries for a CPD, in the order of their keys. One without any configuration lets the VIM
// choose.
func entries(g *nfvo.Grant, cpd string) []granting {
	var out []granting
	for i := range g.ExtLinks {
		l := &g.ExtLinks[i]
		for _, cp := range l.Cps {
			if cp.CpdID != cpd {
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(cp.Config)) {
				out = append(out, granting{key, l, cp.Config[key]})
			}
			if len(cp.Config) == 0 {
				out = append(out, granting{grantConfig, l, nfvo.ExtCpConfig{}})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b granting) int { return strings.Compare(a.key, b.key) })
	return out
}

// grantExternal connects the external connection points that the request left open: the n-th one of a CPD by the n-th
// entry of the grant, further ones by the first that can serve several. What no entry serves stays open, and is refused.
func (p *Wanted) grantExternal(g *nfvo.Grant) {
	used := map[string]int{}
	links := map[string]bool{}
	for i := range p.ExtCps {
		x := &p.ExtCps[i]
		if x.ExtLink != "" {
			continue // the request's
		}
		all := entries(g, x.Cpd)
		n := used[x.Cpd]
		used[x.Cpd]++
		if n >= len(all) {
			n = slices.IndexFunc(all, func(e granting) bool { return !e.static() })
			if n < 0 {
				continue
			}
		}
		e := all[n]
		x.ExtLink, x.ConfigID = e.link.ID, e.key
		x.Dynamic = !slices.ContainsFunc(configOf(e.config).Addresses(), func(ips vnf.ExtCpIPs) bool { return len(ips.Fixed) > 0 })
		if !links[e.link.ID] {
			links[e.link.ID] = true
			p.connectTo(extLinkOf(e.link))
		}
		if x.Port != "" {
			p.connect(x, e)
		}
	}
}

// connectTo adds an external link, or to the one with its id what it has more.
func (p *Wanted) connectTo(l ExtLink) {
	i := slices.IndexFunc(p.ExtLinks, func(x ExtLink) bool { return x.ID == l.ID })
	if i < 0 {
		p.ExtLinks = append(p.ExtLinks, l)
		return
	}
	there := &p.ExtLinks[i]
	there.Cps = vnf.MergedCps(there.Cps, l.Cps)
	there.Ports = slices.Concat(there.Ports, l.Ports)
}

// connect gives a planned port its network and addresses, or puts a port that someone else made in its place.
func (p *Wanted) connect(x *ExtCp, e granting) {
	if id := e.config.LinkPortID; id != "" {
		at := slices.IndexFunc(e.link.Ports, func(x nfvo.ExtPort) bool { return x.ID == id })
		if at >= 0 {
			p.replace(x, extPortOf(e.link.Ports[at]))
		}
		return
	}
	p.port(func(r *Resource, s *vim.PortSpec) {
		if r.ID != x.Port {
			return
		}
		s.Network, s.MAC, s.NoIPs = e.link.NetworkID, e.config.MAC, e.config.NoIPs
		s.FixedIPs = wantedIPs(configOf(e.config).Addresses())
	})
}

// replace takes a port of someone else instead of a planned one.
func (p *Wanted) replace(x *ExtCp, foreign vnf.ExtPort) {
	old := x.Port
	x.Port = foreign.ID
	p.Resources = slices.DeleteFunc(p.Resources, func(r Resource) bool { return r.ID == old })
	for i := range p.Resources {
		c := p.Resources[i].Spec.Compute
		if c == nil || !slices.Contains(c.Ports, refPlan+old) {
			continue
		}
		s := *c
		s.Ports = slices.Clone(c.Ports)
		s.Ports[slices.Index(s.Ports, refPlan+old)] = foreign.Handle.VimID
		p.Resources[i].Spec.Compute = &s
	}
	for i := range p.Vnfcs {
		for j := range p.Vnfcs[i].Cps {
			if cp := &p.Vnfcs[i].Cps[j]; cp.Port == old {
				cp.Port, cp.Foreign = "", &foreign
			}
		}
	}
}

func configOf(c nfvo.ExtCpConfig) vnf.ExtCpConfig {
	out := vnf.ExtCpConfig{LinkPortID: c.LinkPortID, MAC: c.MAC, NoIPs: c.NoIPs, FixedIPs: c.FixedIPs, Subnet: c.Subnet, DynamicIPs: c.DynamicIPs}
	for _, ips := range c.IPs {
		out.IPs = append(out.IPs, vnf.ExtCpIPs(ips))
	}
	return out
}

func extLinkOf(l *nfvo.ExtLink) ExtLink {
	out := ExtLink{ID: l.ID, Connection: l.Connection, NetworkID: l.NetworkID}
	for _, cp := range l.Cps {
		data := vnf.ExtCpData{CpdID: cp.CpdID, Config: map[string]vnf.ExtCpConfig{}}
		for key, c := range cp.Config {
			data.Config[key] = configOf(c)
		}
		if len(data.Config) == 0 {
			data.Config[grantConfig] = vnf.ExtCpConfig{}
		}
		out.Cps = append(out.Cps, data)
	}
	for _, port := range l.Ports {
		out.Ports = append(out.Ports, extPortOf(port))
	}
	return out
}

func extPortOf(p nfvo.ExtPort) vnf.ExtPort {
	return vnf.ExtPort{ID: p.ID, Handle: vnf.Handle{Connection: p.Handle.Connection, VimID: p.Handle.ID, VimType: p.Handle.Type}}
}

// grantParams lays the grant's parameters over those of the request, for the boot data and the configuration of what is made.
func (p *Wanted) grantParams(g *nfvo.Grant) {
	if len(g.AdditionalParams) == 0 {
		return
	}
	p.Vars = maps.Clone(p.Vars)
	for name := range p.Vars {
		if v, ok := g.AdditionalParams[name]; ok && !p.FixedVars {
			p.Vars[name] = vnfd.Text(v)
		}
	}
	for i := range p.Resources {
		c := p.Resources[i].Spec.Configuration
		if c == nil || p.Resources[i].At != nil {
			continue
		}
		var all map[string]json.RawMessage
		if json.Unmarshal(c.Params, &all) != nil || all == nil {
			all = map[string]json.RawMessage{}
		}
		maps.Copy(all, g.AdditionalParams)
		s := *c
		s.Params = vim.Encode(all)
		p.Resources[i].Spec.Configuration = &s
	}
}

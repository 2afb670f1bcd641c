package lcm

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// handle names a resource at its VIM; the zero value when it was not made.
func (r *resolver) handle(id string) vnf.Handle {
	res, ok := r.made[id]
	if !ok {
		return vnf.Handle{}
	}
	connection, _ := r.place(r.plan.resource(id))
	return vnf.Handle{Connection: connection, VimID: res.ID, VimType: res.Type}
}

// zone is the VIM's zone of a resource: as the VIM reports it, else as it was granted.
func (r *resolver) zone(id string) string {
	if z := r.made[id].Zone; z != "" {
		return z
	}
	_, z := r.place(r.plan.resource(id))
	return z
}

// protocol is what a port's addresses are; those in fixed were asked for.
func (r *resolver) protocol(port string) vnf.Protocol {
	res, ok := r.made[port]
	if !ok {
		return vnf.Protocol{}
	}
	p := vnf.Protocol{MAC: res.MAC}
	var fixed []string
	if planned := r.plan.resource(port); planned != nil {
		for _, f := range planned.Spec.Port.FixedIPs {
			fixed = append(fixed, f.Address)
		}
	}
	for _, a := range res.Addresses {
		p.IPs = append(p.IPs, vnf.IP{
			Type: ipType(a.Address), Address: a.Address, Subnet: a.Subnet, Dynamic: !slices.Contains(fixed, a.Address),
		})
	}
	return p
}

func ipType(address string) string {
	if strings.Contains(address, ":") {
		return "IPV6"
	}
	return "IPV4"
}

// info is what the VNF consists of once all resources stand.
func (r *resolver) info() *vnf.InstantiatedInfo {
	p := r.plan
	i := &vnf.InstantiatedInfo{
		FlavourID: p.FlavourID, Level: p.Level, VnfState: "STARTED", ScaleStatus: p.ScaleStatus, MaxScaleLevels: p.MaxScaleLevels,
		Localization: p.Localization, Monitoring: p.Monitoring, Vnfcs: []vnf.Vnfc{},
	}
	ports := map[string][]vnf.LinkPort{} // by VL
	for _, c := range p.Vnfcs {
		x := vnf.Vnfc{
			ID: c.ID, VduID: c.Vdu, Index: c.Index, Handle: r.handle(c.ID), Zone: r.zone(c.ID), Storages: c.Storages,
		}
		for _, cp := range c.Cps {
			point := vnf.VnfcCp{ID: cp.ID, CpdID: cp.Cpd, ExtCpID: cp.ExtCp, ParentID: cp.Parent, Addresses: r.protocol(cp.Port)}
			if cp.ExtCp == "" {
				point.LinkPortID = cp.Port
				ports[cp.Link] = append(ports[cp.Link], vnf.LinkPort{
					ID: cp.Port, Handle: r.handle(cp.Port), CpID: cp.ID, CpType: "VNFC_CP",
				})
			}
			x.Cps = append(x.Cps, point)
		}
		i.Vnfcs = append(i.Vnfcs, x)
	}
	for _, res := range p.Resources {
		switch res.Kind {
		case vim.Network:
			i.Links = append(i.Links, vnf.VirtualLink{
				ID: res.ID, LinkID: res.Template, Handle: r.handle(res.ID), Zone: r.zone(res.ID), Ports: ports[res.Template],
			})
		case vim.Volume:
			i.Storages = append(i.Storages, vnf.Storage{
				ID: res.ID, StorageID: res.Template, Handle: r.handle(res.ID), Zone: r.zone(res.ID),
			})
		default:
		}
	}
	for _, l := range p.Links {
		i.ExtManaged = append(i.ExtManaged, vnf.ExtManagedLink{
			ID: l.ID, LinkID: l.Desc, Ports: ports[l.Desc],
			Handle: vnf.Handle{Connection: cmp.Or(l.Connection, r.usedAt(l.Desc)), Provider: l.Provider, VimID: l.NetworkID},
		})
	}
	r.external(i)
	return i
}

// external adds the external connection points and the links they are connected to.
func (r *resolver) external(i *vnf.InstantiatedInfo) {
	p := r.plan
	for _, l := range p.ExtLinks {
		at := l.Connection
		for _, e := range p.ExtCps {
			if at == "" && e.ExtLink == l.ID {
				at = r.connectedAt(e)
			}
		}
		i.ExtLinks = append(i.ExtLinks, vnf.ExtVirtualLink{
			ID: l.ID, Handle: vnf.Handle{Connection: at, Provider: l.Provider, VimID: l.NetworkID}, Cps: l.Cps,
		})
	}
	for _, e := range p.ExtCps {
		x := vnf.ExtCp{ID: e.ID, CpdID: e.Cpd, ConfigID: e.ConfigID, LinkPortID: e.Port, VnfcCpID: e.Cp}
		if e.Link != "" {
			x.LinkID = p.linkID(e.Link)
		}
		link := r.extLink(i, e)
		switch {
		case r.plan.resource(e.Port) != nil:
			x.Addresses = r.protocol(e.Port)
			if link != nil {
				link.Ports = append(link.Ports, vnf.ExtPort{ID: e.Port, Handle: r.handle(e.Port), CpID: e.ID})
			}
		case e.Port != "": // made by someone else
			if f := p.foreign(e.Port); f != nil && link != nil {
				port := vnf.ExtPort{ID: f.ID, Handle: f.Handle, CpID: e.ID, Trunk: f.Trunk}
				port.Handle.Connection = cmp.Or(port.Handle.Connection, r.connectedAt(e))
				link.Ports = append(link.Ports, port)
			}
			x.Addresses = p.configured(e)
		default:
			x.Addresses = p.configured(e)
		}
		i.ExtCps = append(i.ExtCps, x)
	}
}

// connectedAt is the VIM connection at which an external connection point is: where its port is, else the compute or the internal
// link that it exposes.
func (r *resolver) connectedAt(e ExtCp) string {
	if at, _ := r.place(r.plan.resource(e.Port)); at != "" {
		return at
	}
	for _, c := range r.plan.Vnfcs {
		if slices.ContainsFunc(c.Cps, func(cp Cp) bool { return cp.ID == e.Cp }) {
			at, _ := r.place(r.plan.resource(c.ID))
			return at
		}
	}
	return r.usedAt(e.Link)
}

// usedAt is the VIM connection of an internal link, by its id in the VNFD: where its network is, or, when that is provided from
// outside, the ports on it.
func (r *resolver) usedAt(desc string) string {
	if at, _ := r.place(r.plan.resource(r.plan.linkID(desc))); at != "" {
		return at
	}
	for _, c := range r.plan.Vnfcs {
		if slices.ContainsFunc(c.Cps, func(cp Cp) bool { return cp.Link == desc }) {
			at, _ := r.place(r.plan.resource(c.ID))
			return at
		}
	}
	return ""
}

// extLink returns the external link a CP is connected to: the request's, else one made of the grant's network.
func (r *resolver) extLink(i *vnf.InstantiatedInfo, e ExtCp) *vnf.ExtVirtualLink {
	id := e.ExtLink
	if id == "" {
		n := extNetwork(r.grant, e.Cpd)
		if n == nil {
			return nil
		}
		id = message.DeriveID("ext-link", n.Connection, n.NetworkID)
		at := slices.IndexFunc(i.ExtLinks, func(l vnf.ExtVirtualLink) bool { return l.ID == id })
		if at < 0 {
			at = len(i.ExtLinks)
			i.ExtLinks = append(i.ExtLinks, vnf.ExtVirtualLink{ID: id, Handle: vnf.Handle{Connection: n.Connection, VimID: n.NetworkID}})
		}
		l := &i.ExtLinks[at]
		if !slices.ContainsFunc(l.Cps, func(c vnf.ExtCpData) bool { return c.CpdID == e.Cpd }) {
			l.Cps = append(l.Cps, vnf.ExtCpData{CpdID: e.Cpd, Config: map[string]vnf.ExtCpConfig{e.ConfigID: {DynamicIPs: 1}}})
		}
	}
	at := slices.IndexFunc(i.ExtLinks, func(l vnf.ExtVirtualLink) bool { return l.ID == id })
	if at < 0 {
		return nil
	}
	return &i.ExtLinks[at]
}

// linkID is the id of an internal link within the instance.
func (p *Plan) linkID(desc string) string {
	for _, r := range p.Resources {
		if r.Kind == vim.Network && r.Template == desc {
			return r.ID
		}
	}
	for _, l := range p.Links {
		if l.Desc == desc {
			return l.ID
		}
	}
	return ""
}

// foreign returns a port that someone else made.
func (p *Plan) foreign(id string) *vnf.ExtPort {
	for _, c := range p.Vnfcs {
		for _, cp := range c.Cps {
			if cp.Foreign != nil && cp.Foreign.ID == id {
				return cp.Foreign
			}
		}
	}
	return nil
}

// configured is the addressing the request gives a connection point that has no port of ours.
func (p *Plan) configured(e ExtCp) vnf.Protocol {
	for _, l := range p.ExtLinks {
		if l.ID != e.ExtLink {
			continue
		}
		for _, c := range l.Cps {
			cfg, ok := c.Config[e.ConfigID]
			if c.CpdID != e.Cpd || !ok {
				continue
			}
			out := vnf.Protocol{MAC: cfg.MAC}
			for _, ips := range cfg.Addresses() {
				for _, a := range ips.Fixed {
					out.IPs = append(out.IPs, vnf.IP{Type: ipType(a), Address: a, Subnet: ips.Subnet})
				}
			}
			return out
		}
	}
	return vnf.Protocol{}
}

// held lists everything the saga holds at VIMs, in the order it was made.
func (r *resolver) held(in *saga.Instance) []vnf.Resource {
	var out []vnf.Resource
	for _, run := range in.Items {
		if run.State == saga.ItemDone && run.Step != stepGrant {
			out = append(out, leftovers(r.plan, run, r.made)...)
		}
	}
	return out
}

// standingResults returns what items reported, whatever became of them since, by planned id.
func standingResults(in *saga.Instance) map[string]vim.Resource {
	made := map[string]vim.Resource{}
	for _, run := range in.Items {
		var result vim.Reserved
		if run.Step == stepGrant || len(run.Result) == 0 || json.Unmarshal(run.Result, &result) != nil {
			continue
		}
		for _, res := range result.Resources {
			made[res.Token.ID] = res
		}
	}
	return made
}

// leftovers lists the resources of one item as the instance records them.
func leftovers(p *Plan, run *saga.ItemRun, made map[string]vim.Resource) []vnf.Resource {
	c := readCommand(run)
	out := make([]vnf.Resource, 0, len(c.Resources))
	for _, x := range c.Resources {
		res := vnf.Resource{
			ID: x.Token.ID, Generation: run.Generation, Kind: string(x.Kind), Connection: c.Connection, Name: x.Spec.Name,
			Stage: StageOf(x.Kind), VimID: made[x.Token.ID].ID, VimType: made[x.Token.ID].Type, Zone: made[x.Token.ID].Zone,
		}
		if planned := p.resource(x.Token.ID); planned != nil {
			res.Template, res.Definition = planned.Template, planned.Definition
		}
		out = append(out, res)
	}
	return out
}

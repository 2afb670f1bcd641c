package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Outcome is what a VNF consists of by what was made: the resolver of its plan, and what has become of the plan so far.
type Outcome struct {
	*Resolver
	Made Made
}

// at returns where a wanted resource stands; nil when it was not made.
func (o *Outcome) at(id string) *At {
	p := o.want.resource(id)
	if p == nil {
		return nil
	}
	if res, ok := o.Made.Made(id); ok {
		connection, zone := o.place(p)
		return Standing(connection, zone, res)
	}
	if res, ok := o.Made.Changed(id); ok && p.At != nil && (p.Kind == vim.Port || p.Kind == vim.Unit) { // its VIM may have chosen other addresses, or made other pods
		at := *p.At
		at.MAC, at.Addresses, at.Pods = res.MAC, res.Addresses, res.Pods
		return &at
	}
	return p.At
}

// Standing is where a resource stands that a VIM has made, in the zone it reports, else the one it was granted.
func Standing(connection, zone string, res vim.Resource) *At {
	if res.Zone != "" {
		zone = res.Zone
	}
	return &At{Connection: connection, ID: res.ID, Type: res.Type, Zone: zone, MAC: res.MAC, Addresses: res.Addresses, Pods: res.Pods}
}

// handle names a resource at its VIM; the zero value when it was not made.
func (o *Outcome) handle(id string) vnf.Handle {
	at := o.at(id)
	if at == nil {
		return vnf.Handle{}
	}
	return vnf.Handle{Connection: at.Connection, VimID: at.ID, VimType: at.Type}
}

// zone is the VIM's zone of a resource.
func (o *Outcome) zone(id string) string {
	if at := o.at(id); at != nil {
		return at.Zone
	}
	_, z := o.place(o.want.resource(id))
	return z
}

// protocol is what a port's addresses are; those in fixed were asked for.
func (o *Outcome) protocol(port string) vnf.Protocol {
	at := o.at(port)
	if at == nil {
		return vnf.Protocol{}
	}
	r := *o.want.resource(port)
	r.At = at
	return vnf.Protocol{MAC: at.MAC, IPs: o.Addresses(&r)}
}

// Addresses are those of a port that stands, and whether the VIM chose them.
func (o *Outcome) Addresses(r *Resource) []vnf.IP {
	if r.Spec.Port == nil {
		return nil
	}
	var out []vnf.IP
	for _, a := range r.At.Addresses {
		given := slices.ContainsFunc(r.Spec.Port.FixedIPs, func(f vim.FixedIP) bool { return f.Address == a.Address })
		out = append(out, vnf.IP{Type: ipType(a.Address), Address: a.Address, Subnet: a.Subnet, Dynamic: !given})
	}
	return out
}

// Resources lists what the VNF has once every step was taken, in the order of creation: settled, and where it stands. What was
// not made is left out. Returns what a grant leaves open as an error.
func (o *Outcome) Resources() ([]Resource, error) {
	out := make([]Resource, 0, len(o.want.Resources))
	for i := range o.want.Resources {
		switch r, err := o.Stands(o.want.Resources[i].ID); {
		case err != nil:
			return nil, err
		case r != nil:
			out = append(out, *r)
		}
	}
	return out, nil
}

// Left is a resource as an instance keeps it that stays what it was while the plan would have made it something else: by the name that it
// had there, and with the text of its boot data where only the other flavour or VNFD has it. before says that it
// is given as it was before, whatever its generation and revision are: how it stands, or whether, is not known.
func (o *Outcome) Left(r *Resource, before bool) (*Resource, error) {
	was, held := o.plan.Has(r.ID)
	if o.plan.Want.Was == nil || !held {
		return r, nil
	}
	out := *r
	out.Template = was.Template
	wanted := o.want.resource(r.ID)
	if before || r.Spec.Compute == nil || wanted == nil || r.Token() != wanted.Token() || r.Revision != wanted.Revision {
		return &out, nil
	}
	c := *r.Spec.Compute
	text, err := (&Boot{o.want.Boots, o.want.Vars}).render(c.UserData)
	if err != nil {
		return nil, err
	}
	c.UserData = text
	out.Spec.Compute = &c
	return &out, nil
}

// Stands returns a wanted resource settled, and where it stands; nil when it was not made.
func (o *Outcome) Stands(id string) (*Resource, error) {
	at := o.at(id)
	if at == nil {
		return nil, nil //nolint:nilnil // said above
	}
	r := *o.want.resource(id)
	spec, err := o.settle(&r)
	if err != nil {
		return nil, err
	}
	r.Generation, r.Revision = max(r.Generation, 1), max(r.Revision, 1)
	r.Spec, r.At = spec, at
	return &r, nil
}

func ipType(address string) string {
	if strings.Contains(address, ":") {
		return "IPV6"
	}
	return "IPV4"
}

// Info is what the VNF consists of once all resources stand.
func (o *Outcome) Info() *vnf.InstantiatedInfo {
	p := o.want
	i := &vnf.InstantiatedInfo{
		FlavourID: p.FlavourID, Level: p.Level, VnfState: "STARTED", ScaleStatus: p.ScaleStatus, MaxScaleLevels: p.MaxScaleLevels,
		Localization: p.Localization, Monitoring: p.Monitoring, Vnfcs: []vnf.Vnfc{},
	}
	ports := map[string][]vnf.LinkPort{} // by VL
	for _, c := range p.Vnfcs {
		x := vnf.Vnfc{ID: c.ID, VduID: c.Vdu, Index: c.Index, Storages: c.Storages, UnitID: c.Unit}
		if from := cmp.Or(c.Unit, c.ID); from != "" { // a pod takes the place of its unit when the resources land
			x.Handle, x.Zone = o.handle(from), o.zone(from)
		}
		for _, cp := range c.Cps {
			point := vnf.VnfcCp{ID: cp.ID, CpdID: cp.Cpd, ExtCpID: cp.ExtCp, ParentID: cp.Parent, Addresses: o.protocol(cp.Port)}
			if cp.ExtCp == "" {
				point.LinkPortID = cp.Port
				ports[cp.Link] = append(ports[cp.Link], vnf.LinkPort{
					ID: cp.Port, Handle: o.handle(cp.Port), CpID: cp.ID, CpType: "VNFC_CP",
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
				ID: res.ID, LinkID: res.Template, Handle: o.handle(res.ID), Zone: o.zone(res.ID), Ports: ports[res.Template],
			})
		case vim.Volume:
			i.Storages = append(i.Storages, vnf.Storage{
				ID: res.ID, StorageID: res.Template, Handle: o.handle(res.ID), Zone: o.zone(res.ID),
			})
		default:
		}
	}
	for _, l := range p.Links {
		i.ExtManaged = append(i.ExtManaged, vnf.ExtManagedLink{
			ID: l.ID, LinkID: l.Desc, Ports: ports[l.Desc],
			Handle: vnf.Handle{Connection: cmp.Or(l.Connection, o.usedAt(l.Desc)), Provider: l.Provider, VimID: l.NetworkID},
		})
	}
	o.external(i)
	return i
}

// external adds the external connection points and the links they are connected to.
func (o *Outcome) external(i *vnf.InstantiatedInfo) {
	p := o.want
	for _, l := range p.ExtLinks {
		at := l.Connection
		for _, e := range p.ExtCps {
			if at == "" && e.ExtLink == l.ID {
				at = o.connectedAt(e)
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
		link := o.extLink(i, e)
		switch {
		case o.want.resource(e.Port) != nil:
			x.Addresses = o.protocol(e.Port)
			if link != nil {
				link.Ports = append(link.Ports, vnf.ExtPort{ID: e.Port, Handle: o.handle(e.Port), CpID: e.ID})
			}
		case e.Port != "": // made by someone else
			if f := p.foreign(e.Port); f != nil && link != nil {
				port := vnf.ExtPort{ID: f.ID, Handle: f.Handle, CpID: e.ID, Trunk: f.Trunk}
				port.Handle.Connection = cmp.Or(port.Handle.Connection, o.connectedAt(e))
				link.Ports = append(link.Ports, port)
			}
			x.Addresses = p.configured(e)
		default:
			x.Addresses = p.configured(e)
		}
		i.ExtCps = append(i.ExtCps, x)
	}
	for n, l := range p.ExtLinks { // ports that someone else made are kept for connection points to come
		link := &i.ExtLinks[n]
		for _, f := range l.Ports {
			if !slices.ContainsFunc(link.Ports, func(x vnf.ExtPort) bool { return x.ID == f.ID }) {
				link.Ports = append(link.Ports, vnf.ExtPort{ID: f.ID, Handle: f.Handle, Trunk: f.Trunk})
			}
		}
	}
}

// connectedAt is the VIM connection at which an external connection point is: where its port is, else the compute or the internal
// link that it exposes.
func (o *Outcome) connectedAt(e ExtCp) string {
	if at, _ := o.place(o.want.resource(e.Port)); at != "" {
		return at
	}
	for _, c := range o.want.Vnfcs {
		if slices.ContainsFunc(c.Cps, func(cp Cp) bool { return cp.ID == e.Cp }) {
			at, _ := o.place(o.want.resource(c.ID))
			return at
		}
	}
	return o.usedAt(e.Link)
}

// usedAt is the VIM connection of an internal link, by its id in the VNFD: where its network is, or, when that is provided from
// outside, the ports on it.
func (o *Outcome) usedAt(desc string) string {
	if at, _ := o.place(o.want.resource(o.want.linkID(desc))); at != "" {
		return at
	}
	for _, c := range o.want.Vnfcs {
		if slices.ContainsFunc(c.Cps, func(cp Cp) bool { return cp.Link == desc }) {
			at, _ := o.place(o.want.resource(c.ID))
			return at
		}
	}
	return ""
}

// extLink returns the external link a CP is connected to: the request's, else one made of the grant's network.
func (o *Outcome) extLink(i *vnf.InstantiatedInfo, e ExtCp) *vnf.ExtVirtualLink {
	id := e.ExtLink
	if id == "" {
		n := extNetwork(o.grant, e.Cpd)
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
func (p *Wanted) linkID(desc string) string {
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
func (p *Wanted) foreign(id string) *vnf.ExtPort {
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
func (p *Wanted) configured(e ExtCp) vnf.Protocol {
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

package lcm

import (
	"slices"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// event is the fact that a planned resource stands, with what it changed for a reader of the operation.
func (r *resolver) event(res vim.Resource) *vnf.ResourceReserved {
	id := res.Token.ID
	e := &vnf.ResourceReserved{ID: id, Generation: res.Token.Generation, Kind: string(res.Kind)}
	p := r.plan.resource(id)
	if p == nil { // a server group at a second VIM
		e.Handle = vnf.Handle{VimID: res.ID, VimType: res.Type}
		return e
	}
	e.Handle = r.handle(id)
	switch p.Kind {
	case vim.Compute:
		i := slices.IndexFunc(r.plan.Vnfcs, func(c Vnfc) bool { return c.ID == id })
		e.Vnfc = &vnf.AffectedVnfc{
			ID: id, VduID: p.Template, Change: vnf.Added, Handle: e.Handle, Definition: p.Definition, Zone: r.zone(id),
		}
		if i >= 0 {
			e.Vnfc.AddedStorages = r.plan.Vnfcs[i].Storages
			for _, cp := range r.plan.Vnfcs[i].Cps {
				e.Vnfc.CpIDs = append(e.Vnfc.CpIDs, cp.ID)
			}
		}
	case vim.Network:
		e.Link = &vnf.AffectedLink{
			ID: id, LinkID: p.Template, Change: vnf.Added, Handle: e.Handle, Definition: p.Definition, Zone: r.zone(id),
		}
	case vim.Volume:
		e.Storage = &vnf.AffectedStorage{
			ID: id, StorageID: p.Template, Change: vnf.Added, Handle: e.Handle, Definition: p.Definition, Zone: r.zone(id),
		}
	case vim.Port:
		r.portEvent(e, p)
	case vim.Subnet, vim.ServerGroup, vim.Configuration: // SOL003 shows none of them
	}
	return e
}

// portEvent fills in a port: an external link port, or one of an internal link.
func (r *resolver) portEvent(e *vnf.ResourceReserved, p *Planned) {
	for _, x := range r.plan.ExtCps {
		if x.Port == p.ID {
			e.ExtPort = &vnf.AffectedExtPort{
				ID: p.ID, Change: vnf.Added, ExtCpID: x.ID, Handle: e.Handle, Definition: p.Definition,
			}
			return
		}
	}
	for _, c := range r.plan.Vnfcs {
		for _, cp := range c.Cps {
			if cp.Port != p.ID {
				continue
			}
			e.Link = &vnf.AffectedLink{
				ID: r.plan.linkID(cp.Link), LinkID: cp.Link, Change: vnf.LinkPortAdded, Handle: r.linkHandle(cp.Link), PortIDs: []string{p.ID},
			}
			return
		}
	}
}

func (r *resolver) linkHandle(desc string) vnf.Handle {
	for _, l := range r.plan.Links {
		if l.Desc == desc {
			return vnf.Handle{Connection: l.Connection, VimID: l.NetworkID}
		}
	}
	return r.handle(r.plan.linkID(desc))
}

// released is the fact that a resource of an instance is gone, with what that changed.
func released(v *vnf.Instance, id string, kind vim.Kind) *vnf.ResourceReleased {
	e := &vnf.ResourceReleased{ID: id, Kind: string(kind)}
	i := v.Info
	if i == nil {
		return e
	}
	definition := ""
	if at := slices.IndexFunc(v.Resources, func(r vnf.Resource) bool { return r.ID == id }); at >= 0 {
		definition = v.Resources[at].Definition
	}
	for _, x := range i.Vnfcs {
		if x.ID != id {
			continue
		}
		e.Vnfc = &vnf.AffectedVnfc{
			ID: id, VduID: x.VduID, Change: vnf.Removed, Handle: x.Handle, Definition: definition, Zone: x.Zone, RemovedStorages: x.Storages,
		}
		for _, cp := range x.Cps {
			e.Vnfc.CpIDs = append(e.Vnfc.CpIDs, cp.ID)
		}
	}
	for _, x := range i.Links {
		if x.ID == id {
			e.Link = &vnf.AffectedLink{ID: id, LinkID: x.LinkID, Change: vnf.Removed, Handle: x.Handle, Definition: definition, Zone: x.Zone}
		}
		linkPort(e, vnf.AffectedLink{ID: x.ID, LinkID: x.LinkID, Handle: x.Handle}, x.Ports)
	}
	for _, x := range i.ExtManaged {
		linkPort(e, vnf.AffectedLink{ID: x.ID, LinkID: x.LinkID, Handle: x.Handle}, x.Ports)
	}
	for _, x := range i.Storages {
		if x.ID == id {
			e.Storage = &vnf.AffectedStorage{
				ID: id, StorageID: x.StorageID, Change: vnf.Removed, Handle: x.Handle, Definition: definition, Zone: x.Zone,
			}
		}
	}
	for _, l := range i.ExtLinks {
		for _, x := range l.Ports {
			if x.ID == id {
				e.ExtPort = &vnf.AffectedExtPort{ID: id, Change: vnf.Removed, ExtCpID: x.CpID, Handle: x.Handle, Definition: definition}
			}
		}
	}
	return e
}

// linkPort says that a port of an internal link is gone, when the resource is one.
func linkPort(e *vnf.ResourceReleased, l vnf.AffectedLink, ports []vnf.LinkPort) {
	if slices.ContainsFunc(ports, func(p vnf.LinkPort) bool { return p.ID == e.ID }) {
		l.Change, l.PortIDs = vnf.LinkPortRemoved, []string{e.ID}
		e.Link = &l
	}
}

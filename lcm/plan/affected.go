package plan

import (
	"slices"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Reserved is the fact that a planned resource stands, with what it changed for a reader of the operation.
func (o *Outcome) Reserved(s Step, res vim.Resource) *vnf.ResourceReserved {
	id := res.Token.ID
	e := &vnf.ResourceReserved{ID: id, Generation: res.Token.Generation, Kind: string(res.Kind)}
	p := o.want.resource(id)
	if p == nil {
		e.Handle = vnf.Handle{VimID: res.ID, VimType: res.Type}
		return e
	}
	e.Handle = o.handle(id)
	change := vnf.Added
	if s.Replaces {
		change = vnf.Modified
	}
	e.Vnfc, e.Link, e.ExtPort, e.Storage = o.affected(p, e.Handle, change)
	e.Vnfcs = o.pods(p, change)
	return e
}

// pods is what it means for a reader that the pods of a unit are others: VNFCs that come, or go with its change, and those whose pod
// was to be made again.
func (o *Outcome) pods(p *Resource, change vnf.ChangeType) []vnf.AffectedVnfc {
	if p.Kind != vim.Unit {
		return nil
	}
	had := map[string]bool{}
	if was := o.plan.form(0, p.ID); was != nil && was.At != nil && change == vnf.Modified {
		for _, pod := range was.At.Pods {
			had[pod.ID] = true
		}
	}
	others := map[string]bool{} // pods that are not there any more, of what was changed to something else
	if was := o.plan.form(0, p.ID); was != nil && change == vnf.Modified {
		differs := vim.Differences(was.Spec, p.Spec)
		if slices.Contains(differs, vim.AttributeObjects) || slices.Contains(differs, vim.AttributeValues) {
			for id := range had {
				at := o.at(p.ID)
				others[id] = at != nil && len(at.Pods) > 0 && !slices.ContainsFunc(at.Pods, func(pod vim.Pod) bool { return pod.ID == id })
			}
		}
	}
	var out []vnf.AffectedVnfc
	add := func(c *Vnfc, change vnf.ChangeType) {
		out = append(out, vnf.AffectedVnfc{
			ID: c.ID, VduID: c.Vdu, Change: change, Handle: o.handle(p.ID), Definition: p.Definition, Zone: o.zone(p.ID), Unit: p.ID,
		})
	}
	for i := range o.want.Vnfcs {
		c := &o.want.Vnfcs[i]
		switch {
		case c.Unit != p.ID:
		case c.Pod == "":
			add(c, vnf.Added)
		case others[c.Pod], p.Spec.Unit != nil && slices.Contains(p.Spec.Unit.Gone, c.Pod) && had[c.Pod], change == vnf.Modified && o.plan.generations(p.ID) > 1:
			add(c, vnf.Modified)
		}
	}
	for i := range o.want.Gone {
		if c := &o.want.Gone[i]; c.Unit == p.ID {
			add(c, vnf.Removed)
		}
	}
	return out
}

// Changed is the fact that a resource was changed where it stands.
func (o *Outcome) Changed(s Step, revision int) *vnf.ResourceChanged {
	p := o.want.resource(s.ID)
	if p == nil { // it is changed on the way to its release
		return &vnf.ResourceChanged{ID: s.ID, Revision: revision, Kind: string(o.plan.From(s).Kind)}
	}
	e := &vnf.ResourceChanged{ID: s.ID, Revision: revision, Kind: string(p.Kind)}
	e.Vnfc, e.Link, e.ExtPort, e.Storage = o.affected(p, o.handle(s.ID), vnf.Modified)
	e.Vnfcs = o.pods(p, vnf.Modified)
	return e
}

// affected is what a change of a wanted resource means for a reader of the operation.
func (o *Outcome) affected(p *Resource, handle vnf.Handle, change vnf.ChangeType) (
	vnfc *vnf.AffectedVnfc, link *vnf.AffectedLink, port *vnf.AffectedExtPort, storage *vnf.AffectedStorage,
) {
	switch p.Kind {
	case vim.Compute:
		vnfc = &vnf.AffectedVnfc{
			ID: p.ID, VduID: p.Template, Change: change, Handle: handle, Definition: p.Definition, Zone: o.zone(p.ID),
		}
		if c := o.want.vnfc(p.ID); c != nil {
			if change == vnf.Added { // with those it does not share with others that stand
				vnfc.AddedStorages = slices.DeleteFunc(slices.Clone(c.Storages), func(id string) bool { return o.plan.form(0, id) != nil })
			}
			for _, cp := range c.Cps {
				vnfc.CpIDs = append(vnfc.CpIDs, cp.ID)
			}
		}
	case vim.Network:
		link = &vnf.AffectedLink{
			ID: p.ID, LinkID: p.Template, Change: change, Handle: handle, Definition: p.Definition, Zone: o.zone(p.ID),
		}
	case vim.Volume:
		storage = &vnf.AffectedStorage{
			ID: p.ID, StorageID: p.Template, Change: change, Handle: handle, Definition: p.Definition, Zone: o.zone(p.ID),
		}
	case vim.Port:
		link, port = o.affectedPort(p, handle, change)
	case vim.Unit, vim.Subnet, vim.ServerGroup, vim.Snapshot, vim.Configuration, vim.SoftwareImage, vim.ComputeFlavour: // SOL003 shows none of them; the VNFCs of a unit are its pods
	}
	return vnfc, link, port, storage
}

// affectedPort tells an external link port from one of an internal link.
func (o *Outcome) affectedPort(p *Resource, handle vnf.Handle, change vnf.ChangeType) (*vnf.AffectedLink, *vnf.AffectedExtPort) {
	cp := o.want.cpOf(p.ID)
	switch {
	case cp == nil:
		return nil, nil
	case cp.ExtCp != "":
		return nil, &vnf.AffectedExtPort{ID: p.ID, Change: change, ExtCpID: cp.ExtCp, Handle: handle, Definition: p.Definition}
	case change == vnf.Added:
		change = vnf.LinkPortAdded
	}
	return &vnf.AffectedLink{
		ID: o.want.linkID(cp.Link), LinkID: cp.Link, Change: change, Handle: o.linkHandle(cp.Link), PortIDs: []string{p.ID},
	}, nil
}

func (o *Outcome) linkHandle(desc string) vnf.Handle {
	for _, l := range o.want.Links {
		if l.Desc == desc {
			return vnf.Handle{Connection: l.Connection, VimID: l.NetworkID}
		}
	}
	return o.handle(o.want.linkID(desc))
}

// Released is the fact that a step's resource of an instance is gone, with what that changed.
func (p *Plan) Released(v *vnf.Instance, s Step) *vnf.ResourceReleased {
	e := Released(v, s.ID, p.From(s).Kind)
	if e.Vnfc != nil { // storages that others share stay
		e.Vnfc.RemovedStorages = slices.DeleteFunc(slices.Clone(e.Vnfc.RemovedStorages), func(id string) bool {
			return p.form(0, id) == nil || p.form(len(p.forms)-1, id) != nil
		})
	}
	return e
}

// Released is the fact that a resource of an instance is gone, with what that changed.
func Released(v *vnf.Instance, id string, kind vim.Kind) *vnf.ResourceReleased {
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
		if x.UnitID == id && id != "" {
			e.Vnfcs = append(e.Vnfcs, vnf.AffectedVnfc{
				ID: x.ID, VduID: x.VduID, Change: vnf.Removed, Handle: x.Handle, Definition: definition, Zone: x.Zone, Unit: id,
			})
		}
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

package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Of returns what an instance consists of as something wanted: the same resources, VNFCs and links. An operation changes it to
// what it wants. held are the instance's resources. Returns Conflict for one that is not instantiated.
func Of(v *vnf.Instance, held []Resource) (*Wanted, error) {
	i := v.Info
	if i == nil {
		return nil, vnfm.Errorf(vnfm.Conflict, "the VNF instance is %s", v.State)
	}
	w := &Wanted{
		FlavourID: i.FlavourID, Level: i.Level, Resources: slices.Clone(held),
		ScaleStatus: i.ScaleStatus, MaxScaleLevels: i.MaxScaleLevels, Monitoring: i.Monitoring, Localization: i.Localization,
	}
	linkOf := map[string]string{} // by port of an internal link: the link's id in the VNFD
	for _, l := range i.Links {
		for _, p := range l.Ports {
			linkOf[p.ID] = l.LinkID
		}
	}
	for _, l := range i.ExtManaged {
		w.Links = append(w.Links, Link{ID: l.ID, Desc: l.LinkID, NetworkID: l.Handle.VimID, Connection: l.Handle.Connection, Provider: l.Handle.Provider})
		for _, p := range l.Ports {
			linkOf[p.ID] = l.LinkID
		}
	}
	at := map[string]extPortAt{}
	for _, l := range i.ExtLinks {
		x := ExtLink{ID: l.ID, Connection: l.Handle.Connection, Provider: l.Handle.Provider, NetworkID: l.Handle.VimID, Cps: l.Cps}
		for _, p := range l.Ports {
			at[p.ID] = extPortAt{link: l.ID, port: p}
		}
		w.ExtLinks = append(w.ExtLinks, x)
	}
	w.Index()
	portOf := map[string]string{} // by external CP
	for _, e := range i.ExtCps {
		portOf[e.ID] = e.LinkPortID
		x := ExtCp{ID: e.ID, Cpd: e.CpdID, ConfigID: e.ConfigID, Port: e.LinkPortID, Cp: e.VnfcCpID, Link: linkDesc(i, e.LinkID)}
		if x.ExtLink = at[e.LinkPortID].link; e.LinkPortID == "" { // it exposes a link or a connection point
			for _, l := range i.ExtLinks {
				if slices.ContainsFunc(l.Cps, func(d vnf.ExtCpData) bool { _, has := d.Config[e.ConfigID]; return has && d.CpdID == e.CpdID }) {
					x.ExtLink = l.ID
				}
			}
		}
		x.Dynamic = !slices.ContainsFunc(e.Addresses.IPs, func(a vnf.IP) bool { return !a.Dynamic })
		w.ExtCps = append(w.ExtCps, x)
	}
	for _, c := range i.Vnfcs {
		x := Vnfc{ID: c.ID, Vdu: c.VduID, Index: c.Index, Storages: c.Storages, Unit: c.UnitID}
		if c.UnitID != "" {
			x.Pod = c.Handle.VimID
		}
		for _, cp := range c.Cps {
			y := Cp{ID: cp.ID, Cpd: cp.CpdID, Port: cp.LinkPortID, Link: linkOf[cp.LinkPortID], ExtCp: cp.ExtCpID, Parent: cp.ParentID}
			if cp.ExtCpID != "" {
				y.Port = portOf[cp.ExtCpID]
			}
			if y.Port != "" && w.resource(y.Port) == nil { // made by someone else
				foreign := at[y.Port].port
				y.Port, y.Foreign = "", &foreign
			}
			x.Cps = append(x.Cps, y)
		}
		w.Vnfcs = append(w.Vnfcs, x)
	}
	w.Index()
	return w, nil
}

// Part is what some VNFCs of an instance are, with the resources that are theirs and what these refer to: what an operation on them has to look at, however
// large the VNF is. It shares with the instance what it does not leave out.
func Part(v *vnf.Instance, vnfcs []string) (*vnf.Instance, error) {
	if v.Info == nil {
		return v, nil
	}
	out, info := *v, *v.Info
	chosen := make(map[string]bool, len(vnfcs))
	for _, id := range vnfcs {
		chosen[id] = true
	}
	keep, next, cps := map[string]bool{}, []string{}, map[string]bool{}
	info.Vnfcs = nil
	for i := range v.Info.Vnfcs {
		c := &v.Info.Vnfcs[i]
		if !chosen[c.ID] {
			continue
		}
		info.Vnfcs = append(info.Vnfcs, *c)
		next = append(append(next, c.ID, c.UnitID), c.Storages...)
		for _, cp := range c.Cps {
			next = append(next, cp.LinkPortID)
			cps[cp.ID], cps[cp.ExtCpID] = true, true
		}
	}
	info.ExtCps = nil
	for i := range v.Info.ExtCps {
		if e := &v.Info.ExtCps[i]; cps[e.ID] || e.VnfcCpID == "" || cps[e.VnfcCpID] { // those of links are the VNF's
			info.ExtCps = append(info.ExtCps, *e)
			next = append(next, e.LinkPortID)
		}
	}
	at := make(map[string]*vnf.Resource, len(v.Resources))
	for i := range v.Resources {
		at[v.Resources[i].ID] = &v.Resources[i]
	}
	for ; len(next) > 0; next = next[1:] {
		r := at[strings.TrimPrefix(next[0], refPlan)]
		if r == nil || keep[r.ID] {
			continue
		}
		keep[r.ID] = true
		held, err := Held(r)
		if err != nil {
			return nil, err
		}
		next = append(append(next, references(&held.Spec)...), r.Near)
	}
	out.Resources = make([]vnf.Resource, 0, len(keep))
	for i := range v.Resources {
		if keep[v.Resources[i].ID] {
			out.Resources = append(out.Resources, v.Resources[i])
		}
	}
	out.Info = &info
	return &out, nil
}

// Reached are the VNFCs that a request to connect a VNF in another way may be about: those with connection points of the CPDs that it names, and with those on the
// links that it names.
func Reached(v *vnf.Instance, links []ExtLink) []string {
	if v.Info == nil {
		return nil
	}
	about := map[string]bool{}
	for _, l := range links {
		for _, c := range l.Cps {
			about[c.CpdID] = true
		}
		for _, was := range v.Info.ExtLinks {
			for _, c := range was.Cps {
				about[c.CpdID] = about[c.CpdID] || was.ID == l.ID
			}
		}
	}
	var out []string
	for _, c := range v.Info.Vnfcs {
		if slices.ContainsFunc(c.Cps, func(cp vnf.VnfcCp) bool { return about[cp.CpdID] }) {
			out = append(out, c.ID)
		}
	}
	return out
}

// Boots returns the boot data of a flavour by VDU; none of no flavour.
func Boots(f *vnfd.Flavour) map[string]*vnfd.BootData {
	out := map[string]*vnfd.BootData{}
	if f == nil {
		return out
	}
	for i := range f.Vdus {
		if b := f.Vdus[i].BootData; b != nil {
			out[f.Vdus[i].ID] = b
		}
	}
	return out
}

// extPortAt is a port of an external link.
type extPortAt struct {
	link string
	port vnf.ExtPort
}

// linkDesc is the id in the VNFD of an internal link; "" when there is none.
func linkDesc(i *vnf.InstantiatedInfo, id string) string {
	for _, l := range i.Links {
		if l.ID == id {
			return l.LinkID
		}
	}
	for _, l := range i.ExtManaged {
		if l.ID == id {
			return l.LinkID
		}
	}
	return ""
}

// Put puts a resource in place of the one with its id, or adds it.
func (w *Wanted) Put(r Resource) {
	if was := w.resource(r.ID); was != nil {
		*was = r
		return
	}
	w.Resources = append(w.Resources, r)
	w.Index()
}

// Held is a resource that an instance has, as a plan sees it. Returns Internal when its specification cannot be read.
func Held(r *vnf.Resource) (Resource, error) {
	out := Resource{
		ID: r.ID, Kind: vim.Kind(r.Kind), Template: r.Template, Definition: r.Definition, Near: r.Near, Members: r.Members,
		Generation: r.Generation, Revision: r.Revision, Tried: r.Tried, Unsure: r.Unsure, VnfdID: r.VnfdID,
		At: &At{Connection: r.Connection, ID: r.VimID, Type: r.VimType, Zone: r.Zone, MAC: r.MAC},
	}
	for _, a := range r.Addresses {
		out.At.Addresses = append(out.At.Addresses, vim.IP{Address: a.Address, Subnet: a.Subnet})
	}
	for _, p := range r.Pods {
		out.At.Pods = append(out.At.Pods, vim.Pod{ID: p.ID, Name: p.Name, Node: p.Node, Ready: true, Vdu: p.Vdu})
	}
	out.Spec.Name = r.Name
	if len(r.Spec) > 0 {
		if err := json.Unmarshal(r.Spec, &out.Spec); err != nil {
			return out, vnfm.Wrap(vnfm.Internal, err, "the specification of %s %s", r.Kind, r.ID)
		}
	}
	return out, nil
}

// trimmed takes out of what is held and wanted what a plan neither changes nor refers to. It returns what is held.
func trimmed(have []Resource, want *Wanted, touched map[string]bool) []Resource {
	stands := make(map[string]*Resource, len(have))
	for i := range have {
		stands[have[i].ID] = &have[i]
	}
	keep := maps.Clone(touched)
	left := map[string]bool{}
	for i := range want.Resources {
		r := &want.Resources[i]
		left[r.ID] = true
		if was := stands[r.ID]; was == nil || r.Generation > was.Generation || len(vim.Differences(was.Spec, r.Spec)) > 0 {
			keep[r.ID] = true
		}
	}
	for id := range stands {
		keep[id] = keep[id] || !left[id]
	}
	for more := true; more; {
		more = false
		for _, set := range [][]Resource{have, want.Resources} {
			for i := range set {
				if !keep[set[i].ID] {
					continue
				}
				for _, ref := range append(references(&set[i].Spec), set[i].Near) {
					if id := strings.TrimPrefix(ref, refPlan); id != "" && !keep[id] {
						keep[id], more = true, true
					}
				}
			}
		}
	}
	without := func(r Resource) bool { return !keep[r.ID] }
	want.Resources = slices.DeleteFunc(slices.Clone(want.Resources), without)
	want.Vnfcs = slices.DeleteFunc(want.Vnfcs, func(c Vnfc) bool { return !touched[c.ID] })
	want.Index()
	return slices.DeleteFunc(slices.Clone(have), without)
}

// Located is the specification of a resource that stands with the VIM's ids of the VNF's resources that it refers to, given by planned
// resource.
func Located(r *Resource, ids map[string]string) vim.Spec {
	s, _ := mapReferences(r.Spec, func(ref string) (string, error) { // the function given never fails
		if id, ok := strings.CutPrefix(ref, refPlan); ok {
			return ids[id], nil
		}
		return ref, nil
	})
	return s
}

package vnf

import "slices"

// podType is the type of a pod at its VIM.
const podType = "Pod"

// podded gives the VNFCs of container units their pods: each keeps the one it has as long as that is there, the others take those that
// nobody has, in order. One for which there is none is shown as its unit.
func (v *Instance) podded(rs []Resource) {
	if v.Info == nil || !slices.ContainsFunc(rs, func(r Resource) bool { return len(r.Pods) > 0 }) {
		return
	}
	info := *v.Info
	info.Vnfcs = slices.Clone(info.Vnfcs)
	for i := range rs {
		if r := &rs[i]; len(r.Pods) > 0 {
			give(info.Vnfcs, r)
		}
	}
	v.Info = &info
}

// repodded gives the VNFCs of container units the pods that they had, as far as these are there, and the others those that nobody has.
func (v *Instance) repodded(was *InstantiatedInfo) {
	if was == nil || v.Info == nil || !slices.ContainsFunc(v.Info.Vnfcs, func(c Vnfc) bool { return c.UnitID != "" }) {
		return
	}
	had := map[string]Handle{}
	for i := range was.Vnfcs {
		had[was.Vnfcs[i].ID] = was.Vnfcs[i].Handle
	}
	info := *v.Info
	info.Vnfcs = slices.Clone(info.Vnfcs)
	for i := range info.Vnfcs {
		if c := &info.Vnfcs[i]; c.UnitID != "" && had[c.ID] != (Handle{}) {
			c.Handle = had[c.ID]
		}
	}
	v.Info = &info
	v.podded(v.Resources)
}

// repod takes over the pods that units have now.
func (v *Instance) repod(units []UnitPods) {
	var changed []Resource
	for i := range v.Resources {
		if at := slices.IndexFunc(units, func(u UnitPods) bool { return u.ID == v.Resources[i].ID }); at >= 0 {
			r := v.Resources[i]
			r.Pods = units[at].Pods
			changed = append(changed, r)
		}
	}
	v.changed(changed)
	v.podded(changed)
}

func give(vnfcs []Vnfc, r *Resource) {
	taken := map[string]bool{}
	has := func(id string) bool { return slices.ContainsFunc(r.Pods, func(p Pod) bool { return p.ID == id }) }
	for i := range vnfcs {
		if c := &vnfcs[i]; c.UnitID == r.ID && has(c.Handle.VimID) {
			taken[c.Handle.VimID] = true
		}
	}
	free := slices.DeleteFunc(slices.Clone(r.Pods), func(p Pod) bool { return taken[p.ID] })
	for i := range vnfcs {
		c := &vnfcs[i]
		if c.UnitID != r.ID || taken[c.Handle.VimID] {
			continue
		}
		c.Handle = Handle{Connection: r.Connection, VimID: r.VimID, VimType: r.VimType}
		if at := slices.IndexFunc(free, func(p Pod) bool { return p.Vdu == "" || p.Vdu == c.VduID }); at >= 0 {
			c.Handle.VimID, c.Handle.VimType = free[at].ID, podType
			free = slices.Delete(free, at, at+1)
		}
	}
}

package plan

import (
	"reflect"
	"slices"

	"github.com/vnfm/vnfm/vnf"
)

// Connectivity is how the external connection points of an instance are connected once a plan of Connect has been carried out, as far
// as that is another than before. counts says of a VNFC whether it got that far; nil: all did.
func (o *Outcome) Connectivity(v *vnf.Instance, counts func(vnfc string) bool) *vnf.Connectivity {
	x := &connected{v: v, i: o.Info(), moved: map[string]bool{}, all: counts == nil}
	owner := map[string]string{} // VNFC by connection point
	for _, set := range [][]vnf.Vnfc{v.Info.Vnfcs, x.i.Vnfcs} {
		for _, c := range set {
			for _, cp := range c.Cps {
				owner[cp.ID] = c.ID
			}
		}
	}
	done := func(vnfc string) bool { return x.all || vnfc != "" && counts(vnfc) }
	cps, points := map[string][]vnf.VnfcCp{}, map[string]vnf.ExtCp{}
	for _, c := range v.Info.Vnfcs {
		cps[c.ID] = c.Cps
	}
	for _, e := range v.Info.ExtCps {
		points[e.ID] = e
	}
	for _, c := range x.i.Vnfcs {
		if done(c.ID) && !reflect.DeepEqual(cps[c.ID], c.Cps) {
			x.out.Vnfcs = append(x.out.Vnfcs, vnf.VnfcCps{ID: c.ID, Cps: c.Cps})
		}
	}
	for _, e := range x.i.ExtCps {
		if done(owner[e.VnfcCpID]) && !reflect.DeepEqual(points[e.ID], e) {
			x.out.ExtCps = append(x.out.ExtCps, e)
			x.moved[e.ID] = true
		}
	}
	for _, e := range v.Info.ExtCps {
		if slices.Contains(o.want.Cut, e.ID) && done(owner[e.VnfcCpID]) {
			x.out.Gone = append(x.out.Gone, e.ID)
			x.moved[e.ID] = true
		}
	}
	x.links(o.want)
	return &x.out
}

// Ports are the planned ports of a VNFC.
func (o *Outcome) Ports(vnfc string) []string {
	c := o.want.vnfc(vnfc)
	if c == nil {
		return nil
	}
	var out []string
	for _, cp := range c.Cps {
		if cp.Port != "" {
			out = append(out, cp.Port)
		}
	}
	return out
}

// connected works out what changed.
type connected struct {
	v     *vnf.Instance
	i     *vnf.InstantiatedInfo // as the plan would have it, of what it touches
	moved map[string]bool       // external connection points that are connected in another way, or no more
	all   bool
	out   vnf.Connectivity
}

// links says what becomes of the external links.
func (x *connected) links(want *Wanted) {
	to := want.ExtLinks
	if !x.all {
		to = x.half(want)
	}
	before := map[string]*vnf.ExtVirtualLink{}
	for n := range x.v.Info.ExtLinks {
		before[x.v.Info.ExtLinks[n].ID] = &x.v.Info.ExtLinks[n]
	}
	after := map[string]*vnf.ExtVirtualLink{}
	for n := range x.i.ExtLinks {
		after[x.i.ExtLinks[n].ID] = &x.i.ExtLinks[n]
	}
	left := map[string]bool{}
	for _, l := range to {
		left[l.ID] = true
		now := vnf.ExtVirtualLink{ID: l.ID, Cps: l.Cps}
		taken := map[string]bool{}
		if was := before[l.ID]; was != nil {
			now.Handle = was.Handle
			for _, p := range was.Ports {
				if !x.moved[p.CpID] && p.CpID != "" {
					now.Ports = append(now.Ports, p)
					taken[p.ID] = true
				}
			}
		}
		if is := after[l.ID]; is != nil {
			now.Handle = is.Handle
			for _, p := range is.Ports {
				if !taken[p.ID] && (p.CpID == "" || x.moved[p.CpID]) {
					now.Ports = append(now.Ports, p)
				}
			}
		}
		if was := before[l.ID]; was == nil || !reflect.DeepEqual(*was, now) {
			x.out.ExtLinks = append(x.out.ExtLinks, now)
		}
	}
	for _, l := range x.v.Info.ExtLinks {
		if !left[l.ID] {
			x.out.Left = append(x.out.Left, l.ID)
		}
	}
}

// half is the links there were, with the entries of those connection points on them that are connected in another way now.
func (x *connected) half(want *Wanted) []ExtLink {
	m := &Links{Links: Connected(x.v)}
	used := map[cpEntry]bool{} // by connection points that are as they were
	for _, e := range x.v.Info.ExtCps {
		if !x.moved[e.ID] {
			used[cpEntry{e.CpdID, e.ConfigID}] = true
		}
	}
	for _, e := range x.v.Info.ExtCps {
		if key := (cpEntry{e.CpdID, e.ConfigID}); x.moved[e.ID] && !used[key] {
			m.take(key)
		}
	}
	all := entriesOf(want.ExtLinks)
	for _, e := range x.out.ExtCps {
		key := cpEntry{e.CpdID, e.ConfigID}
		c, ok := all[key]
		if !ok {
			continue
		}
		if !slices.ContainsFunc(m.Links, func(l ExtLink) bool { return l.ID == c.link.ID }) {
			m.Links = append(m.Links, ExtLink{ID: c.link.ID})
		}
		m.put(c.link.ID, key, c.config)
	}
	return slices.DeleteFunc(m.Links, func(l ExtLink) bool { return len(l.Cps) == 0 })
}

package vnf

import (
	"maps"
	"slices"
)

// scale makes an instance what an operation that added or removed VNFCs has left of it.
func (v *Instance) scale(e *InstanceScaled) {
	v.Resources = slices.Concat(without(v.Resources, e.Released), e.Resources)
	info := *v.Info.without(e.Released).with(&e.Added)
	info.ScaleStatus, info.Level = e.ScaleStatus, e.Level
	v.Info = &info
	v.Connections = merged(v.Connections, e.Connections)
	v.changed(e.Changed)
}

// at returns the info at other scale levels; none given leave it as it is.
func (i *InstantiatedInfo) at(levels []ScaleInfo) *InstantiatedInfo {
	if i == nil || len(levels) == 0 {
		return i
	}
	c := *i
	c.ScaleStatus = levels
	return &c
}

// with returns the info with parts added to it. It changes nothing that it shares with the info before.
func (i *InstantiatedInfo) with(p *InfoParts) *InstantiatedInfo {
	c := *i
	c.Vnfcs, c.ExtCps = slices.Concat(i.Vnfcs, p.Vnfcs), slices.Concat(i.ExtCps, p.ExtCps)
	c.Storages = joined(i.Storages, p.Storages, func(s *Storage) string { return s.ID }, nil)
	c.Links = joined(i.Links, p.Links, func(l *VirtualLink) string { return l.ID }, func(to, from *VirtualLink) {
		to.Ports = slices.Concat(to.Ports, from.Ports)
	})
	c.ExtManaged = joined(i.ExtManaged, p.ExtManaged, func(l *ExtManagedLink) string { return l.ID }, func(to, from *ExtManagedLink) {
		to.Ports = slices.Concat(to.Ports, from.Ports)
	})
	c.ExtLinks = joined(i.ExtLinks, p.ExtLinks, func(l *ExtVirtualLink) string { return l.ID }, func(to, from *ExtVirtualLink) {
		to.Ports = joined(to.Ports, from.Ports, func(x *ExtPort) string { return x.ID }, func(to, from *ExtPort) {
			if from.CpID != "" { // one that someone else made serves a connection point now
				*to = *from
			}
		})
		to.Cps = MergedCps(to.Cps, from.Cps)
	})
	return &c
}

// joined adds what is not there yet, and has the rest merged into what is there.
func joined[T any](there, more []T, id func(*T) string, merge func(to, from *T)) []T {
	if len(more) == 0 {
		return there
	}
	out := slices.Clone(there)
	at := make(map[string]int, len(out))
	for i := range out {
		at[id(&out[i])] = i
	}
	for i := range more {
		switch n, ok := at[id(&more[i])]; {
		case !ok:
			out = append(out, more[i])
		case merge != nil:
			merge(&out[n], &more[i])
		}
	}
	return out
}

// MergedCps returns configurations of external connection points with others laid over them, by CPD and entry.
func MergedCps(there, more []ExtCpData) []ExtCpData {
	return joined(there, more, func(d *ExtCpData) string { return d.CpdID }, func(to, from *ExtCpData) {
		config := maps.Clone(to.Config)
		if config == nil {
			config = map[string]ExtCpConfig{}
		}
		maps.Copy(config, from.Config)
		to.Config = config
	})
}

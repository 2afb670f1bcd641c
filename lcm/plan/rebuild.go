package plan

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Rebuilding is what a VNF is to be of another flavour, or of another VNFD.
type Rebuilding struct {
	Op, Name   string // seed of the new ids; what names of resources begin with
	Vnf        *vnf.Instance
	Was        *vnfd.Flavour // that it has
	Descriptor *vnfd.Descriptor
	Flavour    *vnfd.Flavour // that it is to have
	// Names are names of Flavour by those of Was, of what is called otherwise there: VDUs, links, storages, connection points, aspects.
	Names  map[string]string
	Counts map[string]int // VNFCs by VDU of Flavour
	Level  string
	Status []vnf.ScaleInfo
	Links  []ExtLink // of the request, to be laid over those there are
	// Managed are internal links that others provide, as the request has them; those there are stay.
	Managed []ExtManaged
	Vars    map[string]string // for boot data
	// Releases are the charts of containers, and Objects the objects of their manifests, as they are to be; ObjectsAt is what names them.
	// Namespace is made for them; "": they go where others of the VNF are, or to one that is there.
	Releases  []ChartRelease
	Objects   []Object
	ObjectsAt string
	Namespace string
	Power     vim.Power // of new VNFCs
	Limits    Limits
	// Beside: all VNFCs are made anew, beside those that there are, which go once the new ones stand.
	Beside bool
}

// Rebuild returns what a VNF that has some resources consists of once it is of another flavour or VNFD. It is built as an instantiation
// is, then what is like something there is takes its place: the VNFCs of a VDU by their indexes, the oldest first, with their ports and
// volumes; links, subnets and shared volumes by their names. A resource keeps the form in which it stands as far as the two flavours
// say the same of it. Returns Unprocessable with the attribute for what does not fit; BesideError.
func Rebuild(r *Rebuilding, have []Resource) (*Wanted, error) {
	was, err := Of(r.Vnf, have)
	if err != nil {
		return nil, err
	}
	for i := range r.Vnf.Resources {
		if x := &r.Vnf.Resources[i]; x.MayBeGone {
			return nil, vnfm.Errorf(vnfm.Conflict, "the %s %s may be gone, since an operation was given up: heal the VNF first", x.Kind, x.Name)
		}
	}
	for i := range have {
		if have[i].Revision == 0 {
			return nil, vnfm.Errorf(vnfm.Conflict, "the %s %s was made by a program that did not record how: terminate the VNF and instantiate it again", have[i].Kind, have[i].Name())
		}
	}
	if err := r.Limits.vnfcs(r.Flavour, r.Counts); err != nil {
		return nil, err
	}
	is := func(kind vim.Kind) bool {
		return slices.ContainsFunc(have, func(r Resource) bool { return r.Kind == kind })
	}
	has := func(container bool) bool {
		return slices.ContainsFunc(r.Flavour.Vdus, func(v vnfd.Vdu) bool { return v.Container == container })
	}
	var units *units
	if is(vim.Unit) || has(true) {
		if units, err = r.units(was, has(true)); err != nil {
			return nil, err
		}
		if !is(vim.Compute) && !has(false) {
			return units.alone(), nil
		}
	}
	want, err := r.machines(was)
	if err == nil && units != nil {
		units.beside(want)
	}
	return want, err
}

// machines is what the VNF consists of but for its containers: machines, and what they are connected to.
func (r *Rebuilding) machines(was *Wanted) (*Wanted, error) {
	x := &rebuilding{Rebuilding: r, was: was, same: map[string]string{}}
	links, err := MergeLinks(x.renamed(Connected(r.Vnf)), r.Links, func(cpd string) bool { return externalOf(r.Flavour, cpd) })
	if err != nil {
		return nil, err
	}
	if err := x.build(links.Links); err != nil {
		return nil, err
	}
	x.match()
	if r.Beside {
		if err := x.beside(); err != nil {
			return nil, err
		}
	}
	x.take()
	want := x.planner.plan
	want.Was = &Boot{Boots: Boots(r.Was), Vars: r.Vnf.Values}
	want.Cut = x.cut()
	want.Index()
	return want, nil
}

// rebuilding builds what is wanted.
type rebuilding struct {
	*Rebuilding
	*planner
	was  *Wanted
	same map[string]string // id of what stands, by that of what was planned
}

// now is a name of the flavour that the VNF has in the other one.
func (x *rebuilding) now(name string) string { return cmp.Or(x.Names[name], name) }

// renamed returns the external links with the names that the CPDs have, without those that there are no more.
func (x *rebuilding) renamed(links []ExtLink) []ExtLink {
	for i := range links {
		var cps []vnf.ExtCpData
		for _, d := range links[i].Cps {
			if d.CpdID = x.now(d.CpdID); externalOf(x.Flavour, d.CpdID) {
				cps = append(cps, d)
			}
		}
		links[i].Cps = cps
	}
	return slices.DeleteFunc(links, func(l ExtLink) bool { return len(l.Cps) == 0 })
}

// build plans all of it anew. VNFCs that stay have the entries of the configuration that they have, and the indexes.
func (x *rebuilding) build(links []ExtLink) error {
	request := &Request{FlavourID: x.Flavour.ID, Level: x.Level, ExtLinks: links, ExtManaged: x.managed(), Localization: x.Vnf.Info.Localization}
	p := newPlanner(x.Op, x.Name, x.Descriptor, x.Flavour, request, x.Rebuilding.Counts, x.Level, x.Vars)
	p.grows = true
	p.keeps = map[string]string{}
	x.planner = p
	p.plan.ScaleStatus = x.Status
	for _, a := range x.Flavour.Aspects {
		p.plan.MaxScaleLevels = append(p.plan.MaxScaleLevels, vnf.ScaleInfo{AspectID: a.ID, Level: a.MaxLevel})
	}
	for _, m := range x.Flavour.Monitoring {
		p.plan.Monitoring = append(p.plan.Monitoring, vnf.MonitoringParameter{ID: m.ID, Name: m.Name, Metric: m.Metric})
	}
	for _, step := range []func() error{p.coverage, p.links, x.vnfcs, p.extCps, p.affinity} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		p.plan.Resources = append(p.plan.Resources, p.stage[k.kind]...)
	}
	p.plan.Rules = nil // made once it is known what is replaced
	p.plan.Index()
	return nil
}

// managed are the internal links that others provide: those of the request, and those there are.
func (x *rebuilding) managed() []ExtManaged {
	out := slices.Clone(x.Managed)
	for _, l := range x.was.Links {
		desc := x.now(l.Desc)
		named := slices.ContainsFunc(out, func(m ExtManaged) bool { return m.LinkID == desc })
		if !named && slices.ContainsFunc(x.Flavour.Links, func(v vnfd.VirtualLink) bool { return v.ID == desc }) {
			out = append(out, ExtManaged{ID: l.ID, LinkID: desc, Connection: l.Connection, Provider: l.Provider, NetworkID: l.NetworkID})
		}
	}
	return out
}

// vnfcs plans the VNFCs: of each VDU the oldest that stay, with their indexes, then new ones with the lowest that are free.
func (x *rebuilding) vnfcs() error {
	there := map[string][]int{}
	for _, c := range x.was.Vnfcs {
		vdu := x.now(c.Vdu)
		there[vdu] = append(there[vdu], c.Index)
	}
	keys := map[string]string{} // of external connection points
	for _, e := range x.was.ExtCps {
		keys[e.ID] = e.ConfigID
	}
	for i := range x.f.Vdus {
		vdu := &x.f.Vdus[i]
		n := x.planner.counts[vdu.ID]
		if n == 0 || vdu.Container {
			continue
		}
		indexes := there[vdu.ID][:min(n, len(there[vdu.ID]))]
		for _, c := range x.was.Vnfcs {
			if x.now(c.Vdu) != vdu.ID || !slices.Contains(indexes, c.Index) {
				continue
			}
			for _, cp := range c.Cps {
				switch {
				case cp.Parent != "":
				case cp.ExtCp != "":
					x.keep(x.now(cp.Cpd), c.Index, keys[cp.ExtCp])
				case cp.Link == "" && cp.Port == "" && cp.Foreign == nil:
					x.keep(x.now(cp.Cpd), c.Index, disconnected)
				}
			}
		}
		for next := 0; len(indexes) < n; next++ {
			if !slices.Contains(there[vdu.ID], next) {
				indexes = append(slices.Clip(indexes), next)
			}
		}
		if err := x.needs(vdu); err != nil {
			return err
		}
		for _, index := range indexes {
			if err := x.vnfc(vdu, index); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep lets a connection point of a VNFC have the entry that it has.
func (x *rebuilding) keep(cpd string, index int, key string) {
	x.keeps[keepKey(cpd, index)] = key
	x.taken[entryKey(cpd, key)] = true
}

// match finds what stands for what was planned.
func (x *rebuilding) match() {
	id := func(planned, stands string) {
		if planned != "" && stands != "" {
			x.same[planned] = stands
		}
	}
	links, subnets := map[string]string{}, map[string][]string{}
	groups, shared := map[string]string{}, map[string]string{}
	own := map[string]bool{}
	for _, c := range x.was.Vnfcs {
		for _, s := range c.Storages {
			if r := x.was.resource(s); r != nil && perVnfc(x.Was, r.Template) {
				own[s] = true
			}
		}
	}
	for i := range x.was.Resources {
		r := &x.was.Resources[i]
		switch r.Kind {
		case vim.Network:
			links[x.now(r.Template)] = r.ID
		case vim.Subnet:
			subnets[x.now(r.Template)] = append(subnets[x.now(r.Template)], r.ID)
		case vim.ServerGroup:
			groups[r.Template] = cmp.Or(groups[r.Template], r.ID)
		case vim.Volume:
			if !own[r.ID] {
				shared[x.now(r.Template)] = r.ID
			}
		default:
		}
	}
	nth := map[string]int{}
	for _, r := range x.planner.plan.Resources {
		switch r.Kind {
		case vim.Network:
			id(r.ID, links[r.Template])
		case vim.Subnet:
			if n := nth[r.Template]; n < len(subnets[r.Template]) {
				id(r.ID, subnets[r.Template][n])
			}
			nth[r.Template]++
		case vim.ServerGroup:
			id(r.ID, groups[r.Template])
		case vim.Volume:
			if !perVnfc(x.Flavour, r.Template) {
				id(r.ID, shared[r.Template])
			}
		default:
		}
	}
	for _, c := range x.planner.plan.Vnfcs {
		if x.Beside {
			break
		}
		for _, old := range x.was.Vnfcs {
			if x.now(old.Vdu) == c.Vdu && old.Index == c.Index && old.Unit == "" {
				x.vnfcLike(&c, &old, id)
			}
		}
	}
	for _, e := range x.planner.plan.ExtCps { // those that expose a link or a connection point
		for _, old := range x.was.ExtCps {
			cp := cmp.Or(x.same[e.Cp], e.Cp)
			if x.now(old.Cpd) == e.Cpd && old.Cp == cp && (e.Cp != "" || x.now(old.Link) == e.Link) && x.same[e.ID] == "" {
				id(e.ID, old.ID)
			}
		}
	}
}

func perVnfc(f *vnfd.Flavour, storage string) bool {
	i := slices.IndexFunc(f.Storages, func(s vnfd.Storage) bool { return s.ID == storage })
	return i < 0 || f.Storages[i].PerVnfc
}

// vnfcLike matches what a VNFC consists of.
func (x *rebuilding) vnfcLike(c, old *Vnfc, id func(planned, stands string)) {
	id(c.ID, old.ID)
	for _, s := range c.Storages {
		planned := x.planner.plan.resource(s)
		for _, o := range old.Storages {
			if r := x.was.resource(o); r != nil && perVnfc(x.Flavour, planned.Template) && x.now(r.Template) == planned.Template {
				id(s, o)
			}
		}
	}
	key := func(w *Wanted, ext string) string {
		if i := slices.IndexFunc(w.ExtCps, func(e ExtCp) bool { return e.ID == ext }); i >= 0 && ext != "" {
			return w.ExtCps[i].ConfigID
		}
		return ""
	}
	for _, cp := range c.Cps {
		for _, o := range old.Cps {
			if x.now(o.Cpd) != cp.Cpd || (o.Parent == "") != (cp.Parent == "") || cp.Parent != "" && key(x.planner.plan, cp.ExtCp) != key(x.was, o.ExtCp) {
				continue
			}
			id(cp.ID, o.ID)
			id(cp.Port, o.Port)
			id(cp.ExtCp, o.ExtCp)
		}
	}
}

// take lets what stands take the place of what was planned.
func (x *rebuilding) take() {
	w := x.planner.plan
	at := func(id *string) { *id = cmp.Or(x.same[*id], *id) }
	for i := range w.Resources {
		r := &w.Resources[i]
		r.Spec, _ = mapReferences(r.Spec, func(ref string) (string, error) { // the function given never fails
			if id, ok := strings.CutPrefix(ref, refPlan); ok {
				return refPlan + cmp.Or(x.same[id], id), nil
			}
			return ref, nil
		})
		if r.Definition != "" {
			at(&r.Definition)
		}
		at(&r.ID)
		at(&r.Near)
		r.Members = slices.Clone(r.Members)
		for k := range r.Members {
			at(&r.Members[k])
		}
	}
	for i := range w.Vnfcs {
		c := &w.Vnfcs[i]
		at(&c.ID)
		for k := range c.Storages {
			at(&c.Storages[k])
		}
		for k := range c.Cps {
			for _, id := range []*string{&c.Cps[k].ID, &c.Cps[k].Port, &c.Cps[k].ExtCp, &c.Cps[k].Parent} {
				at(id)
			}
		}
	}
	for i := range w.ExtCps {
		for _, id := range []*string{&w.ExtCps[i].ID, &w.ExtCps[i].Port, &w.ExtCps[i].Cp} {
			at(id)
		}
	}
	w.Index()
	reboot := x.reboots()
	for i := range w.Resources {
		r := &w.Resources[i]
		if old := x.was.resource(r.ID); old != nil && old.Kind == r.Kind {
			x.like(r, old)
		} else if r.Spec.Compute != nil && x.Power == vim.PowerOff {
			r.Spec.Compute.Power = vim.PowerOff
		}
	}
	x.standingGroups()
	w.Rebooted = reboot
}

// standingGroups keeps the server groups of rules that stand at further VIMs, for the computes there, and the images and flavours that were made for what stays.
func (x *rebuilding) standingGroups() {
	w := x.planner.plan
	for i := range x.was.Resources {
		g := &x.was.Resources[i]
		if g.Kind != vim.ServerGroup && !lends(g.Kind) || w.resource(g.ID) != nil {
			continue
		}
		used := slices.ContainsFunc(w.Resources, func(r Resource) bool {
			return slices.Contains(references(&r.Spec), refPlan+g.ID)
		})
		if used {
			w.Resources = append(w.Resources, *g)
			w.Index()
		}
	}
}

// like lets a resource have the form in which it stands, as far as the flavours say the same of it.
func (x *rebuilding) like(r, old *Resource) {
	planned := r.Spec
	r.Generation, r.Revision, r.At, r.Tried, r.Unsure = old.Generation, old.Revision, old.At, old.Tried, old.Unsure
	r.Definition, r.Near = old.Definition, cmp.Or(r.Near, old.Near)
	r.Spec = old.Spec
	switch r.Kind {
	case vim.Network:
		r.Spec.Network = x.networkLike(r.Template, old.Template, old.Spec.Network, planned.Network)
	case vim.Subnet:
		if !reflect.DeepEqual(x.subnetsOf(x.Flavour, r.Template), x.subnetsOf(x.Was, old.Template)) {
			r.Spec.Subnet = planned.Subnet
		}
	case vim.Volume:
		r.Spec.Volume = x.volumeLike(r, old, planned.Volume)
	case vim.Port:
		r.Spec.Port = x.portLike(r, old, planned.Port)
	case vim.Compute:
		r.Spec.Compute = x.computeLike(r, old, planned.Compute)
	case vim.ServerGroup:
		r.Spec.ServerGroup = planned.ServerGroup
	case vim.Unit, vim.Configuration, vim.SoftwareImage, vim.ComputeFlavour:
	}
}

// named returns the thing with a name.
func named[T any](all []T, name string, id func(*T) string) *T {
	for i := range all {
		if id(&all[i]) == name {
			return &all[i]
		}
	}
	return nil
}

func linkOf(f *vnfd.Flavour, name string) *vnfd.VirtualLink {
	return named(f.Links, name, func(l *vnfd.VirtualLink) string { return l.ID })
}

func (x *rebuilding) subnetsOf(f *vnfd.Flavour, link string) []vnfd.SubnetProfile {
	if l := linkOf(f, link); l != nil {
		return l.Subnets
	}
	return nil
}

func (x *rebuilding) networkLike(now, before string, old, planned *vim.NetworkSpec) *vim.NetworkSpec {
	a, b := linkOf(x.Was, before), linkOf(x.Flavour, now)
	if old == nil || a == nil || b == nil {
		return planned
	}
	c := *old
	if a.NetworkType != b.NetworkType {
		c.Type = planned.Type
	}
	if a.MTU != b.MTU {
		c.MTU = planned.MTU
	}
	if b.BitRate != nil {
		levels := map[string]int{}
		for _, s := range x.Status {
			levels[s.AspectID] = s.Level
		}
		rate := x.Flavour.LinkRate(b, levels)
		if x.Level != "" {
			rate = x.Flavour.LinkRateAt(b, x.Level)
		}
		c.RootBitRate, c.LeafBitRate = rate.Root, rate.Leaf
	}
	return &c
}

func (x *rebuilding) volumeLike(r, old *Resource, planned *vim.VolumeSpec) *vim.VolumeSpec {
	storage := func(f *vnfd.Flavour, name string) *vnfd.Storage {
		return named(f.Storages, name, func(s *vnfd.Storage) string { return s.ID })
	}
	a, b := storage(x.Was, old.Template), storage(x.Flavour, r.Template)
	if old.Spec.Volume == nil || a == nil || b == nil {
		return planned
	}
	c := *old.Spec.Volume
	if c.SizeBytes = b.SizeBytes; b.SizeBytes < old.Spec.Volume.SizeBytes { // no VIM makes a volume smaller
		r.Generation = old.Generation + 1
		x.warnf("the volume %s is made anew, smaller, without what is on it", old.Name())
	}
	if !sameImage(a.Image, b.Image) {
		c.Image = planned.Image
		x.warnf("the volume %s is made anew from another image, without what is on it", old.Name())
	}
	return &c
}

// sameImage reports whether two images are one: a VIM has it already.
func sameImage(a, b *vnfd.Image) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && a.Name == b.Name && a.Version == b.Version && a.Checksum == b.Checksum
}

func (x *rebuilding) portLike(r, old *Resource, planned *vim.PortSpec) *vim.PortSpec {
	cpd := func(f *vnfd.Flavour, name string) *vnfd.VduCp {
		return named(f.Cps, name, func(c *vnfd.VduCp) string { return c.ID })
	}
	a, b := cpd(x.Was, old.Template), cpd(x.Flavour, r.Template)
	if old.Spec.Port == nil || a == nil || b == nil {
		return planned
	}
	c := *old.Spec.Port
	if a.VnicType != b.VnicType {
		c.VnicType = planned.VnicType
	}
	if !slices.Equal(a.Rules, b.Rules) {
		c.Rules = planned.Rules
	}
	if !slices.Equal(a.Shared, b.Shared) {
		c.Shared = planned.Shared
	}
	if strings.HasPrefix(planned.Network, refExtNet) {
		return &c // nobody says anything else: it stays where it is
	}
	internal := b.Link != "" && strings.HasPrefix(planned.Network, refPlan)
	switch {
	case c.Network != planned.Network, !internal, !slices.Equal(a.FixedIPs, b.FixedIPs):
		c.Network, c.FixedIPs, c.NoIPs = planned.Network, planned.FixedIPs, planned.NoIPs
		c.MAC = planned.MAC
	}
	return &c
}

func (x *rebuilding) computeLike(r, old *Resource, planned *vim.ComputeSpec) *vim.ComputeSpec {
	vdu := func(f *vnfd.Flavour, name string) *vnfd.Vdu {
		return named(f.Vdus, name, func(v *vnfd.Vdu) string { return v.ID })
	}
	a, b := vdu(x.Was, old.Template), vdu(x.Flavour, r.Template)
	if old.Spec.Compute == nil || a == nil || b == nil {
		return planned
	}
	c := *old.Spec.Compute
	if a.VCPUs != b.VCPUs || a.MemoryBytes != b.MemoryBytes || a.DiskBytes != b.DiskBytes || a.FlavourName != b.FlavourName {
		c.Flavour = planned.Flavour
	}
	if !sameImage(a.Image, b.Image) {
		c.Image = planned.Image
	}
	c.Ports, c.SubPorts, c.Volumes = planned.Ports, planned.SubPorts, planned.Volumes
	c.UserData = planned.UserData
	if b.BootData != nil && a.BootData == nil || a.BootData != nil && b.BootData != nil && a.BootData.ConfigDrive != b.BootData.ConfigDrive {
		c.ConfigDrive = planned.ConfigDrive
	}
	c.Metadata = maps.Clone(old.Spec.Compute.Metadata)
	if c.Metadata["vdu"] == old.Template && old.Template != r.Template {
		c.Metadata["vdu"] = r.Template
	}
	for _, ref := range c.ServerGroup {
		g := x.was.resource(strings.TrimPrefix(ref, refPlan))
		rule := func(f *vnfd.Flavour) *vnfd.AffinityRule {
			return named(f.Affinity, g.Template, func(a *vnfd.AffinityRule) string { return a.ID })
		}
		if g == nil || rule(x.Flavour) == nil || !slices.Contains(rule(x.Flavour).Vdus, r.Template) {
			c.ServerGroup = planned.ServerGroup
			break
		}
	}
	if len(old.Spec.Compute.ServerGroup) == 0 {
		c.ServerGroup = nil // one that stands joins no group: its VNF had nothing to keep apart
	}
	return &c
}

// reboots says of which VDUs the boot data, or values in them, are other ones.
func (x *rebuilding) reboots() map[string]bool {
	out := map[string]bool{}
	before := Boots(x.Was)
	for vdu, b := range Boots(x.Flavour) {
		a := before[vdu]
		if a == nil {
			continue // the reference tells
		}
		out[vdu] = a.Content != b.Content
		for name, value := range x.Vars {
			if strings.Contains(b.Content, "${"+name+"}") && value != x.Vnf.Values[name] {
				out[vdu] = true
			}
		}
	}
	return out
}

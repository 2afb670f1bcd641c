package lcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/charts"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/manifest"
)

// ChangeVnfPkg implements API: the plan is from what the VNF has to what the other package wants, as far as the two differ.
func (s *Service) ChangeVnfPkg(ctx context.Context, vnfID string, r ChangeVnfPkg, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.changingPackage(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanChangeVnfPkg implements API.
func (s *Service) PlanChangeVnfPkg(ctx context.Context, vnfID string, r ChangeVnfPkg) (*Preview, error) {
	o, err := s.changingPackage(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) changingPackage(ctx context.Context, vnfID string, r *ChangeVnfPkg) (*wish, error) {
	if r.VnfdID == "" {
		return nil, vnfm.Errorf(vnfm.Invalid, "vnfdId names the VNFD of the package that the VNF is to be of").At("/vnfdId")
	}
	if err := s.checkAddresses(r.ExtLinks); err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeVnfPkg, err)
	}
	own, usual, named, err := s.connect(ctx, vnfID, r.ExtLinks, r.ExtManaged, r.Connections)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeVnfPkg, err)
	}
	ref, err := s.cfg.Packages.Enabled(ctx, r.VnfdID)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeVnfPkg, enabledError(err, r.VnfdID))
	}
	d, err := s.cfg.Packages.Descriptor(ctx, ref.Digest)
	if err != nil {
		return nil, err
	}
	to := &newPackage{ref: ref, descriptor: d}
	if err := s.containersOf(ctx, vnfID, r, to); err != nil {
		return nil, err
	}
	return &wish{
		command: "lcm.change-vnfpkg", operation: vnf.OpChangeVnfPkg, params: r.Params, own: own, places: besides(usual, named), to: to,
		extensions: r.Extensions, configurable: r.Configurable, checksProperties: true, take: s.cfg.Settings.Take,
		plan: func(b *beginning) error { return s.planChangeVnfPkg(b, r, to) },
	}, nil
}

// containersOf reads what a VNF of containers is made of once it is of another package.
func (s *Service) containersOf(ctx context.Context, vnfID string, r *ChangeVnfPkg, to *newPackage) error {
	v, was, err := s.described(ctx, vnfID)
	if err != nil || v.Info == nil { // what is not instantiated is refused later
		return err
	}
	id := v.Info.FlavourID
	if change, ok := vnfd.ChangeTo(was, id, to.descriptor); ok && change != nil && change.Flavour != "" {
		id = change.Flavour
	}
	if f, ok := to.descriptor.Flavour(id); ok {
		to.containers, err = s.containersIn(ctx, v, to.ref.ID, f, r.AdditionalParams, r.Connections)
	}
	return err
}

// containers are what a VNF of containers is made of: charts, without their values, or objects of manifests.
type containers struct {
	releases  []plan.ChartRelease
	objects   []plan.Object
	namespace string // to be made for them
}

func (c *containers) none() bool { return len(c.releases)+len(c.objects) == 0 }

// containersIn reads what a VNF is made of in a flavour of a package: the charts or manifests that a request names, or an operation before did, else the charts of the
// descriptor. They are where those are that there are; the first that a VNF has go where an instantiation would put them. None of a flavour without containers.
func (s *Service) containersIn(
	ctx context.Context, v *vnf.Instance, packageID string, f *vnfd.Flavour, params json.RawMessage, brought map[string]json.RawMessage,
) (out containers, err error) {
	if !slices.ContainsFunc(f.Vdus, func(v vnfd.Vdu) bool { return v.Container }) {
		return out, nil
	}
	asked := overlaidBy(charts.Fitting(v.Params, f), params)
	releases, _, err := charts.Releases(ctx, packageID, f, asked, f.Operations[string(vnf.OpInstantiate)].ParamsSchema, func(ctx context.Context, path string) (map[string][]byte, error) {
		return s.cfg.Packages.Tree(ctx, packageID, path, vim.MaxChart)
	})
	if err != nil {
		return out, err
	}
	in := *v
	in.PackageID = packageID
	m, err := s.objects(ctx, &in, &Instantiate{AdditionalParams: asked})
	if err == nil && m == nil {
		m, err = namespaceIn(asked)
	}
	if err != nil {
		return out, err
	}
	m.releases = releases
	made := slices.ContainsFunc(v.Resources, func(r vnf.Resource) bool { return plan.OwnNamespace(&r) })
	first := !slices.ContainsFunc(v.Resources, func(r vnf.Resource) bool { return vim.Kind(r.Kind) == vim.Unit })
	switch {
	case made && m.namespace == "":
		m.namespace = ownNamespace(v.ID)
		manifest.Place(m.objects, m.namespace, false)
	case first:
		m.site, err = s.siteNamespace(ctx, placesFor(v, "", slices.Sorted(maps.Keys(brought))), len(releases) > 0, &Instantiate{Connections: brought})
		if err != nil {
			return out, err
		}
		out.namespace = m.place(v.ID)
	case m.namespace != "":
		manifest.Place(m.objects, m.namespace, true)
	}
	out.releases, out.objects, err = m.planned(out.namespace)
	return out, err
}

func (s *Service) planChangeVnfPkg(b *beginning, r *ChangeVnfPkg, to *newPackage) error {
	was := b.flavour()
	switch {
	case was == nil:
		return vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", b.vnf.Info.FlavourID)
	case r.VnfdID == b.vnf.VnfdID:
		return vnfm.Errorf(vnfm.Unprocessable, "the VNF is of the VNFD %s already", r.VnfdID).At("/vnfdId")
	}
	change, ok := vnfd.ChangeTo(b.descriptor, was.ID, to.descriptor)
	if !ok {
		return vnfm.Errorf(vnfm.Unprocessable, "neither VNFD lets the flavour %s of %s change to %s (VnfPackageChange)", was.ID, b.vnf.VnfdID, r.VnfdID).At("/vnfdId")
	}
	names, id := map[string]string{}, was.ID
	if change != nil {
		for _, m := range change.Mappings {
			names[m.Source] = m.Destination
		}
		if change.Flavour != "" {
			id = change.Flavour
		}
	}
	f, ok := to.descriptor.Flavour(id)
	if !ok {
		return vnfm.Errorf(vnfm.Unprocessable, "the VNFD %s has no deployment flavour %q; it has %s", r.VnfdID, id, plan.Flavours(to.descriptor)).At("/vnfdId")
	}
	x := &rebuilt{names: names, links: r.ExtLinks, managed: r.ExtManaged, containers: to.containers}
	way, err := s.wayOf(r.AdditionalParams, f)
	if err != nil {
		return err
	}
	if way.beside && !to.none() { // their VIM replaces pods by itself
		if way.asked {
			return vnfm.Errorf(vnfm.Unprocessable, "%s is for a VNF of machines alone: pods are replaced as their workloads say", paramBeside).At("/additionalParams/" + paramBeside)
		}
		way.beside = false
	}
	x.batch, x.beside, x.params = way.batch, way.beside, r.AdditionalParams
	if x.levels, err = levelsIn(b.vnf.Info, f, names); err != nil {
		return err
	}
	if x.counts, err = countsIn(b.vnf.Info, was, f, names, x.levels); err != nil {
		return err
	}
	if level := b.vnf.Info.Level; f.Level(level) != nil {
		x.level = level
	}
	use := vnf.UseOf(to.ref.ID, to.ref.Digest, to.descriptor)
	b.data.Package, b.data.Metadata = &use, missingIn(b.vnf.Metadata, vnf.Initial(to.descriptor.Metadata))
	if err := s.rebuildIn(b, was, to.descriptor, f, x, way); err != nil {
		return err
	}
	g := &b.data.Grant
	g.DstVnfdID, g.AdditionalParams = r.VnfdID, b.seal(r.AdditionalParams, f.Operations[string(vnf.OpChangeVnfPkg)].ParamsSchema)
	for i := range g.Add {
		g.Add[i].VnfdID = r.VnfdID
	}
	for i := range g.Update {
		g.Update[i].VnfdID = r.VnfdID
	}
	for i := range g.Remove {
		g.Remove[i].VnfdID = b.vnf.VnfdID
	}
	return nil
}

// The members of additionalParams that say how a package is changed: how many machines are changed, or made again, at once; and whether new ones
// are made beside those that there are. They are the VNFM's own; the schema of the VNFD does not have to know them.
const (
	paramBatch  = "batchSize"
	paramBeside = "blueGreen"
)

// packageWay is how a package is changed.
type packageWay struct {
	batch  int  // machines at once; 0: all
	beside bool // new machines beside the old ones, which go once the new ones are there and have been told
	asked  bool // the request says so: it is that or nothing
}

// wayOf is how a package is changed: as the request says, else the VNFD, else the site.
func (s *Service) wayOf(params json.RawMessage, f *vnfd.Flavour) (w packageWay, err error) {
	batch := -1
	var beside *bool
	if err = own(params, paramBatch, &batch, "how many machines are changed at once; 0: all"); err != nil {
		return w, err
	}
	if err = own(params, paramBeside, &beside, "true or false: whether new machines are made beside those that there are"); err != nil {
		return w, err
	}
	says := f.Operations[string(vnf.OpChangeVnfPkg)]
	switch {
	case batch < -1:
		return w, vnfm.Errorf(vnfm.Unprocessable, "%s is not negative", paramBatch).At("/additionalParams/" + paramBatch)
	case batch > 0 && beside != nil && *beside:
		return w, vnfm.Errorf(vnfm.Unprocessable, "%s makes all machines at once: leave out %s", paramBeside, paramBatch).At("/additionalParams/" + paramBatch)
	case beside != nil:
		w.beside, w.asked = *beside, *beside
	case batch >= 0: // that is another way
	case says.Beside != nil:
		w.beside = *says.Beside
	case says.Batch == nil:
		w.beside = s.cfg.Settings.Beside
	}
	switch {
	case batch >= 0:
		w.batch = batch
	case says.Batch != nil:
		w.batch = *says.Batch
	default:
		w.batch = s.cfg.Settings.Batch
	}
	return w, nil
}

// rebuildIn plans the change in its way. Where new machines cannot stand beside the old ones it is refused when the request asks for that, else
// made in the other way, with a warning.
func (s *Service) rebuildIn(b *beginning, was *vnfd.Flavour, d *vnfd.Descriptor, f *vnfd.Flavour, x *rebuilt, way packageWay) error {
	err := s.rebuild(b, was, d, f, x)
	var shared *plan.BesideError
	if !errors.As(err, &shared) {
		return err
	}
	if way.asked {
		return vnfm.Errorf(vnfm.Unprocessable, "new machines cannot stand beside the old ones, as both cannot have %s: change it without %s, all at once or some at a time (%s)",
			shared, paramBeside, paramBatch).At("/additionalParams/" + paramBeside)
	}
	x.beside = false
	x.warnings = append(x.warnings, "no new machines are made beside the old ones, as both cannot have "+shared.Error())
	return s.rebuild(b, was, d, f, x)
}

// levelsIn is the scale levels that a VNF has, of the aspects of another flavour; those it did not have are at the level of its default.
func levelsIn(i *vnf.InstantiatedInfo, f *vnfd.Flavour, names map[string]string) (map[string]int, error) {
	out, err := f.ScaleStatus("")
	if err != nil {
		out = map[string]int{}
	}
	for _, s := range i.ScaleStatus {
		id := s.AspectID
		if to := names[id]; to != "" {
			id = to
		}
		a := f.Aspect(id)
		if a == nil {
			continue
		}
		if s.Level > a.MaxLevel {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the aspect %s is at level %d, and has levels up to %d there: scale in first", s.AspectID, s.Level, a.MaxLevel).At("/vnfdId")
		}
		out[id] = s.Level
	}
	return out, nil
}

// countsIn is how many VNFCs a VNF has of each VDU of another flavour: as many as it has, more or fewer as the two flavours differ at
// its scale levels; of a VDU that is new as many as belong to them.
func countsIn(i *vnf.InstantiatedInfo, was, f *vnfd.Flavour, names map[string]string, levels map[string]int) (map[string]int, error) {
	before := map[string]int{}
	for _, s := range i.ScaleStatus {
		before[s.AspectID] = s.Level
	}
	have := counts(i)
	out := map[string]int{}
	for n := range f.Vdus {
		v := &f.Vdus[n]
		at := slices.IndexFunc(was.Vdus, func(o vnfd.Vdu) bool {
			if to := names[o.ID]; to != "" {
				return to == v.ID
			}
			return o.ID == v.ID
		})
		if out[v.ID] = f.Scaled(v, levels); at < 0 {
			continue
		}
		old := &was.Vdus[at]
		out[v.ID] = have[old.ID] + f.Scaled(v, levels) - was.Scaled(old, before)
		if c := out[v.ID]; c < v.Min || c > v.Max {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VDU %s would have %d VNFCs, and its profile there allows %d to %d: scale first", v.ID, c, v.Min, v.Max).At("/vnfdId")
		}
	}
	return out, nil
}

// missingIn returns those of some values that an instance does not have.
func missingIn(have, values map[string]json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	for name, value := range values {
		if _, ok := have[name]; ok {
			continue
		}
		if out == nil {
			out = map[string]json.RawMessage{}
		}
		out[name] = value
	}
	return out
}

// landPackage makes the VNF what it consists of now, and of the package that it was to be of.
func landPackage(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	r, err := rebuiltOf(v, d, o)
	if err != nil {
		return nil, err
	}
	if d.Package == nil {
		return nil, fmt.Errorf("operation %s leads to no package", d.OpID)
	}
	return vnf.CompletePackage{Landed: vnf.InstancePackageChanged{OpID: d.OpID, Package: *d.Package, Metadata: d.Metadata, Rebuilt: *r}}, nil
}

// overlaidBy lays parameters over others.
func overlaidBy(params, over json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(over, &members) != nil {
		return params // what is no object is refused with the other parameters
	}
	return overlaid(params, members)
}

package lcm

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/charts"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// ChangeFlavour implements API: the plan is from what the VNF has to what the other flavour wants, as far as the two differ.
func (s *Service) ChangeFlavour(ctx context.Context, vnfID string, r ChangeFlavour, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.changingFlavour(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanChangeFlavour implements API.
func (s *Service) PlanChangeFlavour(ctx context.Context, vnfID string, r ChangeFlavour) (*Preview, error) {
	o, err := s.changingFlavour(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) changingFlavour(ctx context.Context, vnfID string, r *ChangeFlavour) (*wish, error) {
	if r.FlavourID == "" {
		return nil, vnfm.Errorf(vnfm.Invalid, "newFlavourId names the flavour that the VNF is to have").At("/newFlavourId")
	}
	if err := s.checkAddresses(r.ExtLinks); err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeFlavour, err)
	}
	own, usual, named, err := s.connect(ctx, vnfID, r.ExtLinks, r.ExtManaged, r.Connections)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeFlavour, err)
	}
	of, err := s.containersOfFlavour(ctx, vnfID, r)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeFlavour, err)
	}
	return &wish{
		command: "lcm.change-flavour", operation: vnf.OpChangeFlavour, params: r.Params, own: own, places: besides(usual, named),
		extensions: r.Extensions, configurable: r.Configurable, checksProperties: true, take: s.cfg.Settings.Take,
		plan: func(b *beginning) error { return s.planChangeFlavour(b, r, of) },
	}, nil
}

// described returns an instance and the descriptor that it is made by.
func (s *Service) described(ctx context.Context, vnfID string) (*vnf.Instance, *vnfd.Descriptor, error) {
	v, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, nil, err
	}
	d, err := s.cfg.Packages.Descriptor(ctx, v.DescriptorDigest)
	return v, d, err
}

// containersOfFlavour reads what a VNF of containers is made of in another flavour.
func (s *Service) containersOfFlavour(ctx context.Context, vnfID string, r *ChangeFlavour) (out containers, err error) {
	v, d, err := s.described(ctx, vnfID)
	if err != nil || v.Info == nil { // what is not instantiated is refused later
		return out, err
	}
	if f, ok := d.Flavour(r.FlavourID); ok {
		return s.containersIn(ctx, v, v.PackageID, f, r.AdditionalParams, r.Connections)
	}
	return out, nil
}

func (s *Service) planChangeFlavour(b *beginning, r *ChangeFlavour, of containers) error {
	was := b.flavour()
	if was == nil {
		return vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", b.vnf.Info.FlavourID)
	}
	if len(b.descriptor.Flavours) < 2 {
		return vnfm.Errorf(vnfm.NotFound, "%s is not supported for this VNF: its VNFD has no flavour but %s", vnf.OpChangeFlavour, was.ID)
	}
	f, ok := b.descriptor.Flavour(r.FlavourID)
	switch {
	case !ok:
		return vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no deployment flavour %q; it has %s", r.FlavourID, plan.Flavours(b.descriptor)).At("/newFlavourId")
	case f.ID == was.ID:
		return vnfm.Errorf(vnfm.Unprocessable, "the VNF has the flavour %s already: scale it to another level", f.ID).At("/newFlavourId")
	}
	counts, err := f.Counts(r.Level)
	if err != nil {
		return err
	}
	level := r.Level
	if level == "" {
		level = f.DefaultLevel
	}
	levels, err := f.ScaleStatus(level)
	if err != nil {
		return err
	}
	return s.rebuild(b, was, b.descriptor, f, &rebuilt{
		counts: counts, level: level, levels: levels, links: r.ExtLinks, managed: r.ExtManaged, params: r.AdditionalParams, containers: of,
	})
}

// rebuilt is what an operation that gives a VNF another flavour, or another VNFD, wants beside that.
type rebuilt struct {
	names   map[string]string // of the new flavour, by those of the old one
	counts  map[string]int    // VNFCs by VDU of the new one
	level   string
	levels  map[string]int // scale levels
	links   []ExtLink
	managed []ExtManaged
	params  json.RawMessage
	batch   int // machines that are changed or made again at once; 0: all
	beside  bool
	containers
	// warnings are of what was decided before.
	warnings []string
}

// rebuild plans an operation that makes a VNF what another flavour wants.
func (s *Service) rebuild(b *beginning, was *vnfd.Flavour, d *vnfd.Descriptor, f *vnfd.Flavour, r *rebuilt) error {
	schema := f.Operations[string(b.data.Operation)].ParamsSchema
	if schema == nil {
		schema = was.Operations[string(b.data.Operation)].ParamsSchema
	}
	names := makersIn(was, f)
	if b.data.Operation == vnf.OpChangeVnfPkg {
		names = append(names, paramBatch, paramBeside)
	}
	if err := b.check(schema, r.params, names...); err != nil {
		return err
	}
	params := b.seal(r.params, schema)
	if len(makersIn(f)) > 0 {
		b.data.Params = remembered(b.vnf.Params, params)
	}
	have, err := holding(b.vnf, false)
	if err != nil {
		return err
	}
	x := &plan.Rebuilding{
		Op: b.data.OpID, Name: nameOf(b.vnf), Vnf: b.vnf, Was: was, Descriptor: d, Flavour: f, Names: r.names, Counts: r.counts, Level: r.level,
		Links: r.links, Managed: r.managed, Vars: valuesFor(b, f, params), Limits: s.cfg.Settings.Limits,
		Beside: r.beside, Releases: r.releases, Objects: r.objects, ObjectsAt: "/additionalParams/" + paramManifests, Namespace: r.namespace,
	}
	if len(r.releases) > 0 {
		if err := charts.Fill(r.releases, f, overlaidBy(b.vnf.Params, params), f.Operations[string(vnf.OpInstantiate)].ParamsSchema); err != nil {
			return err
		}
	}
	for _, a := range f.Aspects {
		x.Status = append(x.Status, vnf.ScaleInfo{AspectID: a.ID, Level: r.levels[a.ID]})
	}
	if b.vnf.Info.VnfState == stopped { // a VNF that is stopped stays so
		x.Power = vim.PowerOff
	}
	want, err := plan.Rebuild(x, have)
	if err != nil {
		return err
	}
	b.data.Beside = r.beside
	want.Warnings = append(append(want.Warnings, r.warnings...), vnf.Beyond(d, b.data.Extensions, b.data.Configurable)...)
	b.data.Grant = nfvo.GrantRequest{DefaultConnection: usual(b.vnf), AdditionalParams: params}
	if b.data.Operation == vnf.OpChangeFlavour {
		b.data.Grant.FlavourID = f.ID
	}
	b.data.Reversible = true
	b.policy = s.policy(b.data.Operation, f)
	err = b.want(have, want, plan.Options{
		InPlace: b.inPlace, Batch: r.batch, Rules: func(map[string]bool) []plan.Rule { return plan.RulesOf(want, f) },
	})
	if err != nil {
		return err
	}
	b.warnOfReplacements("change so")
	return nil
}

// valuesFor is the values of the boot data of a flavour that a VNF is to have: those of the request before those that it has.
func valuesFor(b *beginning, f *vnfd.Flavour, params json.RawMessage) map[string]string {
	out := bootValues(b.vnf, f, &Instantiate{AdditionalParams: params, Extensions: b.data.Extensions, Configurable: b.data.Configurable})
	var given map[string]json.RawMessage
	if json.Unmarshal(params, &given) != nil {
		given = nil
	}
	for name, value := range b.vnf.Values {
		said := given[name] != nil && !mergepatch.Null(given[name])
		for _, set := range []map[string]json.RawMessage{b.setExtensions, b.setConfigurable} {
			said = said || set[name] != nil
		}
		if !said && usedBy(f, name) {
			out[name] = value
		}
	}
	return out
}

// usedBy reports whether boot data of a flavour have a variable.
func usedBy(f *vnfd.Flavour, name string) bool {
	return slices.ContainsFunc(f.Vdus, func(v vnfd.Vdu) bool {
		return v.BootData != nil && strings.Contains(v.BootData.Content, "${"+name+"}")
	})
}

// landFlavour makes the VNF what it consists of now, and of the flavour that it was to have.
func landFlavour(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	r, err := rebuiltOf(v, d, o)
	if err != nil {
		return nil, err
	}
	return vnf.CompleteFlavour{Landed: vnf.InstanceFlavourChanged{OpID: d.OpID, Rebuilt: *r}}, nil
}

// rebuiltOf is what a VNF consists of once it was rebuilt.
func rebuiltOf(v *vnf.Instance, d *planData, o *plan.Outcome) (*vnf.Rebuilt, error) {
	all, err := records(o)
	if err != nil {
		return nil, err
	}
	parts, err := partsOf(d, o)
	if err != nil {
		return nil, err
	}
	for _, r := range all { // what only has another name
		was, held := d.Plan.Has(r.ID)
		if held && was.Template != r.Template && !slices.ContainsFunc(parts.changed, func(c vnf.Resource) bool { return c.ID == r.ID }) {
			parts.changed = append(parts.changed, r)
		}
	}
	i := o.Info()
	i.VnfState = v.Info.VnfState
	assets := assetsOf(o.Grant())
	if d.Package == nil && len(assets.Flavours)+len(assets.Images) == 0 {
		assets = nil
	}
	return &vnf.Rebuilt{
		Info: i, Resources: parts.made, Changed: parts.changed, Released: parts.released, Connections: connections(v, parts.standing(), o.Grant()),
		Extensions: d.Extensions, Configurable: d.Configurable, Values: maps.Clone(o.Want().Vars), Assets: assets,
		Params: d.Params,
	}, nil
}

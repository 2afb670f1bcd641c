package lcm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	"github.com/vnfm/vnfm/vnfd/manifest"
)

// Instantiate implements API: the plan is from nothing to what the descriptor and the request want.
func (s *Service) Instantiate(ctx context.Context, vnfID string, r Instantiate, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.instantiation(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanInstantiate implements API.
func (s *Service) PlanInstantiate(ctx context.Context, vnfID string, r Instantiate) (*Preview, error) {
	o, err := s.instantiation(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) instantiation(ctx context.Context, vnfID string, r *Instantiate) (*wish, error) {
	if err := s.checkAddresses(r.ExtLinks); err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpInstantiate, err)
	}
	own, connection, named, err := s.connect(ctx, vnfID, r.ExtLinks, r.ExtManaged, r.Connections)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpInstantiate, err)
	}
	objects, err := s.manifests(ctx, vnfID, connection, named, r)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpInstantiate, err)
	}
	return &wish{
		command: "lcm.instantiate", operation: vnf.OpInstantiate, params: r.Params, own: own, places: named,
		extensions: r.Extensions, configurable: r.Configurable, checksProperties: true, take: s.cfg.Settings.Take,
		plan: func(b *beginning) error { return s.planInstantiate(b, r, connection, objects) },
	}, nil
}

func (s *Service) planInstantiate(b *beginning, asked *Instantiate, connection string, objects *manifests) error {
	r := *asked
	r.Extensions, r.Configurable = b.data.Extensions, b.data.Configurable // laid over what is there
	f, ok := b.descriptor.Flavour(r.FlavourID)
	if !ok {
		return vnfm.Errorf(vnfm.Unprocessable, "the VNFD has no deployment flavour %q; it has %s", r.FlavourID, plan.Flavours(b.descriptor)).At("/flavourId")
	}
	schema := f.Operations[string(vnf.OpInstantiate)].ParamsSchema
	if err := b.check(schema, r.AdditionalParams, makersIn(f)...); err != nil {
		return err
	}
	r.AdditionalParams = b.seal(r.AdditionalParams, schema)
	wanted := plan.Request{
		FlavourID: r.FlavourID, Level: r.Level, ExtLinks: r.ExtLinks, ExtManaged: r.ExtManaged, Localization: r.Localization,
		Limits: s.cfg.Settings.Limits, ObjectsAt: "/additionalParams",
	}
	if objects != nil {
		if err := charts.Fill(objects.releases, f, r.AdditionalParams, schema); err != nil {
			return err
		}
	}
	if err := b.settle(objects, &wanted); err != nil {
		return err
	}
	want, err := plan.Build(b.data.OpID, nameOf(b.vnf), b.descriptor, &wanted, bootValues(b.vnf, f, &r))
	if err != nil {
		return err
	}
	places := placesFor(b.vnf, connection, b.places)
	want.Warnings = append(want.Warnings, vnf.Beyond(b.descriptor, r.Extensions, r.Configurable)...)
	b.data.Grant = nfvo.GrantRequest{
		FlavourID: f.ID, Level: want.Level, DefaultConnection: places.Wanted, Named: places.Named, AdditionalParams: r.AdditionalParams,
	}
	b.data.Reversible = true
	b.policy = s.policy(vnf.OpInstantiate, f)
	return b.want(nil, want, plan.Options{})
}

// landInstantiate makes the instance what the resources amount to.
func landInstantiate(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	resources, err := records(o)
	if err != nil {
		return nil, err
	}
	params := overlaid(d.Grant.AdditionalParams, o.Grant().AdditionalParams)
	return vnf.CompleteInstantiate{Landed: vnf.InstanceInstantiated{
		OpID: d.OpID, Info: o.Info(), Resources: resources, Connections: connections(v, resources, o.Grant()),
		Extensions: d.Extensions, Configurable: d.Configurable, Values: o.Want().Vars, Params: params,
		Assets: assetsOf(o.Grant()),
	}}, nil
}

// nameOf is what the names of an instance's resources begin with.
func nameOf(v *vnf.Instance) string {
	if v.Name != "" {
		return v.Name
	}
	return "vnf-" + v.ID[:min(8, len(v.ID))]
}

// bootValues collects the values of the variables that the flavour's boot data use, and no others: additionalParams before extensions
// before configurable properties (those of the request before the instance's), and the built-in names.
func bootValues(v *vnf.Instance, f *vnfd.Flavour, r *Instantiate) map[string]string {
	all := map[string]string{}
	add := func(m map[string]json.RawMessage) {
		for k, raw := range m {
			if all[k] = vnfd.Text(raw); mergepatch.Null(raw) {
				delete(all, k)
			}
		}
	}
	add(v.Configurable)
	add(r.Configurable)
	add(v.Extensions)
	add(r.Extensions)
	var params map[string]json.RawMessage
	if json.Unmarshal(r.AdditionalParams, &params) == nil {
		add(params)
	}
	all["vnf.id"], all["vnf.name"] = v.ID, nameOf(v)
	vars := map[string]string{}
	for _, vdu := range f.Vdus {
		if vdu.BootData == nil {
			continue
		}
		for name, x := range all {
			if strings.Contains(vdu.BootData.Content, "${"+name+"}") {
				vars[name] = x
			}
		}
	}
	return vars
}

// checkAddresses refuses more addresses on one connection point than the site allows.
func (s *Service) checkAddresses(links []ExtLink) error {
	for i, l := range links {
		for j, data := range l.Cps {
			for _, key := range slices.Sorted(maps.Keys(data.Config)) {
				c := data.Config[key]
				negative := slices.ContainsFunc(c.Addresses(), func(ips vnf.ExtCpIPs) bool { return ips.Dynamic < 0 })
				if n := c.Wanted(); negative || n > s.cfg.Settings.Addresses {
					at := fmt.Sprintf("/extVirtualLinks/%d/extCps/%d/cpConfig%s", i, j, vnfm.Step(key))
					return vnfm.Errorf(vnfm.Unprocessable, "a connection point has at most %d addresses here (operation-addresses), fixedAddresses and numDynamicAddresses together; %s of %s wants %d",
						s.cfg.Settings.Addresses, key, data.CpdID, n).At(at)
				}
			}
		}
	}
	return nil
}

// The members of additionalParams that say of which manifests the containers are made, and in which namespace. They are the VNFM's
// own; the schema of the VNFD does not have to know them.
const (
	paramManifests = "lcm-kubernetes-def-files"
	paramNamespace = "namespace"
)

// makers are the members of additionalParams that say of what containers are made. They are the VNFM's own.
func makers() []string { return append(charts.Params(), paramManifests, paramNamespace) }

// makersIn are those that a request about some flavours may have: none where nothing is a container.
func makersIn(flavours ...*vnfd.Flavour) []string {
	for _, f := range flavours {
		if slices.ContainsFunc(f.Vdus, func(v vnfd.Vdu) bool { return v.Container }) {
			return makers()
		}
	}
	return nil
}

// remembered is what an instance's parameters are once an operation has landed that said of what its containers are made, as the next operation has
// to know it; nil where it said nothing. What else the request says is of that operation alone.
func remembered(has, said json.RawMessage) json.RawMessage {
	var all map[string]json.RawMessage
	if len(said) == 0 || json.Unmarshal(said, &all) != nil {
		return nil // what is no object is refused with the other parameters
	}
	over := map[string]json.RawMessage{}
	for _, name := range makers() {
		if v, ok := all[name]; ok {
			over[name] = v
		}
	}
	if len(over) == 0 {
		return nil
	}
	return overlaid(has, over)
}

// manifests are the objects of an instantiation: what its request names, read from the package.
type manifests struct {
	objects   []manifest.Object
	releases  []plan.ChartRelease
	namespace string // the request's
	site      string // the VIM connection's
	at        string // points at what names them
}

// manifests reads what a request names of the instance's package, and the charts that its descriptor names. Nothing is read from elsewhere.
// nil where there is nothing. Returns Unprocessable for a file that the package does not have, or that holds no objects.
func (s *Service) manifests(ctx context.Context, vnfID, connection string, named []string, r *Instantiate) (*manifests, error) {
	v, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	releases, at, err := s.releases(ctx, v, r)
	if err != nil {
		return nil, err
	}
	m, err := s.objects(ctx, v, r)
	if err != nil || m == nil && len(releases) == 0 {
		return nil, err
	}
	if m == nil {
		if m, err = namespaceIn(r.AdditionalParams); err != nil {
			return nil, err
		}
		m.at = at
	}
	m.releases = releases
	m.site, err = s.siteNamespace(ctx, placesFor(v, connection, named), len(releases) > 0, r)
	return m, err
}

// releases are the charts that a request and the descriptor name.
func (s *Service) releases(ctx context.Context, v *vnf.Instance, r *Instantiate) ([]plan.ChartRelease, string, error) {
	d, err := s.cfg.Packages.Descriptor(ctx, v.DescriptorDigest)
	if err != nil {
		return nil, "", err
	}
	f, ok := d.Flavour(r.FlavourID)
	if !ok {
		return nil, "", nil // refused with the other attributes
	}
	return charts.Releases(ctx, v.PackageID, f, r.AdditionalParams, f.Operations[string(vnf.OpInstantiate)].ParamsSchema, func(ctx context.Context, path string) (map[string][]byte, error) {
		return s.cfg.Packages.Tree(ctx, v.PackageID, path, vim.MaxChart)
	})
}

// namespaceIn reads the namespace that a request names.
func namespaceIn(params json.RawMessage) (*manifests, error) {
	var all map[string]json.RawMessage
	m := &manifests{}
	if err := json.Unmarshal(params, &all); err != nil {
		return m, nil //nolint:nilerr // what is no object is refused with the other parameters
	}
	if raw := all[paramNamespace]; len(raw) > 0 && json.Unmarshal(raw, &m.namespace) != nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "%s is the name of a namespace", paramNamespace).At("/additionalParams/" + paramNamespace)
	}
	return m, nil
}

// objects reads the manifests that a request names; nil when it names none.
func (s *Service) objects(ctx context.Context, v *vnf.Instance, r *Instantiate) (*manifests, error) {
	var asked struct {
		Files []string `json:"lcm-kubernetes-def-files"`
	}
	at := "/additionalParams/" + paramManifests
	var all map[string]json.RawMessage
	if err := json.Unmarshal(r.AdditionalParams, &all); err != nil || len(all[paramManifests]) == 0 {
		return nil, nil //nolint:nilerr,nilnil // there are none; what is no object is refused with the other parameters
	}
	if err := json.Unmarshal(all[paramManifests], &asked.Files); err != nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "%s is a list of paths of files in the VNF package", paramManifests).At(at)
	}
	m, err := namespaceIn(r.AdditionalParams)
	if err != nil {
		return nil, err
	}
	m.at = at
	most := s.cfg.Settings.Limits.Resources
	if most == 0 {
		most = maxObjects
	}
	for i, file := range asked.Files {
		where := at + "/" + strconv.Itoa(i)
		if slices.Contains(asked.Files[:i], file) {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the file %s is named twice", file).At(where)
		}
		text, err := s.cfg.Packages.File(ctx, v.PackageID, file, manifest.MaxBytes)
		if vnfm.KindOf(err) == vnfm.NotFound {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF package has no file %s", file).At(where)
		}
		if err != nil {
			return nil, err
		}
		read, err := manifest.Read(file, text, most-len(m.objects))
		if err != nil {
			return nil, below(where, err)
		}
		m.objects = append(m.objects, read...)
	}
	return m, nil
}

// maxObjects is how many objects a VNF has where the site sets no bound on resources.
const maxObjects = 2000

// place puts the objects into their namespaces: that of the request, else their own, else that of the VIM connection they probably
// go to, else one that is made for the VNF, which it returns.
func (m *manifests) place(vnfID string) (made string) {
	switch {
	case m.namespace != "":
		manifest.Place(m.objects, m.namespace, true)
	case (manifest.Homeless(m.objects) || len(m.releases) > 0) && m.site == "":
		made = ownNamespace(vnfID)
		manifest.Place(m.objects, made, false)
	}
	return made
}

// settle has an instantiation make what its manifests and charts say.
func (b *beginning) settle(m *manifests, r *plan.Request) error {
	if m == nil {
		return nil
	}
	r.ObjectsAt, r.Namespace = m.at, m.place(b.vnf.ID)
	var err error
	r.Releases, r.Objects, err = m.planned(r.Namespace)
	return err
}

// ownNamespace is the namespace that is made for a VNF whose objects name none.
func ownNamespace(vnfID string) string { return "vnf-" + vnfID }

// planned is the releases and the objects as a plan has them; made is the namespace that is made for them, "" for none.
func (m *manifests) planned(made string) (releases []plan.ChartRelease, objects []plan.Object, err error) {
	for _, x := range m.releases {
		x.Chart.Namespace = cmp.Or(m.namespace, made)
		releases = append(releases, x)
	}
	for i := range m.objects {
		o := &m.objects[i]
		raw, err := o.JSON()
		if err != nil {
			return nil, nil, err
		}
		objects = append(objects, plan.Object{Kind: o.Kind, Group: o.Group(), Namespace: o.Namespace, Name: o.Name, Manifest: raw})
	}
	return releases, objects, nil
}

// siteNamespace is the namespace that a VIM connection has for objects, or for charts, that name none; "" when it has none, or nobody knows
// which connection it will be.
func (s *Service) siteNamespace(ctx context.Context, places vim.Places, charts bool, r *Instantiate) (string, error) {
	form := vim.Objects
	if charts {
		form = vim.Charts
	}
	places.Brought = map[string]string{}
	for id, raw := range r.Connections {
		var described struct {
			Type string `json:"vimType"`
		}
		if json.Unmarshal(raw, &described) == nil && described.Type != "" {
			places.Brought[id] = described.Type
		}
	}
	connection, err := places.Of(ctx, form, s.cfg.Connections, s.cfg.Runs)
	if vnfm.KindOf(err) == vnfm.Unprocessable { // whoever grants will say so, or knows another
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var brought struct{ InterfaceInfo, Extra map[string]json.RawMessage }
	if json.Unmarshal(r.Connections[connection], &brought) == nil {
		for _, m := range []map[string]json.RawMessage{brought.Extra, brought.InterfaceInfo} {
			if ns := vim.Text(m, paramNamespace); ns != "" {
				return ns, nil
			}
		}
	}
	c, err := s.cfg.Connections.Connection(ctx, places.VnfID, connection)
	if vnfm.KindOf(err) == vnfm.NotFound { // the request brings it
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if ns := vim.Text(c.Extra, paramNamespace); ns != "" {
		return ns, nil
	}
	return vim.Text(c.InterfaceInfo, paramNamespace), nil
}

package sol001

import (
	"maps"
	"regexp"
	"slices"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// Read reads the entry definition, its imports, other definitions that the package names, and every deployment flavour. No
// VNF may have more than maxVnfcs VNFCs. It returns nil when there is no VNF in them; what is wrong is among the reader's
// problems then. Its error is of the store, or of the reader's Stop.
func Read(r *tosca.Reader, entry string, others []string, maxVnfcs int) (*vnfd.Descriptor, error) {
	c := &reader{Reader: r, entry: entry, maxVnfcs: maxVnfcs}
	l := tosca.NewLoader(r)
	first, err := l.Load(entry)
	if err != nil {
		return nil, err //nolint:wrapcheck // the store's
	}
	for _, name := range others {
		if _, err := l.Load(name); err != nil {
			return nil, err //nolint:wrapcheck // the store's
		}
	}
	if first == nil {
		return nil, nil //nolint:nilnil // recorded
	}
	top := c.scope(first)
	if c.foreign(top) || l.Broken { // what is missing is said once, and not again by all that needs it
		return nil, nil //nolint:nilnil // recorded
	}
	var templates []*scope // the deployment flavours
	for _, d := range l.Order {
		s := top
		if d != first {
			if d.Root.Get("topology_template") == nil {
				continue
			}
			s = c.scope(d)
		}
		s.CheckTypes()
		if s.substitutes() != "" {
			templates = append(templates, s)
		}
	}
	if len(templates) == 0 && top.vnf() != nil {
		templates = append(templates, top) // one template that says all, and substitutes nothing
	}
	if len(templates) == 0 {
		c.noVnf(top)
		return nil, nil //nolint:nilnil // recorded
	}
	d := c.describe(top, templates)
	return d, c.Check() //nolint:wrapcheck // what Stop said
}

// reader is a descriptor being read.
type reader struct {
	*tosca.Reader
	entry     string
	maxVnfcs  int
	bootFiles map[string]vnfd.BootData
}

// scope is one service template that may describe a VNF.
type scope struct {
	*tosca.Scope
	r        *reader
	policies []tosca.Field              // of the template, in order
	required map[string]map[string]bool // node type to the names of its requirements
	vdus     map[string]*vnfd.Vdu       // of the flavour, once all are read
}

func (c *reader) scope(d *tosca.Document) *scope {
	s := &scope{Scope: tosca.NewScope(c.Reader, d), r: c}
	s.policies = s.Topology.Get("policies").Named()
	if groups := len(s.Topology.Get("groups").Named()); max(groups, len(s.policies)) > c.Limits.Policies {
		c.Exceedf("policies", "too-large", s.Topology.At, "the template has more than %d policies or groups", c.Limits.Policies)
		s.policies = nil
	}
	for _, p := range s.policies {
		c.Identifier(p.Name, p.Key, "the name of the policy")
	}
	return s
}

// foreignTypes are those of other descriptors.
var foreignTypes = []struct{ base, what string }{
	{"tosca.nodes.nfv.NS", "a network service (NSD)"}, {"tosca.nodes.nfv.PNF", "a physical network function (PNFD)"},
}

// foreign reports a descriptor of something else than a VNF: then nothing else is worth saying of it.
func (c *reader) foreign(top *scope) bool {
	kinds := map[string]vnfd.Position{}
	add := func(name string, at vnfd.Position) {
		if _, ok := kinds[name]; !ok && name != "" {
			kinds[name] = at
		}
	}
	for _, nt := range top.Nodes {
		add(nt.Kind, nt.At)
	}
	t := top.Topology.Get("substitution_mappings", "node_type")
	add(t.Text(), t.Where())
	for _, f := range foreignTypes {
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			if top.Base(tosca.NodeTypes, kind, func(name string) bool { return name == f.base }) != "" {
				c.Failf("no-vnf", kinds[kind], "this is %s; a VNF manager takes packages of VNFs", f.what)
				return true
			}
		}
	}
	return false
}

// noVnf reports that nothing in the package is a VNF, unless that is because a type is unknown.
func (c *reader) noVnf(top *scope) {
	for _, e := range vnfd.Errors(c.Err()) {
		if e.Rule == "unknown-type" {
			return
		}
	}
	at := vnfd.Position{File: c.entry, Line: 1}
	for _, nt := range top.Nodes {
		c.Failf("no-vnf", nt.At, "no node template is a VNF (a type derived from tosca.nodes.nfv.VNF); %s is a %s", vnfd.Quote(nt.Name), nt.Kind)
		return
	}
	c.Failf("no-vnf", at, "the descriptor has no node template that is a VNF (a type derived from tosca.nodes.nfv.VNF)")
}

// describe builds the descriptor.
func (c *reader) describe(top *scope, templates []*scope) *vnfd.Descriptor {
	d := &vnfd.Descriptor{}
	c.identify(d, top, templates)
	seen := map[string]vnfd.Position{}
	for i, s := range templates {
		if i == c.Limits.Flavours {
			c.Exceedf("flavours", "too-large", vnfd.Position{File: s.File, Line: 1}, "the VNFD has more than %d deployment flavours", c.Limits.Flavours)
			break
		}
		f := s.flavour()
		if first, twice := seen[f.ID]; twice {
			c.Failf("duplicate-flavour", f.At, "the deployment flavour %s is defined at %stoo", vnfd.Quote(f.ID), first.String())
			continue
		}
		seen[f.ID] = f.At
		d.Flavours = append(d.Flavours, f)
	}
	c.countImages(d)
	c.declare(d, top, templates)
	c.packageChanges(d, append([]*scope{top}, templates...))
	for i, s := range templates {
		if i < len(d.Flavours) {
			s.checkVariables(d, &d.Flavours[i])
		}
	}
	return d
}

// countImages bounds the software images, which are part of the package's record.
func (c *reader) countImages(d *vnfd.Descriptor) {
	n := 0
	for i := range d.Flavours {
		f := &d.Flavours[i]
		for k := range f.Vdus {
			if f.Vdus[k].Image != nil {
				n++
			}
		}
		for k := range f.Storages {
			if f.Storages[k].Image != nil {
				n++
			}
		}
		if n > c.Limits.Images {
			c.Exceedf("images", "too-large", f.At, "the VNFD has more than %d software images", c.Limits.Images)
			return
		}
	}
}

// identityProperties are what every VNFD says of itself (SOL001 §6.8.1).
var identityProperties = []struct {
	name string
	set  func(*vnfd.Descriptor, string)
}{
	{"descriptor_id", func(d *vnfd.Descriptor, v string) { d.ID = v }},
	{"descriptor_version", func(d *vnfd.Descriptor, v string) { d.Version = v }},
	{"provider", func(d *vnfd.Descriptor, v string) { d.Provider = v }},
	{"product_name", func(d *vnfd.Descriptor, v string) { d.ProductName = v }},
	{"software_version", func(d *vnfd.Descriptor, v string) { d.SoftwareVersion = v }},
}

// vnfmInfo is the pattern of vnfm_info (SOL001 §6.8.1).
var vnfmInfo = regexp.MustCompile(`^(etsivnfm:v[0-9]?[0-9]\.[0-9]?[0-9]\.[0-9]?[0-9]|[0-9]+:[a-zA-Z0-9.-]+)$`)

// identify takes the identity from the entry's VNF node, then from its type; a package whose entry has neither is
// identified by its first flavour.
func (c *reader) identify(d *vnfd.Descriptor, top *scope, templates []*scope) {
	s := top
	if s.vnf() == nil && s.substitutes() == "" {
		s = templates[0]
	}
	at := vnfd.Position{File: s.File, Line: 1}
	if nt := s.vnf(); nt != nil {
		at = nt.At
	}
	for _, p := range identityProperties {
		v := s.vnfProperty(p.name)
		if v.Text() == "" {
			c.Failf("missing-identity", at, "the VNF has no %s", p.name)
			continue
		}
		p.set(d, c.Identifier(v.Text(), v.At, "the "+p.name))
	}
	info := s.vnfProperty("vnfm_info")
	languages := s.vnfProperty("localization_languages")
	if n := max(len(info.List()), len(languages.List())); n > c.Limits.Managers {
		c.Exceedf("managers", "too-large", at, "vnfm_info or localization_languages has %d entries, more than %d", n, c.Limits.Managers)
		return
	}
	for _, item := range info.List() {
		d.VnfmInfo = append(d.VnfmInfo, c.Identifier(item.Text(), item.At, "the vnfm_info"))
	}
	if len(d.VnfmInfo) == 0 {
		c.Findf("vnfm-info", at, "the VNF has no vnfm_info")
	}
	for _, item := range info.List() {
		if !vnfmInfo.MatchString(item.Text()) {
			c.Findf("vnfm-info", item.At, "the vnfm_info %s is neither 'etsivnfm:v<version>' nor '<IANA enterprise number>:<name>'", vnfd.Quote(item.Text()))
		}
	}
	d.Localization = languages.Texts()
}

// vnfProperty returns a property of the VNF that the template is about: of its VNF node, of its substitution mappings,
// else the default of the type.
func (s *scope) vnfProperty(name string) *tosca.Node {
	nt := s.vnf()
	if nt != nil {
		if v := s.Of(nt, "properties", name); !v.Empty() {
			return v
		}
	}
	if v := s.Get(s.Topology, "substitution_mappings", "properties", name); !v.Empty() {
		return v
	}
	kind := s.substitutes()
	if nt != nil {
		kind = nt.Kind
	}
	return s.TypeDefault(nt, kind, name)
}

// flavourID finds the id of the flavour a template describes.
func (s *scope) flavourID() string {
	for _, v := range []*tosca.Node{
		s.Get(s.Topology, "substitution_mappings", "properties", "flavour_id"), s.vnfProperty("flavour_id"),
	} {
		if v.Text() != "" {
			return s.Identifier(v.Text(), v.At, "the flavour_id")
		}
	}
	for _, def := range s.Chain(tosca.NodeTypes, s.vnfType()) {
		for _, constraint := range def.Get("properties", "flavour_id", "constraints").Named() {
			if values := constraint.Value.Texts(); constraint.Name == "valid_values" && len(values) == 1 {
				return s.Identifier(values[0], constraint.Key, "the flavour_id")
			}
		}
	}
	s.Failf("missing-identity", vnfd.Position{File: s.File, Line: 1}, "the deployment flavour has no flavour_id")
	return ""
}

// vnfType returns the VNF node type the template is about.
func (s *scope) vnfType() string {
	if t := s.substitutes(); t != "" {
		return t
	}
	if nt := s.vnf(); nt != nil {
		return nt.Kind
	}
	return ""
}

// declare collects the declared properties of the instance: from the entry first, then from the flavours. The first to
// declare a name wins, and the first to give it a value does.
func (c *reader) declare(d *vnfd.Descriptor, top *scope, templates []*scope) {
	merge := func(into *[]vnfd.Property, more []vnfd.Property) {
		for _, p := range more {
			i := slices.IndexFunc(*into, func(q vnfd.Property) bool { return q.Name == p.Name })
			if i < 0 && len(*into) == c.Limits.Properties {
				c.Exceedf("properties", "too-large", p.At, "more than %d properties are declared", c.Limits.Properties)
				return
			}
			if i < 0 {
				*into = append(*into, p)
				continue
			}
			if (*into)[i].Initial == nil {
				(*into)[i].Initial = p.Initial
			}
			if (*into)[i].Schema == nil {
				(*into)[i].Schema = p.Schema
			}
		}
	}
	scopes := templates
	if !slices.Contains(templates, top) {
		scopes = append([]*scope{top}, templates...)
	}
	for _, s := range scopes {
		merge(&d.Configurable, s.configurable(s.vnfDeclaration("configurable_properties")))
		attributes := s.vnfDeclaration("modifiable_attributes")
		merge(&d.Extensions, s.declared(attributes.child(s, "extensions")))
		merge(&d.Metadata, s.declared(attributes.child(s, "metadata")))
	}
}

// vnf returns the template's VNF node, nil when it has none.
func (s *scope) vnf() *tosca.NodeTemplate {
	for i := range s.Nodes {
		if s.Derives(tosca.NodeTypes, s.Nodes[i].Kind, typeVnf) {
			return &s.Nodes[i]
		}
	}
	return nil
}

// substitutes returns the VNF node type that the template implements, "" when it is no deployment flavour.
func (s *scope) substitutes() string {
	t := s.Topology.Get("substitution_mappings", "node_type").Text()
	if s.Derives(tosca.NodeTypes, t, typeVnf) {
		return t
	}
	return ""
}

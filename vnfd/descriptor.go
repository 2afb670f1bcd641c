package vnfd

import (
	"regexp"
	"slices"
)

// readDescriptor reads the entry definition, its imports and every deployment flavour.
func (c *csar) readDescriptor() error {
	l := &loader{csar: c, docs: map[string]*document{}}
	entry, err := l.load(c.pkg.Entry)
	if err != nil {
		return err
	}
	for _, name := range c.others {
		if _, err := l.load(name); err != nil {
			return err
		}
	}
	if entry == nil {
		return nil
	}
	top := newScope(c, entry)
	var templates []*scope // the deployment flavours
	for _, d := range l.order {
		s := top
		if d != entry {
			if d.root.get("topology_template") == nil {
				continue
			}
			s = newScope(c, d)
		}
		s.checkTypes()
		if s.substitutes() != "" {
			templates = append(templates, s)
		}
	}
	if len(templates) == 0 && top.vnf() != nil {
		templates = append(templates, top) // one template that says all, and substitutes nothing
	}
	if len(templates) == 0 {
		c.noVnf(top)
		return nil
	}
	c.pkg.Descriptor = c.describe(top, templates)
	return nil
}

// noVnf reports that nothing in the package is a VNF, unless that is because a type is unknown.
func (c *csar) noVnf(top *scope) {
	for _, e := range Errors(c.err()) {
		if e.Rule == "unknown-type" || e.Rule == "missing-import" || e.Rule == "yaml" {
			return
		}
	}
	at := Position{File: c.pkg.Entry, Line: 1}
	for _, nt := range top.nodes {
		c.failf("no-vnf", nt.at, "no node template is a VNF (a type derived from tosca.nodes.nfv.VNF); %s is a %s", quote(nt.name), nt.kind)
		return
	}
	c.failf("no-vnf", at, "the descriptor has no node template that is a VNF (a type derived from tosca.nodes.nfv.VNF)")
}

// describe builds the descriptor.
func (c *csar) describe(top *scope, templates []*scope) *Descriptor {
	d := &Descriptor{}
	c.identify(d, top, templates)
	seen := map[string]Position{}
	for _, s := range templates {
		f := s.flavour()
		if first, twice := seen[f.ID]; twice {
			c.failf("duplicate-flavour", f.At, "the deployment flavour %s is defined at %stoo", quote(f.ID), first.String())
			continue
		}
		seen[f.ID] = f.At
		d.Flavours = append(d.Flavours, f)
	}
	c.declare(d, top, templates)
	for i, s := range templates {
		if i < len(d.Flavours) {
			s.checkVariables(d, &d.Flavours[i])
		}
	}
	c.checkMetadata(d)
	return d
}

// identityProperties are what every VNFD says of itself (SOL001 §6.8.1).
var identityProperties = []struct {
	name string
	set  func(*Descriptor, string)
}{
	{"descriptor_id", func(d *Descriptor, v string) { d.ID = v }},
	{"descriptor_version", func(d *Descriptor, v string) { d.Version = v }},
	{"provider", func(d *Descriptor, v string) { d.Provider = v }},
	{"product_name", func(d *Descriptor, v string) { d.ProductName = v }},
	{"software_version", func(d *Descriptor, v string) { d.SoftwareVersion = v }},
}

// vnfmInfo is the pattern of vnfm_info (SOL001 §6.8.1).
var vnfmInfo = regexp.MustCompile(`^(etsivnfm:v[0-9]?[0-9]\.[0-9]?[0-9]\.[0-9]?[0-9]|[0-9]+:[a-zA-Z0-9.-]+)$`)

// identify takes the identity from the entry's VNF node, then from its type; a package whose entry has neither is
// identified by its first flavour.
func (c *csar) identify(d *Descriptor, top *scope, templates []*scope) {
	s := top
	if s.vnf() == nil && s.substitutes() == "" {
		s = templates[0]
	}
	at := Position{File: s.doc.file, Line: 1}
	if nt := s.vnf(); nt != nil {
		at = nt.at
	}
	for _, p := range identityProperties {
		v := s.vnfProperty(p.name)
		if v.text() == "" {
			c.failf("missing-identity", at, "the VNF has no %s", p.name)
			continue
		}
		p.set(d, v.text())
	}
	info := s.vnfProperty("vnfm_info")
	d.VnfmInfo = info.texts()
	if len(d.VnfmInfo) == 0 {
		c.findf("vnfm-info", at, "the VNF has no vnfm_info")
	}
	for _, item := range info.list() {
		if !vnfmInfo.MatchString(item.text()) {
			c.findf("vnfm-info", item.at, "the vnfm_info %s is neither 'etsivnfm:v<version>' nor '<IANA enterprise number>:<name>'", quote(item.text()))
		}
	}
	d.Localization = s.vnfProperty("localization_languages").texts()
}

// vnfProperty returns a property of the VNF that the template is about: of its VNF node, of its substitution mappings,
// else the default of the type.
func (s *scope) vnfProperty(name string) *node {
	nt := s.vnf()
	if nt != nil {
		if v := s.get(nt.n, "properties", name); !v.empty() {
			return v
		}
	}
	if v := s.get(s.topology, "substitution_mappings", "properties", name); !v.empty() {
		return v
	}
	kind := s.substitutes()
	if nt != nil {
		kind = nt.kind
	}
	return s.typeDefault(kind, name)
}

// flavourID finds the id of the flavour a template describes.
func (s *scope) flavourID() string {
	for _, v := range []*node{
		s.get(s.topology, "substitution_mappings", "properties", "flavour_id"), s.vnfProperty("flavour_id"),
	} {
		if v.text() != "" {
			return v.text()
		}
	}
	for _, def := range s.chain(nodeTypes, s.vnfType()) {
		for _, constraint := range def.get("properties", "flavour_id", "constraints").named() {
			if values := constraint.value.texts(); constraint.name == "valid_values" && len(values) == 1 {
				return values[0]
			}
		}
	}
	s.failf("missing-identity", Position{File: s.doc.file, Line: 1}, "the deployment flavour has no flavour_id")
	return ""
}

// vnfType returns the VNF node type the template is about.
func (s *scope) vnfType() string {
	if t := s.substitutes(); t != "" {
		return t
	}
	if nt := s.vnf(); nt != nil {
		return nt.kind
	}
	return ""
}

// declare collects the declared properties of the instance: from the entry first, then from the flavours. The first to
// declare a name wins, and the first to give it a value does.
func (c *csar) declare(d *Descriptor, top *scope, templates []*scope) {
	merge := func(into *[]Property, more []Property) {
		for _, p := range more {
			i := slices.IndexFunc(*into, func(q Property) bool { return q.Name == p.Name })
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

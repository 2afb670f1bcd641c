package vnfd

import "slices"

// declaration is a property whose type declares more properties, with the value a template gives it.
type declaration struct {
	def   *node // definition in a type; nil when there is none
	value *node // as given; nil when nothing is
}

// vnfDeclaration looks a property of the VNF up in its type and its template.
func (s *scope) vnfDeclaration(name string) declaration {
	return declaration{def: s.definition(s.vnfType(), name), value: s.vnfProperty(name)}
}

// definition finds the definition of a node type's property.
func (s *scope) definition(kind, name string) *node {
	for _, def := range s.chain(nodeTypes, kind) {
		if p := def.get("properties", name); p.get("type").text() != "" {
			return p
		}
	}
	return nil
}

// child steps into one property of a declaration.
func (d declaration) child(s *scope, name string) declaration {
	out := declaration{value: s.get(d.value, name)}
	for _, f := range s.propertiesOf(typeOf(d.def)) {
		if f.name == name {
			out.def = f.value
		}
	}
	if out.value == nil {
		out.value = out.def.get("default")
	}
	return out
}

// declared lists what a declaration declares: the properties of its data type, then what the template gives a value
// without a declaration.
func (s *scope) declared(d declaration) []Property {
	var out []Property
	for _, f := range s.propertiesOf(typeOf(d.def)) {
		p := Property{Name: f.name, Schema: s.schemaOf(f.value), Required: s.boolean(f.value.get("required"), true), At: f.key}
		initial := s.get(d.value, f.name)
		if initial == nil {
			initial = f.value.get("default")
		}
		if initial != nil && initial.kind != nullNode {
			p.Initial = s.jsonOf(initial, f.value)
		}
		out = append(out, p)
	}
	for _, f := range d.value.each() {
		known := slices.ContainsFunc(out, func(p Property) bool { return p.Name == f.name })
		if v := s.val(f.value); !known && v != nil && v.kind != nullNode {
			out = append(out, Property{Name: f.name, Initial: s.jsonOf(v, nil), At: f.key})
		}
	}
	return out
}

// standardProperties maps SOL001 names to the attribute names SOL003 v3.7.1 §5.5.2.2 gives the standard configurable
// properties. Vendors' own keep the names of the descriptor.
var standardProperties = map[string]string{
	"is_autoscale_enabled": "isAutoscaleEnabled",
	"is_autoheal_enabled":  "isAutohealEnabled",
}

// additionalProperties nests what the vendor adds; in the API they are children of the one map.
const additionalProperties = "additional_configurable_properties"

// configurable lists configurable properties, with the vendor's own lifted out of their nest.
func (s *scope) configurable(d declaration) []Property {
	var out []Property
	for _, p := range s.declared(d) {
		switch {
		case p.Name == additionalProperties || p.Name == "additional_vnfc_configurable_properties":
			out = append(out, s.declared(d.child(s, p.Name))...)
			continue
		case standardProperties[p.Name] != "":
			p.Name = standardProperties[p.Name]
		}
		out = append(out, p)
	}
	return out
}

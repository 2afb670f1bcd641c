package sol001

import (
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// declaration is a property whose type declares more properties, with the value a template gives it.
type declaration struct {
	def   *tosca.Node // definition in a type; nil when there is none
	value *tosca.Node // as given; nil when nothing is
}

// vnfDeclaration looks a property of the VNF up in its type and its template.
func (s *scope) vnfDeclaration(name string) declaration {
	return declaration{def: s.definition(s.vnfType(), name), value: s.vnfProperty(name)}
}

// definition finds the definition of a node type's property.
func (s *scope) definition(kind, name string) *tosca.Node {
	for _, def := range s.Chain(tosca.NodeTypes, kind) {
		if p := def.Get("properties", name); p.Get("type").Text() != "" {
			return p
		}
	}
	return nil
}

// child steps into one property of a declaration.
func (d declaration) child(s *scope, name string) declaration {
	out := declaration{def: s.PropertyOf(tosca.TypeOf(d.def), name), value: d.value.Get(name)}
	if out.value == nil {
		out.value = s.Val(out.def.Get("default"))
	}
	return out
}

// declared lists what a declaration declares: the properties of its data type, then what the template gives a value
// without a declaration.
func (s *scope) declared(d declaration) []vnfd.Property {
	var out []vnfd.Property
	kind := tosca.TypeOf(d.def)
	add := func(p vnfd.Property) bool {
		if len(out) == s.Limits.Properties {
			s.Exceedf("properties", "too-large", p.At, "more than %d properties are declared", s.Limits.Properties)
			return false
		}
		p.Name = s.Identifier(p.Name, p.At, "the name of the property")
		out = append(out, p)
		return true
	}
	for _, f := range s.PropertiesOf(kind) {
		p := vnfd.Property{Name: f.Name, Schema: s.SchemaOf(f.Value), Required: s.Boolean(f.Value.Get("required"), true), At: f.Key}
		initial := d.value.Get(f.Name)
		if initial == nil {
			initial = s.Val(f.Value.Get("default"))
		}
		if initial != nil && initial.Kind != tosca.NullNode {
			p.Initial = s.JSONOf(initial, f.Value)
		}
		if !add(p) {
			return out
		}
	}
	for _, f := range d.value.Each() {
		if v := f.Value; s.PropertyOf(kind, f.Name) == nil && v.Kind != tosca.NullNode {
			if !add(vnfd.Property{Name: f.Name, Initial: s.JSONOf(v, nil), At: f.Key}) {
				return out
			}
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
func (s *scope) configurable(d declaration) []vnfd.Property {
	var out []vnfd.Property
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

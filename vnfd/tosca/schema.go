package tosca

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"github.com/vnfm/vnfm/vnfd"
)

// schemaDialect is the JSON Schema dialect of what is made from TOSCA types.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// schemaDepth is how deep the types in a schema go; below it anything is valid. A type may hold itself.
const schemaDepth = 16

// schemaCost is what one schema counts as values: it takes that many to hold.
const schemaCost = 20

func primitive(name string) bool {
	switch name {
	case "string", "integer", "float", "boolean", "timestamp", "version", "range", "null", "list", "map",
		"scalar-unit.size", "scalar-unit.time", "scalar-unit.frequency", "scalar-unit.bitrate":
		return true
	}
	return false
}

// properties are the property definitions of a data type, inherited ones first; a redefinition replaces.
type properties struct {
	list   []Field
	byName map[string]*Node
	open   bool // a built-in type whose properties are not said
}

func (s *Scope) properties(dataType string) *properties {
	if p := s.dataTypes[dataType]; p != nil {
		return p
	}
	p := &properties{byName: map[string]*Node{}}
	chain := s.Chain(DataTypes, dataType)
	at := map[string]int{}
	for i := len(chain) - 1; i >= 0; i-- {
		p.open = p.open || (builtin(chain[i]) && chain[i].Has("open"))
		for _, f := range chain[i].Get("properties").Each() {
			p.byName[f.Name] = f.Value
			if k, ok := at[f.Name]; ok {
				p.list[k] = f
				continue
			}
			at[f.Name] = len(p.list)
			p.list = append(p.list, f)
		}
	}
	s.dataTypes[dataType] = p
	return p
}

// PropertiesOf returns the property definitions of a data type, inherited ones first.
func (s *Scope) PropertiesOf(dataType string) []Field { return s.properties(dataType).list }

// PropertyOf returns the definition of one property of a data type, nil when it has none of that name.
func (s *Scope) PropertyOf(dataType, name string) *Node { return s.properties(dataType).byName[name] }

// base returns the primitive that a type is or derives from, "" for one with properties of its own.
func (s *Scope) base(name string) string { return s.Base(DataTypes, name, primitive) }

// TypeOf returns the type a property definition or entry_schema names.
func TypeOf(def *Node) string {
	if def != nil && def.Kind == ScalarNode { // entry_schema: string
		return def.Value
	}
	return def.Get("type").Text()
}

// SchemaOf makes a whole JSON Schema from a property definition.
func (s *Scope) SchemaOf(def *Node) json.RawMessage {
	m := s.schema(def, 0)
	m["$schema"] = schemaDialect
	data, err := json.Marshal(m)
	if err != nil {
		s.Failf("bad-value", def.Where(), "the type cannot be written as JSON Schema: %s", err)
		return nil
	}
	return data
}

func (s *Scope) schema(def *Node, depth int) map[string]any {
	out := map[string]any{}
	if !s.Pay(schemaCost+Weigh(def.Get("description").Text()), def.Where()) {
		return out
	}
	name := TypeOf(def)
	if d := def.Get("description").Text(); d != "" {
		out["description"] = d
	}
	if secretive(def) || slices.ContainsFunc(s.Chain(DataTypes, name), secretive) {
		out["writeOnly"] = true // JSON Schema's word for what is taken and not shown
	}
	switch base := s.base(name); {
	case name == "":
	case base != "":
		s.primitiveSchema(out, base, def, depth)
		for _, d := range s.Chain(DataTypes, name) {
			s.constrain(out, base, d)
		}
		s.constrain(out, base, def)
	case s.Types[DataTypes][name] == nil:
		s.Failf("unknown-type", def.Get("type").Where(), "a property is of the unknown type %s", vnfd.Quote(name))
	case depth > schemaDepth:
	default:
		s.objectSchema(out, s.properties(name), depth)
	}
	if d := s.Val(def.Get("default")); d != nil && d.Kind != NullNode {
		out["default"] = s.value(d, def, 0)
	}
	return out
}

func (s *Scope) primitiveSchema(out map[string]any, base string, def *Node, depth int) {
	entry := func() map[string]any {
		if e := def.Get("entry_schema"); e != nil && depth <= schemaDepth {
			return s.schema(e, depth+1)
		}
		return map[string]any{}
	}
	switch base {
	case "integer", "boolean", "null":
		out["type"] = base
	case "float":
		out["type"] = "number"
	case "list":
		out["type"], out["items"] = "array", entry()
	case "map":
		out["type"], out["additionalProperties"] = "object", entry()
	case "range":
		out["type"], out["minItems"], out["maxItems"] = "array", 2, 2
	case "scalar-unit.size", "scalar-unit.time", "scalar-unit.frequency", "scalar-unit.bitrate":
		out["type"], out["pattern"] = "string", `^\s*[0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*$`
	default:
		out["type"] = "string"
	}
}

func (s *Scope) objectSchema(out map[string]any, p *properties, depth int) {
	props := map[string]any{}
	required := []string{}
	for _, f := range p.list {
		props[f.Name] = s.schema(f.Value, depth+1)
		if s.Boolean(f.Value.Get("required"), true) && f.Value.Get("default").Empty() {
			required = append(required, f.Name)
		}
	}
	out["type"], out["properties"], out["additionalProperties"] = "object", props, p.open
	if len(required) > 0 {
		out["required"] = required
	}
}

// constrain adds a definition's constraints (TOSCA simple profile §3.6.3).
func (s *Scope) constrain(out map[string]any, base string, def *Node) {
	if def == nil || def.Kind != MappingNode {
		return
	}
	length := map[string]string{"list": "Items", "map": "Properties"}[base]
	if length == "" {
		length = "Length"
	}
	ordered := base == "integer" || base == "float" // JSON Schema has no order for text
	for _, c := range def.Get("constraints").Named() {
		v := s.Val(c.Value)
		switch c.Name {
		case "equal":
			out["const"] = s.scalar(v, base)
		case "valid_values":
			values := []any{}
			for _, item := range v.List() {
				values = append(values, s.scalar(item, base))
			}
			out["enum"] = values
		case "pattern":
			if _, err := regexp.Compile(v.Text()); err != nil {
				s.Findf("bad-pattern", v.Where(), "the pattern %s is not understood and not checked", vnfd.Quote(v.Text()))
				continue
			}
			out["pattern"] = v.Text()
		case "length":
			out["min"+length], out["max"+length] = s.Count(v, 0), s.Count(v, 0)
		case "min_length":
			out["min"+length] = s.Count(v, 0)
		case "max_length":
			out["max"+length] = s.Count(v, 0)
		case "in_range":
			if bounds := v.List(); ordered && len(bounds) == 2 {
				s.bound(out, "minimum", bounds[0], base)
				s.bound(out, "maximum", bounds[1], base)
			}
		default:
			if keyword := comparisons[c.Name]; keyword != "" && ordered {
				s.bound(out, keyword, v, base)
			}
		}
	}
}

var comparisons = map[string]string{
	"greater_than": "exclusiveMinimum", "greater_or_equal": "minimum",
	"less_than": "exclusiveMaximum", "less_or_equal": "maximum",
}

func (s *Scope) bound(out map[string]any, keyword string, n *Node, base string) {
	if n.Text() != "UNBOUNDED" {
		out[keyword] = s.scalar(n, base)
	}
}

// JSONOf writes a value as JSON, as its definition's type (nil: as YAML reads it).
func (s *Scope) JSONOf(n, def *Node) json.RawMessage {
	data, err := json.Marshal(s.value(n, def, 0))
	if err != nil {
		s.Failf("bad-value", n.Where(), "the value cannot be written as JSON: %s", err)
		return nil
	}
	return data
}

func (s *Scope) value(n, def *Node, depth int) any {
	if n == nil || n.Kind == NullNode || depth > s.Limits.Depth || (depth == 0 && !s.Spend(n, n.At)) {
		return nil
	}
	name := TypeOf(def)
	base := s.base(name)
	switch n.Kind {
	case SequenceNode:
		out := make([]any, 0, len(n.Items))
		for _, item := range n.Items {
			out = append(out, s.value(item, def.Get("entry_schema"), depth+1))
		}
		return out
	case MappingNode:
		out := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			d := def.Get("entry_schema")
			if base != "map" {
				d = s.PropertyOf(name, f.Name)
			}
			out[f.Name] = s.value(f.Value, d, depth+1)
		}
		return out
	}
	return s.scalar(n, base)
}

// scalar reads one value as a primitive type, or as YAML reads it when the type is not known.
func (s *Scope) scalar(n *Node, base string) any {
	if n == nil || n.Kind != ScalarNode {
		return nil
	}
	if base == "" {
		base = map[string]string{"!!int": "integer", "!!float": "float", "!!bool": "boolean"}[n.tag]
		if base == "float" {
			if _, err := strconv.ParseFloat(n.Value, 64); err != nil { // .inf, .nan
				base = ""
			}
		}
		if base == "integer" {
			if _, err := strconv.ParseInt(n.Value, 10, 64); err != nil { // 0x10
				base = ""
			}
		}
	}
	switch base {
	case "integer":
		if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return v
		}
	case "float":
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil && v-v == 0 {
			return v
		}
	case "boolean":
		if v, ok := Truth(n.Value); ok {
			return v
		}
	default:
		return n.Value
	}
	s.Failf("bad-value", n.At, "%s is not of type %s", vnfd.Quote(n.Value), base)
	return nil
}

package vnfd

import (
	"encoding/json"
	"regexp"
	"strconv"
)

// schemaDialect is the JSON Schema dialect of what is made from TOSCA types.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

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

// spend counts a value that is used once more than it was written: a default, an input, a type within a type. Like
// aliases, they grow without a bound of their own.
func (c *csar) spend(n *node, at Position) bool {
	cost := 1
	if n != nil {
		cost = n.weight
	}
	return c.pay(cost, at)
}

func (c *csar) pay(cost int, at Position) bool {
	if c.made <= c.limits.Nodes && c.made+cost > c.limits.Nodes {
		c.failf("yaml-bomb", at, "the definitions expand to more than %d values", c.limits.Nodes)
	}
	c.made = min(c.made+cost, c.limits.Nodes+1)
	return c.made <= c.limits.Nodes
}

// propertiesOf returns the property definitions of a data type, inherited ones first; a redefinition replaces.
func (s *scope) propertiesOf(dataType string) []field {
	chain := s.chain(dataTypes, dataType)
	var out []field
	index := map[string]int{}
	for i := len(chain) - 1; i >= 0; i-- {
		for _, f := range chain[i].get("properties").each() {
			if at, ok := index[f.name]; ok {
				out[at] = f
				continue
			}
			index[f.name] = len(out)
			out = append(out, f)
		}
	}
	return out
}

// base returns the primitive that a type is or derives from, "" for one with properties of its own.
func (s *scope) base(name string) string {
	for range 32 {
		if primitive(name) {
			return name
		}
		def := s.types[dataTypes][name]
		if def == nil {
			return ""
		}
		name = def.get("derived_from").text()
	}
	return ""
}

// typeOf returns the type a property definition or entry_schema names.
func typeOf(def *node) string {
	if def != nil && def.kind == scalarNode { // entry_schema: string
		return def.value
	}
	return def.get("type").text()
}

// schemaOf makes a whole JSON Schema from a property definition.
func (s *scope) schemaOf(def *node) json.RawMessage {
	m := s.schema(def, 0)
	m["$schema"] = schemaDialect
	data, err := json.Marshal(m)
	if err != nil {
		s.failf("bad-value", def.where(), "the type cannot be written as JSON Schema: %s", err)
		return nil
	}
	return data
}

func (s *scope) schema(def *node, depth int) map[string]any {
	out := map[string]any{}
	if !s.pay(schemaCost+weigh(def.get("description").text()), def.where()) {
		return out
	}
	name := typeOf(def)
	if d := def.get("description").text(); d != "" {
		out["description"] = d
	}
	switch base := s.base(name); {
	case name == "":
	case base != "":
		s.primitiveSchema(out, base, def, depth)
		for _, d := range s.chain(dataTypes, name) {
			s.constrain(out, base, d)
		}
		s.constrain(out, base, def)
	case s.types[dataTypes][name] == nil:
		s.failf("unknown-type", def.get("type").where(), "a property is of the unknown type %s", quote(name))
	case depth > 16: // a type that holds itself
	default:
		s.objectSchema(out, s.propertiesOf(name), depth)
	}
	if d := def.get("default"); d != nil && d.kind != nullNode {
		out["default"] = s.value(d, def, 0)
	}
	return out
}

func (s *scope) primitiveSchema(out map[string]any, base string, def *node, depth int) {
	entry := func() map[string]any {
		if e := def.get("entry_schema"); e != nil && depth <= 16 {
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

func (s *scope) objectSchema(out map[string]any, properties []field, depth int) {
	props := map[string]any{}
	required := []string{}
	for _, f := range properties {
		props[f.name] = s.schema(f.value, depth+1)
		if s.boolean(f.value.get("required"), true) && f.value.get("default").empty() {
			required = append(required, f.name)
		}
	}
	out["type"], out["properties"], out["additionalProperties"] = "object", props, false
	if len(required) > 0 {
		out["required"] = required
	}
}

// constrain adds a definition's constraints (TOSCA simple profile §3.6.3).
func (s *scope) constrain(out map[string]any, base string, def *node) {
	if def == nil || def.kind != mappingNode {
		return
	}
	length := map[string]string{"list": "Items", "map": "Properties"}[base]
	if length == "" {
		length = "Length"
	}
	ordered := base == "integer" || base == "float" // JSON Schema has no order for text
	for _, c := range def.get("constraints").named() {
		v := s.val(c.value)
		switch c.name {
		case "equal":
			out["const"] = s.scalar(v, base)
		case "valid_values":
			values := []any{}
			for _, item := range v.list() {
				values = append(values, s.scalar(item, base))
			}
			out["enum"] = values
		case "pattern":
			if _, err := regexp.Compile(v.text()); err != nil {
				s.findf("bad-pattern", v.where(), "the pattern %s is not understood and not checked", quote(v.text()))
				continue
			}
			out["pattern"] = v.text()
		case "length":
			out["min"+length], out["max"+length] = s.count(v, 0), s.count(v, 0)
		case "min_length":
			out["min"+length] = s.count(v, 0)
		case "max_length":
			out["max"+length] = s.count(v, 0)
		case "in_range":
			if bounds := v.list(); ordered && len(bounds) == 2 {
				s.bound(out, "minimum", bounds[0], base)
				s.bound(out, "maximum", bounds[1], base)
			}
		default:
			if keyword := comparisons[c.name]; keyword != "" && ordered {
				s.bound(out, keyword, v, base)
			}
		}
	}
}

var comparisons = map[string]string{
	"greater_than": "exclusiveMinimum", "greater_or_equal": "minimum",
	"less_than": "exclusiveMaximum", "less_or_equal": "maximum",
}

func (s *scope) bound(out map[string]any, keyword string, n *node, base string) {
	if n.text() != "UNBOUNDED" {
		out[keyword] = s.scalar(n, base)
	}
}

// jsonOf writes a value as JSON, as its definition's type (nil: as YAML reads it).
func (s *scope) jsonOf(n, def *node) json.RawMessage {
	data, err := json.Marshal(s.value(n, def, 0))
	if err != nil {
		s.failf("bad-value", n.where(), "the value cannot be written as JSON: %s", err)
		return nil
	}
	return data
}

func (s *scope) value(n, def *node, depth int) any {
	if n == nil || n.kind == nullNode || depth > s.limits.Depth || (depth == 0 && !s.spend(n, n.at)) {
		return nil
	}
	name := typeOf(def)
	base := s.base(name)
	switch n.kind {
	case sequenceNode:
		out := make([]any, 0, len(n.items))
		for _, item := range n.items {
			out = append(out, s.value(item, def.get("entry_schema"), depth+1))
		}
		return out
	case mappingNode:
		defs := map[string]*node{}
		if base == "" && name != "" {
			for _, f := range s.propertiesOf(name) {
				defs[f.name] = f.value
			}
		}
		out := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			d := defs[f.name]
			if base == "map" {
				d = def.get("entry_schema")
			}
			out[f.name] = s.value(f.value, d, depth+1)
		}
		return out
	}
	return s.scalar(n, base)
}

// scalar reads one value as a primitive type, or as YAML reads it when the type is not known.
func (s *scope) scalar(n *node, base string) any {
	if n == nil || n.kind != scalarNode {
		return nil
	}
	if base == "" {
		base = map[string]string{"!!int": "integer", "!!float": "float", "!!bool": "boolean"}[n.tag]
		if base == "float" {
			if _, err := strconv.ParseFloat(n.value, 64); err != nil { // .inf, .nan
				base = ""
			}
		}
		if base == "integer" {
			if _, err := strconv.ParseInt(n.value, 10, 64); err != nil { // 0x10
				base = ""
			}
		}
	}
	switch base {
	case "integer":
		if v, err := strconv.ParseInt(n.value, 10, 64); err == nil {
			return v
		}
	case "float":
		if v, err := strconv.ParseFloat(n.value, 64); err == nil && v-v == 0 {
			return v
		}
	case "boolean":
		if v, ok := truth(n.value); ok {
			return v
		}
	default:
		return n.value
	}
	s.failf("bad-value", n.at, "%s is not of type %s", quote(n.value), base)
	return nil
}

package vnfd

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// node is one YAML value with the place it was read at. Scalars are text as written: what "010" or an unquoted date
// means is for the property's type to say, not for YAML. Aliases share nodes; merge keys are resolved. All methods
// take a nil node, which has nothing in it.
type node struct {
	kind   nodeKind
	value  string
	tag    string // short tag, "!!int"
	fields []field
	items  []*node
	at     Position
	weight int            // values in it, aliases expanded; text counts, too
	index  map[string]int // of fields, in mappings with many
}

type field struct {
	name  string
	key   Position
	value *node
}

type nodeKind int

const (
	nullNode nodeKind = iota
	scalarNode
	mappingNode
	sequenceNode
)

// parseYAML reads one document of at most so many values. Its error is an *Error.
func parseYAML(file string, data []byte, limits Limits, budget int) (*node, error) {
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithSingleDocument()); err != nil {
		return nil, yamlError(file, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return &node{at: Position{File: file, Line: 1}}, nil
	}
	c := &converter{file: file, limits: limits, budget: budget, done: map[*yaml.Node]*converted{}}
	n, err := c.convert(doc.Content[0], 0)
	if err != nil {
		return nil, err
	}
	return n.node, nil
}

func yamlError(file string, err error) error {
	at := Position{File: file}
	text := err.Error()
	if le, ok := asLoadError(err); ok {
		at.Line, at.Column = le.Mark.Line, le.Mark.Column
		text = le.Message
	}
	rule := "yaml"
	if strings.Contains(text, "alias") || strings.Contains(text, "depth") {
		rule = "yaml-bomb"
	}
	return &Error{Rule: rule, Text: "the YAML cannot be read: " + text, At: at}
}

type converter struct {
	file   string
	limits Limits
	budget int
	done   map[*yaml.Node]*converted // nil while a node is being converted
}

type converted struct {
	node  *node
	depth int // levels below it
}

func (c *converter) convert(y *yaml.Node, depth int) (*converted, error) {
	if y.Kind == yaml.AliasNode {
		return c.alias(y, depth)
	}
	at := Position{File: c.file, Line: y.Line, Column: y.Column}
	if depth > c.limits.Depth {
		return nil, &Error{Rule: "yaml-bomb", Text: fmt.Sprintf("the YAML nests deeper than %d levels", c.limits.Depth), At: at}
	}
	c.done[y] = nil
	out := &converted{node: &node{at: at, value: y.Value, tag: y.ShortTag(), weight: weigh(y.Value)}}
	var err error
	switch y.Kind {
	case yaml.MappingNode:
		out.node.kind = mappingNode
		err = c.mapping(y, depth, out)
	case yaml.SequenceNode:
		out.node.kind = sequenceNode
		for _, child := range y.Content {
			var item *converted
			if item, err = c.convert(child, depth+1); err != nil {
				break
			}
			out.node.items = append(out.node.items, item.node)
			out.grow(item)
		}
	default:
		if out.node.tag != "!!null" {
			out.node.kind = scalarNode
		}
	}
	if err != nil {
		return nil, err
	}
	if out.node.weight > c.budget {
		return nil, &Error{Rule: "yaml-bomb", Text: fmt.Sprintf("the definitions expand to more than %d values", c.limits.Nodes), At: at}
	}
	c.done[y] = out
	return out, nil
}

// weigh counts a value and its text.
func weigh(text string) int { return 1 + len(text)/32 }

// grow counts a child. It cannot overflow: no child is heavier than the budget, and a document has few children of one.
func (out *converted) grow(child *converted) {
	out.node.weight += child.node.weight
	out.depth = max(out.depth, child.depth+1)
}

func (c *converter) alias(y *yaml.Node, depth int) (*converted, error) {
	at := Position{File: c.file, Line: y.Line, Column: y.Column}
	target, ok := c.done[y.Alias]
	switch {
	case y.Alias == nil || !ok:
		return nil, &Error{Rule: "yaml", Text: "the alias *" + y.Value + " names no anchor before it", At: at}
	case target == nil:
		return nil, &Error{Rule: "yaml-bomb", Text: "the alias *" + y.Value + " stands inside its own anchor", At: at}
	case depth+target.depth > c.limits.Depth:
		return nil, &Error{Rule: "yaml-bomb", Text: fmt.Sprintf("the YAML nests deeper than %d levels", c.limits.Depth), At: at}
	}
	return target, nil
}

func (c *converter) mapping(y *yaml.Node, depth int, out *converted) error {
	seen := map[string]bool{}
	var merged []field
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		at := Position{File: c.file, Line: k.Line, Column: k.Column}
		if k.Kind != yaml.ScalarNode {
			return &Error{Rule: "yaml", Text: "a key is not a plain value", At: at}
		}
		value, err := c.convert(v, depth+1)
		if err != nil {
			return err
		}
		out.grow(value)
		if k.ShortTag() == "!!merge" {
			from := value.node.items
			if value.node.kind == mappingNode {
				from = []*node{value.node}
			}
			for _, m := range from {
				merged = append(merged, m.fields...)
			}
			continue
		}
		if seen[k.Value] {
			return &Error{Rule: "yaml", Text: "the key " + quote(k.Value) + " is given twice", At: at}
		}
		seen[k.Value] = true
		out.node.fields = append(out.node.fields, field{name: k.Value, key: at, value: value.node})
	}
	for _, f := range merged { // own keys win, then the earlier merge
		if !seen[f.name] {
			seen[f.name] = true
			out.node.fields = append(out.node.fields, f)
		}
	}
	if len(out.node.fields) > 16 {
		out.node.index = make(map[string]int, len(out.node.fields))
		for i, f := range out.node.fields {
			out.node.index[f.name] = i
		}
	}
	return nil
}

// quote makes a name safe to show.
func quote(s string) string { return "'" + printable(s) + "'" }

// get walks down mappings by name; nil when a step is missing.
func (n *node) get(names ...string) *node {
	for _, name := range names {
		n = n.field(name)
	}
	return n
}

func (n *node) field(name string) *node {
	if n == nil {
		return nil
	}
	if n.index != nil {
		if i, ok := n.index[name]; ok {
			return n.fields[i].value
		}
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == name {
			return n.fields[i].value
		}
	}
	return nil
}

// has says whether a mapping has a key, even with nothing in it.
func (n *node) has(name string) bool { return n.field(name) != nil }

// text returns a scalar as written, "" for anything else.
func (n *node) text() string {
	if n == nil || n.kind != scalarNode {
		return ""
	}
	return n.value
}

// empty says that there is no value: missing, null, or an empty list or map.
func (n *node) empty() bool {
	return n == nil || n.kind == nullNode || (n.kind != scalarNode && len(n.fields)+len(n.items) == 0)
}

// each returns the fields of a mapping in order.
func (n *node) each() []field {
	if n == nil {
		return nil
	}
	return n.fields
}

// list returns the items of a sequence, or a lone value as its only item.
func (n *node) list() []*node {
	switch {
	case n.empty():
		return nil
	case n.kind == sequenceNode:
		return n.items
	}
	return []*node{n}
}

// texts returns the scalars of a sequence.
func (n *node) texts() []string {
	var out []string
	for _, item := range n.list() {
		if item.kind == scalarNode {
			out = append(out, item.value)
		}
	}
	return out
}

// named returns the fields of a mapping, or those of each mapping in a sequence: TOSCA writes requirements and
// policies as lists of one-key mappings to keep their order.
func (n *node) named() []field {
	if n == nil || n.kind != sequenceNode {
		return n.each()
	}
	var out []field
	for _, item := range n.items {
		if item.kind == scalarNode { // "- virtual_link": named, but nothing said
			out = append(out, field{name: item.value, key: item.at, value: &node{at: item.at}})
		}
		out = append(out, item.each()...)
	}
	return out
}

// where returns the position, the zero one for nil.
func (n *node) where() Position {
	if n == nil {
		return Position{}
	}
	return n.at
}

func asLoadError(err error) (*yaml.LoadError, bool) {
	var le *yaml.LoadError
	ok := errors.As(err, &le)
	return le, ok
}

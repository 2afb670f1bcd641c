package tosca

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vnfm/vnfm/vnfd"
)

// Node is one YAML value with the place it was read at. Scalars are text as written: what "010" or an unquoted date
// means is for the property's type to say, not for YAML. Aliases share nodes; merge keys are resolved. All methods
// take a nil node, which has nothing in it.
type Node struct {
	Kind   Kind
	Value  string
	tag    string // short tag, "!!int"
	Fields []Field
	Items  []*Node
	At     vnfd.Position
	weight int            // values in it, aliases expanded; text counts, too
	index  map[string]int // of fields, in mappings with many
}

// Field is one entry of a mapping.
type Field struct {
	Name  string
	Key   vnfd.Position // where the name stands
	Value *Node
}

// Kind is what a value is.
type Kind int

// The kinds of values.
const (
	NullNode Kind = iota
	ScalarNode
	MappingNode
	SequenceNode
)

// parseYAML reads one document of at most so many values. Its error is an *Error.
func parseYAML(file string, data []byte, limits vnfd.Limits, budget int) (*Node, error) {
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithSingleDocument()); err != nil {
		return nil, yamlError(file, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return &Node{At: vnfd.Position{File: file, Line: 1}}, nil
	}
	c := &converter{file: file, limits: limits, budget: budget, done: map[*yaml.Node]*converted{}}
	n, err := c.convert(doc.Content[0], 0)
	if err != nil {
		return nil, err
	}
	return n.node, nil
}

func yamlError(file string, err error) error {
	at := vnfd.Position{File: file}
	text := err.Error()
	if le, ok := asLoadError(err); ok {
		at.Line, at.Column = le.Mark.Line, le.Mark.Column
		text = le.Message
	}
	rule := "yaml"
	if strings.Contains(text, "alias") || strings.Contains(text, "depth") {
		rule = "yaml-bomb"
	}
	return &vnfd.Error{Rule: rule, Text: "the YAML cannot be read: " + text, At: at}
}

type converter struct {
	file   string
	limits vnfd.Limits
	budget int
	done   map[*yaml.Node]*converted // nil while a node is being converted
}

type converted struct {
	node  *Node
	depth int // levels below it
}

func (c *converter) convert(y *yaml.Node, depth int) (*converted, error) {
	if y.Kind == yaml.AliasNode {
		return c.alias(y, depth)
	}
	at := vnfd.Position{File: c.file, Line: y.Line, Column: y.Column}
	if depth > c.limits.Depth {
		return nil, &vnfd.Error{Rule: "yaml-bomb", Text: fmt.Sprintf("the YAML nests deeper than %d levels", c.limits.Depth), At: at}
	}
	c.done[y] = nil
	out := &converted{node: &Node{At: at, Value: y.Value, tag: y.ShortTag(), weight: Weigh(y.Value)}}
	var err error
	switch y.Kind {
	case yaml.MappingNode:
		out.node.Kind = MappingNode
		err = c.mapping(y, depth, out)
	case yaml.SequenceNode:
		out.node.Kind = SequenceNode
		for _, child := range y.Content {
			var item *converted
			if item, err = c.convert(child, depth+1); err != nil {
				break
			}
			out.node.Items = append(out.node.Items, item.node)
			out.grow(item)
		}
	default:
		if out.node.tag != "!!null" {
			out.node.Kind = ScalarNode
		}
	}
	if err != nil {
		return nil, err
	}
	if out.node.weight > c.budget {
		return nil, &vnfd.Error{Rule: "yaml-bomb", Text: fmt.Sprintf("the definitions expand to more than %d values", c.limits.Nodes), At: at}
	}
	c.done[y] = out
	return out, nil
}

// Weigh counts a value and its text.
func Weigh(text string) int { return 1 + len(text)/32 }

// grow counts a child. It cannot overflow: no child is heavier than the budget, and a document has few children of one.
func (out *converted) grow(child *converted) {
	out.node.weight += child.node.weight
	out.depth = max(out.depth, child.depth+1)
}

func (c *converter) alias(y *yaml.Node, depth int) (*converted, error) {
	at := vnfd.Position{File: c.file, Line: y.Line, Column: y.Column}
	target, ok := c.done[y.Alias]
	switch {
	case y.Alias == nil || !ok:
		return nil, &vnfd.Error{Rule: "yaml", Text: "the alias *" + y.Value + " names no anchor before it", At: at}
	case target == nil:
		return nil, &vnfd.Error{Rule: "yaml-bomb", Text: "the alias *" + y.Value + " stands inside its own anchor", At: at}
	case depth+target.depth > c.limits.Depth:
		return nil, &vnfd.Error{Rule: "yaml-bomb", Text: fmt.Sprintf("the YAML nests deeper than %d levels", c.limits.Depth), At: at}
	}
	return target, nil
}

func (c *converter) mapping(y *yaml.Node, depth int, out *converted) error {
	seen := map[string]bool{}
	var merged []Field
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		at := vnfd.Position{File: c.file, Line: k.Line, Column: k.Column}
		if k.Kind != yaml.ScalarNode {
			return &vnfd.Error{Rule: "yaml", Text: "a key is not a plain value", At: at}
		}
		value, err := c.convert(v, depth+1)
		if err != nil {
			return err
		}
		out.grow(value)
		if k.ShortTag() == "!!merge" {
			from := value.node.Items
			if value.node.Kind == MappingNode {
				from = []*Node{value.node}
			}
			for _, m := range from {
				merged = append(merged, m.Fields...)
			}
			continue
		}
		if seen[k.Value] {
			return &vnfd.Error{Rule: "yaml", Text: "the key " + vnfd.Quote(k.Value) + " is given twice", At: at}
		}
		seen[k.Value] = true
		out.node.Fields = append(out.node.Fields, Field{Name: k.Value, Key: at, Value: value.node})
	}
	for _, f := range merged { // own keys win, then the earlier merge
		if !seen[f.Name] {
			seen[f.Name] = true
			out.node.Fields = append(out.node.Fields, f)
		}
	}
	if len(out.node.Fields) > 16 {
		out.node.index = make(map[string]int, len(out.node.Fields))
		for i, f := range out.node.Fields {
			out.node.index[f.Name] = i
		}
	}
	return nil
}

// Get walks down mappings by name; nil when a step is missing.
func (n *Node) Get(names ...string) *Node {
	for _, name := range names {
		n = n.field(name)
	}
	return n
}

func (n *Node) field(name string) *Node {
	if n == nil {
		return nil
	}
	if n.index != nil {
		if i, ok := n.index[name]; ok {
			return n.Fields[i].Value
		}
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			return n.Fields[i].Value
		}
	}
	return nil
}

// Has says whether a mapping has a key, even with nothing in it.
func (n *Node) Has(name string) bool { return n.field(name) != nil }

// Text returns a scalar as written, "" for anything else.
func (n *Node) Text() string {
	if n == nil || n.Kind != ScalarNode {
		return ""
	}
	return n.Value
}

// Empty says that there is no Value: missing, null, or an empty list or map.
func (n *Node) Empty() bool {
	return n == nil || n.Kind == NullNode || (n.Kind != ScalarNode && len(n.Fields)+len(n.Items) == 0)
}

// Each returns the fields of a mapping in order.
func (n *Node) Each() []Field {
	if n == nil {
		return nil
	}
	return n.Fields
}

// List returns the items of a sequence, or a lone value as its only item.
func (n *Node) List() []*Node {
	switch {
	case n.Empty():
		return nil
	case n.Kind == SequenceNode:
		return n.Items
	}
	return []*Node{n}
}

// Texts returns the scalars of a sequence.
func (n *Node) Texts() []string {
	var out []string
	for _, item := range n.List() {
		if item.Kind == ScalarNode {
			out = append(out, item.Value)
		}
	}
	return out
}

// Named returns the fields of a mapping, or those of each mapping in a sequence: TOSCA writes requirements and
// policies as lists of one-key mappings to keep their order.
func (n *Node) Named() []Field {
	if n == nil || n.Kind != SequenceNode {
		return n.Each()
	}
	var out []Field
	for _, item := range n.Items {
		if item.Kind == ScalarNode { // "- virtual_link": named, but nothing said
			out = append(out, Field{Name: item.Value, Key: item.At, Value: &Node{At: item.At}})
		}
		out = append(out, item.Each()...)
	}
	return out
}

// Where returns the position, the zero one for nil.
func (n *Node) Where() vnfd.Position {
	if n == nil {
		return vnfd.Position{}
	}
	return n.At
}

func asLoadError(err error) (*yaml.LoadError, bool) {
	var le *yaml.LoadError
	ok := errors.As(err, &le)
	return le, ok
}

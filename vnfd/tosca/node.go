package tosca

import "github.com/vnfm/vnfm/vnfd"

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

package tosca

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vnfm/vnfm/vnfd"
)

// shapes has the intrinsic functions of the TOSCA Simple Profile (1.2 and 1.3, §4) that a VNFD may use, and what each wants to
// be one: a mapping of the same key with something else in it is just a mapping.
var shapes = map[string]func(arg *Node) bool{
	"get_input": nameOrList, "get_property": atLeast(2), "get_attribute": atLeast(2), "get_artifact": atLeast(2),
	"get_operation_output": atLeast(3), "get_nodes_of_type": nameOrList, "concat": atLeast(1), "join": atLeast(1), "token": atLeast(3),
}

func nameOrList(arg *Node) bool {
	return arg != nil && (arg.Kind == ScalarNode || (arg.Kind == SequenceNode && len(arg.Items) > 0))
}

func atLeast(n int) func(*Node) bool {
	return func(arg *Node) bool { return arg != nil && arg.Kind == SequenceNode && len(arg.Items) >= n }
}

// IsFunction says whether a value is a call of a function.
func IsFunction(n *Node) bool {
	if n == nil || n.Kind != MappingNode || len(n.Fields) != 1 {
		return false
	}
	wants := shapes[n.Fields[0].Name]
	return wants != nil && wants(n.Fields[0].Value)
}

// valueKey names a value in the context of a node template: SELF differs.
type valueKey struct {
	n    *Node
	self *NodeTemplate
}

// call is one call of a function.
type call struct {
	s     *Scope
	self  *NodeTemplate
	name  string
	at    vnfd.Position
	depth int
}

// resolve replaces every function in a value, also in lists and maps, by what it yields. What yields nothing is left out of
// its list or map. Values without functions are returned as they are.
func (s *Scope) resolve(n *Node, self *NodeTemplate, depth int) *Node {
	if n == nil || n.Kind == ScalarNode || n.Kind == NullNode {
		return n
	}
	key := valueKey{n, self}
	if v, ok := s.values[key]; ok {
		return v
	}
	if depth > s.Limits.Depth {
		s.Exceedf("depth", "yaml-bomb", n.At, "functions and values nest deeper than %d levels", s.Limits.Depth)
		return nil
	}
	if s.active[key] {
		s.Failf("function-cycle", n.At, "the function %s comes to need its own value", n.Fields[0].Name)
		return nil
	}
	if !s.Pay(1, n.At) {
		return nil
	}
	var v *Node
	switch {
	case IsFunction(n):
		s.active[key] = true
		v = s.apply(n, self, depth)
		delete(s.active, key)
	case n.Kind == MappingNode:
		v = s.resolveFields(n, self, depth)
	default:
		v = s.resolveItems(n, self, depth)
	}
	s.values[key] = v
	return v
}

func (s *Scope) resolveFields(n *Node, self *NodeTemplate, depth int) *Node {
	var out *Node // a copy, as soon as something differs
	for i, f := range n.Fields {
		v := s.resolve(f.Value, self, depth+1)
		if out == nil && v != f.Value {
			out = &Node{Kind: n.Kind, tag: n.tag, At: n.At, weight: n.weight, Fields: slices.Clone(n.Fields[:i])}
		}
		if out != nil && v != nil {
			out.Fields = append(out.Fields, Field{Name: f.Name, Key: f.Key, Value: v})
			out.weight += v.weight
		}
	}
	if out == nil {
		return n
	}
	return out
}

func (s *Scope) resolveItems(n *Node, self *NodeTemplate, depth int) *Node {
	var out *Node
	for i, item := range n.Items {
		v := s.resolve(item, self, depth+1)
		if out == nil && v != item {
			out = &Node{Kind: n.Kind, tag: n.tag, At: n.At, weight: n.weight, Items: slices.Clone(n.Items[:i])}
		}
		if out != nil && v != nil {
			out.Items = append(out.Items, v)
			out.weight += v.weight
		}
	}
	if out == nil {
		return n
	}
	return out
}

// apply calls the function that a value is.
func (s *Scope) apply(n *Node, self *NodeTemplate, depth int) *Node {
	f := n.Fields[0]
	c := call{s: s, self: self, name: f.Name, at: n.At, depth: depth + 1}
	args := []*Node{f.Value}
	if f.Value.Kind == SequenceNode {
		args = f.Value.Items
	}
	resolved := make([]*Node, 0, len(args))
	for _, arg := range args { // functions may be arguments
		v := s.resolve(arg, self, depth+1)
		if v == nil {
			return nil // said why
		}
		resolved = append(resolved, v)
	}
	switch f.Name {
	case "get_input":
		return c.input(resolved)
	case "get_property":
		return c.property(resolved)
	case "get_attribute":
		return c.attribute(resolved)
	case "get_artifact":
		return c.artifact(resolved)
	case "concat":
		return c.concat(resolved)
	case "join":
		return c.join(resolved)
	case "token":
		return c.token(resolved)
	}
	return c.runtime()
}

// input is get_input: the default of an input, and what is in it at a path.
func (c call) input(args []*Node) *Node {
	name := args[0].Text()
	input := c.s.Topology.Get("inputs", name)
	if input == nil {
		c.s.Findf("unknown-input", c.at, "get_input names %s, which is no input of this template", vnfd.Quote(name))
		return nil
	}
	v := c.spend(input.Get("default"))
	if v == nil || v.Kind == NullNode { // who instantiates may give it, and nothing here needs it
		return nil
	}
	return c.nested(v, args[1:])
}

func (c call) spend(n *Node) *Node {
	if n == nil || !c.s.Spend(n, c.at) {
		return nil
	}
	return c.s.resolve(n, c.self, c.depth)
}

// nested steps into a value by names and indexes.
func (c call) nested(v *Node, path []*Node) *Node {
	for _, step := range path {
		next := v.field(step.Text())
		if v != nil && v.Kind == SequenceNode {
			if i, err := strconv.Atoi(step.Text()); err == nil && i >= 0 && i < len(v.Items) {
				next = v.Items[i]
			}
		}
		if next == nil {
			c.s.Findf("unknown-property", c.at, "%s asks for %s, which its value does not have", c.name, vnfd.Quote(step.Text()))
			return nil
		}
		v = next
	}
	return v
}

// entity finds the node template that the first argument names.
func (c call) entity(arg *Node) *NodeTemplate {
	switch name := arg.Text(); name {
	case "SELF":
		if c.self != nil {
			return c.self
		}
	case "HOST":
		if c.self != nil {
			for _, r := range c.s.Requirements(c.self, "host") {
				return c.s.Template(r.Text())
			}
		}
	case "SOURCE", "TARGET":
	default:
		if nt := c.s.Template(name); nt != nil {
			return nt
		}
	}
	c.s.Findf("unknown-reference", c.at, "%s names %s, which is no node template here", c.name, vnfd.Quote(arg.Text()))
	return nil
}

// property is get_property: of a node template, or of one of its capabilities, or of what one of its requirements names.
func (c call) property(args []*Node) *Node {
	nt := c.entity(args[0])
	if nt == nil {
		return nil
	}
	if v, path := c.find(nt, args[1:]); v != nil {
		return c.nested(v, path)
	}
	c.s.Findf("unknown-property", c.at, "get_property asks for %s of %s, which has no value", vnfd.Quote(args[1].Text()), vnfd.Quote(nt.Name))
	return nil
}

// attribute is get_attribute. Every property is an attribute of the same name, too; any other is known when the VNF runs, and
// not before.
func (c call) attribute(args []*Node) *Node {
	nt := c.entity(args[0])
	if nt == nil {
		return nil
	}
	if v, path := c.find(nt, args[1:]); v != nil {
		return c.nested(v, path)
	}
	return c.runtime()
}

// runtime is for what nobody knows before the VNF runs.
func (c call) runtime() *Node {
	c.s.Findf("runtime-value", c.at, "the value of %s is known when the VNF runs only; it is left out", c.name)
	return nil
}

// find looks a property up, and returns what is left of the path.
func (c call) find(nt *NodeTemplate, path []*Node) (value *Node, rest []*Node) {
	name := path[0].Text()
	if v := c.s.Prop(nt, name); v != nil {
		return c.counted(v), path[1:]
	}
	if len(path) < 2 {
		return nil, nil
	}
	if v := c.s.Capability(nt, name, path[1].Text()); v != nil {
		return c.counted(v), path[2:]
	}
	for _, r := range c.s.Requirements(nt, name) {
		if v := c.s.Prop(c.s.Template(r.Text()), path[1].Text()); v != nil {
			return c.counted(v), path[2:]
		}
	}
	return nil, nil
}

// counted pays for one more use of a value.
func (c call) counted(v *Node) *Node {
	if !c.s.Spend(v, c.at) {
		return nil
	}
	return v
}

// artifact is get_artifact: the file of an artifact, whose path is relative to where the artifact is defined. Where it would be
// deployed to does not matter here.
func (c call) artifact(args []*Node) *Node {
	nt := c.entity(args[0])
	if nt == nil {
		return nil
	}
	name := args[1].Text()
	defs := []*Node{nt.N}
	for _, def := range append(defs, c.s.Chain(NodeTypes, nt.Kind)...) {
		for _, a := range def.Get("artifacts").Named() {
			if a.Name != name {
				continue
			}
			if a.Value != nil && a.Value.Kind == ScalarNode {
				return a.Value
			}
			return c.s.resolve(a.Value.Get("file"), nt, c.depth)
		}
	}
	c.s.Findf("unknown-reference", c.at, "get_artifact asks for %s, which is no artifact of %s", vnfd.Quote(name), vnfd.Quote(nt.Name))
	return nil
}

// text makes a scalar of a function's result.
func (c call) text(value string) *Node {
	return &Node{Kind: ScalarNode, Value: value, tag: "!!str", At: c.at, weight: Weigh(value)}
}

// scalars returns the text of values that must be single ones, paid for before it is copied anywhere.
func (c call) scalars(args []*Node) ([]string, bool) {
	out := make([]string, 0, len(args))
	size := 0
	for _, a := range args {
		if a.Kind != ScalarNode {
			c.s.Failf("bad-value", c.at, "%s takes single values only", c.name)
			return nil, false
		}
		size += len(a.Value)
		out = append(out, a.Value)
	}
	return out, c.s.Pay(1+size/32, c.at)
}

func (c call) concat(args []*Node) *Node {
	parts, ok := c.scalars(args)
	if !ok {
		return nil
	}
	return c.text(strings.Join(parts, ""))
}

func (c call) join(args []*Node) *Node {
	delimiter := ""
	if len(args) > 1 {
		delimiter = args[1].Text()
	}
	list := args[0].List()
	if !c.s.Pay(len(list)*(1+len(delimiter)/32), c.at) {
		return nil
	}
	parts, ok := c.scalars(list)
	if !ok {
		return nil
	}
	return c.text(strings.Join(parts, delimiter))
}

// token is token: the n-th part of a text that any of some characters part.
func (c call) token(args []*Node) *Node {
	parts, ok := c.scalars(args[:3])
	if !ok {
		return nil
	}
	index, err := strconv.Atoi(parts[2])
	if err != nil || index < 0 {
		c.s.Failf("bad-value", c.at, "the index of token is %s, no number from 0 on", vnfd.Quote(parts[2]))
		return nil
	}
	rest := parts[0]
	for ; index > 0; index-- {
		i := strings.IndexAny(rest, parts[1])
		if i < 0 {
			c.s.Failf("bad-value", c.at, "token asks for a part that %s does not have", vnfd.Quote(parts[0]))
			return nil
		}
		_, n := utf8.DecodeRuneInString(rest[i:])
		rest = rest[i+n:]
	}
	if i := strings.IndexAny(rest, parts[1]); i >= 0 {
		rest = rest[:i]
	}
	return c.text(rest)
}

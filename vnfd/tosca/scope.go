package tosca

import (
	_ "embed"
	"maps"
	"slices"
	"sync"

	"github.com/vnfm/vnfm/vnfd"
)

//go:embed builtin_tosca.yaml
var builtinTosca []byte

//go:embed builtin_nfv.yaml
var builtinNfv []byte

// builtins parses the type names this package knows by itself.
var builtins = sync.OnceValues(func() (tosca, nfv *Node) {
	parse := func(file string, data []byte) *Node {
		n, err := parseYAML(file, data, vnfd.Limits{}.WithDefaults(), 10_000)
		if err != nil {
			panic(err) // our own file
		}
		return n
	}
	return parse("builtin_tosca.yaml", builtinTosca), parse("builtin_nfv.yaml", builtinNfv)
})

// The sections of a service template that define types.
const (
	NodeTypes      = "node_types"
	PolicyTypes    = "policy_types"
	GroupTypes     = "group_types"
	DataTypes      = "data_types"
	InterfaceTypes = "interface_types"
)

var typeSections = []string{NodeTypes, PolicyTypes, GroupTypes, DataTypes, InterfaceTypes}

// Scope is what one service template sees: the types of its file and of its imports, nearest first, and its own
// topology. It never sees the node templates of another file.
type Scope struct {
	*Reader
	File     string // of the template
	Topology *Node
	Types    map[string]map[string]*Node // section → name → definition
	Nodes    []NodeTemplate              // in declaration order
	byName   map[string]*NodeTemplate
}

// NodeTemplate is one entry of node_templates.
type NodeTemplate struct {
	Name string
	Kind string // type
	N    *Node
	At   vnfd.Position
}

// NewScope returns what a document sees.
func NewScope(c *Reader, d *Document) *Scope {
	s := &Scope{Reader: c, File: d.File, Topology: d.Root.Get("topology_template"), Types: map[string]map[string]*Node{}, byName: map[string]*NodeTemplate{}}
	tosca, nfv := builtins()
	roots := make([]*Node, 0, 8)
	etsi := false
	for _, doc := range d.closure() {
		roots = append(roots, doc.Root)
		etsi = etsi || doc.etsi
	}
	if etsi {
		roots = append(roots, nfv)
	}
	roots = append(roots, tosca)
	for _, section := range typeSections {
		s.Types[section] = map[string]*Node{}
		for _, root := range roots {
			for _, f := range root.Get(section).Each() {
				if s.Types[section][f.Name] == nil {
					s.Types[section][f.Name] = f.Value
				}
			}
		}
	}
	for _, f := range s.Topology.Get("node_templates").Each() {
		s.Nodes = append(s.Nodes, NodeTemplate{Name: f.Name, Kind: f.Value.Get("type").Text(), N: f.Value, At: f.Key})
	}
	if len(s.Nodes) > maxNodeTemplates {
		c.Failf("too-large", s.Topology.At, "the template has more than %d node templates", maxNodeTemplates)
		s.Nodes = s.Nodes[:maxNodeTemplates]
	}
	for i := range s.Nodes {
		s.byName[s.Nodes[i].Name] = &s.Nodes[i]
	}
	return s
}

// Chain returns the definitions of a type and its ancestors, nearest first. It ends at a name that is not known or that
// came before.
func (s *Scope) Chain(section, name string) []*Node {
	var out []*Node
	seen := map[string]bool{}
	for name != "" && !seen[name] && len(out) < maxTypeChain {
		seen[name] = true
		def := s.Types[section][name]
		if def == nil {
			break
		}
		out = append(out, def)
		name = def.Get("derived_from").Text()
	}
	return out
}

// Circular says whether a type's chain ends because it came back to where it had been, or is too long.
func (s *Scope) Circular(section, name string) bool {
	chain := s.Chain(section, name)
	if len(chain) == 0 {
		return false
	}
	last := chain[len(chain)-1].Get("derived_from").Text()
	return last != "" && s.Types[section][last] != nil
}

// Derives says whether a type is base or derived from it.
func (s *Scope) Derives(section, name, base string) bool {
	if name == base {
		return s.Types[section][name] != nil
	}
	for _, def := range s.Chain(section, name) {
		if def.Get("derived_from").Text() == base {
			return s.Types[section][base] != nil
		}
	}
	return false
}

// CheckTypes reports types that derive from nothing known or from themselves, and templates, policies and groups of
// unknown type.
func (s *Scope) CheckTypes() {
	for _, section := range typeSections {
		for _, name := range slices.Sorted(maps.Keys(s.Types[section])) {
			def := s.Types[section][name]
			parent := def.Get("derived_from")
			if parent.Text() == "" || (section == DataTypes && primitive(parent.Text())) {
				continue
			}
			if s.Types[section][parent.Text()] == nil {
				s.Failf("unknown-type", parent.At, "%s derives from the unknown type %s", vnfd.Quote(name), vnfd.Quote(parent.Text()))
			} else if s.Circular(section, name) {
				s.Failf("unknown-type", parent.At, "the type %s derives from itself, or through too many others", vnfd.Quote(name))
			}
		}
	}
	known := func(section string, n *Node, at vnfd.Position, what, name string) {
		t := n.Get("type")
		switch {
		case t.Text() == "":
			s.Failf("unknown-type", at, "%s %s has no type", what, vnfd.Quote(name))
		case s.Types[section][t.Text()] == nil:
			s.Failf("unknown-type", t.At, "%s %s is of the unknown type %s", what, vnfd.Quote(name), vnfd.Quote(t.Text()))
		}
	}
	for _, nt := range s.Nodes {
		known(NodeTypes, nt.N, nt.At, "node template", nt.Name)
	}
	for _, f := range s.Topology.Get("policies").Named() {
		known(PolicyTypes, f.Value, f.Key, "policy", f.Name)
	}
	for _, f := range s.Topology.Get("groups").Named() {
		known(GroupTypes, f.Value, f.Key, "group", f.Name)
	}
	if t := s.Topology.Get("substitution_mappings", "node_type"); t.Text() != "" && s.Types[NodeTypes][t.Text()] == nil {
		s.Failf("unknown-type", t.At, "substitution_mappings is for the unknown type %s", vnfd.Quote(t.Text()))
	}
}

// Val follows get_input to the input's default; nil when there is none.
func (s *Scope) Val(n *Node) *Node {
	for range 4 {
		if n == nil || n.Kind != MappingNode || len(n.Fields) != 1 || n.Fields[0].Name != "get_input" {
			return n
		}
		name := n.Fields[0].Value.Text()
		input := s.Topology.Get("inputs", name)
		if input == nil {
			s.Findf("unknown-input", n.At, "get_input names %s, which is no input of this template", vnfd.Quote(name))
			return nil
		}
		if n = input.Get("default"); !s.Spend(n, n.Where()) {
			return nil
		}
	}
	return nil
}

// Get walks down mappings, following get_input at each step.
func (s *Scope) Get(n *Node, names ...string) *Node {
	n = s.Val(n)
	for _, name := range names {
		n = s.Val(n.field(name))
	}
	return n
}

// Prop returns a property of a node template: its value, else the default its type gives.
func (s *Scope) Prop(nt *NodeTemplate, name string) *Node {
	if nt == nil {
		return nil
	}
	if v := s.Get(nt.N, "properties", name); v != nil {
		return v
	}
	return s.TypeDefault(nt.Kind, name)
}

// TypeDefault returns the default a node type gives a property.
func (s *Scope) TypeDefault(kind, name string) *Node {
	for _, def := range s.Chain(NodeTypes, kind) {
		if d := def.Get("properties", name, "default"); d != nil {
			if !s.Spend(d, d.At) {
				return nil
			}
			return d
		}
	}
	return nil
}

// Requirements returns the targets a node template names for a requirement, in order.
func (s *Scope) Requirements(nt *NodeTemplate, name string) []*Node {
	var out []*Node
	for _, f := range nt.N.Get("requirements").Named() {
		if f.Name != name {
			continue
		}
		target := s.Val(f.Value)
		if target != nil && target.Kind == MappingNode {
			target = s.Val(target.Get("node"))
		}
		if target.Text() != "" {
			out = append(out, target)
		}
	}
	return out
}

// Template returns the node template of a name, nil when there is none.
func (s *Scope) Template(name string) *NodeTemplate { return s.byName[name] }

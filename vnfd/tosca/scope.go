package tosca

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm/vnfd"
)

// The sections of a service template that define types.
const (
	NodeTypes       = "node_types"
	PolicyTypes     = "policy_types"
	GroupTypes      = "group_types"
	DataTypes       = "data_types"
	InterfaceTypes  = "interface_types"
	CapabilityTypes = "capability_types"
	ArtifactTypes   = "artifact_types"
	relationTypes   = "relationship_types"
)

// typeSections has the sections, and whether a VNF is made of their types: of the others an unknown parent does no harm.
var typeSections = []struct {
	name    string
	matters bool
}{
	{NodeTypes, true}, {PolicyTypes, true}, {GroupTypes, true}, {DataTypes, true}, {InterfaceTypes, true},
	{CapabilityTypes, false}, {ArtifactTypes, false}, {relationTypes, false},
}

// Scope is what one service template sees: the types of its file and of its imports, nearest first, and its own
// topology. It never sees the node templates of another file.
type Scope struct {
	*Reader
	File      string // of the template
	Topology  *Node
	Types     map[string]map[string]*Node // section → name → definition
	Nodes     []NodeTemplate              // in declaration order
	byName    map[string]*NodeTemplate
	etsi      bool // ETSI's types are imported
	chains    map[[2]string][]*Node
	dataTypes map[string]*properties
	values    map[valueKey]*Node
	active    map[valueKey]bool
}

// NodeTemplate is one entry of node_templates.
type NodeTemplate struct {
	Name string
	Kind string // type
	N    *Node
	At   vnfd.Position
}

// NewScope returns what a document sees.
func NewScope(r *Reader, d *Document) *Scope {
	s := &Scope{
		Reader: r, File: d.File, Topology: d.Root.Get("topology_template"), Types: map[string]map[string]*Node{}, byName: map[string]*NodeTemplate{},
		chains: map[[2]string][]*Node{}, dataTypes: map[string]*properties{}, values: map[valueKey]*Node{}, active: map[valueKey]bool{},
	}
	tosca, nfv := builtins()
	roots := make([]*Node, 0, 8)
	for _, doc := range d.closure() {
		roots = append(roots, doc.Root)
		s.etsi = s.etsi || doc.etsi
	}
	roots = append(roots, nfv, tosca)
	for _, section := range typeSections {
		types := map[string]*Node{}
		for _, root := range roots {
			defs := root.Get(section.name)
			if !builtin(defs) && !r.Pay(len(defs.Each()), defs.Where()) { // every flavour sees the types it imports
				continue
			}
			for _, f := range defs.Each() {
				if types[f.Name] == nil {
					types[f.Name] = f.Value
				}
			}
		}
		s.Types[section.name] = types
	}
	for _, f := range s.Topology.Get("node_templates").Each() {
		if len(s.Nodes) == r.Limits.NodeTemplates {
			r.Exceedf("node-templates", "too-large", s.Topology.At, "the template has more than %d node templates", r.Limits.NodeTemplates)
			break
		}
		name := r.Identifier(f.Name, f.Key, "the name of the node template")
		s.Nodes = append(s.Nodes, NodeTemplate{Name: name, Kind: f.Value.Get("type").Text(), N: f.Value, At: f.Key})
	}
	for i := range s.Nodes {
		s.byName[s.Nodes[i].Name] = &s.Nodes[i]
	}
	return s
}

// Chain returns the definitions of a type and its ancestors, nearest first. It ends at a name that is not known or that
// came before. It must not be changed.
func (s *Scope) Chain(section, name string) []*Node {
	key := [2]string{section, name}
	if chain, ok := s.chains[key]; ok {
		return chain
	}
	var out []*Node
	for name != "" && len(out) < s.Limits.TypeChain {
		def := s.Types[section][name]
		if def == nil || slices.Contains(out, def) {
			break
		}
		out = append(out, def)
		name = def.Get("derived_from").Text()
	}
	if len(out) > 0 && !builtin(out[0]) {
		s.Pay(len(out), out[0].At)
	}
	s.chains[key] = out
	return out
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

// Base returns the first name that a type has or derives from, and that is what the function says; "" when there is none. The last name of
// the chain need not be known.
func (s *Scope) Base(section, name string, is func(name string) bool) string {
	if is(name) {
		return name
	}
	for _, def := range s.Chain(section, name) {
		if parent := def.Get("derived_from").Text(); is(parent) {
			return parent
		}
	}
	return ""
}

// CheckTypes reports types that derive from nothing known or from themselves, and templates, policies and groups of
// unknown type, each unknown name once.
func (s *Scope) CheckTypes() {
	for _, section := range typeSections {
		for _, name := range slices.Sorted(maps.Keys(s.Types[section.name])) {
			if s.over() {
				return
			}
			s.checkParent(section.name, name, section.matters)
		}
	}
	u := uses{s: s, unknown: map[string]*use{}}
	for _, nt := range s.Nodes {
		u.of(NodeTypes, nt.N, nt.At, "node template", nt.Name)
	}
	for _, f := range s.Topology.Get("policies").Named() {
		u.of(PolicyTypes, f.Value, f.Key, "policy", f.Name)
	}
	for _, f := range s.Topology.Get("groups").Named() {
		u.of(GroupTypes, f.Value, f.Key, "group", f.Name)
	}
	u.report()
	if t := s.Topology.Get("substitution_mappings", "node_type"); t.Text() != "" && s.Types[NodeTypes][t.Text()] == nil {
		s.Failf("unknown-type", t.At, "substitution_mappings is for the unknown type %s", vnfd.Quote(t.Text()))
	}
}

func (s *Scope) checkParent(section, name string, matters bool) {
	parent := s.Types[section][name].Get("derived_from")
	if parent.Text() == "" || (section == DataTypes && primitive(parent.Text())) {
		return
	}
	known := s.Types[section][parent.Text()]
	switch {
	case known == nil && matters:
		s.Failf("unknown-type", parent.At, "%s derives from the unknown type %s", vnfd.Quote(name), vnfd.Quote(parent.Text()))
	case known == nil:
		s.Findf("unknown-type", parent.At, "%s derives from the unknown type %s; nothing is made of such types", vnfd.Quote(name), vnfd.Quote(parent.Text()))
	case s.endless(section, name) && len(s.Chain(section, name)) == s.Limits.TypeChain:
		s.Exceedf("type-chain", "unknown-type", parent.At, "the type %s derives through more than %d others", vnfd.Quote(name), s.Limits.TypeChain)
	case s.endless(section, name):
		s.Failf("unknown-type", parent.At, "the type %s derives from itself", vnfd.Quote(name))
	default:
		s.imported(known, parent)
	}
}

// endless says whether a type's chain ends because it came back to where it had been, or is too long.
func (s *Scope) endless(section, name string) bool {
	chain := s.Chain(section, name)
	if len(chain) == 0 {
		return false
	}
	last := chain[len(chain)-1].Get("derived_from").Text()
	return last != "" && s.Types[section][last] != nil
}

// imported finds that a template uses ETSI's types and imports none of ETSI's files.
func (s *Scope) imported(def, ref *Node) {
	if !s.etsi && def.At.File == builtinNfvFile && !builtin(ref) {
		s.Findf("types-not-imported", vnfd.Position{File: ref.At.File, Line: 1}, "the file uses %s and imports none of ETSI's definition files; the built-in types are taken", ref.Text())
		s.etsi = true // said once
	}
}

// uses collects the uses of unknown types.
type uses struct {
	s       *Scope
	unknown map[string]*use
	order   []*use
}

type use struct {
	what, name, kind string
	at               vnfd.Position
	more             int
}

func (u *uses) of(section string, n *Node, at vnfd.Position, what, name string) {
	t := n.Get("type")
	def := u.s.Types[section][t.Text()]
	switch key := section + t.Text(); {
	case t.Text() == "":
		u.s.Failf("unknown-type", at, "%s %s has no type", what, vnfd.Quote(name))
	case def != nil:
		u.s.imported(def, t)
	case u.unknown[key] != nil:
		u.unknown[key].more++
	default:
		u.unknown[key] = &use{what: what, name: name, kind: t.Text(), at: t.At}
		u.order = append(u.order, u.unknown[key])
	}
}

func (u *uses) report() {
	for _, x := range u.order {
		more := ""
		if x.more > 0 {
			more = fmt.Sprintf(", and so are %d more", x.more)
		}
		u.s.Failf("unknown-type", x.at, "%s %s is of the unknown type %s%s", x.what, vnfd.Quote(x.name), vnfd.Quote(x.kind), more)
	}
}

// Val returns a value with every function in it replaced by what it yields; nil when that is nothing.
func (s *Scope) Val(n *Node) *Node { return s.resolve(n, nil, 0) }

// Get walks down mappings, following functions at each step, and returns the value found like Val.
func (s *Scope) Get(n *Node, names ...string) *Node { return s.walk(n, nil, names) }

// Of is Get for what a node template says; SELF in functions is that template.
func (s *Scope) Of(nt *NodeTemplate, names ...string) *Node {
	if nt == nil {
		return nil
	}
	return s.walk(nt.N, nt, names)
}

// In is Get for a value that stands somewhere in a node template; SELF in functions is that template.
func (s *Scope) In(nt *NodeTemplate, n *Node, names ...string) *Node { return s.walk(n, nt, names) }

func (s *Scope) walk(n *Node, self *NodeTemplate, names []string) *Node {
	for _, name := range names {
		if IsFunction(n) {
			n = s.resolve(n, self, 0)
		}
		n = n.field(name)
	}
	return s.resolve(n, self, 0)
}

// Prop returns a property of a node template: its value, else the default its type gives.
func (s *Scope) Prop(nt *NodeTemplate, name string) *Node {
	if nt == nil {
		return nil
	}
	if v := s.Of(nt, "properties", name); v != nil {
		return v
	}
	return s.TypeDefault(nt, nt.Kind, name)
}

// TypeDefault returns the default a node type gives a property; nt may be nil.
func (s *Scope) TypeDefault(nt *NodeTemplate, kind, name string) *Node {
	return s.firstDefault(nt, s.Chain(NodeTypes, kind), "properties", name, "default")
}

// Capability returns a property of a capability of a node template: its value, else the default that the node's type or the
// capability's gives.
func (s *Scope) Capability(nt *NodeTemplate, capability, name string) *Node {
	if v := s.Of(nt, "capabilities", capability, "properties", name); v != nil {
		return v
	}
	chain := s.Chain(NodeTypes, nt.Kind)
	if v := s.firstDefault(nt, chain, "capabilities", capability, "properties", name, "default"); v != nil {
		return v
	}
	for _, def := range chain {
		c := def.Get("capabilities", capability)
		kind := c.Get("type").Text()
		if c != nil && c.Kind == ScalarNode { // "virtual_compute: tosca.capabilities…"
			kind = c.Value
		}
		if kind != "" {
			return s.firstDefault(nt, s.Chain(CapabilityTypes, kind), "properties", name, "default")
		}
	}
	return nil
}

func (s *Scope) firstDefault(nt *NodeTemplate, chain []*Node, path ...string) *Node {
	for _, def := range chain {
		if d := def.Get(path...); d != nil {
			if !s.Spend(d, d.At) {
				return nil
			}
			return s.resolve(d, nt, 0)
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
		target := s.resolve(f.Value, nt, 0)
		if target != nil && target.Kind == MappingNode {
			target = target.Get("node")
		}
		if target.Text() != "" {
			out = append(out, target)
		}
	}
	return out
}

// Template returns the node template of a name, nil when there is none.
func (s *Scope) Template(name string) *NodeTemplate { return s.byName[name] }

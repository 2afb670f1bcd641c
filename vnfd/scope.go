package vnfd

import (
	_ "embed"
	"maps"
	"slices"
	"sync"
)

//go:embed builtin_tosca.yaml
var builtinTosca []byte

//go:embed builtin_nfv.yaml
var builtinNfv []byte

// builtins parses the type names this package knows by itself.
var builtins = sync.OnceValues(func() (tosca, nfv *node) {
	parse := func(file string, data []byte) *node {
		n, err := parseYAML(file, data, Limits{}.withDefaults(), 10_000)
		if err != nil {
			panic(err) // our own file
		}
		return n
	}
	return parse("builtin_tosca.yaml", builtinTosca), parse("builtin_nfv.yaml", builtinNfv)
})

// The sections of a service template that define types.
const (
	nodeTypes      = "node_types"
	policyTypes    = "policy_types"
	groupTypes     = "group_types"
	dataTypes      = "data_types"
	interfaceTypes = "interface_types"
)

var typeSections = []string{nodeTypes, policyTypes, groupTypes, dataTypes, interfaceTypes}

// scope is what one service template sees: the types of its file and of its imports, nearest first, and its own
// topology. It never sees the node templates of another file.
type scope struct {
	*csar
	doc      *document
	topology *node
	types    map[string]map[string]*node // section → name → definition
	nodes    []nodeTemplate              // in declaration order
	byName   map[string]*nodeTemplate
}

// nodeTemplate is one entry of node_templates.
type nodeTemplate struct {
	name string
	kind string // type
	n    *node
	at   Position
}

func newScope(c *csar, d *document) *scope {
	s := &scope{csar: c, doc: d, topology: d.root.get("topology_template"), types: map[string]map[string]*node{}, byName: map[string]*nodeTemplate{}}
	tosca, nfv := builtins()
	roots := make([]*node, 0, 8)
	etsi := false
	for _, doc := range d.closure() {
		roots = append(roots, doc.root)
		etsi = etsi || doc.etsi
	}
	if etsi {
		roots = append(roots, nfv)
	}
	roots = append(roots, tosca)
	for _, section := range typeSections {
		s.types[section] = map[string]*node{}
		for _, root := range roots {
			for _, f := range root.get(section).each() {
				if s.types[section][f.name] == nil {
					s.types[section][f.name] = f.value
				}
			}
		}
	}
	for _, f := range s.topology.get("node_templates").each() {
		s.nodes = append(s.nodes, nodeTemplate{name: f.name, kind: f.value.get("type").text(), n: f.value, at: f.key})
	}
	if len(s.nodes) > maxNodeTemplates {
		c.failf("too-large", s.topology.at, "the template has more than %d node templates", maxNodeTemplates)
		s.nodes = s.nodes[:maxNodeTemplates]
	}
	for i := range s.nodes {
		s.byName[s.nodes[i].name] = &s.nodes[i]
	}
	return s
}

// chain returns the definitions of a type and its ancestors, nearest first. It ends at a name that is not known or that
// came before.
func (s *scope) chain(section, name string) []*node {
	var out []*node
	seen := map[string]bool{}
	for name != "" && !seen[name] && len(out) < maxTypeChain {
		seen[name] = true
		def := s.types[section][name]
		if def == nil {
			break
		}
		out = append(out, def)
		name = def.get("derived_from").text()
	}
	return out
}

// circular says whether a type's chain ends because it came back to where it had been, or is too long.
func (s *scope) circular(section, name string) bool {
	chain := s.chain(section, name)
	if len(chain) == 0 {
		return false
	}
	last := chain[len(chain)-1].get("derived_from").text()
	return last != "" && s.types[section][last] != nil
}

// derives says whether a type is base or derived from it.
func (s *scope) derives(section, name, base string) bool {
	if name == base {
		return s.types[section][name] != nil
	}
	for _, def := range s.chain(section, name) {
		if def.get("derived_from").text() == base {
			return s.types[section][base] != nil
		}
	}
	return false
}

// checkTypes reports types that derive from nothing known or from themselves, and templates, policies and groups of
// unknown type.
func (s *scope) checkTypes() {
	for _, section := range typeSections {
		for _, name := range slices.Sorted(maps.Keys(s.types[section])) {
			def := s.types[section][name]
			parent := def.get("derived_from")
			if parent.text() == "" || (section == dataTypes && primitive(parent.text())) {
				continue
			}
			if s.types[section][parent.text()] == nil {
				s.failf("unknown-type", parent.at, "%s derives from the unknown type %s", quote(name), quote(parent.text()))
			} else if s.circular(section, name) {
				s.failf("unknown-type", parent.at, "the type %s derives from itself, or through too many others", quote(name))
			}
		}
	}
	known := func(section string, n *node, at Position, what, name string) {
		t := n.get("type")
		switch {
		case t.text() == "":
			s.failf("unknown-type", at, "%s %s has no type", what, quote(name))
		case s.types[section][t.text()] == nil:
			s.failf("unknown-type", t.at, "%s %s is of the unknown type %s", what, quote(name), quote(t.text()))
		}
	}
	for _, nt := range s.nodes {
		known(nodeTypes, nt.n, nt.at, "node template", nt.name)
	}
	for _, f := range s.topology.get("policies").named() {
		known(policyTypes, f.value, f.key, "policy", f.name)
	}
	for _, f := range s.topology.get("groups").named() {
		known(groupTypes, f.value, f.key, "group", f.name)
	}
	if t := s.topology.get("substitution_mappings", "node_type"); t.text() != "" && s.types[nodeTypes][t.text()] == nil {
		s.failf("unknown-type", t.at, "substitution_mappings is for the unknown type %s", quote(t.text()))
	}
}

// val follows get_input to the input's default; nil when there is none.
func (s *scope) val(n *node) *node {
	for range 4 {
		if n == nil || n.kind != mappingNode || len(n.fields) != 1 || n.fields[0].name != "get_input" {
			return n
		}
		name := n.fields[0].value.text()
		input := s.topology.get("inputs", name)
		if input == nil {
			s.findf("unknown-input", n.at, "get_input names %s, which is no input of this template", quote(name))
			return nil
		}
		if n = input.get("default"); !s.spend(n, n.where()) {
			return nil
		}
	}
	return nil
}

// get walks down mappings, following get_input at each step.
func (s *scope) get(n *node, names ...string) *node {
	n = s.val(n)
	for _, name := range names {
		n = s.val(n.field(name))
	}
	return n
}

// prop returns a property of a node template: its value, else the default its type gives.
func (s *scope) prop(nt *nodeTemplate, name string) *node {
	if nt == nil {
		return nil
	}
	if v := s.get(nt.n, "properties", name); v != nil {
		return v
	}
	return s.typeDefault(nt.kind, name)
}

// typeDefault returns the default a node type gives a property.
func (s *scope) typeDefault(kind, name string) *node {
	for _, def := range s.chain(nodeTypes, kind) {
		if d := def.get("properties", name, "default"); d != nil {
			if !s.spend(d, d.at) {
				return nil
			}
			return d
		}
	}
	return nil
}

// requirements returns the targets a node template names for a requirement, in order.
func (s *scope) requirements(nt *nodeTemplate, name string) []*node {
	var out []*node
	for _, f := range nt.n.get("requirements").named() {
		if f.name != name {
			continue
		}
		target := s.val(f.value)
		if target != nil && target.kind == mappingNode {
			target = s.val(target.get("node"))
		}
		if target.text() != "" {
			out = append(out, target)
		}
	}
	return out
}

// vnf returns the template's VNF node, nil when it has none.
func (s *scope) vnf() *nodeTemplate {
	for i := range s.nodes {
		if s.derives(nodeTypes, s.nodes[i].kind, "tosca.nodes.nfv.VNF") {
			return &s.nodes[i]
		}
	}
	return nil
}

// substitutes returns the VNF node type that the template implements, "" when it is no deployment flavour.
func (s *scope) substitutes() string {
	t := s.topology.get("substitution_mappings", "node_type").text()
	if s.derives(nodeTypes, t, "tosca.nodes.nfv.VNF") {
		return t
	}
	return ""
}

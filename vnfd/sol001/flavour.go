package sol001

import (
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// The node types a flavour is made of.
const (
	typeCompute      = "tosca.nodes.nfv.Vdu.Compute"
	typeDeployable   = "tosca.nodes.nfv.Vdu.OsContainerDeployableUnit"
	typeContainer    = "tosca.nodes.nfv.Vdu.OsContainer"
	typeMciop        = "tosca.nodes.nfv.Mciop"
	typeBlockStorage = "tosca.nodes.nfv.Vdu.VirtualBlockStorage"
	typeObjectStore  = "tosca.nodes.nfv.Vdu.VirtualObjectStorage"
	typeFileStorage  = "tosca.nodes.nfv.Vdu.VirtualFileStorage"
	typeVirtualLink  = "tosca.nodes.nfv.VnfVirtualLink"
	typeVduCp        = "tosca.nodes.nfv.VduCp"
	typeSubCp        = "tosca.nodes.nfv.VduSubCp"
	typeVipCp        = "tosca.nodes.nfv.VipCp"
	typeExtCp        = "tosca.nodes.nfv.VnfExtCp"
	typeVnf          = "tosca.nodes.nfv.VNF"
	typeNfv          = "tosca.nodes.nfv."
)

// flavour reads one deployment flavour.
func (s *scope) flavour() vnfd.Flavour {
	f := vnfd.Flavour{ID: s.flavourID(), Description: s.vnfProperty("flavour_description").Text(), At: s.Topology.Where(), Vdus: []vnfd.Vdu{}}
	if m := s.Topology.Get("substitution_mappings"); m != nil {
		f.At = m.At
	}
	exposed := s.exposed()
	for i := range s.Nodes {
		nt := &s.Nodes[i]
		s.checkArtifacts(nt)
		is := func(base string) bool { return s.Derives(tosca.NodeTypes, nt.Kind, base) }
		switch {
		case s.isVdu(nt.Kind) && len(f.Vdus) == s.Limits.Vdus:
			s.Exceedf("vdus", "too-large", nt.At, "the flavour has more than %d VDUs", s.Limits.Vdus)
		case s.isVdu(nt.Kind):
			f.Vdus = append(f.Vdus, s.vdu(nt))
		case is(typeBlockStorage):
			f.Storages = append(f.Storages, s.storage(nt, "BLOCK", "virtual_block_storage_data", "size_of_storage"))
		case is(typeObjectStore):
			f.Storages = append(f.Storages, s.storage(nt, "OBJECT", "virtual_object_storage_data", "max_size_of_storage"))
		case is(typeFileStorage):
			f.Storages = append(f.Storages, s.storage(nt, "FILE", "virtual_file_storage_data", "size_of_storage"))
		case is(typeVirtualLink):
			f.Links = append(f.Links, s.virtualLink(nt))
		case is(typeSubCp): // a connection point of a VDU by its type, but no NIC
			s.Findf("not-supported", nt.At, "%s is a %s, which is read but not provided for", vnfd.Quote(nt.Name), typeSubCp)
		case is(typeVduCp):
			if cp, ok := s.vduCp(nt, exposed); ok {
				f.Cps = append(f.Cps, cp)
			}
		case is(typeVipCp): // once all connection points are known
		case is(typeMciop):
			f.Mciops = append(f.Mciops, s.mciop(nt))
		case is(typeExtCp):
			f.ExtCps = append(f.ExtCps, s.extCp(nt))
		case is(typeVnf), is(typeContainer):
		case s.nfvAncestor(nt.Kind) != "":
			s.Findf("not-supported", nt.At, "%s is a %s, which is read but not provided for", vnfd.Quote(nt.Name), s.nfvAncestor(nt.Kind))
		}
	}
	if len(f.Vdus) == 0 {
		s.Findf("no-vdu", f.At, "the deployment flavour %s has no VDU: there is nothing to run", vnfd.Quote(f.ID))
	}
	s.boot(&f)
	s.scaling(&f)
	f.Affinity = s.affinity()
	s.securityRules(&f)
	s.virtualIPs(&f)
	s.monitoring(&f, s.vnfProperty("monitoring_parameters"), "")
	for _, v := range f.Vdus {
		s.monitoring(&f, s.Prop(s.Template(v.ID), "monitoring_parameters"), v.ID)
	}
	s.operations(&f)
	s.coordinations(&f)
	s.checkScaling(&f)
	return f
}

// nfvAncestor returns the ETSI node type that a type is or derives from.
func (s *scope) nfvAncestor(kind string) string {
	return s.Base(tosca.NodeTypes, kind, func(name string) bool { return strings.HasPrefix(name, typeNfv) })
}

// exposed reads the substitution mappings: the node templates whose connection points the VNF exposes.
func (s *scope) exposed() map[string]bool {
	out := map[string]bool{}
	known := s.requirements(s.vnfType())
	for _, f := range s.Topology.Get("substitution_mappings", "requirements").Named() {
		target := f.Value
		if target.Has("mapping") { // TOSCA 1.3
			target = target.Get("mapping")
		}
		if !known[f.Name] {
			s.Findf("substitution-mapping", f.Key, "the substitution mapping %s is no requirement of %s", vnfd.Quote(f.Name), vnfd.Quote(s.vnfType()))
		}
		names := target.Texts()
		if len(names) == 0 {
			continue
		}
		nt := s.Template(names[0])
		if nt == nil {
			s.Findf("substitution-mapping", f.Key, "the substitution mapping %s names %s, which is no node template", vnfd.Quote(f.Name), vnfd.Quote(names[0]))
			continue
		}
		if len(names) > 1 && !s.hasRequirement(nt.Kind, names[1]) {
			s.Findf("substitution-mapping", f.Key, "the substitution mapping %s names the requirement %s, which %s does not have", vnfd.Quote(f.Name), vnfd.Quote(names[1]), vnfd.Quote(nt.Name))
		}
		out[names[0]] = true
	}
	return out
}

// hasRequirement says whether a node type has a requirement. The built-in types say nothing of theirs.
func (s *scope) hasRequirement(kind, name string) bool {
	names := s.requirements(kind)
	return len(names) == 0 || names[name]
}

// requirements returns the names of the requirements of a node type and its ancestors.
func (s *scope) requirements(kind string) map[string]bool {
	if names, ok := s.required[kind]; ok {
		return names
	}
	names := map[string]bool{}
	for _, def := range s.Chain(tosca.NodeTypes, kind) {
		for _, f := range def.Get("requirements").Named() {
			names[f.Name] = true
		}
	}
	s.required = set(s.required, kind, names)
	return names
}

// monitoring adds monitoring parameters, a list in older descriptors and a map in newer ones.
func (s *scope) monitoring(f *vnfd.Flavour, n *tosca.Node, vdu string) {
	add := func(id string, v *tosca.Node) {
		text := func(name string) string {
			return s.Identifier(v.Get(name).Text(), v.Where(), "the "+name+" of a monitoring parameter")
		}
		m := vnfd.MonitoringParameter{ID: id, Name: text("name"), Metric: text("performance_metric"), Vdu: vdu}
		if m.ID == "" {
			m.ID = m.Name
		}
		switch {
		case m.Metric == "":
		case len(f.Monitoring) == s.Limits.Monitoring:
			s.Exceedf("monitoring", "too-large", n.At, "the flavour has more than %d monitoring parameters", s.Limits.Monitoring)
		default:
			f.Monitoring = append(f.Monitoring, m)
		}
	}
	if n != nil && n.Kind == tosca.SequenceNode {
		for _, item := range n.Items {
			add("", item)
		}
		return
	}
	for _, x := range n.Each() {
		add(s.Identifier(x.Name, x.Key, "the id of the monitoring parameter"), x.Value)
	}
}

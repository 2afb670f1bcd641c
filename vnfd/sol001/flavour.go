package sol001

import (
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// The node types a flavour is made of.
const (
	typeCompute      = "tosca.nodes.nfv.Vdu.Compute"
	typeDeployable   = "tosca.nodes.nfv.Vdu.OsContainerDeployableUnit"
	typeContainer    = "tosca.nodes.nfv.Vdu.OsContainer"
	typeBlockStorage = "tosca.nodes.nfv.Vdu.VirtualBlockStorage"
	typeObjectStore  = "tosca.nodes.nfv.Vdu.VirtualObjectStorage"
	typeFileStorage  = "tosca.nodes.nfv.Vdu.VirtualFileStorage"
	typeVirtualLink  = "tosca.nodes.nfv.VnfVirtualLink"
	typeVduCp        = "tosca.nodes.nfv.VduCp"
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
		case is(typeVduCp):
			if cp, ok := s.vduCp(nt, exposed); ok {
				f.Cps = append(f.Cps, cp)
			}
		case is(typeExtCp):
			f.ExtCps = append(f.ExtCps, s.extCp(nt))
		case is(typeVnf), is(typeContainer):
		case s.nfvAncestor(nt.Kind) != "":
			s.Findf("not-supported", nt.At, "%s is a %s, which is read but not provided for", vnfd.Quote(nt.Name), s.nfvAncestor(nt.Kind))
		}
	}
	s.scaling(&f)
	f.Affinity = s.affinity()
	f.Monitoring = append(s.monitoring(s.vnfProperty("monitoring_parameters"), ""), s.vduMonitoring(&f)...)
	s.operations(&f)
	s.checkScaling(&f)
	return f
}

// nfvAncestor returns the ETSI node type that a type is or derives from.
func (s *scope) nfvAncestor(kind string) string {
	for name := kind; name != ""; {
		if len(name) > len(typeNfv) && name[:len(typeNfv)] == typeNfv {
			return name
		}
		chain := s.Chain(tosca.NodeTypes, name)
		if len(chain) == 0 || s.Circular(tosca.NodeTypes, name) {
			return ""
		}
		name = chain[0].Get("derived_from").Text()
	}
	return ""
}

// exposed reads the substitution mappings: the node templates whose connection points the VNF exposes.
func (s *scope) exposed() map[string]bool {
	out := map[string]bool{}
	known := map[string]bool{}
	for _, def := range s.Chain(tosca.NodeTypes, s.vnfType()) {
		for _, f := range def.Get("requirements").Named() {
			known[f.Name] = true
		}
	}
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
	said := false
	for _, def := range s.Chain(tosca.NodeTypes, kind) {
		for _, f := range def.Get("requirements").Named() {
			said = true
			if f.Name == name {
				return true
			}
		}
	}
	return !said
}

// monitoring reads monitoring parameters, a list in older descriptors and a map in newer ones.
func (s *scope) monitoring(n *tosca.Node, vdu string) []vnfd.MonitoringParameter {
	var out []vnfd.MonitoringParameter
	add := func(id string, v *tosca.Node) {
		m := vnfd.MonitoringParameter{ID: id, Name: s.Get(v, "name").Text(), Metric: s.Get(v, "performance_metric").Text(), Vdu: vdu}
		if m.ID == "" {
			m.ID = m.Name
		}
		if m.Metric != "" {
			out = append(out, m)
		}
	}
	if n != nil && n.Kind == tosca.SequenceNode {
		for _, item := range n.Items {
			add("", item)
		}
		return out
	}
	for _, f := range n.Each() {
		add(f.Name, f.Value)
	}
	return out
}

func (s *scope) vduMonitoring(f *vnfd.Flavour) []vnfd.MonitoringParameter {
	var out []vnfd.MonitoringParameter
	for _, v := range f.Vdus {
		out = append(out, s.monitoring(s.Prop(s.Template(v.ID), "monitoring_parameters"), v.ID)...)
	}
	return out
}

package vnfd

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
func (s *scope) flavour() Flavour {
	f := Flavour{ID: s.flavourID(), Description: s.vnfProperty("flavour_description").text(), At: s.topology.where(), Vdus: []Vdu{}}
	if m := s.topology.get("substitution_mappings"); m != nil {
		f.At = m.at
	}
	exposed := s.exposed()
	for i := range s.nodes {
		nt := &s.nodes[i]
		s.checkArtifacts(nt)
		is := func(base string) bool { return s.derives(nodeTypes, nt.kind, base) }
		switch {
		case s.isVdu(nt.kind):
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
		case s.nfvAncestor(nt.kind) != "":
			s.findf("not-supported", nt.at, "%s is a %s, which is read but not provided for", quote(nt.name), s.nfvAncestor(nt.kind))
		}
	}
	s.scaling(&f)
	f.Affinity = s.affinity()
	f.Monitoring = append(s.monitoring(s.vnfProperty("monitoring_parameters"), ""), f.vduMonitoring(s)...)
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
		chain := s.chain(nodeTypes, name)
		if len(chain) == 0 || s.circular(nodeTypes, name) {
			return ""
		}
		name = chain[0].get("derived_from").text()
	}
	return ""
}

// exposed reads the substitution mappings: the node templates whose connection points the VNF exposes.
func (s *scope) exposed() map[string]bool {
	out := map[string]bool{}
	known := map[string]bool{}
	for _, def := range s.chain(nodeTypes, s.vnfType()) {
		for _, f := range def.get("requirements").named() {
			known[f.name] = true
		}
	}
	for _, f := range s.topology.get("substitution_mappings", "requirements").named() {
		target := f.value
		if target.has("mapping") { // TOSCA 1.3
			target = target.get("mapping")
		}
		if !known[f.name] {
			s.findf("substitution-mapping", f.key, "the substitution mapping %s is no requirement of %s", quote(f.name), quote(s.vnfType()))
		}
		names := target.texts()
		if len(names) == 0 {
			continue
		}
		nt := s.byName[names[0]]
		if nt == nil {
			s.findf("substitution-mapping", f.key, "the substitution mapping %s names %s, which is no node template", quote(f.name), quote(names[0]))
			continue
		}
		if len(names) > 1 && !s.hasRequirement(nt.kind, names[1]) {
			s.findf("substitution-mapping", f.key, "the substitution mapping %s names the requirement %s, which %s does not have", quote(f.name), quote(names[1]), quote(nt.name))
		}
		out[names[0]] = true
	}
	return out
}

// hasRequirement says whether a node type has a requirement. The built-in types say nothing of theirs.
func (s *scope) hasRequirement(kind, name string) bool {
	said := false
	for _, def := range s.chain(nodeTypes, kind) {
		for _, f := range def.get("requirements").named() {
			said = true
			if f.name == name {
				return true
			}
		}
	}
	return !said
}

// monitoring reads monitoring parameters, a list in older descriptors and a map in newer ones.
func (s *scope) monitoring(n *node, vdu string) []MonitoringParameter {
	var out []MonitoringParameter
	add := func(id string, v *node) {
		m := MonitoringParameter{ID: id, Name: s.get(v, "name").text(), Metric: s.get(v, "performance_metric").text(), Vdu: vdu}
		if m.ID == "" {
			m.ID = m.Name
		}
		if m.Metric != "" {
			out = append(out, m)
		}
	}
	if n != nil && n.kind == sequenceNode {
		for _, item := range n.items {
			add("", item)
		}
		return out
	}
	for _, f := range n.each() {
		add(f.name, f.value)
	}
	return out
}

func (f *Flavour) vduMonitoring(s *scope) []MonitoringParameter {
	var out []MonitoringParameter
	for _, v := range f.Vdus {
		out = append(out, s.monitoring(s.prop(s.byName[v.ID], "monitoring_parameters"), v.ID)...)
	}
	return out
}

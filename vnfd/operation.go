package vnfd

import (
	"slices"
	"strings"
)

// operationNames maps TOSCA's operation names to those of SOL003.
var operationNames = map[string]string{
	"instantiate": "INSTANTIATE", "terminate": "TERMINATE", "scale": "SCALE", "scale_to_level": "SCALE_TO_LEVEL",
	"heal": "HEAL", "operate": "OPERATE", "change_flavour": "CHANGE_FLAVOUR",
	"change_external_connectivity": "CHANGE_EXT_CONN", "modify_information": "MODIFY_INFO", "modify_info": "MODIFY_INFO",
	"create_snapshot": "CREATE_SNAPSHOT", "revert_to_snapshot": "REVERT_TO_SNAPSHOT",
	"change_current_package": "CHANGE_VNFPKG", "change_current_vnf_package": "CHANGE_VNFPKG",
}

const maxScripts = 200 // three for each operation there is, and some

// operations reads what the descriptor says of each LCM operation: its configuration, its parameters and its scripts.
func (s *scope) operations(f *Flavour) {
	for _, conf := range s.vnfProperty("lcm_operations_configuration").each() {
		name := operationNames[conf.name]
		if name == "" {
			continue
		}
		op := f.Operations[name]
		op.At = conf.key
		switch policy := s.get(conf.value, "on_failure"); policy.text() {
		case "":
		case "rollback", "hold":
			op.Policy = policy.text()
		default:
			s.failf("bad-value", policy.at, "on_failure is %s, neither rollback nor hold", quote(policy.text()))
		}
		for _, key := range []string{"max_recommended_graceful_termination_timeout", "max_recommended_graceful_stop_timeout"} {
			if v := s.get(conf.value, key); v != nil {
				op.MaxGracefulTimeout = s.seconds(v)
			}
		}
		f.Operations = set(f.Operations, name, op)
	}
	for _, operation := range s.lcmOperations() {
		s.parameters(f, operation)
		if operation.inTemplate {
			s.script(f, operation)
		}
	}
	if len(f.Scripts) > 0 {
		names := make([]string, 0, len(f.Scripts))
		for _, script := range f.Scripts {
			names = append(names, script.Operation)
		}
		s.findf("scripts-not-run", f.Scripts[0].At, "%s bound to scripts, which are never run: %s", plural(len(names), "operation"), list(names))
	}
}

// lcmOperation is one operation of the Vnflcm interface, as a type or the template speaks of it.
type lcmOperation struct {
	field
	inTemplate bool
}

// lcmOperations returns the operations of the VNF's Vnflcm interface, what the template says first, then its types.
func (s *scope) lcmOperations() []lcmOperation {
	var out []lcmOperation
	add := func(interfaces *node, inTemplate bool) {
		for _, i := range interfaces.each() {
			kind := i.value.get("type").text()
			if i.name != "Vnflcm" && !s.derives(interfaceTypes, kind, "tosca.interfaces.nfv.Vnflcm") {
				continue
			}
			bodies := append([]*node{i.value}, s.chain(interfaceTypes, kind)...)
			for _, body := range bodies {
				for _, f := range slices.Concat(body.each(), body.get("operations").each()) {
					if f.value != nil && f.value.kind != nullNode && f.name != "type" && f.name != "derived_from" && f.name != "operations" {
						out = append(out, lcmOperation{field: f, inTemplate: inTemplate})
					}
				}
			}
		}
	}
	if nt := s.vnf(); nt != nil {
		add(nt.n.get("interfaces"), true)
	}
	for _, def := range s.chain(nodeTypes, s.vnfType()) {
		add(def.get("interfaces"), false)
	}
	return out
}

// parameters makes the schema of an operation's additionalParams, from the nearest definition that types them.
func (s *scope) parameters(f *Flavour, operation lcmOperation) {
	name := operationNames[operation.name]
	def := operation.value.get("inputs", "additional_parameters")
	if name == "" || def.get("type").text() == "" {
		return
	}
	op := f.Operations[name]
	if op.ParamsSchema == nil {
		op.ParamsSchema = s.schemaOf(def)
		op.At = operation.key
		f.Operations = set(f.Operations, name, op)
	}
}

// script records the implementation of an operation: an artifact's name, a file, or {primary: either}.
func (s *scope) script(f *Flavour, operation lcmOperation) {
	impl := operation.value
	if impl.kind == mappingNode {
		impl = s.get(impl, "implementation")
	}
	if impl != nil && impl.kind == mappingNode {
		impl = s.get(impl, "primary")
	}
	if impl.text() == "" || len(f.Scripts) == maxScripts {
		return
	}
	script := Script{Operation: operation.name, Artifact: impl.text(), At: operation.key}
	file := impl
	for _, a := range s.vnf().n.get("artifacts").named() {
		if a.name == impl.text() {
			file = s.get(a.value, "file")
			if a.value != nil && a.value.kind == scalarNode {
				file = a.value
			}
		}
	}
	isPath := file != impl || strings.Contains(file.text(), "/") // else the name of an artifact that is not there
	if isPath && file.text() != "" && !isURL(file.text()) {
		script.File = s.artifactFile(file)
	}
	f.Scripts = append(f.Scripts, script)
}

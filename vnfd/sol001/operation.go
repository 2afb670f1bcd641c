package sol001

import (
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// operationNames maps TOSCA's operation names to those of SOL003.
var operationNames = map[string]string{
	"instantiate": "INSTANTIATE", "terminate": "TERMINATE", "scale": "SCALE", "scale_to_level": "SCALE_TO_LEVEL",
	"heal": "HEAL", "operate": "OPERATE", "change_flavour": "CHANGE_FLAVOUR",
	"change_external_connectivity": "CHANGE_EXT_CONN", "change_ext_connectivity": "CHANGE_EXT_CONN", "modify_information": "MODIFY_INFO", "modify_info": "MODIFY_INFO",
	"create_snapshot": "CREATE_SNAPSHOT", "revert_to_snapshot": "REVERT_TO_SNAPSHOT",
	"change_current_package": "CHANGE_VNFPKG", "change_current_vnf_package": "CHANGE_VNFPKG",
	"select_vnf_deployable_modules": "SELECT_DEPL_MODS",
}

// operations reads what the descriptor says of each LCM operation: its configuration, its parameters and its scripts.
func (s *scope) operations(f *vnfd.Flavour) {
	for _, conf := range s.vnfProperty("lcm_operations_configuration").Each() {
		name := operationNames[conf.Name]
		if name == "" {
			continue
		}
		op := f.Operations[name]
		op.At = conf.Key
		switch policy := s.Get(conf.Value, "on_failure"); policy.Text() {
		case "":
		case "rollback", "hold":
			op.Policy = policy.Text()
		default:
			s.Failf("bad-value", policy.At, "on_failure is %s, neither rollback nor hold", vnfd.Quote(policy.Text()))
		}
		for _, key := range []string{"max_recommended_graceful_termination_timeout", "max_recommended_graceful_stop_timeout"} {
			if v := s.Get(conf.Value, key); v != nil {
				op.MaxGracefulTimeout = s.Seconds(v)
			}
		}
		if v := s.Get(conf.Value, "batch_size"); v != nil {
			n := s.instances(v, 0)
			op.Batch = &n
		}
		if v := s.Get(conf.Value, "blue_green"); v != nil {
			if on, ok := tosca.Truth(v.Text()); ok {
				op.Beside = &on
			} else {
				s.Failf("bad-value", v.At, "blue_green is %s, neither true nor false", vnfd.Quote(v.Text()))
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
		s.Findf("scripts-not-run", f.Scripts[0].At, "%s bound to scripts, which are never run: %s", vnfd.Plural(len(names), "operation"), vnfd.Join(names))
	}
}

// lcmOperation is one operation of the Vnflcm interface, as a type or the template speaks of it.
type lcmOperation struct {
	tosca.Field
	inTemplate bool
}

// lcmOperations returns the operations of the VNF's Vnflcm interface, what the template says first, then its types.
func (s *scope) lcmOperations() []lcmOperation {
	var out []lcmOperation
	add := func(interfaces *tosca.Node, inTemplate bool) {
		for _, i := range interfaces.Each() {
			kind := i.Value.Get("type").Text()
			if i.Name != "Vnflcm" && !s.Derives(tosca.InterfaceTypes, kind, "tosca.interfaces.nfv.Vnflcm") {
				continue
			}
			bodies := append([]*tosca.Node{i.Value}, s.Chain(tosca.InterfaceTypes, kind)...)
			for _, body := range bodies {
				for _, f := range slices.Concat(body.Each(), body.Get("operations").Each()) {
					if f.Value != nil && f.Value.Kind != tosca.NullNode && f.Name != "type" && f.Name != "derived_from" && f.Name != "operations" {
						out = append(out, lcmOperation{Field: f, inTemplate: inTemplate})
					}
				}
			}
		}
	}
	if nt := s.vnf(); nt != nil {
		add(nt.N.Get("interfaces"), true)
	}
	for _, def := range s.Chain(tosca.NodeTypes, s.vnfType()) {
		add(def.Get("interfaces"), false)
	}
	return out
}

// parameters makes the schema of an operation's additionalParams, from the nearest definition that types them.
func (s *scope) parameters(f *vnfd.Flavour, operation lcmOperation) {
	name := operationNames[operation.Name]
	def := operation.Value.Get("inputs", "additional_parameters")
	if name == "" || def.Get("type").Text() == "" {
		return
	}
	op := f.Operations[name]
	if op.ParamsSchema == nil {
		op.ParamsSchema = s.SchemaOf(def)
		op.At = operation.Key
		f.Operations = set(f.Operations, name, op)
	}
}

// script records the implementation of an operation: an artifact's name, a file, get_artifact, or {primary: any of them}.
func (s *scope) script(f *vnfd.Flavour, operation lcmOperation) {
	nt := s.vnf()
	var impl *tosca.Node // the inputs of a script that is not run are left alone
	if operation.Value.Has("implementation") {
		impl = s.In(nt, operation.Value, "implementation")
	} else if operation.Value.Kind == tosca.ScalarNode || tosca.IsFunction(operation.Value) {
		impl = s.In(nt, operation.Value)
	}
	if impl.Has("primary") {
		impl = impl.Get("primary")
	}
	if impl.Text() == "" {
		return
	}
	if len(f.Scripts) == s.Limits.Scripts {
		s.Exceedf("scripts", "too-large", operation.Key, "more than %d scripts are bound to operations", s.Limits.Scripts)
		return
	}
	script := vnfd.Script{Operation: operation.Name, Artifact: s.Identifier(impl.Text(), impl.At, "the script"), At: operation.Key}
	file := impl
	for _, a := range s.Of(nt, "artifacts").Named() {
		if a.Name == impl.Text() {
			file = fileOf(a.Value)
		}
	}
	isPath := file != impl || strings.Contains(file.Text(), "/") // else the name of an artifact that is not there
	if isPath && file.Text() != "" && !tosca.IsURL(file.Text()) {
		script.File = s.artifactFile(file)
	}
	f.Scripts = append(f.Scripts, script)
}

package sol001

import (
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/tosca"
)

// coordinations reads which LCM coordination actions operations have (SOL001 v4.4.1 §6.10.18, §6.10.19): those that a
// LcmCoordinationsForLcmOperation or a VnfPackageChange names, as their LcmCoordinationAction describes them. An action that is not
// described here is one of whichever endpoint there is, in the middle of the operation.
func (s *scope) coordinations(f *vnfd.Flavour) {
	described := map[string]vnfd.Coordination{}
	for _, policy := range s.ofType("tosca.policies.nfv.LcmCoordinationAction") {
		c := s.coordination(policy)
		described[c.Action] = c
	}
	for _, policy := range s.ofType("tosca.policies.nfv.LcmCoordinationsForLcmOperation") {
		of := s.policyProperty(policy, "vnf_lcm_operation").value
		name := operationNames[of.Text()]
		if of.Text() == "change_ext_conn" { // as the policy spells it
			name = "CHANGE_EXT_CONN"
		}
		if name == "" {
			s.Findf("bad-value", policy.Key, "the policy %s is about the operation %s, which there is not", vnfd.Quote(policy.Name), vnfd.Quote(of.Text()))
			continue
		}
		s.coordinated(f, policy, name, described)
	}
	for _, policy := range s.ofType("tosca.policies.nfv.VnfPackageChange") {
		s.coordinated(f, policy, "CHANGE_VNFPKG", described)
	}
}

// coordinated adds the actions that a policy names to an operation, each once.
func (s *scope) coordinated(f *vnfd.Flavour, policy tosca.Field, operation string, described map[string]vnfd.Coordination) {
	op := f.Operations[operation]
	for _, list := range []string{"actions", "referenced_coordination_actions"} {
		for _, n := range s.policyProperty(policy, list).value.List() {
			c, known := described[n.Text()]
			if !known {
				c = vnfd.Coordination{Action: s.Identifier(n.Text(), n.At, "the coordination action"), At: n.At}
				if list == "actions" {
					s.Findf("unknown-target", n.At, "the policy %s names the coordination action %s, which no policy describes", vnfd.Quote(policy.Name), vnfd.Quote(c.Action))
				}
			}
			if c.Action == "" || slices.ContainsFunc(op.Coordinations, func(o vnfd.Coordination) bool { return o.Action == c.Action }) {
				continue
			}
			if len(op.Coordinations) == s.Limits.Coordinations {
				s.Exceedf("coordinations", "too-large", n.At, "the operation has more than %d coordination actions", s.Limits.Coordinations)
				return
			}
			op.Coordinations = append(op.Coordinations, c)
		}
	}
	if len(op.Coordinations) > 0 {
		if op.At == (vnfd.Position{}) {
			op.At = policy.Key
		}
		f.Operations = set(f.Operations, operation, op)
	}
}

// coordination reads what a policy says of one action.
func (s *scope) coordination(policy tosca.Field) vnfd.Coordination {
	name := s.policyProperty(policy, "action_name").value.Text()
	if name == "" {
		name = policy.Name
	}
	c := vnfd.Coordination{Action: s.Identifier(name, policy.Key, "the coordination action"), At: policy.Key}
	action := s.policyProperty(policy, "action")
	switch endpoint := action.child(s, "endpoint_type").value; endpoint.Text() {
	case "":
	case "vnf", "mgmt":
		c.Endpoint = strings.ToUpper(endpoint.Text())
	default:
		s.Failf("bad-value", endpoint.At, "endpoint_type is %s, neither vnf nor mgmt", vnfd.Quote(endpoint.Text()))
	}
	switch stage := action.child(s, "coordination_stage").value; stage.Text() {
	case "":
	case vnfd.CoordinateAtStart, vnfd.CoordinateAtEnd:
		c.Stage = stage.Text()
	default:
		s.Failf("bad-value", stage.At, "coordination_stage is %s, neither start nor end", vnfd.Quote(stage.Text()))
	}
	inputs := action.child(s, "input_parameters")
	for _, p := range s.PropertiesOf(tosca.TypeOf(inputs.def)) {
		c.Inputs = append(c.Inputs, s.Identifier(p.Name, p.Key, "the input parameter"))
	}
	for _, p := range inputs.value.Each() {
		if !slices.Contains(c.Inputs, p.Name) && p.Name != "type" {
			c.Inputs = append(c.Inputs, s.Identifier(p.Name, p.Key, "the input parameter"))
		}
	}
	if len(c.Inputs) > s.Limits.Properties {
		s.Exceedf("properties", "too-large", policy.Key, "the coordination action has more than %d input parameters", s.Limits.Properties)
		c.Inputs = nil
	}
	return c
}

// policyProperty looks a property of a policy up in the template and in its type.
func (s *scope) policyProperty(policy tosca.Field, name string) declaration {
	out := declaration{value: s.Get(policy.Value, "properties", name)}
	for _, def := range s.Chain(tosca.PolicyTypes, policy.Value.Get("type").Text()) {
		if p := def.Get("properties", name); p.Get("type").Text() != "" {
			out.def = p
			break
		}
	}
	if out.value == nil {
		out.value = s.Val(out.def.Get("default"))
	}
	return out
}

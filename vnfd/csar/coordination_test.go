package csar_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// Coordination actions are read as their policies describe them, with what their types say, in the order in which operations name them.
func TestCoordinationActions(t *testing.T) {
	t.Parallel()
	types := `policy_types:
  x.Drain:
    derived_from: tosca.policies.nfv.LcmCoordinationAction
    properties:
      action: { type: x.DrainAction }
data_types:
  x.DrainAction:
    derived_from: tosca.datatypes.nfv.VnfLcmOpCoord
    properties:
      endpoint_type: { type: string, default: mgmt }
      coordination_stage: { type: string, default: start }
      input_parameters: { type: x.DrainInput }
  x.DrainInput:
    derived_from: tosca.datatypes.nfv.InputOpCoordParams
    properties:
      drainTime: { type: integer }
      reason: { type: string }
`
	policies := func(more string) files {
		return small.with(main, template(vdu("A", image("size: 1 GiB"))+"  policies:\n"+more)+types)
	}
	pkg := policies(`    - drain: { type: x.Drain, properties: { action_name: drain, action: {} } }
    - ready: { type: tosca.policies.nfv.LcmCoordinationAction, properties: { action_name: ready, action: { endpoint_type: vnf, coordination_stage: end } } }
    - in: { type: tosca.policies.nfv.LcmCoordinationsForLcmOperation, properties: { vnf_lcm_operation: scale, actions: [ ready, drain ], referenced_coordination_actions: [ elsewhere, drain ] } }
    - ext: { type: tosca.policies.nfv.LcmCoordinationsForLcmOperation, properties: { vnf_lcm_operation: change_ext_conn, actions: [ ready ] } }
    - change: { type: tosca.policies.nfv.VnfPackageChange, properties: { actions: [ drain ] } }
`).mustOpen(t)
	of := pkg.Descriptor.Flavours[0].Operations
	drain := vnfd.Coordination{Action: "drain", Endpoint: "MGMT", Stage: "start", Inputs: []string{"drainTime", "reason"}}
	ready := vnfd.Coordination{Action: "ready", Endpoint: "VNF", Stage: "end"}
	for name, want := range map[string][]vnfd.Coordination{
		"SCALE": {ready, drain, {Action: "elsewhere"}}, "CHANGE_EXT_CONN": {ready}, "CHANGE_VNFPKG": {drain}, "HEAL": nil,
	} {
		if diff := cmp.Diff(want, of[name].Coordinations, noPositions); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for text, rule := range map[string]string{
		"    - in: { type: tosca.policies.nfv.LcmCoordinationsForLcmOperation, properties: { vnf_lcm_operation: scale, actions: [ nowhere ] } }\n": "unknown-target",
		"    - in: { type: tosca.policies.nfv.LcmCoordinationsForLcmOperation, properties: { vnf_lcm_operation: dance, actions: [ a ] } }\n":       "bad-value",
	} {
		if got := found(policies(text).mustOpen(t)); !slices.Contains(got, rule) {
			t.Errorf("%s: found %v", text, got)
		}
	}
	_, err := open(policies("    - a: { type: tosca.policies.nfv.LcmCoordinationAction, properties: { action_name: a, action: { endpoint_type: oss, coordination_stage: middle } } }\n").zip(t), csar.Options{})
	if got := rules(err); !slices.Equal(got, []string{"bad-value", "bad-value"}) {
		t.Errorf("%v: %v", got, err)
	}
}

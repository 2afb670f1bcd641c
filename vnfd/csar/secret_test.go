package csar_test

import (
	"encoding/json"
	"testing"
)

// What a descriptor marks as secret, in one of the field's ways, is marked in the schema that is made of it: by the property, by
// its type, and inside of other types; what is not is not.
func TestSecretParametersAreMarked(t *testing.T) {
	t.Parallel()
	pkg := small.with(main, template("")+`node_types:
  x.Vnf:
    derived_from: tosca.nodes.nfv.VNF
    interfaces:
      Vnflcm:
        type: x.Lcm
interface_types:
  x.Lcm:
    derived_from: tosca.interfaces.nfv.Vnflcm
    instantiate:
      inputs:
        additional_parameters: { type: x.Params }
data_types:
  x.Word: { derived_from: string, metadata: { sensitive: "true" } }
  x.Params:
    derived_from: tosca.datatypes.nfv.VnfOperationAdditionalParameters
    properties:
      by_metadata: { type: string, required: false, metadata: { sensitive: true } }
      by_secret: { type: integer, required: false, metadata: { secret: true } }
      by_format: { type: string, required: false, metadata: { format: password } }
      by_type: { type: x.Word, required: false }
      by_entry: { type: list, required: false, entry_schema: { type: x.Word } }
      inside: { type: x.Inner, required: false }
      plain: { type: string, required: false, metadata: { sensitive: false } }
  x.Inner: { derived_from: tosca.datatypes.Root, properties: { deep: { type: string, required: false, metadata: { confidential: true } }, open: { type: string, required: false } } }
`).replace("type: tosca.nodes.nfv.VNF\n      prop", "type: x.Vnf\n      prop").mustOpen(t)
	type schema struct {
		WriteOnly  bool              `json:"writeOnly"`
		Items      *schema           `json:"items"`
		Properties map[string]schema `json:"properties"`
	}
	var s schema
	if err := json.Unmarshal(pkg.Descriptor.Flavours[0].Operations["INSTANTIATE"].ParamsSchema, &s); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"by_metadata": true, "by_secret": true, "by_format": true, "by_type": true, "by_entry": false, "inside": false, "plain": false} {
		if p, ok := s.Properties[name]; !ok || p.WriteOnly != want {
			t.Errorf("%s is marked: %v", name, p.WriteOnly)
		}
	}
	if !s.Properties["by_entry"].Items.WriteOnly || !s.Properties["inside"].Properties["deep"].WriteOnly || s.Properties["inside"].Properties["open"].WriteOnly {
		t.Errorf("inside: %+v", s.Properties)
	}
}

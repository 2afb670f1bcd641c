package tell

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/configuration"
)

// Modified is what a running VNF is told of a modification: the properties that it has then, and those of VNFCs that were given some, by id; at is whom
// to call.
func (s *Setup) Modified(vnfcs map[string]map[string]json.RawMessage, at configuration.Endpoint) (*configuration.Configure, error) {
	s.address(&at)
	out := &configuration.Configure{
		VnfID: s.Vnf.ID, OpID: s.OpID, Token: Token(s.OpID), Fence: s.Number, Action: strings.ToLower(string(s.Operation)), Name: s.Name,
		Params: s.params(s.Vnf.Params), Endpoint: &at, Computes: map[string]configuration.Compute{},
	}
	if len(s.Properties) > 0 {
		properties, err := json.Marshal(s.Properties)
		if err != nil {
			return nil, fmt.Errorf("encode the configurable properties: %w", err)
		}
		out.Properties = properties
	}
	for _, id := range slices.Sorted(maps.Keys(vnfcs)) {
		for _, c := range s.Vnf.Info.Vnfcs {
			if c.ID == id {
				out.Vnfcs = append(out.Vnfcs, configuration.Vnfc{ID: id, Vdu: c.VduID, Properties: object(vnfcs[id])})
			}
		}
	}
	return out, nil
}

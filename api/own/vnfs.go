package own

import (
	"maps"
	"reflect"
	"slices"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// vnfs lists VNF instances in few words, in any order that views keep: for those who look at thousands.
func (a *API) vnfs(c *rest.Call) (*rest.Answer, error) {
	return rest.List(c, &vnfSummaries, rest.Each(func(v *vnf.Instance) *sol.VnfSummary {
		out := &sol.VnfSummary{
			Id: v.ID, VnfInstanceName: v.Name, VnfInstanceDescription: v.Description, VnfdId: v.VnfdID, VnfProvider: v.Provider, VnfProductName: v.ProductName,
			VnfSoftwareVersion: v.SoftwareVersion, VnfdVersion: v.VnfdVersion, VnfPkgId: v.PackageID, InstantiationState: string(v.State),
			OperationUnderWay: v.Operation, CleanupUnderWay: v.Cleanup, Leftovers: len(v.Leftovers), Metadata: v.Metadata, Created: v.Created, Updated: v.Updated,
		}
		if d := v.Drift; d != nil {
			out.Drift = &sol.VnfDrift{
				State: string(d.State), Since: d.Since, Missing: d.Missing, Changed: d.Changed, Orphaned: d.Orphaned, Unsure: d.Unsure,
				RepairGivenUp: d.RepairGivenUp, VimConnectionIds: slices.Sorted(maps.Keys(d.At)),
			}
		}
		if v.Info != nil {
			out.FlavourId, out.VnfState, out.Vnfcs = v.Info.FlavourID, v.Info.VnfState, len(v.Info.Vnfcs)
		}
		return out
	}))
}

var vnfSummaries = rest.Collection{
	Kind: readmodel.KindVnf, Entry: reflect.TypeFor[sol.VnfSummary](),
	Paths: map[string]string{
		"id": "id", "vnfInstanceName": "name", "vnfInstanceDescription": "description", "vnfdId": "vnfdId", "vnfProvider": "provider",
		"vnfProductName": "productName", "vnfSoftwareVersion": "softwareVersion", "vnfdVersion": "vnfdVersion", "vnfPkgId": "packageId",
		"instantiationState": "state", "flavourId": "instantiatedInfo/flavourId", "vnfState": "instantiatedInfo/vnfState", "vnfcs": "",
		"operationUnderWay": "operation", "cleanupUnderWay": "cleanup", "leftovers": "", "drift": "drift", "drift/vimConnectionIds": "", "metadata": "metadata", "created": "created", "updated": "updated",
	},
	Sorts: map[string]bool{
		"id": false, "vnfInstanceName": false, "vnfProvider": false, "vnfProductName": false, "vnfSoftwareVersion": false, "vnfdId": false, "vnfdVersion": false,
		"instantiationState": false,
	},
}

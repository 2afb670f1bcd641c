package vnflcm

import (
	"maps"
	"slices"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// VnfLcmOpOcc shows an operation occurrence as SOL003 has it.
func VnfLcmOpOcc(op *vnf.OpOcc, base string) *sol.VnfLcmOpOcc {
	out := &sol.VnfLcmOpOcc{
		Id: op.ID, OperationState: string(op.State), StateEnteredTime: op.StateEntered, StartTime: op.Started,
		VnfInstanceId: op.VnfID, GrantId: op.GrantID, Operation: string(op.Operation),
		IsAutomaticInvocation: op.Automatic, OperationParams: op.Params, IsCancelPending: op.CancelPending,
		Error: problemDetails(op.Error), ResourceChanges: resourceChanges(op), ChangedInfo: changedInfo(op.ChangedInfo), Warnings: op.Warnings,
		ChangedExtConnectivity: extVirtualLinkInfo(op.ExtLinks), VnfSnapshotInfoId: op.Snapshot,
		Links: opOccLinks(base+rest.LcmRoot, op),
	}
	if op.Operation == vnf.OpChangeVnfPkg { // one of the two (SOL003 v3.7.1 §5.5.2.13)
		out.ModificationsTriggeredByVnfPkgChange, out.ChangedInfo = out.ChangedInfo, nil
	}
	for _, c := range op.Coordinations {
		out.LcmCoordinations = append(out.LcmCoordinations, sol.LcmCoordination{
			Id: c.ID, CoordinationActionName: c.Action, CoordinationResult: c.Result, StartTime: c.Started, EndTime: c.Ended,
			EndpointType: c.Endpoint, Delay: c.Delay,
		})
	}
	for _, r := range op.Rejected {
		out.RejectedLcmCoordinations = append(out.RejectedLcmCoordinations, sol.RejectedLcmCoordination{
			CoordinationActionName: r.Action, RejectionTime: r.At, EndpointType: r.Endpoint, Delay: r.Delay,
		})
	}
	if op.CancelPending { // SOL003 v3.7.1 §5.5.2.13: only then
		out.CancelMode = op.CancelMode
	}
	return out
}

// opOccLinks are the links of an operation occurrence, below the root of the interface.
func opOccLinks(root string, op *vnf.OpOcc) sol.VnfLcmOpOccLinks {
	self := root + "/vnf_lcm_op_occs/" + op.ID
	out := sol.VnfLcmOpOccLinks{Self: sol.Link{Href: self}, VnfInstance: sol.Link{Href: root + "/vnf_instances/" + op.VnfID}}
	if op.GrantHref != "" {
		out.Grant = &sol.Link{Href: op.GrantHref}
	}
	if op.Snapshot != "" {
		out.VnfSnapshot = &sol.Link{Href: root + "/vnf_snapshots/" + op.Snapshot}
	}
	link := func(task string) *sol.Link { return &sol.Link{Href: self + "/" + task} }
	switch op.State {
	case vnf.FailedTemp:
		out.Fail = link("fail")
		if !op.UndoBegun {
			out.Retry = link("retry")
		}
		if !op.Irreversible {
			out.Rollback = link("rollback")
		}
	case vnf.Starting, vnf.Processing, vnf.RollingBack:
		if !op.CancelPending {
			out.Cancel = link("cancel")
		}
	}
	return out
}

// changedInfo is nil when nothing changed.
func changedInfo(in *vnf.ChangedInfo) *sol.VnfInfoModifications {
	if in == nil {
		return nil
	}
	out := &sol.VnfInfoModifications{
		VnfInstanceName: in.Name, VnfInstanceDescription: in.Description, VnfConfigurableProperties: in.Configurable,
		Metadata: in.Metadata, Extensions: in.Extensions, VimConnectionInfo: vimConnectionInfo(in.Connections),
	}
	for _, id := range slices.Sorted(maps.Keys(in.Vnfcs)) {
		out.VnfcInfoModifications = append(out.VnfcInfoModifications, sol.VnfcInfoModifications{Id: id, VnfcConfigurableProperties: in.Vnfcs[id]})
	}
	if p := in.Package; p != nil {
		out.VnfdId, out.VnfProvider, out.VnfProductName = p.VnfdID, p.Provider, p.ProductName
		out.VnfSoftwareVersion, out.VnfdVersion = p.SoftwareVersion, p.VnfdVersion
	}
	return out
}

func problemDetails(p *vnf.Problem) *sol.ProblemDetails {
	if p == nil {
		return nil
	}
	return &sol.ProblemDetails{Title: p.Title, Status: p.Status, Detail: p.Detail}
}

// resourceChanges is nil when nothing changed. There is an entry for each link and type of change: the ports that came or went with a
// link have one of their own (SOL003 v3.7.1 §5.5.2.13, note 3). Of a change of package each says by which VNFD it is read.
func resourceChanges(op *vnf.OpOcc) *sol.ResourceChanges {
	in, out := &op.Changes, &sol.ResourceChanges{}
	vnfd := func(change vnf.ChangeType) string {
		if change == vnf.Removed || change == vnf.LinkPortRemoved {
			return op.FromVnfdID
		}
		return op.ToVnfdID
	}
	for _, a := range in.Vnfcs.All() {
		out.AffectedVnfcs = append(out.AffectedVnfcs, sol.AffectedVnfc{
			Id: a.ID, VduId: a.VduID, VnfdId: vnfd(a.Change), ChangeType: string(a.Change), ComputeResource: handle(a.Handle),
			ResourceDefinitionId: a.Definition, ZoneId: a.Zone, AffectedVnfcCpIds: a.CpIDs,
			AddedStorageResourceIds: a.AddedStorages, RemovedStorageResourceIds: a.RemovedStorages,
		})
	}
	for _, a := range in.Links.All() {
		whole, ports := a.Change, a.Change
		switch a.Change {
		case vnf.Added:
			ports = vnf.LinkPortAdded
		case vnf.Removed:
			ports = vnf.LinkPortRemoved
		default:
		}
		entry := func(change vnf.ChangeType, portIDs []string) {
			out.AffectedVirtualLinks = append(out.AffectedVirtualLinks, sol.AffectedVirtualLink{
				Id: a.ID, VnfVirtualLinkDescId: a.LinkID, VnfdId: vnfd(change), ChangeType: string(change), NetworkResource: handle(a.Handle),
				VnfLinkPortIds: portIDs, ResourceDefinitionId: a.Definition, ZoneId: a.Zone,
			})
		}
		if whole == ports {
			entry(whole, a.PortIDs)
			continue
		}
		entry(whole, nil)
		if len(a.PortIDs) > 0 {
			entry(ports, a.PortIDs)
		}
	}
	for _, a := range in.ExtPorts.All() {
		out.AffectedExtLinkPorts = append(out.AffectedExtLinkPorts, sol.AffectedExtLinkPort{
			Id: a.ID, ChangeType: string(a.Change), ExtCpInstanceId: a.ExtCpID, ResourceHandle: handle(a.Handle),
			ResourceDefinitionId: a.Definition,
		})
	}
	for _, a := range in.Storages.All() {
		out.AffectedVirtualStorages = append(out.AffectedVirtualStorages, sol.AffectedVirtualStorage{
			Id: a.ID, VirtualStorageDescId: a.StorageID, VnfdId: vnfd(a.Change), ChangeType: string(a.Change), StorageResource: handle(a.Handle),
			ResourceDefinitionId: a.Definition, ZoneId: a.Zone,
		})
	}
	if len(out.AffectedVnfcs)+len(out.AffectedVirtualLinks)+len(out.AffectedExtLinkPorts)+len(out.AffectedVirtualStorages) == 0 {
		return nil
	}
	return out
}

// OpProgress shows how far an operation got.
func OpProgress(op *vnf.OpOcc) *sol.OpProgress {
	out := &sol.OpProgress{
		VnfLcmOpOccId: op.ID, VnfInstanceId: op.VnfID, Operation: string(op.Operation), OperationState: string(op.State),
		StartedBy: op.Actor, Policy: op.Policy,
		StateEnteredTime: op.StateEntered, StartTime: op.Started, EndTime: op.Ended, Final: op.State.Final(),
		Error: problemDetails(op.Error), Warnings: op.Warnings, Resources: []sol.ResourceProgress{},
	}
	for _, p := range op.Progress.All() {
		out.Resources = append(out.Resources, sol.ResourceProgress{
			Step: p.Step, Id: p.ID, Kind: p.Kind, Name: p.Name, State: p.State, Attempt: p.Attempt,
			Began: p.Began, Ended: p.Ended, Reason: p.Reason,
		})
	}
	return out
}

package show

import (
	"io"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// Operation is an occurrence with what the standard does not say of it.
type Operation struct {
	sol.VnfLcmOpOcc
	StartedBy string `json:"startedBy,omitempty"`
}

func Op(w io.Writer, o *Operation) {
	reason, pending := "", ""
	if o.Error != nil {
		reason = screen.Bad.Render(o.Error.Detail)
	}
	if o.IsCancelPending {
		pending = o.CancelMode
	}
	var possible []string
	for name, link := range map[string]*sol.Link{
		"retry": o.Links.Retry, "rollback": o.Links.Rollback, "fail": o.Links.Fail, "cancel": o.Links.Cancel,
	} {
		if link != nil {
			possible = append(possible, name)
		}
	}
	slices.Sort(possible)
	screen.Of(w).Fields("id", o.Id, "operation", o.Operation, "state", screen.Colour(o.OperationState), "since", screen.Of(w).Stamp(o.StateEnteredTime),
		"started", screen.Of(w).Stamp(o.StartTime), "by", o.StartedBy, "VNF", o.VnfInstanceId, "parameters", screen.Compact(o.OperationParams), "cancelling", pending,
		"error", reason, "possible", strings.Join(possible, ", "))
	for _, warning := range once(o.Warnings) {
		screen.Of(w).Warning(warning)
	}
	if c := o.ResourceChanges; c != nil {
		var rows [][]string
		for _, a := range c.AffectedVnfcs {
			rows = append(rows, []string{a.ChangeType, "compute", a.VduId, a.ComputeResource.ResourceId, a.ComputeResource.VimConnectionId})
		}
		for _, a := range c.AffectedVirtualLinks {
			rows = append(rows, []string{a.ChangeType, "network", a.VnfVirtualLinkDescId, a.NetworkResource.ResourceId, a.NetworkResource.VimConnectionId})
		}
		for _, a := range c.AffectedExtLinkPorts {
			rows = append(rows, []string{a.ChangeType, "external port", a.ExtCpInstanceId, a.ResourceHandle.ResourceId, a.ResourceHandle.VimConnectionId})
		}
		for _, a := range c.AffectedVirtualStorages {
			rows = append(rows, []string{a.ChangeType, "storage", a.VirtualStorageDescId, a.StorageResource.ResourceId, a.StorageResource.VimConnectionId})
		}
		screen.Of(w).Heading("Changed resources")
		screen.Of(w).Table([]string{"CHANGE", "KIND", "IN THE VNFD", "RESOURCE", "VIM"}, rows)
	}
}

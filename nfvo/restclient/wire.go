package restclient

import (
	"encoding/json"
	"strings"

	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
)

// Request puts a grant request into the words of SOL003 v3.7.1 §9.5.2.2. base is the root of our own interfaces, for the
// links. An instantiation level is left out where the resources are listed: the standard has them as alternatives.
func Request(r *nfvo.GrantRequest, base string) *sol.GrantRequest {
	base = strings.TrimSuffix(base, "/") + "/vnflcm/v2"
	out := &sol.GrantRequest{
		VnfInstanceId: r.VnfID, VnfLcmOpOccId: r.OpOccID, VnfdId: r.VnfdID, DstVnfdId: r.DstVnfdID, FlavourId: r.FlavourID,
		Operation: r.Operation, IsAutomaticInvocation: r.Automatic,
		AddResources: definitions(r.Add), TempResources: definitions(r.Temp), RemoveResources: definitions(r.Remove),
		UpdateResources: definitions(r.Update),
		Links: sol.GrantRequestLinks{
			VnfLcmOpOcc: sol.Link{Href: base + "/vnf_lcm_op_occs/" + r.OpOccID}, VnfInstance: sol.Link{Href: base + "/vnf_instances/" + r.VnfID},
		},
	}
	if len(r.Add) == 0 {
		out.InstantiationLevelId = r.Level
	}
	for _, p := range r.Placement {
		kind := "ANTI_AFFINITY"
		if p.Affinity {
			kind = "AFFINITY"
		}
		out.PlacementConstraints = append(out.PlacementConstraints, sol.PlacementConstraint{
			AffinityOrAntiAffinity: kind, Scope: p.Scope, Resource: refs(p.Resources, p.Existing), FallbackBestEffort: p.BestEffort,
		})
	}
	for _, v := range r.SameVim {
		out.VimConstraints = append(out.VimConstraints, sol.VimConstraint{SameResourceGroup: v.SameGroup, Resource: refs(v.Resources, v.Existing)})
	}
	// Secrets do not leave: the orchestrator sent them, or has nothing to do with them.
	if json.Unmarshal(secret.Without(r.AdditionalParams), &out.AdditionalParams) != nil {
		out.AdditionalParams = nil // none
	}
	return out
}

// RequestBody is Request as it is sent. Equal requests give equal bytes.
func RequestBody(r *nfvo.GrantRequest, base string) (json.RawMessage, error) {
	return json.Marshal(Request(r, base))
}

func definitions(in []nfvo.ResourceDefinition) []sol.ResourceDefinition {
	var out []sol.ResourceDefinition
	for _, d := range in {
		x := sol.ResourceDefinition{Id: d.ID, Type: d.Type, VduId: d.VduID, VnfdId: d.VnfdID, ResourceTemplateId: d.TemplateID}
		if h := d.Resource; h != nil {
			x.Resource = &sol.ResourceHandle{VimConnectionId: h.Connection, ResourceId: h.ID, VimLevelResourceType: h.Type}
		}
		if s := d.Snapshot; s != nil {
			x.SnapshotResDef = &sol.SnapshotResourceDefinition{VnfSnapshotId: s.VnfSnapshotID}
			if s.Of == nil { // of a reversion only
				x.SnapshotResDef.VnfcSnapshotId, x.SnapshotResDef.StorageSnapshotId = s.VnfcSnapshotID, s.StorageSnapshotID
			}
			if h := s.From; h != nil {
				x.SnapshotResDef.SnapshotResource = &sol.ResourceHandle{VimConnectionId: h.Connection, ResourceId: h.ID, VimLevelResourceType: h.Type}
			}
		}
		out = append(out, x)
	}
	return out
}

// refs refers to resources of the request by their definitions, and to those that stand by their ids at their VIMs.
func refs(definitions []string, existing []nfvo.ResourceHandle) []sol.ConstraintResourceRef {
	out := make([]sol.ConstraintResourceRef, 0, len(definitions)+len(existing))
	for _, id := range definitions {
		out = append(out, sol.ConstraintResourceRef{IdType: "GRANT", ResourceId: id})
	}
	for _, h := range existing {
		out = append(out, sol.ConstraintResourceRef{IdType: "RES_MGMT", ResourceId: h.ID, VimConnectionId: h.Connection})
	}
	return out
}

// LocalGrant puts a grant of our own policy into the words of SOL003, for people to read. Its id is the operation's.
func LocalGrant(g *nfvo.Grant, r *nfvo.GrantRequest, base string) *sol.Grant {
	asked := Request(r, base)
	out := &sol.Grant{
		Id: r.OpOccID, VnfInstanceId: r.VnfID, VnfLcmOpOccId: r.OpOccID,
		AddResources: infos(g, r.Add), TempResources: infos(g, r.Temp), RemoveResources: infos(g, r.Remove), UpdateResources: infos(g, r.Update),
		Links: sol.GrantLinks{
			Self:        sol.Link{Href: strings.TrimSuffix(base, "/") + "/vnfm/v1/vnf_lcm_op_occs/" + r.OpOccID + "/grant"},
			VnfLcmOpOcc: asked.Links.VnfLcmOpOcc, VnfInstance: asked.Links.VnfInstance,
		},
	}
	for _, z := range g.Zones {
		out.Zones = append(out.Zones, sol.ZoneInfo{Id: z.ID, ZoneId: z.ZoneID, VimConnectionId: z.Connection})
	}
	if len(g.Flavours)+len(g.Images) > 0 {
		out.VimAssets = &sol.VimAssets{}
	}
	for _, a := range g.Flavours {
		out.VimAssets.ComputeResourceFlavours = append(out.VimAssets.ComputeResourceFlavours, sol.VimComputeResourceFlavour{
			VimConnectionId: a.Connection, VnfdVirtualComputeDescId: a.ID, VimFlavourId: a.VimAssetID,
		})
	}
	for _, a := range g.Images {
		out.VimAssets.SoftwareImages = append(out.VimAssets.SoftwareImages, sol.VimSoftwareImage{
			VimConnectionId: a.Connection, VnfdSoftwareImageId: a.ID, VimSoftwareImageId: a.VimAssetID,
		})
	}
	for _, n := range g.ExtNetworks {
		out.ExtVirtualLinks = append(out.ExtVirtualLinks, sol.ExtVirtualLinkData{
			Id: n.CpdID, VimConnectionId: n.Connection, ResourceId: n.NetworkID, ExtCps: []sol.VnfExtCpData{{CpdId: n.CpdID}},
		})
	}
	return out
}

func infos(g *nfvo.Grant, asked []nfvo.ResourceDefinition) []sol.GrantInfo {
	var out []sol.GrantInfo
	for _, d := range asked {
		if i := g.Info(d.ID); i != nil {
			out = append(out, sol.GrantInfo{ResourceDefinitionId: i.DefinitionID, VimConnectionId: i.Connection, ZoneId: i.Zone})
		}
	}
	return out
}

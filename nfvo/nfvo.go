// Package nfvo is the contract with an NFV orchestrator: the messages that ask it for a grant and carry its answer.
//
// The types hold what SOL003's GrantRequest and Grant hold (SOL003 v3.7.1 §9), in our own words, so that events and
// sagas outlive a version of the specification. nfvomanager answers them, by the local policy or by asking an
// orchestrator; restclient speaks to one over SOL003. A Grant carries VIM connection ids, never credentials.
package nfvo

import "encoding/json"

// TypeRequestGrant is the command type on message.TopicNfvoCommands. Data: GrantRequest; result: Grant. A refusal is a
// Failed reply of class permanent.
const TypeRequestGrant = "nfvo.request-grant.v1"

// TypeWithdrawGrant is the type of the message that ends the asking: the operation goes on without the answer. Data:
// none; the operation is its correlation id. Nothing replies to it.
const TypeWithdrawGrant = "nfvo.withdraw-grant.v1"

// GrantRequest is built once per operation occurrence and sent byte-equal each time.
type GrantRequest struct {
	VnfID     string               `json:"vnfInstanceId"`
	OpOccID   string               `json:"vnfLcmOpOccId"`
	VnfdID    string               `json:"vnfdId"`
	DstVnfdID string               `json:"dstVnfdId,omitempty"` // CHANGE_VNFPKG only
	FlavourID string               `json:"flavourId,omitempty"`
	Operation string               `json:"operation"`
	Automatic bool                 `json:"isAutomaticInvocation"`
	Level     string               `json:"instantiationLevelId,omitempty"`
	Add       []ResourceDefinition `json:"addResources,omitempty"`
	Remove    []ResourceDefinition `json:"removeResources,omitempty"`
	Update    []ResourceDefinition `json:"updateResources,omitempty"`
	Temp      []ResourceDefinition `json:"tempResources,omitempty"`
	Placement []PlacementRule      `json:"placementConstraints,omitempty"`
	SameVim   []VimRule            `json:"vimConstraints,omitempty"`
	Computes  []ComputeNeed        `json:"computeNeeds,omitempty"` // what the local policy chooses flavours by
	Images    []ImageNeed          `json:"imageNeeds,omitempty"`
	// KnownComputes and KnownImages are the VIM assets that grants named before: an orchestrator need not name them again (SOL003
	// v3.7.1 §9.5.2.3, note 3).
	KnownComputes     []VimAsset `json:"knownComputes,omitempty"`
	KnownImages       []VimAsset `json:"knownImages,omitempty"`
	UncoveredExtCps   []string   `json:"uncoveredExtCps,omitempty"` // cpdIds no extVirtualLinks of the request cover
	DefaultConnection string     `json:"vimConnectionId,omitempty"` // wanted by the request, if any
	// Connections are the others that the request names, or that the VNF has, the likeliest first: what DefaultConnection does not run is
	// at one of these.
	Connections []string `json:"vimConnectionIds,omitempty"`
	// Named: the request names these, and nothing is to be elsewhere.
	Named            bool            `json:"vimConnectionsNamed,omitempty"`
	AdditionalParams json.RawMessage `json:"additionalParams,omitempty"`
}

// ResourceDefinition is one resource of a grant request (SOL003 v3.7.1 §9.5.3.2).
type ResourceDefinition struct {
	ID         string          `json:"id"`   // resourceDefinitionId
	Type       string          `json:"type"` // COMPUTE, VL, STORAGE, LINKPORT
	VduID      string          `json:"vduId,omitempty"`
	VnfdID     string          `json:"vnfdId,omitempty"` // CHANGE_VNFPKG only: the one TemplateID refers to
	TemplateID string          `json:"resourceTemplateId"`
	Resource   *ResourceHandle `json:"resource,omitempty"` // of one that exists
	Planned    string          `json:"plannedResourceId,omitempty"`
	// Form is a vim.Form: the VIM is to be one that runs it. "" means machines.
	Form string `json:"form,omitempty"`
	// Snapshot is what the resource has to do with a snapshot; nil: nothing.
	Snapshot *SnapshotDefinition `json:"snapshotResDef,omitempty"`
}

// SnapshotDefinition names what a snapshot has of one VNFC, or of one of its storages (SOL003 v3.7.1 §9.5.3.10). One of Of, From and Package is set.
type SnapshotDefinition struct {
	VnfSnapshotID     string          `json:"vnfSnapshotId"`
	VnfcSnapshotID    string          `json:"vnfcSnapshotId,omitempty"`
	StorageSnapshotID string          `json:"storageSnapshotId,omitempty"`
	Of                *ResourceHandle `json:"of,omitempty"`               // what is to be snapshotted
	From              *ResourceHandle `json:"snapshotResource,omitempty"` // the snapshot that the resource is to be made of
	// Package: the resource is to be made of what a snapshot package has, which the grant names.
	Package bool `json:"package,omitempty"`
}

// ResourceHandle names a resource at a VIM.
type ResourceHandle struct {
	Connection string `json:"vimConnectionId"`
	ID         string `json:"resourceId"`
	Type       string `json:"vimLevelResourceType,omitempty"`
}

// PlacementRule is an affinity or anti-affinity rule over at least two resources (SOL003 v3.7.1 §9.5.3.6).
type PlacementRule struct {
	Affinity   bool             `json:"affinity"`
	Scope      string           `json:"scope"`              // NFVI_POP, ZONE, ZONE_GROUP, NFVI_NODE
	Resources  []string         `json:"resources"`          // resource definition ids
	Existing   []ResourceHandle `json:"existing,omitempty"` // resources that stand already and bind the new ones
	Zones      []string         `json:"zones,omitempty"`    // the VIMs' zones in which these stand, for the local policy
	BestEffort bool             `json:"fallbackBestEffort,omitempty"`
}

// VimRule names resources that must be at one VIM (SOL003 v3.7.1 §9.5.3.7, VimConstraint).
type VimRule struct {
	SameGroup bool             `json:"sameResourceGroup,omitempty"`
	Resources []string         `json:"resources"` // resource definition ids
	Existing  []ResourceHandle `json:"existing,omitempty"`
}

// ComputeNeed is what one VDU needs of a flavour.
type ComputeNeed struct {
	VduID       string `json:"vduId"`
	FlavourName string `json:"flavourName,omitempty"` // named by the VNFD
	VCPUs       int    `json:"vcpus"`
	MemoryBytes int64  `json:"memoryBytes"`
	DiskBytes   int64  `json:"diskBytes"`
	NoBoot      bool   `json:"nothingToBootFrom,omitempty"` // neither an image nor a storage with one
}

// ImageNeed is one software image, by its id in the VNFD (the VDU or storage it belongs to).
type ImageNeed struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Checksum string `json:"checksum,omitempty"` // "algorithm:hex"
	// Package: the VNF package has its file, so that it can be made where the site lacks it.
	Package bool `json:"inPackage,omitempty"`
}

// Package nfvo is the contract with an NFV orchestrator: the messages that ask it for a grant and carry its answer.
//
// The types hold what SOL003's GrantRequest and Grant hold (SOL003 v3.7.1 §9), in our own words, so that events and
// sagas outlive a version of the specification. nfvomanager answers them, by the local policy or, later, by a client of
// an orchestrator. A Grant carries VIM connection ids, never credentials.
package nfvo

import "encoding/json"

// TypeRequestGrant is the command type on message.TopicNfvoCommands. Data: GrantRequest; result: Grant. A refusal is a
// Failed reply of class permanent.
const TypeRequestGrant = "nfvo.request-grant.v1"

// GrantRequest is built once per operation occurrence and sent byte-equal each time.
type GrantRequest struct {
	VnfID             string               `json:"vnfInstanceId"`
	OpOccID           string               `json:"vnfLcmOpOccId"`
	VnfdID            string               `json:"vnfdId"`
	FlavourID         string               `json:"flavourId,omitempty"`
	Operation         string               `json:"operation"`
	Automatic         bool                 `json:"isAutomaticInvocation"`
	Level             string               `json:"instantiationLevelId,omitempty"`
	Add               []ResourceDefinition `json:"addResources,omitempty"`
	Remove            []ResourceDefinition `json:"removeResources,omitempty"`
	Update            []ResourceDefinition `json:"updateResources,omitempty"`
	Temp              []ResourceDefinition `json:"tempResources,omitempty"`
	Placement         []PlacementRule      `json:"placementConstraints,omitempty"`
	Computes          []ComputeNeed        `json:"computeNeeds,omitempty"` // what the local policy chooses flavours by
	Images            []ImageNeed          `json:"imageNeeds,omitempty"`
	UncoveredExtCps   []string             `json:"uncoveredExtCps,omitempty"` // cpdIds no extVirtualLinks of the request cover
	DefaultConnection string               `json:"vimConnectionId,omitempty"` // wanted by the request, if any
	AdditionalParams  json.RawMessage      `json:"additionalParams,omitempty"`
}

// ResourceDefinition is one resource of a grant request (SOL003 v3.7.1 §9.5.3.2).
type ResourceDefinition struct {
	ID         string          `json:"id"`   // resourceDefinitionId
	Type       string          `json:"type"` // COMPUTE, VL, STORAGE, LINKPORT
	VduID      string          `json:"vduId,omitempty"`
	TemplateID string          `json:"resourceTemplateId"`
	Resource   *ResourceHandle `json:"resource,omitempty"` // of one that exists
	Planned    string          `json:"plannedResourceId,omitempty"`
}

// ResourceHandle names a resource at a VIM.
type ResourceHandle struct {
	Connection string `json:"vimConnectionId"`
	ID         string `json:"resourceId"`
	Type       string `json:"vimLevelResourceType,omitempty"`
}

// PlacementRule is an affinity or anti-affinity rule over at least two resource definitions.
type PlacementRule struct {
	Affinity  bool     `json:"affinity"`
	Scope     string   `json:"scope"`     // NFVI_POP, ZONE, ZONE_GROUP, NFVI_NODE
	Resources []string `json:"resources"` // resource definition ids
}

// ComputeNeed is what one VDU needs of a flavour.
type ComputeNeed struct {
	VduID       string `json:"vduId"`
	FlavourName string `json:"flavourName,omitempty"` // named by the VNFD
	VCPUs       int    `json:"vcpus"`
	MemoryBytes int64  `json:"memoryBytes"`
	DiskBytes   int64  `json:"diskBytes"`
}

// ImageNeed is one software image, by its id in the VNFD (the VDU or storage it belongs to).
type ImageNeed struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Checksum string `json:"checksum,omitempty"` // "algorithm:hex"
}

// Grant is the answer.
type Grant struct {
	ID          string       `json:"id,omitempty"`    // "" for a local grant
	Local       bool         `json:"local,omitempty"` // decided by our own policy
	Zones       []Zone       `json:"zones,omitempty"`
	Infos       []GrantInfo  `json:"grantInfos"`                        // one per resource definition
	Flavours    []VimAsset   `json:"computeResourceFlavours,omitempty"` // by VduID
	Images      []VimAsset   `json:"softwareImages,omitempty"`          // by image id
	ExtNetworks []ExtNetwork `json:"extNetworks,omitempty"`             // for uncovered external CPs
	Warnings    []string     `json:"warnings,omitempty"`
}

// Zone is a granted zone; GrantInfo refers to its ID.
type Zone struct {
	ID         string `json:"id"`
	ZoneID     string `json:"zoneId"` // the VIM's
	Connection string `json:"vimConnectionId"`
}

// GrantInfo says where one resource definition is to be realised.
type GrantInfo struct {
	DefinitionID string `json:"resourceDefinitionId"`
	Connection   string `json:"vimConnectionId"`
	Zone         string `json:"zoneId,omitempty"` // a Zone.ID
}

// VimAsset maps an id of the VNFD to a VIM's asset.
type VimAsset struct {
	ID         string `json:"id"`
	VimAssetID string `json:"vimAssetId"`
	Connection string `json:"vimConnectionId"`
}

// ExtNetwork connects an external CP to a network of the site.
type ExtNetwork struct {
	CpdID      string `json:"cpdId"`
	NetworkID  string `json:"networkId"` // the VIM's
	Connection string `json:"vimConnectionId"`
}

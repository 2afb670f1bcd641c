package sol

// GrantRequest asks the NFVO for permission to change resources (SOL003 v3.7.1 §9.5.2.2).
type GrantRequest struct {
	VnfInstanceId         string                `json:"vnfInstanceId"`
	VnfLcmOpOccId         string                `json:"vnfLcmOpOccId"`
	VnfdId                string                `json:"vnfdId"`
	DstVnfdId             string                `json:"dstVnfdId,omitempty"`
	FlavourId             string                `json:"flavourId,omitempty"`
	Operation             string                `json:"operation"`
	IsAutomaticInvocation bool                  `json:"isAutomaticInvocation"`
	InstantiationLevelId  string                `json:"instantiationLevelId,omitempty"`
	AddResources          []ResourceDefinition  `json:"addResources,omitempty"`
	TempResources         []ResourceDefinition  `json:"tempResources,omitempty"`
	RemoveResources       []ResourceDefinition  `json:"removeResources,omitempty"`
	UpdateResources       []ResourceDefinition  `json:"updateResources,omitempty"`
	PlacementConstraints  []PlacementConstraint `json:"placementConstraints,omitempty"`
	VimConstraints        []VimConstraint       `json:"vimConstraints,omitempty"`
	AdditionalParams      KeyValuePairs         `json:"additionalParams,omitempty"`
	Links                 GrantRequestLinks     `json:"_links"`
}

// GrantRequestLinks is the links of a grant request.
type GrantRequestLinks struct {
	VnfLcmOpOcc Link `json:"vnfLcmOpOcc"`
	VnfInstance Link `json:"vnfInstance"`
}

// ResourceDefinition is an existing or proposed resource (SOL003 v3.7.1 §9.5.3.2).
type ResourceDefinition struct {
	Id                 string          `json:"id"`
	Type               string          `json:"type"` // COMPUTE, VL, STORAGE, LINKPORT
	VduId              string          `json:"vduId,omitempty"`
	VnfdId             string          `json:"vnfdId,omitempty"`
	ResourceTemplateId string          `json:"resourceTemplateId"`
	Resource           *ResourceHandle `json:"resource,omitempty"`

	SnapshotResDef *SnapshotResourceDefinition `json:"snapshotResDef,omitempty"`
}

// SnapshotResourceDefinition names what a snapshot has of a VNFC, or of a storage (SOL003 v3.7.1 §9.5.3.10).
type SnapshotResourceDefinition struct {
	VnfSnapshotId     string          `json:"vnfSnapshotId"`
	VnfcSnapshotId    string          `json:"vnfcSnapshotId,omitempty"`
	StorageSnapshotId string          `json:"storageSnapshotId,omitempty"`
	SnapshotResource  *ResourceHandle `json:"snapshotResource,omitempty"`
}

// PlacementConstraint is a constraint on the placement of resources (SOL003 v3.7.1 §9.5.3.6).
type PlacementConstraint struct {
	AffinityOrAntiAffinity string                  `json:"affinityOrAntiAffinity"` // AFFINITY, ANTI_AFFINITY
	Scope                  string                  `json:"scope"`                  // NFVI_POP, ZONE, ZONE_GROUP, NFVI_NODE
	Resource               []ConstraintResourceRef `json:"resource"`
	FallbackBestEffort     bool                    `json:"fallbackBestEffort,omitempty"`
}

// VimConstraint names resources that must be at one VIM (SOL003 v3.7.1 §9.5.3.7).
type VimConstraint struct {
	SameResourceGroup bool                    `json:"sameResourceGroup,omitempty"`
	Resource          []ConstraintResourceRef `json:"resource"`
}

// ConstraintResourceRef refers to a resource by its definition in the grant request (GRANT) or at its VIM (RES_MGMT).
type ConstraintResourceRef struct {
	IdType          string `json:"idType"`
	ResourceId      string `json:"resourceId"`
	VimConnectionId string `json:"vimConnectionId,omitempty"`
}

// Grant is the NFVO's permission (SOL003 v3.7.1 §9.5.2.3).
type Grant struct {
	Id                     string                       `json:"id"`
	VnfInstanceId          string                       `json:"vnfInstanceId"`
	VnfLcmOpOccId          string                       `json:"vnfLcmOpOccId"`
	VimConnectionInfo      map[string]VimConnectionInfo `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`
	Zones                  []ZoneInfo                   `json:"zones,omitempty"`
	ZoneGroups             []ZoneGroupInfo              `json:"zoneGroups,omitempty"`
	AddResources           []GrantInfo                  `json:"addResources,omitempty"`
	TempResources          []GrantInfo                  `json:"tempResources,omitempty"`
	RemoveResources        []GrantInfo                  `json:"removeResources,omitempty"`
	UpdateResources        []GrantInfo                  `json:"updateResources,omitempty"`
	VimAssets              *VimAssets                   `json:"vimAssets,omitempty"`
	ExtVirtualLinks        []ExtVirtualLinkData         `json:"extVirtualLinks,omitempty"`
	ExtManagedVirtualLinks []ExtManagedVirtualLinkData  `json:"extManagedVirtualLinks,omitempty"`
	AdditionalParams       KeyValuePairs                `json:"additionalParams,omitempty"`
	Links                  GrantLinks                   `json:"_links"`
}

// GrantLinks is the links of a grant.
type GrantLinks struct {
	Self        Link `json:"self"`
	VnfLcmOpOcc Link `json:"vnfLcmOpOcc"`
	VnfInstance Link `json:"vnfInstance"`
}

// GrantInfo says where one resource is to be realised (SOL003 v3.7.1 §9.5.3.3).
type GrantInfo struct {
	ResourceDefinitionId string `json:"resourceDefinitionId" only:"Or-Vnfm"`
	ReservationId        string `json:"reservationId,omitempty"`
	VimConnectionId      string `json:"vimConnectionId,omitempty"`
	ResourceProviderId   string `json:"resourceProviderId,omitempty"`
	ZoneId               string `json:"zoneId,omitempty" only:"Or-Vnfm"` // the id of a ZoneInfo of the grant
	ResourceGroupId      string `json:"resourceGroupId,omitempty"`
}

// ZoneInfo is a resource zone of a VIM (SOL003 v3.7.1 §9.5.3.4).
type ZoneInfo struct {
	Id                 string `json:"id"`
	ZoneId             string `json:"zoneId" only:"Or-Vnfm"`
	VimConnectionId    string `json:"vimConnectionId,omitempty"`
	ResourceProviderId string `json:"resourceProviderId,omitempty"`
}

// ZoneGroupInfo is zones that belong together (SOL003 v3.7.1 §9.5.3.5).
type ZoneGroupInfo struct {
	ZoneId []string `json:"zoneId" only:"Or-Vnfm"`
}

// VimAssets maps what the VNFD names to assets of VIMs.
type VimAssets struct {
	ComputeResourceFlavours []VimComputeResourceFlavour `json:"computeResourceFlavours,omitempty"`
	SoftwareImages          []VimSoftwareImage          `json:"softwareImages,omitempty"`
	SnapshotResources       []VimSnapshotResource       `json:"snapshotResources,omitempty"`
}

// VimComputeResourceFlavour is the flavour of a VDU at a VIM.
type VimComputeResourceFlavour struct {
	VimConnectionId          string `json:"vimConnectionId,omitempty"`
	ResourceProviderId       string `json:"resourceProviderId,omitempty"`
	VnfdVirtualComputeDescId string `json:"vnfdVirtualComputeDescId"`
	VimFlavourId             string `json:"vimFlavourId"`
}

// VimSoftwareImage is a software image at a VIM.
type VimSoftwareImage struct {
	VimConnectionId     string `json:"vimConnectionId,omitempty"`
	ResourceProviderId  string `json:"resourceProviderId,omitempty"`
	VnfdSoftwareImageId string `json:"vnfdSoftwareImageId"`
	VimSoftwareImageId  string `json:"vimSoftwareImageId"`
}

// VimSnapshotResource is a snapshot at a VIM.
type VimSnapshotResource struct {
	VimConnectionId       string `json:"vimConnectionId,omitempty"`
	ResourceProviderId    string `json:"resourceProviderId,omitempty"`
	VnfSnapshotId         string `json:"vnfSnapshotId"`
	VnfcSnapshotId        string `json:"vnfcSnapshotId,omitempty"`
	StorageSnapshotId     string `json:"storageSnapshotId,omitempty"`
	VimSnapshotResourceId string `json:"vimSnapshotResourceId"`
}

// OpGrant is the grant of an operation occurrence: what was asked, and how it was answered. It is a resource of ours.
type OpGrant struct {
	VnfLcmOpOccId string        `json:"vnfLcmOpOccId"`
	VnfInstanceId string        `json:"vnfInstanceId"`
	Decider       string        `json:"decider"` // NFVO, or LOCAL: our own policy
	State         string        `json:"state"`   // PENDING, GRANTED, REFUSED, WITHDRAWN
	Reason        string        `json:"reason,omitempty"`
	Tries         int           `json:"tries,omitempty"`    // failed ones in a row
	Location      string        `json:"location,omitempty"` // of a grant that the NFVO decides later
	NextTry       string        `json:"nextTry,omitempty"`  // RFC 3339, while PENDING
	Request       *GrantRequest `json:"request,omitempty"`
	Grant         *Grant        `json:"grant,omitempty"` // credentials masked
}

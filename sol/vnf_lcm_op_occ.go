package sol

import (
	"encoding/json"
	"time"
)

// VnfLcmOpOcc is an operation occurrence (SOL003 v3.7.1 §5.5.2.13).
type VnfLcmOpOcc struct {
	Id                     string                `json:"id"`
	OperationState         string                `json:"operationState"`
	StateEnteredTime       time.Time             `json:"stateEnteredTime"`
	StartTime              time.Time             `json:"startTime"`
	VnfInstanceId          string                `json:"vnfInstanceId"`
	GrantId                string                `json:"grantId,omitempty"`
	Operation              string                `json:"operation"`
	IsAutomaticInvocation  bool                  `json:"isAutomaticInvocation"`
	OperationParams        json.RawMessage       `json:"operationParams,omitempty"`
	IsCancelPending        bool                  `json:"isCancelPending"`
	CancelMode             string                `json:"cancelMode,omitempty"`
	Error                  *ProblemDetails       `json:"error,omitempty"`
	ResourceChanges        *ResourceChanges      `json:"resourceChanges,omitempty"`
	ChangedInfo            *VnfInfoModifications `json:"changedInfo,omitempty"`
	ChangedExtConnectivity []ExtVirtualLinkInfo  `json:"changedExtConnectivity,omitempty"`
	// ModificationsTriggeredByVnfPkgChange is in place of ChangedInfo where the package was changed.
	ModificationsTriggeredByVnfPkgChange *VnfInfoModifications     `json:"modificationsTriggeredByVnfPkgChange,omitempty"`
	VnfSnapshotInfoId                    string                    `json:"vnfSnapshotInfoId,omitempty"`
	LcmCoordinations                     []LcmCoordination         `json:"lcmCoordinations,omitempty"`
	RejectedLcmCoordinations             []RejectedLcmCoordination `json:"rejectedLcmCoordinations,omitempty"`
	Warnings                             []string                  `json:"warnings,omitempty"`
	Links                                VnfLcmOpOccLinks          `json:"_links"`
}

// LcmCoordination is a coordination of an operation (SOL003 v3.7.1 §5.5.2.13).
type LcmCoordination struct {
	Id                     string    `json:"id"`
	CoordinationActionName string    `json:"coordinationActionName"`
	CoordinationResult     string    `json:"coordinationResult,omitempty"`
	StartTime              time.Time `json:"startTime"`
	EndTime                time.Time `json:"endTime,omitzero"`
	EndpointType           string    `json:"endpointType"`
	Delay                  time.Time `json:"delay,omitzero"`
}

// RejectedLcmCoordination is one that was refused for now (SOL003 v3.7.1 §5.5.2.13).
type RejectedLcmCoordination struct {
	CoordinationActionName string    `json:"coordinationActionName"`
	RejectionTime          time.Time `json:"rejectionTime"`
	EndpointType           string    `json:"endpointType"`
	Delay                  time.Time `json:"delay"`
}

// VnfInfoModifications is what an operation changed of the information about its VNF (SOL003 v3.7.1 §5.5.2.12a). A text that
// was removed is empty, a child that was removed is null.
type VnfInfoModifications struct {
	VnfInstanceName           *string                      `json:"vnfInstanceName,omitempty"`
	VnfInstanceDescription    *string                      `json:"vnfInstanceDescription,omitempty"`
	VnfConfigurableProperties KeyValuePairs                `json:"vnfConfigurableProperties,omitempty"`
	Metadata                  KeyValuePairs                `json:"metadata,omitempty"`
	Extensions                KeyValuePairs                `json:"extensions,omitempty"`
	VimConnectionInfo         map[string]VimConnectionInfo `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`
	VnfdId                    string                       `json:"vnfdId,omitempty"`
	VnfProvider               string                       `json:"vnfProvider,omitempty"`
	VnfProductName            string                       `json:"vnfProductName,omitempty"`
	VnfSoftwareVersion        string                       `json:"vnfSoftwareVersion,omitempty"`
	VnfdVersion               string                       `json:"vnfdVersion,omitempty"`
	// VnfcInfoModifications is SOL002's. SOL003 has it not, and does not forbid it.
	VnfcInfoModifications []VnfcInfoModifications `json:"vnfcInfoModifications,omitempty"`
}

// VnfLcmOpOccLinks is the links of an operation occurrence. A task's is present while the task is possible.
type VnfLcmOpOccLinks struct {
	Self        Link  `json:"self"`
	VnfInstance Link  `json:"vnfInstance"`
	Grant       *Link `json:"grant,omitempty"`
	Cancel      *Link `json:"cancel,omitempty"`
	Retry       *Link `json:"retry,omitempty"`
	Rollback    *Link `json:"rollback,omitempty"`
	Fail        *Link `json:"fail,omitempty"`
	VnfSnapshot *Link `json:"vnfSnapshot,omitempty"`
}

// ResourceChanges is what an operation changed so far.
type ResourceChanges struct {
	AffectedVnfcs           []AffectedVnfc           `json:"affectedVnfcs,omitempty"`
	AffectedVirtualLinks    []AffectedVirtualLink    `json:"affectedVirtualLinks,omitempty"`
	AffectedExtLinkPorts    []AffectedExtLinkPort    `json:"affectedExtLinkPorts,omitempty"`
	AffectedVirtualStorages []AffectedVirtualStorage `json:"affectedVirtualStorages,omitempty"`
}

// AffectedVnfc is a VNFC changed by an operation.
type AffectedVnfc struct {
	Id                        string         `json:"id"`
	VduId                     string         `json:"vduId"`
	VnfdId                    string         `json:"vnfdId,omitempty"`
	ChangeType                string         `json:"changeType"`
	ComputeResource           ResourceHandle `json:"computeResource"`
	ResourceDefinitionId      string         `json:"resourceDefinitionId,omitempty" only:"Or-Vnfm"`
	ZoneId                    string         `json:"zoneId,omitempty" only:"Or-Vnfm"`
	AffectedVnfcCpIds         []string       `json:"affectedVnfcCpIds,omitempty"`
	AddedStorageResourceIds   []string       `json:"addedStorageResourceIds,omitempty"`
	RemovedStorageResourceIds []string       `json:"removedStorageResourceIds,omitempty"`
}

// AffectedVirtualLink is a virtual link changed by an operation.
type AffectedVirtualLink struct {
	Id                   string         `json:"id"`
	VnfVirtualLinkDescId string         `json:"vnfVirtualLinkDescId"`
	VnfdId               string         `json:"vnfdId,omitempty"`
	ChangeType           string         `json:"changeType"`
	NetworkResource      ResourceHandle `json:"networkResource"`
	VnfLinkPortIds       []string       `json:"vnfLinkPortIds,omitempty"`
	ResourceDefinitionId string         `json:"resourceDefinitionId,omitempty" only:"Or-Vnfm"`
	ZoneId               string         `json:"zoneId,omitempty" only:"Or-Vnfm"`
}

// AffectedExtLinkPort is an external link port changed by an operation.
type AffectedExtLinkPort struct {
	Id                   string         `json:"id"`
	ChangeType           string         `json:"changeType"`
	ExtCpInstanceId      string         `json:"extCpInstanceId"`
	ResourceHandle       ResourceHandle `json:"resourceHandle"`
	ResourceDefinitionId string         `json:"resourceDefinitionId,omitempty" only:"Or-Vnfm"`
}

// AffectedVirtualStorage is a virtual storage changed by an operation.
type AffectedVirtualStorage struct {
	Id                   string         `json:"id"`
	VirtualStorageDescId string         `json:"virtualStorageDescId"`
	VnfdId               string         `json:"vnfdId,omitempty"`
	ChangeType           string         `json:"changeType"`
	StorageResource      ResourceHandle `json:"storageResource"`
	ResourceDefinitionId string         `json:"resourceDefinitionId,omitempty" only:"Or-Vnfm"`
	ZoneId               string         `json:"zoneId,omitempty" only:"Or-Vnfm"`
}

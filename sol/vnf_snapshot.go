package sol

import (
	"encoding/json"
	"time"
)

// CreateVnfSnapshotInfoRequest asks for a resource that a snapshot can be taken into (SOL003 v3.7.1 §5.5.2.23). Its attributes are there when an
// NFVO extracts a snapshot package.
type CreateVnfSnapshotInfoRequest struct {
	VnfSnapshotPkgId string          `json:"vnfSnapshotPkgId,omitempty"`
	VnfSnapshot      json.RawMessage `json:"vnfSnapshot,omitempty"` // a VnfSnapshot
}

// VnfSnapshotInfoModifications is a merge patch of a VnfSnapshotInfo (SOL003 v3.7.1 §5.5.2.24, VnfSnapshotInfoModificationRequest), and the answer
// to it (§5.5.2.25).
type VnfSnapshotInfoModifications struct {
	VnfSnapshotPkgId string          `json:"vnfSnapshotPkgId,omitempty"`
	VnfSnapshot      json.RawMessage `json:"vnfSnapshot,omitempty"` // a VnfSnapshot
}

// CreateVnfSnapshotRequest asks to take a snapshot of a VNF (SOL003 v3.7.1 §5.5.2.20).
type CreateVnfSnapshotRequest struct {
	VnfSnapshotInfoId string        `json:"vnfSnapshotInfoId"`
	VnfcInstanceId    string        `json:"vnfcInstanceId,omitempty"` // of which alone it is taken; SOL002's (v3.7.1 §5.5.2.21)
	AdditionalParams  KeyValuePairs `json:"additionalParams,omitempty"`
	UserDefinedData   KeyValuePairs `json:"userDefinedData,omitempty"`
}

// RevertToVnfSnapshotRequest asks to make a VNF what it was at a snapshot (SOL003 v3.7.1 §5.5.2.26).
type RevertToVnfSnapshotRequest struct {
	VnfSnapshotInfoId string `json:"vnfSnapshotInfoId"`
	// VnfcInstanceId is the VNFC that alone is reverted, VnfcSnapshotInfoId to which VNFC snapshot; the only one there is when it is
	// absent. They are SOL002's (v3.7.1 §5.5.2.26).
	VnfcInstanceId     string        `json:"vnfcInstanceId,omitempty"`
	VnfcSnapshotInfoId string        `json:"vnfcSnapshotInfoId,omitempty"`
	AdditionalParams   KeyValuePairs `json:"additionalParams,omitempty"`
}

// VnfSnapshotInfo is a VNF snapshot resource (SOL003 v3.7.1 §5.5.2.22).
type VnfSnapshotInfo struct {
	Id               string               `json:"id"`
	VnfSnapshotPkgId string               `json:"vnfSnapshotPkgId,omitempty"`
	VnfSnapshot      *VnfSnapshot         `json:"vnfSnapshot,omitempty"`
	Links            VnfSnapshotInfoLinks `json:"_links"`
}

// VnfSnapshotInfoLinks is the links of a VNF snapshot resource.
type VnfSnapshotInfoLinks struct {
	Self      Link  `json:"self"`
	TakenFrom *Link `json:"takenFrom,omitempty"`
}

// VnfSnapshot is a snapshot of a VNF (SOL003 v3.7.1 §5.5.2.21).
type VnfSnapshot struct {
	Id                 string             `json:"id"`
	VnfInstanceId      string             `json:"vnfInstanceId"`
	CreationStartedAt  time.Time          `json:"creationStartedAt,omitzero"`
	CreationFinishedAt time.Time          `json:"creationFinishedAt,omitzero"`
	VnfdId             string             `json:"vnfdId"`
	VnfInstance        *VnfInstance       `json:"vnfInstance,omitempty"`
	VnfcSnapshots      []VnfcSnapshotInfo `json:"vnfcSnapshots,omitempty"`
	UserDefinedData    KeyValuePairs      `json:"userDefinedData,omitempty"`
}

// VnfcSnapshotInfo is a snapshot of one VNFC (SOL003 v3.7.1 §5.5.3.20).
type VnfcSnapshotInfo struct {
	Id                       string                    `json:"id"`
	VnfcInstanceId           string                    `json:"vnfcInstanceId"`
	CreationStartedAt        time.Time                 `json:"creationStartedAt,omitzero"`
	CreationFinishedAt       time.Time                 `json:"creationFinishedAt,omitzero"`
	VnfcResourceInfoId       string                    `json:"vnfcResourceInfoId,omitempty"`
	ComputeSnapshotResource  *ResourceHandle           `json:"computeSnapshotResource,omitempty"`
	StorageSnapshotResources []StorageSnapshotResource `json:"storageSnapshotResources,omitempty"`
	UserDefinedData          KeyValuePairs             `json:"userDefinedData,omitempty"`
}

// StorageSnapshotResource is the snapshot of one storage.
type StorageSnapshotResource struct {
	StorageResourceId       string          `json:"storageResourceId"`
	StorageSnapshotResource *ResourceHandle `json:"storageSnapshotResource,omitempty"`
}

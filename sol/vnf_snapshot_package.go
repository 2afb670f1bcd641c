package sol

import "time"

// VnfSnapshotPkgInfo is a VNF snapshot package of an NFVO (SOL003 v3.7.1 §12.5.2.2).
type VnfSnapshotPkgInfo struct {
	Id                     string                  `json:"id"`
	VnfSnapshotPkgUniqueId string                  `json:"vnfSnapshotPkgUniqueId,omitempty"`
	Name                   string                  `json:"name"`
	Checksum               string                  `json:"checksum,omitempty"`
	VnfSnapshotId          string                  `json:"vnfSnapshotId,omitempty"`
	IsFullSnapshot         bool                    `json:"isFullSnapshot"`
	Vnfsr                  *VnfSnapshotRecord      `json:"vnfsr,omitempty"`
	VnfcSnapshotImages     []VnfcSnapshotImageInfo `json:"vnfcSnapshotImages,omitempty"`
	State                  string                  `json:"state"`
	IsCancelPending        bool                    `json:"isCancelPending"`
	FailureDetails         *SnapshotPkgFailure     `json:"failureDetails,omitempty"`
	Links                  VnfSnapshotPkgInfoLinks `json:"_links"`
}

// VnfSnapshotPkgInfoLinks is the links of a VNF snapshot package.
type VnfSnapshotPkgInfoLinks struct {
	Self           Link `json:"self"`
	PackageContent Link `json:"packageContent"`
}

// VnfSnapshotRecord names the file of a package that holds its VnfSnapshot (SOL003 v3.7.1 §12.5.3.2).
type VnfSnapshotRecord struct {
	RecordPath  string `json:"recordPath"`
	Checksum    string `json:"checksum"`
	IsEncrypted bool   `json:"isEncrypted"`
}

// VnfcSnapshotImageInfo is an image of a package (SOL003 v3.7.1 §12.5.3.3).
type VnfcSnapshotImageInfo struct {
	Id              string    `json:"id"`
	Name            string    `json:"name"`
	Checksum        string    `json:"checksum"`
	IsEncrypted     bool      `json:"isEncrypted"`
	VnfcInstanceId  string    `json:"vnfcInstanceId"`
	ContainerFormat string    `json:"containerFormat"`
	DiskFormat      string    `json:"diskFormat"`
	CreatedAt       time.Time `json:"createdAt"`
	MinDisk         int64     `json:"minDisk"`
	MinRam          int64     `json:"minRam"`
	Size            int64     `json:"size"`
	ImagePath       string    `json:"imagePath,omitempty"`
}

// SnapshotPkgFailure is why a package cannot be used.
type SnapshotPkgFailure struct {
	ErrorType string         `json:"errorType"`
	Details   ProblemDetails `json:"details"`
}

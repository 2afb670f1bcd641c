package sol

import "time"

// VnfPkgInfo is a VNF package (SOL005, VnfPkgInfo). Findings is our extension: deviations that did not reject it.
type VnfPkgInfo struct {
	Id                       string           `json:"id"`
	VnfdId                   string           `json:"vnfdId,omitempty"`
	VnfProvider              string           `json:"vnfProvider,omitempty"`
	VnfProductName           string           `json:"vnfProductName,omitempty"`
	VnfSoftwareVersion       string           `json:"vnfSoftwareVersion,omitempty"`
	VnfdVersion              string           `json:"vnfdVersion,omitempty"`
	Checksum                 string           `json:"checksum,omitempty"` // "sha-256:hex"; a string, as SOL003 v3.7.1 §10.5.2.2 has it
	PackageSecurityOption    string           `json:"packageSecurityOption,omitempty"`
	SigningCertificate       string           `json:"signingCertificate,omitempty"`
	SoftwareImages           []SoftwareImage  `json:"softwareImages,omitempty"`
	AdditionalArtifacts      []Artifact       `json:"additionalArtifacts,omitempty"`
	OnboardingState          string           `json:"onboardingState"`
	OperationalState         string           `json:"operationalState"`
	UsageState               string           `json:"usageState"`
	VnfmInfo                 []string         `json:"vnfmInfo,omitempty"`
	UserDefinedData          KeyValuePairs    `json:"userDefinedData,omitempty"`
	OnboardingFailureDetails *ProblemDetails  `json:"onboardingFailureDetails,omitempty"`
	Findings                 []PackageFinding `json:"findings,omitempty"`
	Links                    VnfPkgInfoLinks  `json:"_links"`
}

// VnfPkgInfoLinks is the links of a VNF package.
type VnfPkgInfoLinks struct {
	Self           Link  `json:"self"`
	Vnfd           *Link `json:"vnfd,omitempty"`
	PackageContent Link  `json:"packageContent"`
}

// SoftwareImage is an image of a package (SOL003 v3.7.1 §10.5.3.2, VnfPackageSoftwareImageInfo).
type SoftwareImage struct {
	Id              string    `json:"id"`
	Name            string    `json:"name"`
	Provider        string    `json:"provider"`
	Version         string    `json:"version"`
	Checksum        string    `json:"checksum"`
	IsEncrypted     bool      `json:"isEncrypted"`
	ContainerFormat string    `json:"containerFormat"`
	DiskFormat      string    `json:"diskFormat"`
	CreatedAt       time.Time `json:"createdAt"`
	MinDisk         int64     `json:"minDisk"` // bytes, as MinRam and Size
	MinRam          int64     `json:"minRam"`
	Size            int64     `json:"size"`
	ImagePath       string    `json:"imagePath,omitempty"`
}

// Artifact is a file of a package that is neither an image nor part of the VNFD (SOL003 v3.7.1 §10.5.3.3, VnfPackageArtifactInfo).
type Artifact struct {
	ArtifactPath           string `json:"artifactPath"`
	Checksum               string `json:"checksum"`
	IsEncrypted            bool   `json:"isEncrypted"`
	NonManoArtifactSetId   string `json:"nonManoArtifactSetId,omitempty"`
	ArtifactClassification string `json:"artifactClassification,omitempty"`
}

// UploadVnfPackageFromUriRequest asks to have content fetched (SOL005; user name and password as v2.6.1 has them).
type UploadVnfPackageFromUriRequest struct {
	AddressInformation string                      `json:"addressInformation"`
	UserName           string                      `json:"userName,omitempty"`
	Password           string                      `json:"password,omitempty"`
	Authentication     *SubscriptionAuthentication `json:"authentication,omitempty"`
}

// PackageFinding is a deviation found in a package.
type PackageFinding struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// CreateVnfPkgInfoRequest asks for a package resource (SOL005).
type CreateVnfPkgInfoRequest struct {
	UserDefinedData KeyValuePairs `json:"userDefinedData,omitempty"`
}

// OperationalStateType says whether VNFs may be made of a package.
type OperationalStateType string

// The operational states.
const (
	PackageEnabled  OperationalStateType = "ENABLED"
	PackageDisabled OperationalStateType = "DISABLED"
)

// Values lists the operational states.
func (OperationalStateType) Values() []string {
	return []string{string(PackageEnabled), string(PackageDisabled)}
}

// VnfPkgInfoModifications is a JSON merge patch of a package (SOL005), and the answer to it.
type VnfPkgInfoModifications struct {
	OperationalState OperationalStateType `json:"operationalState,omitempty"`
	UserDefinedData  KeyValuePairs        `json:"userDefinedData,omitempty"`
}

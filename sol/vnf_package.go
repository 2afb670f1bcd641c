package sol

// VnfPkgInfo is a VNF package (SOL005, VnfPkgInfo). Findings is our extension: deviations that did not reject it.
type VnfPkgInfo struct {
	Id                       string           `json:"id"`
	VnfdId                   string           `json:"vnfdId,omitempty"`
	VnfProvider              string           `json:"vnfProvider,omitempty"`
	VnfProductName           string           `json:"vnfProductName,omitempty"`
	VnfSoftwareVersion       string           `json:"vnfSoftwareVersion,omitempty"`
	VnfdVersion              string           `json:"vnfdVersion,omitempty"`
	Checksum                 string           `json:"checksum,omitempty"` // "sha-256:hex"; a string, as SOL003 v3.7.1 §10.5.2.2 has it
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
	Self           Link `json:"self"`
	PackageContent Link `json:"packageContent"`
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

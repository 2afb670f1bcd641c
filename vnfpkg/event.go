package vnfpkg

import (
	"encoding/json"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/vnfd"
	"github.com/vnfm/vnfm/vnfd/csar"
)

// Created is the first event of a package.
type Created struct {
	ID              string                     `json:"id"`
	UserDefinedData map[string]json.RawMessage `json:"userDefinedData,omitempty"`
}

// UploadBegun records that content is on its way, and the blob it goes to. An upload begun before is superseded.
type UploadBegun struct {
	Upload string `json:"upload"`
	Blob   string `json:"blob"`
}

// FetchBegun records that content is to be fetched. An upload begun before is superseded. From is the address without what may
// be secret in it.
type FetchBegun struct {
	Upload string `json:"upload"`
	From   string `json:"from"`
}

// FetchTried records that content is being asked for, and the blob it goes to now: no two tries share one.
type FetchTried struct {
	Upload string `json:"upload"`
	Blob   string `json:"blob"`
}

// UploadFailed records that an upload was broken off.
type UploadFailed struct {
	Upload string `json:"upload"`
	Reason string `json:"reason"`
}

// ContentUploaded records that all content is there.
type ContentUploaded struct {
	Upload string `json:"upload"`
	SHA256 string `json:"sha256"` // hex
	Size   int64  `json:"size"`   // bytes
}

// Onboarded records what the content turned out to be.
type Onboarded struct {
	Upload           string         `json:"upload"`
	DescriptorDigest string         `json:"descriptorDigest"`
	VnfdID           string         `json:"vnfdId"`
	VnfdVersion      string         `json:"vnfdVersion"`
	Provider         string         `json:"provider"`
	ProductName      string         `json:"productName"`
	SoftwareVersion  string         `json:"softwareVersion"`
	VnfmInfo         []string       `json:"vnfmInfo,omitempty"`
	Images           []vnfd.Image   `json:"softwareImages,omitempty"`
	Findings         []vnfd.Finding `json:"findings,omitempty"`
	// Signature is who signed the package as a whole; nil: nobody, or it was not verified.
	Signature *csar.Signature `json:"signature,omitempty"`
}

// OnboardingFailed records why the content was rejected.
type OnboardingFailed struct {
	Upload  string       `json:"upload"`
	Detail  string       `json:"detail"`
	Reasons []vnfd.Error `json:"reasons,omitempty"`
}

// OperationalStateChanged records that a package was enabled or disabled.
type OperationalStateChanged struct {
	State string `json:"operationalState"`
}

// UserDataChanged records the user defined data as it now is.
type UserDataChanged struct {
	UserDefinedData map[string]json.RawMessage `json:"userDefinedData"`
}

// Deleted is the last event of a package, but for ContentRemoved.
type Deleted struct{}

// ContentRemoved records that blobs nothing needs any more are gone.
type ContentRemoved struct {
	Blobs []string `json:"blobs"`
}

// EventType returns the wire name.
func (*Created) EventType() string { return "pkg.created" }

// EventType returns the wire name.
func (*UploadBegun) EventType() string { return "pkg.upload-begun" }

// EventType returns the wire name.
func (*FetchBegun) EventType() string { return "pkg.fetch-begun" }

// EventType returns the wire name.
func (*FetchTried) EventType() string { return "pkg.fetch-tried" }

// EventType returns the wire name.
func (*UploadFailed) EventType() string { return "pkg.upload-failed" }

// EventType returns the wire name.
func (*ContentUploaded) EventType() string { return "pkg.content-uploaded" }

// EventType returns the wire name.
func (*Onboarded) EventType() string { return "pkg.onboarded" }

// EventType returns the wire name.
func (*OnboardingFailed) EventType() string { return "pkg.onboarding-failed" }

// EventType returns the wire name.
func (*OperationalStateChanged) EventType() string { return "pkg.operational-state-changed" }

// EventType returns the wire name.
func (*UserDataChanged) EventType() string { return "pkg.user-data-changed" }

// EventType returns the wire name.
func (*Deleted) EventType() string { return "pkg.deleted" }

// EventType returns the wire name.
func (*ContentRemoved) EventType() string { return "pkg.content-removed" }

// Forms returns every type of event of packages, for a registry.
func Forms() []aggregate.Form {
	form := func(newEvent func() aggregate.Event) aggregate.Form {
		return aggregate.Form{Type: newEvent().EventType(), Schema: 1, New: newEvent}
	}
	return []aggregate.Form{
		form(func() aggregate.Event { return &Created{} }),
		form(func() aggregate.Event { return &UploadBegun{} }),
		form(func() aggregate.Event { return &FetchBegun{} }),
		form(func() aggregate.Event { return &FetchTried{} }),
		form(func() aggregate.Event { return &UploadFailed{} }),
		form(func() aggregate.Event { return &ContentUploaded{} }),
		form(func() aggregate.Event { return &Onboarded{} }),
		form(func() aggregate.Event { return &OnboardingFailed{} }),
		form(func() aggregate.Event { return &OperationalStateChanged{} }),
		form(func() aggregate.Event { return &UserDataChanged{} }),
		form(func() aggregate.Event { return &Deleted{} }),
		form(func() aggregate.Event { return &ContentRemoved{} }),
	}
}

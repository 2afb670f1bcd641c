package sol

import "encoding/json"

// VnfdView is a VNFD as this program understands it, in JSON: what a person needs to see, and to fill in a request by. The source
// is in the package. It is a resource of ours.
type VnfdView struct {
	VnfdId                 string         `json:"vnfdId"`
	VnfdVersion            string         `json:"vnfdVersion"`
	VnfProvider            string         `json:"vnfProvider"`
	VnfProductName         string         `json:"vnfProductName"`
	VnfSoftwareVersion     string         `json:"vnfSoftwareVersion"`
	LocalizationLanguages  []string       `json:"localizationLanguages,omitempty"`
	Flavours               []VnfdFlavour  `json:"flavours"`
	ConfigurableProperties []VnfdProperty `json:"configurableProperties"`
	Extensions             []VnfdProperty `json:"extensions"`
	Metadata               []VnfdProperty `json:"metadata"`
}

// VnfdProperty is a declared property.
type VnfdProperty struct {
	Name     string          `json:"name"`
	Schema   json.RawMessage `json:"schema,omitempty"` // JSON Schema
	Required bool            `json:"required"`         // before instantiation
	Initial  json.RawMessage `json:"initial,omitempty"`
}

// VnfdFlavour is a deployment flavour.
type VnfdFlavour struct {
	FlavourId           string                   `json:"flavourId"`
	Description         string                   `json:"description,omitempty"`
	Vdus                []VnfdVdu                `json:"vdus"`
	Storages            []VnfdStorage            `json:"storages"`
	VirtualLinks        []VnfdVirtualLink        `json:"virtualLinks"`
	Cps                 []VnfdCp                 `json:"cps"`
	ScalingAspects      []VnfdAspect             `json:"scalingAspects"`
	InstantiationLevels []VnfdLevel              `json:"instantiationLevels"`
	DefaultLevel        string                   `json:"defaultLevel,omitempty"`
	Operations          map[string]VnfdOperation `json:"operations"` // by name: INSTANTIATE
}

// VnfdVdu is a VDU.
type VnfdVdu struct {
	VduId       string   `json:"vduId"`
	Name        string   `json:"name,omitempty"`
	Description string   `json:"description,omitempty"`
	Min         int      `json:"min"` // VNFCs
	Max         int      `json:"max"`
	Vcpus       int      `json:"vcpus"`
	MemoryBytes int64    `json:"memoryBytes"`
	DiskBytes   int64    `json:"diskBytes"`
	Image       string   `json:"image,omitempty"`
	Storages    []string `json:"storages"`
	Container   bool     `json:"container,omitempty"`
}

// VnfdStorage is a virtual storage.
type VnfdStorage struct {
	VirtualStorageDescId string `json:"virtualStorageDescId"`
	Type                 string `json:"type"`
	SizeBytes            int64  `json:"sizeBytes"`
	PerVnfc              bool   `json:"perVnfcInstance"`
}

// VnfdVirtualLink is a virtual link inside the VNF.
type VnfdVirtualLink struct {
	VnfVirtualLinkDescId string   `json:"vnfVirtualLinkDescId"`
	Cidrs                []string `json:"cidrs"`
	ExternallyManaged    string   `json:"externallyManaged,omitempty"` // required, allowed
}

// VnfdCp is a connection point: of a VDU, or an external one of a link inside.
type VnfdCp struct {
	CpdId             string `json:"cpdId"`
	VduId             string `json:"vduId,omitempty"`
	VirtualLinkDescId string `json:"virtualLinkDescId,omitempty"` // inside; absent when it is external
	External          bool   `json:"external"`
}

// VnfdAspect is a scaling aspect.
type VnfdAspect struct {
	AspectId      string           `json:"aspectId"`
	Name          string           `json:"name,omitempty"`
	Description   string           `json:"description,omitempty"`
	MaxScaleLevel int              `json:"maxScaleLevel"`
	Steps         map[string][]int `json:"steps"` // by VDU: how many VNFCs step n adds
}

// VnfdLevel is an instantiation level.
type VnfdLevel struct {
	LevelId     string         `json:"levelId"`
	Description string         `json:"description,omitempty"`
	ScaleInfo   map[string]int `json:"scaleInfo,omitempty"` // by aspect
	Vnfcs       map[string]int `json:"vnfcs"`               // by VDU
}

// VnfdOperation is what the descriptor says of an operation.
type VnfdOperation struct {
	AdditionalParams json.RawMessage `json:"additionalParamsSchema,omitempty"` // JSON Schema
	OnFailure        string          `json:"onFailure,omitempty"`              // rollback, hold; absent: the settings say
}

package sol

import "encoding/json"

// VnfConfiguration is the configuration of a VNF (SOL002 v3.7.1 §9.5.2.2).
type VnfConfiguration struct {
	VnfConfigurationData  VnfConfigurationData    `json:"vnfConfigurationData"`
	VnfcConfigurationData []VnfcConfigurationData `json:"vnfcConfigurationData,omitempty"`
}

// VnfConfigModifications is a modification of it (SOL002 v3.7.1 §9.5.2.3).
type VnfConfigModifications struct {
	VnfConfigurationData           *VnfConfigurationData   `json:"vnfConfigurationData,omitempty"`
	VnfcConfigurationData          []VnfcConfigurationData `json:"vnfcConfigurationData,omitempty"`
	VnfcConfigurationDataDeleteIds []string                `json:"vnfcConfigurationDataDeleteIds,omitempty"`
}

// VnfConfigurationData is what concerns the whole VNF (SOL002 v3.7.1 §9.5.3.2).
type VnfConfigurationData struct {
	ExtCpConfig     []CpConfiguration `json:"extCpConfig,omitempty"`
	VnfSpecificData KeyValuePairs     `json:"vnfSpecificData,omitempty"`
}

// VnfcConfigurationData is what concerns one VNFC (SOL002 v3.7.1 §9.5.3.3).
type VnfcConfigurationData struct {
	VnfcInstanceId   string            `json:"vnfcInstanceId"`
	IntCpConfig      []CpConfiguration `json:"intCpConfig,omitempty"`
	VnfcSpecificData KeyValuePairs     `json:"vnfcSpecificData,omitempty"`
}

// CpConfiguration is the configuration of a connection point (SOL002 v3.7.1 §9.5.3.4).
type CpConfiguration struct {
	CpId      string      `json:"cpId"`
	CpdId     string      `json:"cpdId"`
	Addresses []CpAddress `json:"addresses"`
}

// CpAddress is an address of a connection point (SOL002 v3.7.1 §9.5.3.5).
type CpAddress struct {
	Address           *CpLayerAddress `json:"address,omitempty"`
	UseDynamicAddress *bool           `json:"useDynamicAddress,omitempty"`
	Port              *int            `json:"port,omitempty"`
}

// CpLayerAddress is an address of layer 2, of layer 3, or both.
type CpLayerAddress struct {
	MacAddress string `json:"macAddress,omitempty"`
	IpAddress  string `json:"ipAddress,omitempty"`
}

// LcmCoordRequest asks to coordinate an LCM operation (SOL002 v3.7.1 §10.5.2.2).
type LcmCoordRequest struct {
	VnfInstanceId          string          `json:"vnfInstanceId"`
	VnfLcmOpOccId          string          `json:"vnfLcmOpOccId"`
	LcmOperationType       string          `json:"lcmOperationType"`
	CoordinationActionName string          `json:"coordinationActionName"`
	InputParams            json.RawMessage `json:"inputParams,omitempty"`
	Links                  LcmCoordLinks   `json:"_links"`
}

// LcmCoord is a coordination that has ended (SOL002 v3.7.1 §10.5.2.3).
type LcmCoord struct {
	Id                     string          `json:"id"`
	CoordinationResult     string          `json:"coordinationResult"`
	VnfInstanceId          string          `json:"vnfInstanceId"`
	VnfLcmOpOccId          string          `json:"vnfLcmOpOccId"`
	LcmOperationType       string          `json:"lcmOperationType"`
	CoordinationActionName string          `json:"coordinationActionName"`
	OutputParams           json.RawMessage `json:"outputParams,omitempty"`
	Warnings               string          `json:"warnings,omitempty"`
	Error                  *ProblemDetails `json:"error,omitempty"`
	Links                  LcmCoordLinks   `json:"_links"`
}

// LcmCoordLinks is the links of a coordination; a request's have no self.
type LcmCoordLinks struct {
	Self        *Link `json:"self,omitempty"`
	VnfLcmOpOcc Link  `json:"vnfLcmOpOcc"`
	VnfInstance Link  `json:"vnfInstance"`
}

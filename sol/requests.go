package sol

import "encoding/json"

// NotDone is an attribute of some release of the standard, or of SOL002, that asks for what this program does not do. A request in
// which it says anything is refused: to look past it would be to do something else than was asked for.
type NotDone json.RawMessage

// UnmarshalJSON keeps the value as it is.
func (n *NotDone) UnmarshalJSON(b []byte) error {
	*n = append((*n)[:0], b...)
	return nil
}

// CreateVnfRequest asks for a VNF instance (SOL003 v3.7.1 §5.5.2.3).
type CreateVnfRequest struct {
	VnfdId                 string        `json:"vnfdId"`
	VnfInstanceName        string        `json:"vnfInstanceName,omitempty"`
	VnfInstanceDescription string        `json:"vnfInstanceDescription,omitempty"`
	Metadata               KeyValuePairs `json:"metadata,omitempty"`

	CertificateConfigurationData NotDone `json:"certificateConfigurationData,omitempty"` // v4.3.1
}

// InstantiateVnfRequest asks to instantiate one (SOL003 v3.7.1 §5.5.2.4).
type InstantiateVnfRequest struct {
	FlavourId                 string                       `json:"flavourId"`
	InstantiationLevelId      string                       `json:"instantiationLevelId,omitempty"`
	ExtVirtualLinks           []ExtVirtualLinkData         `json:"extVirtualLinks,omitempty"`
	ExtManagedVirtualLinks    []ExtManagedVirtualLinkData  `json:"extManagedVirtualLinks,omitempty"`
	VimConnectionInfo         map[string]VimConnectionInfo `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`
	LocalizationLanguage      string                       `json:"localizationLanguage,omitempty"`
	AdditionalParams          KeyValuePairs                `json:"additionalParams,omitempty"`
	Extensions                KeyValuePairs                `json:"extensions,omitempty"`
	VnfConfigurableProperties KeyValuePairs                `json:"vnfConfigurableProperties,omitempty"`

	TargetScaleLevelInfo     NotDone `json:"targetScaleLevelInfo,omitempty"`     // v4.1.1
	SelectedDeployableModule NotDone `json:"selectedDeployableModule,omitempty"` // v4.4.1
}

// VnfInfoModificationRequest is a merge patch (RFC 7396) of the information about a VNF instance (SOL003 v3.7.1 §5.5.2.12): what
// is absent stays, null removes.
type VnfInfoModificationRequest struct {
	VnfInstanceName           json.RawMessage            `json:"vnfInstanceName,omitempty"`
	VnfInstanceDescription    json.RawMessage            `json:"vnfInstanceDescription,omitempty"`
	VnfdId                    json.RawMessage            `json:"vnfdId,omitempty"`
	VnfConfigurableProperties KeyValuePairs              `json:"vnfConfigurableProperties,omitempty"`
	Metadata                  KeyValuePairs              `json:"metadata,omitempty"`
	Extensions                KeyValuePairs              `json:"extensions,omitempty"`
	VimConnectionInfo         map[string]json.RawMessage `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`

	// VnfcInfoModifications is SOL002's (v3.7.1 §5.5.2.12); its delete ids are of an older release.
	VnfcInfoModifications          []VnfcInfoModifications `json:"vnfcInfoModifications,omitempty"`
	VnfcInfoModificationsDeleteIds NotDone                 `json:"vnfcInfoModificationsDeleteIds,omitempty"`
}

// VnfcInfoModifications modifies the information about one VNFC (SOL002 v3.7.1 §5.5.3.24): a merge patch of its properties.
type VnfcInfoModifications struct {
	Id                         string        `json:"id"`
	VnfcConfigurableProperties KeyValuePairs `json:"vnfcConfigurableProperties"`
}

// TerminationType says how a VNF is terminated.
type TerminationType string

// The termination types.
const (
	TerminateForceful TerminationType = "FORCEFUL"
	TerminateGraceful TerminationType = "GRACEFUL"
)

// Values lists the termination types.
func (TerminationType) Values() []string {
	return []string{string(TerminateForceful), string(TerminateGraceful)}
}

// TerminateVnfRequest asks to terminate a VNF instance (SOL003 v3.7.1 §5.5.2.8).
type TerminateVnfRequest struct {
	TerminationType            TerminationType `json:"terminationType"`
	GracefulTerminationTimeout *int            `json:"gracefulTerminationTimeout,omitempty"` // seconds
	AdditionalParams           KeyValuePairs   `json:"additionalParams,omitempty"`
}

// OperationalStates is a state that a VNF, or one of its VNFCs, is to be brought to.
type OperationalStates string

// The operational states.
const (
	Started OperationalStates = "STARTED"
	Stopped OperationalStates = "STOPPED"
)

// Values lists the operational states.
func (OperationalStates) Values() []string { return []string{string(Started), string(Stopped)} }

// StopType says how a VNF is stopped.
type StopType string

// The stop types.
const (
	StopForceful StopType = "FORCEFUL"
	StopGraceful StopType = "GRACEFUL"
)

// Values lists the stop types.
func (StopType) Values() []string { return []string{string(StopForceful), string(StopGraceful)} }

// OperateVnfRequest asks to start or stop a VNF instance (SOL003 v3.7.1 §5.5.2.10).
type OperateVnfRequest struct {
	// VnfcInstanceId names the VNFCs, by the id of their VnfcInfo; empty: all. It is SOL002's (v3.7.1 §5.5.2.10); SOL003 has
	// it not, and does not forbid it.
	VnfcInstanceId      []string          `json:"vnfcInstanceId,omitempty"`
	ChangeStateTo       OperationalStates `json:"changeStateTo"`
	StopType            StopType          `json:"stopType,omitempty"`            // of STOPPED; absent is FORCEFUL
	GracefulStopTimeout *int              `json:"gracefulStopTimeout,omitempty"` // seconds
	AdditionalParams    KeyValuePairs     `json:"additionalParams,omitempty"`
}

// ScaleType is a direction to scale to.
type ScaleType string

// The directions.
const (
	ScaleOut ScaleType = "SCALE_OUT"
	ScaleIn  ScaleType = "SCALE_IN"
)

// Values lists the directions.
func (ScaleType) Values() []string { return []string{string(ScaleOut), string(ScaleIn)} }

// ScaleVnfRequest asks to scale a VNF instance by steps of an aspect (SOL003 v3.7.1 §5.5.2.5).
type ScaleVnfRequest struct {
	Type             ScaleType     `json:"type"`
	AspectId         string        `json:"aspectId"`
	NumberOfSteps    *int          `json:"numberOfSteps,omitempty"` // absent is 1
	AdditionalParams KeyValuePairs `json:"additionalParams,omitempty"`
}

// ScaleVnfToLevelRequest asks to scale a VNF instance to a level (SOL003 v3.7.1 §5.5.2.6). It has one of the first two.
type ScaleVnfToLevelRequest struct {
	InstantiationLevelId string        `json:"instantiationLevelId,omitempty"`
	ScaleInfo            []ScaleInfo   `json:"scaleInfo,omitempty"`
	AdditionalParams     KeyValuePairs `json:"additionalParams,omitempty"`
}

// HealVnfRequest asks to heal a VNF instance (SOL003 v3.7.1 §5.5.2.9).
type HealVnfRequest struct {
	// VnfcInstanceId names the VNFCs, by the id of their VnfcInfo; empty: the whole VNF. It and HealScript are SOL002's (v3.7.1
	// §5.5.2.9); SOL003 has them not, and does not forbid them.
	VnfcInstanceId   []string      `json:"vnfcInstanceId,omitempty"`
	Cause            string        `json:"cause,omitempty"`
	AdditionalParams KeyValuePairs `json:"additionalParams,omitempty"`
	HealScript       string        `json:"healScript,omitempty"` // none is run
}

// ChangeExtVnfConnectivityRequest asks to connect external connection points in another way (SOL003 v3.7.1 §5.5.2.11). What its links
// do not name stays as it is; a configuration that is null is taken away.
type ChangeExtVnfConnectivityRequest struct {
	ExtVirtualLinks   []ExtVirtualLinkData         `json:"extVirtualLinks"`
	VimConnectionInfo map[string]VimConnectionInfo `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`
	AdditionalParams  KeyValuePairs                `json:"additionalParams,omitempty"`

	CertificateConfigurationData NotDone `json:"certificateConfigurationData,omitempty"` // v4.5.1
}

// ChangeVnfFlavourRequest asks to give a VNF another deployment flavour (SOL003 v3.7.1 §5.5.2.7). Its external links are laid over those
// that the VNF has.
type ChangeVnfFlavourRequest struct {
	NewFlavourId              string                       `json:"newFlavourId"`
	InstantiationLevelId      string                       `json:"instantiationLevelId,omitempty"`
	ExtVirtualLinks           []ExtVirtualLinkData         `json:"extVirtualLinks,omitempty"`
	ExtManagedVirtualLinks    []ExtManagedVirtualLinkData  `json:"extManagedVirtualLinks,omitempty"`
	VimConnectionInfo         map[string]VimConnectionInfo `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`
	AdditionalParams          KeyValuePairs                `json:"additionalParams,omitempty"`
	Extensions                KeyValuePairs                `json:"extensions,omitempty"`
	VnfConfigurableProperties KeyValuePairs                `json:"vnfConfigurableProperties,omitempty"`

	TargetScaleLevelInfo         NotDone `json:"targetScaleLevelInfo,omitempty"`         // v4.1.1
	SelectedDeployableModule     NotDone `json:"selectedDeployableModule,omitempty"`     // v4.4.1
	CertificateConfigurationData NotDone `json:"certificateConfigurationData,omitempty"` // v4.5.1
}

// ChangeCurrentVnfPkgRequest asks to make a VNF one of another package (SOL003 v3.7.1 §5.5.2.11a). Its external links are laid over those
// that the VNF has.
type ChangeCurrentVnfPkgRequest struct {
	VnfdId                    string                       `json:"vnfdId"`
	ExtVirtualLinks           []ExtVirtualLinkData         `json:"extVirtualLinks,omitempty"`
	ExtManagedVirtualLinks    []ExtManagedVirtualLinkData  `json:"extManagedVirtualLinks,omitempty"`
	VimConnectionInfo         map[string]VimConnectionInfo `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`
	AdditionalParams          KeyValuePairs                `json:"additionalParams,omitempty"`
	Extensions                KeyValuePairs                `json:"extensions,omitempty"`
	VnfConfigurableProperties KeyValuePairs                `json:"vnfConfigurableProperties,omitempty"`

	SelectedDeployableModule     NotDone `json:"selectedDeployableModule,omitempty"`     // v4.4.1
	CertificateConfigurationData NotDone `json:"certificateConfigurationData,omitempty"` // v4.5.1
}

// CancelModeType says how an operation is cancelled.
type CancelModeType string

// The cancel modes.
const (
	CancelGraceful CancelModeType = "GRACEFUL"
	CancelForceful CancelModeType = "FORCEFUL"
)

// Values lists the cancel modes.
func (CancelModeType) Values() []string {
	return []string{string(CancelGraceful), string(CancelForceful)}
}

// CancelMode asks to cancel an operation (SOL003 v3.7.1 §5.5.2.14).
type CancelMode struct {
	CancelMode CancelModeType `json:"cancelMode"`
}

// ExtVirtualLinkData is an external virtual link to connect to.
type ExtVirtualLinkData struct {
	Id                 string            `json:"id"`
	VimConnectionId    string            `json:"vimConnectionId,omitempty"`
	ResourceProviderId string            `json:"resourceProviderId,omitempty"`
	ResourceId         string            `json:"resourceId"`
	ExtCps             []VnfExtCpData    `json:"extCps" take:"empty"` // 1..N; a link that connects nothing harms nobody, and clients send it
	ExtLinkPorts       []ExtLinkPortData `json:"extLinkPorts,omitempty"`

	ExtNetAttDefResourceData NotDone `json:"extNetAttDefResourceData,omitempty"` // v4.1.1
}

// ExtLinkPortData is a port on an external link made by someone else.
type ExtLinkPortData struct {
	Id              string         `json:"id"`
	ResourceHandle  ResourceHandle `json:"resourceHandle"`
	TrunkResourceId string         `json:"trunkResourceId,omitempty"`
}

// VnfExtCpData is how the external connection points of one CPD are connected. A nil configuration is a null, which removes one
// that is there (RFC 7396).
type VnfExtCpData struct {
	CpdId    string                     `json:"cpdId"`
	CpConfig map[string]*VnfExtCpConfig `json:"cpConfig,omitempty"`
}

// VnfExtCpConfig configures one external connection point. At least one of linkPortId and cpProtocolData is present.
type VnfExtCpConfig struct {
	ParentCpConfigId  string           `json:"parentCpConfigId,omitempty"`
	LinkPortId        string           `json:"linkPortId,omitempty"`
	CreateExtLinkPort bool             `json:"createExtLinkPort,omitempty"`
	CpProtocolData    []CpProtocolData `json:"cpProtocolData,omitempty"`

	NetAttDefResourceId NotDone `json:"netAttDefResourceId,omitempty"` // v4.1.1
}

// LayerProtocol is a protocol layer of a connection point.
type LayerProtocol string

// IPOverEthernet is the only layer protocol there is.
const IPOverEthernet LayerProtocol = "IP_OVER_ETHERNET"

// Values lists the layer protocols.
func (LayerProtocol) Values() []string { return []string{string(IPOverEthernet)} }

// CpProtocolData is the protocol data wanted on a connection point.
type CpProtocolData struct {
	LayerProtocol  LayerProtocol              `json:"layerProtocol"`
	IpOverEthernet *IpOverEthernetAddressData `json:"ipOverEthernet,omitempty"`

	VirtualCpAddress NotDone `json:"virtualCpAddress,omitempty"` // v4.1.1
}

// IpOverEthernetAddressData is the addresses wanted. At least one of macAddress and ipAddresses is present.
type IpOverEthernetAddressData struct {
	MacAddress       string           `json:"macAddress,omitempty"`
	SegmentationType SegmentationType `json:"segmentationType,omitempty"`
	SegmentationId   string           `json:"segmentationId,omitempty"`
	IpAddresses      []IpAddressData  `json:"ipAddresses,omitempty"`
}

// SegmentationType says how the traffic of a trunk's subport is told from that of others.
type SegmentationType string

// The segmentation types.
const (
	SegmentationVlan    SegmentationType = "VLAN"
	SegmentationInherit SegmentationType = "INHERIT"
)

// Values lists the segmentation types.
func (SegmentationType) Values() []string {
	return []string{string(SegmentationVlan), string(SegmentationInherit)}
}

// IpType is a version of IP.
type IpType string

// The IP versions.
const (
	IPv4 IpType = "IPV4"
	IPv6 IpType = "IPV6"
)

// Values lists the IP versions.
func (IpType) Values() []string { return []string{string(IPv4), string(IPv6)} }

// IpAddressData is addresses wanted from one subnet: exactly one of fixedAddresses, numDynamicAddresses, addressRange.
type IpAddressData struct {
	Type                IpType          `json:"type"`
	FixedAddresses      []string        `json:"fixedAddresses,omitempty"`
	NumDynamicAddresses int             `json:"numDynamicAddresses,omitempty"`
	AddressRange        *IpAddressRange `json:"addressRange,omitempty"`
	SubnetId            string          `json:"subnetId,omitempty"`
}

// IpAddressRange is a range of addresses.
type IpAddressRange struct {
	MinAddress string `json:"minAddress"`
	MaxAddress string `json:"maxAddress"`
}

// ExtManagedVirtualLinkData is an internal link provided from outside.
type ExtManagedVirtualLinkData struct {
	Id                   string `json:"id"`
	VnfVirtualLinkDescId string `json:"vnfVirtualLinkDescId"`
	VimConnectionId      string `json:"vimConnectionId,omitempty"`
	ResourceProviderId   string `json:"resourceProviderId,omitempty"`
	ResourceId           string `json:"resourceId"`

	VnfLinkPort                      NotDone `json:"vnfLinkPort,omitempty"`
	ExtManagedMultisiteVirtualLinkId NotDone `json:"extManagedMultisiteVirtualLinkId,omitempty"`
	ExtNetAttDefResourceData         NotDone `json:"extNetAttDefResourceData,omitempty"` // v4.1.1
}

package sol

// VnfInstance is a VNF instance (SOL003 v3.7.1 §5.5.2.2).
type VnfInstance struct {
	Id                        string                       `json:"id"`
	VnfInstanceName           string                       `json:"vnfInstanceName,omitempty"`
	VnfInstanceDescription    string                       `json:"vnfInstanceDescription,omitempty"`
	VnfdId                    string                       `json:"vnfdId"`
	VnfProvider               string                       `json:"vnfProvider"`
	VnfProductName            string                       `json:"vnfProductName"`
	VnfSoftwareVersion        string                       `json:"vnfSoftwareVersion"`
	VnfdVersion               string                       `json:"vnfdVersion"`
	VnfConfigurableProperties KeyValuePairs                `json:"vnfConfigurableProperties,omitempty"`
	VimConnectionInfo         map[string]VimConnectionInfo `json:"vimConnectionInfo,omitempty" only:"Or-Vnfm"`
	InstantiationState        string                       `json:"instantiationState"`
	InstantiatedVnfInfo       *InstantiatedVnfInfo         `json:"instantiatedVnfInfo,omitempty"`
	Metadata                  KeyValuePairs                `json:"metadata,omitempty"`
	Extensions                KeyValuePairs                `json:"extensions,omitempty"`
	Links                     VnfInstanceLinks             `json:"_links"`
}

// VnfInstanceLinks is the links of a VNF instance. A task's is present while the task is possible.
type VnfInstanceLinks struct {
	Self                Link  `json:"self"`
	Instantiate         *Link `json:"instantiate,omitempty"`
	Terminate           *Link `json:"terminate,omitempty"`
	Scale               *Link `json:"scale,omitempty"`
	ScaleToLevel        *Link `json:"scaleToLevel,omitempty"`
	Heal                *Link `json:"heal,omitempty"`
	Operate             *Link `json:"operate,omitempty"`
	ChangeExtConn       *Link `json:"changeExtConn,omitempty"`
	ChangeFlavour       *Link `json:"changeFlavour,omitempty"`
	ChangeCurrentVnfPkg *Link `json:"changeCurrentVnfPkg,omitempty"`
	CreateSnapshot      *Link `json:"createSnapshot,omitempty"`
	RevertToSnapshot    *Link `json:"revertToSnapshot,omitempty"`
}

// InstantiatedVnfInfo is what an instantiated VNF consists of.
type InstantiatedVnfInfo struct {
	FlavourId                  string                       `json:"flavourId"`
	VnfState                   string                       `json:"vnfState"`
	ScaleStatus                []ScaleInfo                  `json:"scaleStatus,omitempty"`
	MaxScaleLevels             []ScaleInfo                  `json:"maxScaleLevels,omitempty"`
	ExtCpInfo                  []VnfExtCpInfo               `json:"extCpInfo"`
	ExtVirtualLinkInfo         []ExtVirtualLinkInfo         `json:"extVirtualLinkInfo,omitempty"`
	ExtManagedVirtualLinkInfo  []ExtManagedVirtualLinkInfo  `json:"extManagedVirtualLinkInfo,omitempty"`
	MonitoringParameters       []MonitoringParameter        `json:"monitoringParameters,omitempty"`
	LocalizationLanguage       string                       `json:"localizationLanguage,omitempty"`
	VnfcResourceInfo           []VnfcResourceInfo           `json:"vnfcResourceInfo,omitempty"`
	VnfVirtualLinkResourceInfo []VnfVirtualLinkResourceInfo `json:"vnfVirtualLinkResourceInfo,omitempty"`
	VirtualStorageResourceInfo []VirtualStorageResourceInfo `json:"virtualStorageResourceInfo,omitempty"`
	// VnfcInfo is SOL002's (v3.7.1 §5.5.2.2). SOL003 has it not, and does not forbid it.
	VnfcInfo []VnfcInfo `json:"vnfcInfo,omitempty"`
}

// VnfcInfo is one VNFC as element managers see it (SOL002 v3.7.1).
type VnfcInfo struct {
	Id                         string        `json:"id"`
	VduId                      string        `json:"vduId"`
	VnfdId                     string        `json:"vnfdId,omitempty"`
	VnfcResourceInfoId         string        `json:"vnfcResourceInfoId,omitempty"`
	VnfcState                  string        `json:"vnfcState"`
	VnfcConfigurableProperties KeyValuePairs `json:"vnfcConfigurableProperties,omitempty"`
}

// ScaleInfo is the scale level of one aspect.
type ScaleInfo struct {
	AspectId   string `json:"aspectId"`
	VnfdId     string `json:"vnfdId,omitempty"`
	ScaleLevel int    `json:"scaleLevel"`
}

// MonitoringParameter is a monitored metric.
type MonitoringParameter struct {
	Id                string `json:"id"`
	VnfdId            string `json:"vnfdId,omitempty"`
	Name              string `json:"name,omitempty"`
	PerformanceMetric string `json:"performanceMetric"`
}

// VnfcResourceInfo is one VNFC and its compute resource.
type VnfcResourceInfo struct {
	Id                 string         `json:"id"`
	VduId              string         `json:"vduId"`
	VnfdId             string         `json:"vnfdId,omitempty"`
	ComputeResource    ResourceHandle `json:"computeResource"`
	ZoneId             string         `json:"zoneId,omitempty" only:"Or-Vnfm"`
	StorageResourceIds []string       `json:"storageResourceIds,omitempty"`
	VnfcCpInfo         []VnfcCpInfo   `json:"vnfcCpInfo,omitempty"`
	Metadata           KeyValuePairs  `json:"metadata,omitempty"`
}

// VnfcCpInfo is a connection point of a VNFC.
type VnfcCpInfo struct {
	Id             string           `json:"id"`
	CpdId          string           `json:"cpdId"`
	VnfExtCpId     string           `json:"vnfExtCpId,omitempty"`
	CpProtocolInfo []CpProtocolInfo `json:"cpProtocolInfo,omitempty"`
	VnfLinkPortId  string           `json:"vnfLinkPortId,omitempty"`
	ParentCpId     string           `json:"parentCpId,omitempty"`
	Metadata       KeyValuePairs    `json:"metadata,omitempty"`
}

// VnfVirtualLinkResourceInfo is an internal virtual link and its network.
type VnfVirtualLinkResourceInfo struct {
	Id                   string            `json:"id"`
	VnfVirtualLinkDescId string            `json:"vnfVirtualLinkDescId"`
	VnfdId               string            `json:"vnfdId,omitempty"`
	NetworkResource      ResourceHandle    `json:"networkResource"`
	ZoneId               string            `json:"zoneId,omitempty" only:"Or-Vnfm"`
	VnfLinkPorts         []VnfLinkPortInfo `json:"vnfLinkPorts,omitempty"`
}

// VnfLinkPortInfo is a port on an internal link.
type VnfLinkPortInfo struct {
	Id             string         `json:"id"`
	ResourceHandle ResourceHandle `json:"resourceHandle"`
	CpInstanceId   string         `json:"cpInstanceId,omitempty"`
	CpInstanceType string         `json:"cpInstanceType,omitempty"`
}

// VirtualStorageResourceInfo is a virtual storage.
type VirtualStorageResourceInfo struct {
	Id                   string         `json:"id"`
	VirtualStorageDescId string         `json:"virtualStorageDescId"`
	VnfdId               string         `json:"vnfdId,omitempty"`
	StorageResource      ResourceHandle `json:"storageResource"`
	ZoneId               string         `json:"zoneId,omitempty" only:"Or-Vnfm"`
}

// VnfExtCpInfo is an external connection point. Exactly one of the associated attributes is present.
type VnfExtCpInfo struct {
	Id                         string           `json:"id"`
	CpdId                      string           `json:"cpdId"`
	CpConfigId                 string           `json:"cpConfigId"`
	VnfdId                     string           `json:"vnfdId,omitempty"`
	CpProtocolInfo             []CpProtocolInfo `json:"cpProtocolInfo"`
	ExtLinkPortId              string           `json:"extLinkPortId,omitempty"`
	AssociatedVnfcCpId         string           `json:"associatedVnfcCpId,omitempty"`
	AssociatedVnfVirtualLinkId string           `json:"associatedVnfVirtualLinkId,omitempty"`
}

// CpProtocolInfo is the protocol information of a connection point.
type CpProtocolInfo struct {
	LayerProtocol  string                     `json:"layerProtocol"`
	IpOverEthernet *IpOverEthernetAddressInfo `json:"ipOverEthernet,omitempty"`
}

// IpOverEthernetAddressInfo is the addresses a connection point has.
type IpOverEthernetAddressInfo struct {
	MacAddress  string          `json:"macAddress,omitempty"`
	IpAddresses []IpAddressInfo `json:"ipAddresses,omitempty"`
}

// IpAddressInfo is addresses of one type from one subnet.
type IpAddressInfo struct {
	Type      string   `json:"type"`
	Addresses []string `json:"addresses,omitempty"`
	IsDynamic bool     `json:"isDynamic,omitempty"`
	SubnetId  string   `json:"subnetId,omitempty"`
}

// ExtVirtualLinkInfo is an external virtual link the VNF is connected to.
type ExtVirtualLinkInfo struct {
	Id                  string            `json:"id"`
	ResourceHandle      ResourceHandle    `json:"resourceHandle"`
	ExtLinkPorts        []ExtLinkPortInfo `json:"extLinkPorts,omitempty"`
	CurrentVnfExtCpData []VnfExtCpData    `json:"currentVnfExtCpData"`
}

// ExtLinkPortInfo is a port on an external link.
type ExtLinkPortInfo struct {
	Id              string         `json:"id"`
	ResourceHandle  ResourceHandle `json:"resourceHandle"`
	CpInstanceId    string         `json:"cpInstanceId,omitempty"`
	TrunkResourceId string         `json:"trunkResourceId,omitempty"`
}

// ExtManagedVirtualLinkInfo is an internal link provided from outside.
type ExtManagedVirtualLinkInfo struct {
	Id                   string            `json:"id"`
	VnfVirtualLinkDescId string            `json:"vnfVirtualLinkDescId"`
	VnfdId               string            `json:"vnfdId,omitempty"`
	NetworkResource      ResourceHandle    `json:"networkResource"`
	VnfLinkPorts         []VnfLinkPortInfo `json:"vnfLinkPorts,omitempty"`
}

package vnf

import (
	"encoding/json"
	"slices"
	"time"
)

// InstantiationState is the state of an instance (SOL003 v3.7.1 §5.5.2.2).
type InstantiationState string

// The instantiation states.
const (
	NotInstantiated InstantiationState = "NOT_INSTANTIATED"
	Instantiated    InstantiationState = "INSTANTIATED"
)

// Instance is the state of the VnfInstance aggregate, and, as JSON, the document of its view.
type Instance struct {
	ID               string                     `json:"id"`
	Name             string                     `json:"name,omitempty"`
	Description      string                     `json:"description,omitempty"`
	VnfdID           string                     `json:"vnfdId"`
	VnfdVersion      string                     `json:"vnfdVersion"`
	Provider         string                     `json:"provider"`
	ProductName      string                     `json:"productName"`
	SoftwareVersion  string                     `json:"softwareVersion"`
	PackageID        string                     `json:"packageId"`
	DescriptorDigest string                     `json:"descriptorDigest"` // pinned
	State            InstantiationState         `json:"state"`
	Configurable     map[string]json.RawMessage `json:"configurableProperties,omitempty"`
	Extensions       map[string]json.RawMessage `json:"extensions,omitempty"`
	Metadata         map[string]json.RawMessage `json:"metadata,omitempty"`
	// Connections are the VIM connections in use, and those the VNF has of its own, by vimConnectionId.
	Connections map[string]VimConnection `json:"vimConnections,omitempty"`
	// Info is present when the instance is INSTANTIATED.
	Info *InstantiatedInfo `json:"instantiatedInfo,omitempty"`
	// Resources is everything held at VIMs for this instance, subnets and server groups included.
	Resources []Resource `json:"resources,omitempty"`
	// Values are what the boot data of VNFCs are filled in with, also of those made later. They are not shown to readers.
	Values map[string]string `json:"values,omitempty"`
	// Params are the parameters of the instantiation, with what later operations said of what containers are made of over them, what is secret
	// among them sealed: for later operations, and the configuration of the VNF after them. They are not shown to readers.
	Params json.RawMessage `json:"params,omitempty"`
	// Assets are what grants named at VIMs for what the VNFD names. They are not shown to readers.
	Assets *Assets `json:"vimAssets,omitempty"`
	// Scales says that its flavour has scaling aspects, so that readers need not look at all that it consists of.
	Scales bool `json:"scales,omitempty"`
	// Snapshots are those that were taken of it. They outlive its termination, and keep it from being deleted.
	Snapshots []SnapshotHeld `json:"snapshots,omitempty"`
	// Leftovers is what a failed operation left behind; DELETE is refused while there is any.
	Leftovers []Resource `json:"leftovers,omitempty"`
	// Drift is in what its resources differ from all that; nil: in nothing, as far as is known.
	Drift *Drift `json:"drift,omitempty"`
	// Operation is the id of the unfinished operation occurrence that holds the instance, "" when it is free.
	Operation string `json:"operation,omitempty"`
	// Coming is the id of the package that the instance is of once the operation lands, where that is another: it is in use as well.
	Coming string `json:"comingPackageId,omitempty"`
	// Cleanup is the id of the saga that releases the leftovers, "" when none runs.
	Cleanup string `json:"cleanup,omitempty"`
	// Operations counts the operations begun: the fencing token of the newest.
	Operations int64     `json:"operations"`
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`
	Deleted    bool      `json:"deleted,omitempty"`
	Version    int64     `json:"version"` // of the stream
}

// VimConnection is what an instance records of a VIM connection: never its credentials, which are masked.
type VimConnection struct {
	VimID         string                     `json:"vimId,omitempty"`
	Type          string                     `json:"vimType"`
	InterfaceInfo map[string]json.RawMessage `json:"interfaceInfo,omitempty"`
	AccessInfo    map[string]json.RawMessage `json:"accessInfo,omitempty"` // values masked
	Extra         map[string]json.RawMessage `json:"extra,omitempty"`
	// Own: the VNF has this of its own, over what is registered or in place of it.
	Own bool `json:"own,omitempty"`
}

// Resource is one resource held at a VIM.
type Resource struct {
	ID         string `json:"id"` // planned resource id: a UUID of ours
	Generation int    `json:"generation"`
	Kind       string `json:"kind"` // a vim.Kind
	Name       string `json:"name,omitempty"`
	Template   string `json:"template"` // VDU, VL, CPD or storage id in the VNFD; the rule's for a server group
	Definition string `json:"resourceDefinitionId,omitempty"`
	Connection string `json:"vimConnectionId"`
	VimID      string `json:"resourceId,omitempty"` // the VIM's id; "" when it is not known whether it exists
	VimType    string `json:"vimLevelResourceType,omitempty"`
	Zone       string `json:"zoneId,omitempty"`
	Stage      int    `json:"stage"` // order of creation; release goes backwards
	// Revision counts the specs wanted of this generation; 0 for what was made before specs were kept.
	Revision int `json:"revision,omitempty"`
	// Spec is what is wanted of it, as a vim.Spec: complete but for references to resources of the instance and boot data.
	// It is not shown to readers.
	Spec json.RawMessage `json:"spec,omitempty"`
	// Near is the resource whose VIM it shares, Members the computes of a server group.
	Near    string   `json:"near,omitempty"`
	Members []string `json:"members,omitempty"`
	// MAC and Addresses are what the VIM gave a port.
	MAC       string `json:"mac,omitempty"`
	Addresses []IP   `json:"addresses,omitempty"`
	// Pods are those of a container unit, as its VIM showed them last.
	Pods []Pod `json:"pods,omitempty"`
	// Off: it is a compute that is turned off.
	Off bool `json:"off,omitempty"`
	// VnfdID is the VNFD that it was made of, where a change of package to that was given up; "": the instance's.
	VnfdID string `json:"vnfdId,omitempty"`
	// Unsure: whether the spec of this revision stands, or the one before, is not known: an operation was given up in the
	// middle of a change.
	Unsure bool `json:"unsure,omitempty"`
	// MayBeGone: whether it stands at all is not known: an operation that was to make it again was given up when it had asked for
	// its release.
	MayBeGone bool `json:"mayBeGone,omitempty"`
	// Tried is the highest generation that an operation has tried to make in its place and did not leave behind; 0: none above its
	// own. A generation is never tried again.
	Tried int `json:"triedGeneration,omitempty"`
}

// Pod is a pod of a container unit.
type Pod struct {
	ID   string `json:"resourceId"` // the VIM's
	Name string `json:"name"`
	Node string `json:"node,omitempty"`
	Vdu  string `json:"vduId,omitempty"` // where the unit has pods of several
}

// InstantiatedInfo is what an instantiated VNF consists of (SOL003 v3.7.1 §5.5.2.2, instantiatedVnfInfo).
type InstantiatedInfo struct {
	FlavourID      string                `json:"flavourId"`
	Level          string                `json:"instantiationLevelId,omitempty"`
	VnfState       string                `json:"vnfState"` // STARTED, STOPPED
	ScaleStatus    []ScaleInfo           `json:"scaleStatus,omitempty"`
	MaxScaleLevels []ScaleInfo           `json:"maxScaleLevels,omitempty"`
	Localization   string                `json:"localizationLanguage,omitempty"`
	Vnfcs          []Vnfc                `json:"vnfcs"`
	Links          []VirtualLink         `json:"virtualLinks,omitempty"`
	Storages       []Storage             `json:"storages,omitempty"`
	ExtCps         []ExtCp               `json:"extCps,omitempty"`
	ExtLinks       []ExtVirtualLink      `json:"extVirtualLinks,omitempty"`
	ExtManaged     []ExtManagedLink      `json:"extManagedVirtualLinks,omitempty"`
	Monitoring     []MonitoringParameter `json:"monitoringParameters,omitempty"`
}

// Assets are what a grant named at VIMs for what the VNFD names. They are kept, since an orchestrator names all of them when a VNF is
// instantiated and when its package changes, and afterwards may name none (SOL003 v3.7.1 §9.5.2.3, note 3).
type Assets struct {
	Flavours []Asset `json:"computeResourceFlavours,omitempty"` // by VDU
	Images   []Asset `json:"softwareImages,omitempty"`          // by software image
}

// Asset is one at a VIM.
type Asset struct {
	ID         string `json:"id"`
	VimAssetID string `json:"vimAssetId"`
	Connection string `json:"vimConnectionId,omitempty"`
	Provider   string `json:"resourceProviderId,omitempty"`
}

// ScaleInfo is the level of one aspect.
type ScaleInfo struct {
	AspectID string `json:"aspectId"`
	Level    int    `json:"scaleLevel"`
}

// Handle names a resource at a VIM.
type Handle struct {
	Connection string `json:"vimConnectionId,omitempty"`
	Provider   string `json:"resourceProviderId,omitempty"` // of what a request names
	VimID      string `json:"resourceId"`
	VimType    string `json:"vimLevelResourceType,omitempty"`
}

// Vnfc is one VNFC: a compute with its connection points (vnfcResourceInfo).
type Vnfc struct {
	ID       string   `json:"id"`               // the compute's planned resource id; of a container one of its own
	UnitID   string   `json:"unitId,omitempty"` // of a container: the planned resource whose pod it is
	VduID    string   `json:"vduId"`
	Index    int      `json:"index"` // within its VDU, from 0
	Handle   Handle   `json:"computeResource"`
	Zone     string   `json:"zoneId,omitempty"`
	Storages []string `json:"storageResourceIds,omitempty"` // Storage ids
	Cps      []VnfcCp `json:"cps,omitempty"`
	// Configurable are its vnfcConfigurableProperties (SOL002 v3.7.1 §5.5.3.5), as they were set.
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"`
}

// VnfcCp is a connection point of a VNFC. An external one names its ExtCp, an internal one its link port.
type VnfcCp struct {
	ID         string   `json:"id"`
	CpdID      string   `json:"cpdId"`
	ExtCpID    string   `json:"vnfExtCpId,omitempty"`
	LinkPortID string   `json:"vnfLinkPortId,omitempty"`
	ParentID   string   `json:"parentCpId,omitempty"` // of a subport: the VnfcCp that is the parent of its trunk
	Addresses  Protocol `json:"cpProtocolInfo"`
}

// Protocol is the layer 2 and 3 addressing of a connection point.
type Protocol struct {
	MAC string `json:"macAddress,omitempty"`
	IPs []IP   `json:"ipAddresses,omitempty"`
}

// IP is an address of a connection point.
type IP struct {
	Type    string `json:"type"` // IPV4, IPV6
	Address string `json:"address"`
	Subnet  string `json:"subnetId,omitempty"` // the VIM's id
	Dynamic bool   `json:"isDynamic,omitempty"`
}

// VirtualLink is an internal virtual link (vnfVirtualLinkResourceInfo).
type VirtualLink struct {
	ID     string     `json:"id"`
	LinkID string     `json:"vnfVirtualLinkDescId"`
	Handle Handle     `json:"networkResource"`
	Zone   string     `json:"zoneId,omitempty"`
	Ports  []LinkPort `json:"vnfLinkPorts,omitempty"`
}

// LinkPort is a port on an internal link.
type LinkPort struct {
	ID     string `json:"id"`
	Handle Handle `json:"resourceHandle"`
	CpID   string `json:"cpInstanceId"`   // a VnfcCp or ExtCp
	CpType string `json:"cpInstanceType"` // VNFC_CP, EXT_CP
}

// Storage is a virtual storage (virtualStorageResourceInfo).
type Storage struct {
	ID        string `json:"id"`
	StorageID string `json:"virtualStorageDescId"`
	Handle    Handle `json:"storageResource"`
	Zone      string `json:"zoneId,omitempty"`
}

// ExtCp is an external connection point (extCpInfo). Exactly one of VnfcCpID and LinkID is set.
type ExtCp struct {
	ID         string   `json:"id"`
	CpdID      string   `json:"cpdId"`
	ConfigID   string   `json:"cpConfigId"`
	Addresses  Protocol `json:"cpProtocolInfo"`
	LinkPortID string   `json:"extLinkPortId,omitempty"`
	VnfcCpID   string   `json:"associatedVnfcCpId,omitempty"`
	LinkID     string   `json:"associatedVnfVirtualLinkId,omitempty"` // a VirtualLink id
}

// ExtVirtualLink is an external virtual link a VNF is connected to (extVirtualLinkInfo).
type ExtVirtualLink struct {
	ID     string      `json:"id"`
	Handle Handle      `json:"resourceHandle"`
	Ports  []ExtPort   `json:"extLinkPorts,omitempty"`
	Cps    []ExtCpData `json:"currentVnfExtCpData"`
}

// ExtPort is a port on an external link.
type ExtPort struct {
	ID     string `json:"id"`
	Handle Handle `json:"resourceHandle"`
	CpID   string `json:"cpInstanceId,omitempty"`
	Trunk  string `json:"trunkResourceId,omitempty"` // the VIM's, where the port is the parent of one
}

// ExtCpData is how external connection points are to be connected (VnfExtCpData), by CPD.
type ExtCpData struct {
	CpdID  string                 `json:"cpdId"`
	Config map[string]ExtCpConfig `json:"cpConfig"` // by cpConfigId
}

// ExtCpConfig configures one external connection point.
type ExtCpConfig struct {
	LinkPortID       string     `json:"linkPortId,omitempty"` // a port made by someone else
	CreatePort       bool       `json:"createExtLinkPort,omitempty"`
	Parent           string     `json:"parentCpConfigId,omitempty"` // of a subport: the configuration of the parent of its trunk
	MAC              string     `json:"macAddress,omitempty"`
	SegmentationType string     `json:"segmentationType,omitempty"`
	SegmentationID   string     `json:"segmentationId,omitempty"`
	IPs              []ExtCpIPs `json:"ipAddresses,omitempty"`
	NoIPs            bool       `json:"noIpAddresses,omitempty"` // a MAC address was asked for, and no other

	// Addresses of one subnet, as older programs wrote them. Addresses returns them.
	FixedIPs   []string `json:"fixedAddresses,omitempty"`
	Subnet     string   `json:"subnetId,omitempty"`
	DynamicIPs int      `json:"numDynamicAddresses,omitempty"`
}

// ExtCpIPs is addresses of one connection point from one subnet.
type ExtCpIPs struct {
	Type    string   `json:"type,omitempty"` // IPV4, IPV6; "" in what older programs wrote
	Fixed   []string `json:"fixedAddresses,omitempty"`
	Dynamic int      `json:"numDynamicAddresses,omitempty"` // that the VIM chooses
	Subnet  string   `json:"subnetId,omitempty"`            // the VIM's; "" lets the VIM choose
}

// Addresses returns the addresses that are wanted, whatever program wrote them down.
func (c ExtCpConfig) Addresses() []ExtCpIPs {
	if len(c.FixedIPs) == 0 && c.DynamicIPs == 0 {
		return c.IPs
	}
	return append([]ExtCpIPs{{Fixed: c.FixedIPs, Dynamic: c.DynamicIPs, Subnet: c.Subnet}}, c.IPs...)
}

// Wanted is how many addresses the connection point is to have.
func (c ExtCpConfig) Wanted() int {
	n := len(c.FixedIPs) + c.DynamicIPs
	for _, ips := range c.IPs {
		n += len(ips.Fixed) + ips.Dynamic
	}
	return n
}

// Static reports whether a configuration can serve one connection point only.
func (c ExtCpConfig) Static() bool {
	return c.LinkPortID != "" || c.MAC != "" || slices.ContainsFunc(c.Addresses(), func(ips ExtCpIPs) bool { return len(ips.Fixed) > 0 })
}

// ExtManagedLink is an internal link provided from outside (extManagedVirtualLinkInfo).
type ExtManagedLink struct {
	ID     string     `json:"id"`
	LinkID string     `json:"vnfVirtualLinkDescId"`
	Handle Handle     `json:"networkResource"`
	Ports  []LinkPort `json:"vnfLinkPorts,omitempty"`
}

// MonitoringParameter is a monitored metric of the instance.
type MonitoringParameter struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Metric string `json:"performanceMetric"`
}

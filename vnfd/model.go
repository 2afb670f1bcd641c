package vnfd

import "encoding/json"

// Descriptor is one VNFD. It is stored as JSON under its digest, which instances pin.
type Descriptor struct {
	ID              string    `json:"vnfdId"` // descriptor_id
	Version         string    `json:"vnfdVersion"`
	Provider        string    `json:"vnfProvider"`
	ProductName     string    `json:"vnfProductName"`
	SoftwareVersion string    `json:"vnfSoftwareVersion"`
	VnfmInfo        []string  `json:"vnfmInfo,omitempty"`
	Localization    []string  `json:"localizationLanguages,omitempty"`
	Flavours        []Flavour `json:"flavours"`
	// Declared children of the instance's maps, with the values they are created with (SOL003 v3.7.1 §5.5.2.2).
	Configurable []Property `json:"configurableProperties,omitempty"`
	Extensions   []Property `json:"extensions,omitempty"`
	Metadata     []Property `json:"metadata,omitempty"`
	// PackageChanges are what it says of changes from and to other packages.
	PackageChanges []PackageChange `json:"packageChanges,omitempty"`
}

// Flavour returns the flavour with an id.
func (d *Descriptor) Flavour(id string) (*Flavour, bool) {
	for i := range d.Flavours {
		if d.Flavours[i].ID == id {
			return &d.Flavours[i], true
		}
	}
	return nil, false
}

// Property is a declared property: its JSON schema, whether it must be set before instantiation, and its initial value.
type Property struct {
	Name     string          `json:"name"`
	Schema   json.RawMessage `json:"schema,omitempty"` // JSON Schema made from the TOSCA type
	Required bool            `json:"required,omitempty"`
	Initial  json.RawMessage `json:"initial,omitempty"` // absent: no initial value
	At       Position        `json:"at"`
}

// Flavour is one deployment flavour: a template of its own scope.
type Flavour struct {
	ID           string                `json:"flavourId"`
	Description  string                `json:"description,omitempty"`
	Vdus         []Vdu                 `json:"vdus"` // in declaration order, like all lists here
	Storages     []Storage             `json:"storages,omitempty"`
	Links        []VirtualLink         `json:"virtualLinks,omitempty"`
	Cps          []VduCp               `json:"vduCps,omitempty"`
	ExtCps       []ExtCp               `json:"extCps,omitempty"`
	Aspects      []Aspect              `json:"scalingAspects,omitempty"`
	Levels       []Level               `json:"instantiationLevels,omitempty"`
	DefaultLevel string                `json:"defaultLevel,omitempty"` // resolved per design.md §8; "" when there are no levels
	Affinity     []AffinityRule        `json:"affinityRules,omitempty"`
	Mciops       []Mciop               `json:"mciops,omitempty"`
	Monitoring   []MonitoringParameter `json:"monitoringParameters,omitempty"`
	// Operations holds what lcm_operations_configuration and the Vnflcm interface say, by SOL003 operation name
	// ("INSTANTIATE").
	Operations map[string]Operation `json:"operations,omitempty"`
	// Scripts are package scripts bound to life cycle operations; they are never run.
	Scripts []Script `json:"scripts,omitempty"`
	At      Position `json:"at"`
}

// Vdu is a Vdu.Compute (or a container VDU, which has no virtual machine part).
type Vdu struct {
	ID          string    `json:"vduId"` // node template name
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Min         int       `json:"min"` // vdu_profile
	Max         int       `json:"max"`
	Initial     *int      `json:"initialDelta,omitempty"` // VduInitialDelta
	VCPUs       int       `json:"vcpus"`
	MemoryBytes int64     `json:"memoryBytes"`
	DiskBytes   int64     `json:"diskBytes"`             // sum of virtual_local_storage
	FlavourName string    `json:"flavourName,omitempty"` // requested_additional_capability_name
	Image       *Image    `json:"image,omitempty"`
	Storages    []string  `json:"storages,omitempty"` // Storage ids, in order of requirement
	BootOrder   []string  `json:"bootOrder,omitempty"`
	BootData    *BootData `json:"bootData,omitempty"`
	Container   bool      `json:"container,omitempty"`
	// Mcio is the object that makes its pods, where the descriptor says (mcio_identification_data).
	Mcio         *Mcio      `json:"mcio,omitempty"`
	Configurable []Property `json:"configurableProperties,omitempty"`
	At           Position   `json:"at"`
}

// Mcio names an object of a container cluster.
type Mcio struct {
	Name string `json:"name"`
	Kind string `json:"type,omitempty"` // Deployment, StatefulSet, …
}

// Mciop is a Helm chart that makes the pods of VDUs (SOL001 v4.2.1, tosca.nodes.nfv.Mciop).
type Mciop struct {
	ID    string   `json:"mciopId"`         // node template name
	Chart string   `json:"chart,omitempty"` // path in the package; "" when it has none
	Vdus  []string `json:"vdus,omitempty"`
	After []string `json:"dependencies,omitempty"` // Mciops that stand before it
	At    Position `json:"at"`
}

// Image is a software image.
type Image struct {
	ID           string `json:"id"` // node template it belongs to
	Name         string `json:"name"`
	Version      string `json:"version,omitempty"`
	Checksum     string `json:"checksum,omitempty"` // "sha-256:hex", lower case
	Format       string `json:"diskFormat,omitempty"`
	Container    string `json:"containerFormat,omitempty"`
	MinDiskBytes int64  `json:"minDiskBytes,omitempty"`
	MinRAMBytes  int64  `json:"minRamBytes,omitempty"`
	SizeBytes    int64  `json:"sizeBytes,omitempty"`
	File         string `json:"file,omitempty"` // path in the package, when the artifact names one
}

// BootData is user data with variables. A variable is written ${name} in the content; its value comes from the
// instance's additionalParams, extensions or configurable properties of that name, or from built-in names
// (vnf.id, vnf.name, vdu.id, vnfc.index).
type BootData struct {
	Content     string   `json:"content"`
	ConfigDrive bool     `json:"configDrive,omitempty"`
	Variables   []string `json:"variables,omitempty"`
	// Defaults has the text of variables that the descriptor itself gives a value: defaults of parameters, initial
	// values of properties.
	Defaults map[string]string `json:"defaults,omitempty"`
}

// Storage is a Vdu.VirtualBlockStorage (or file or object storage, which a VIM cannot attach).
type Storage struct {
	ID        string   `json:"virtualStorageDescId"`
	Type      string   `json:"type"` // BLOCK, OBJECT, FILE
	SizeBytes int64    `json:"sizeBytes"`
	Image     *Image   `json:"image,omitempty"`
	PerVnfc   bool     `json:"perVnfcInstance"` // default true
	At        Position `json:"at"`
}

// VirtualLink is a VnfVirtualLink.
type VirtualLink struct {
	ID                string          `json:"vnfVirtualLinkDescId"`
	Protocols         []string        `json:"layerProtocols,omitempty"`
	NetworkType       string          `json:"networkType,omitempty"`
	MTU               int             `json:"mtu,omitempty"`
	Subnets           []SubnetProfile `json:"subnets,omitempty"`           // from l3_protocol_data, one each
	ExternallyManaged string          `json:"externallyManaged,omitempty"` // required, allowed
	// BitRate is what the link carries before any step of an aspect, Least and Most its profile's bounds; nil where the VNFD scales
	// no bit rates of it.
	BitRate *BitRate `json:"bitRate,omitempty"`
	Least   *BitRate `json:"minBitRate,omitempty"`
	Most    *BitRate `json:"maxBitRate,omitempty"`
	At      Position `json:"at"`
}

// BitRate is what a link is to carry, in bits per second: in all, and at each connection point (LinkBitrateRequirements).
type BitRate struct {
	Root int64 `json:"root,omitempty"`
	Leaf int64 `json:"leaf,omitempty"`
}

// Plus returns the sum, at most math.MaxInt; what is negative counts nothing.
func (r BitRate) Plus(o BitRate) BitRate {
	return BitRate{int64(Sum(int(r.Root), int(o.Root))), int64(Sum(int(r.Leaf), int(o.Leaf)))}
}

// Minus returns the difference.
func (r BitRate) Minus(o BitRate) BitRate { return BitRate{r.Root - o.Root, r.Leaf - o.Leaf} }

// SubnetProfile is the layer 3 data of a link.
type SubnetProfile struct {
	Name      string `json:"name,omitempty"`
	IPVersion int    `json:"ipVersion"`
	CIDR      string `json:"cidr"`
	Gateway   string `json:"gateway,omitempty"`
	DHCP      bool   `json:"dhcp"` // default true
}

// VduCp is a connection point of a VDU: one NIC of each of its instances.
type VduCp struct {
	ID        string   `json:"cpdId"`
	Vdu       string   `json:"vduId"`
	Order     int      `json:"order"`                       // NICs sort by it, then by declaration
	Link      string   `json:"virtualLinkDescId,omitempty"` // internal link; "" when it is external
	VnicType  string   `json:"vnicType,omitempty"`          // normal, direct, direct-physical, macvtap, virtio-forwarder
	Protocols []string `json:"layerProtocols,omitempty"`
	FixedIPs  []string `json:"fixedIps,omitempty"` // fixed_ip_address of the protocol data
	Trunk     bool     `json:"trunkMode,omitempty"`
	External  bool     `json:"external,omitempty"` // exposed by substitution_mappings, or linked to nothing inside
	// Rules are what traffic passes, in an order of their own; none: what the VIM lets through.
	Rules []SecurityRule `json:"securityRules,omitempty"`
	// Shared are the addresses of VipCps that its instances use beside their own.
	Shared []string `json:"sharedAddresses,omitempty"`
	At     Position `json:"at"`
}

// SecurityRule lets traffic pass at a connection point (SOL001 v4.4.1, tosca.policies.nfv.SecurityGroupRule).
type SecurityRule struct {
	Direction string `json:"direction"` // ingress, egress
	IPVersion int    `json:"ipVersion"`
	Protocol  string `json:"protocol"` // tcp, udp, icmp, ipv6-icmp, sctp, dccp; of any other its number
	PortMin   int    `json:"portRangeMin,omitempty"`
	PortMax   int    `json:"portRangeMax,omitempty"` // 0: all ports
}

// ExtCp is a VnfExtCp on an internal link: an external connection point that is no port of its own.
type ExtCp struct {
	ID        string   `json:"cpdId"`
	Link      string   `json:"internalVirtualLinkDescId,omitempty"`
	Cp        string   `json:"internalCpdId,omitempty"`
	Protocols []string `json:"layerProtocols,omitempty"`
	At        Position `json:"at"`
}

// Aspect is a scaling aspect with, per VDU it changes, what each step adds.
type Aspect struct {
	ID          string `json:"aspectId"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	MaxLevel    int    `json:"maxScaleLevel"`
	// Steps has for each VDU the number of instances that step n (n = 1..MaxLevel, index n-1) adds.
	Steps map[string][]int `json:"steps"`
	// LinkSteps has for each virtual link the bit rate that step n adds.
	LinkSteps map[string][]BitRate `json:"linkSteps,omitempty"`
	At        Position             `json:"at"`
}

// Level is an instantiation level.
type Level struct {
	ID          string         `json:"levelId"`
	Description string         `json:"description,omitempty"`
	ScaleInfo   map[string]int `json:"scaleInfo,omitempty"` // aspect to scale level
	Counts      map[string]int `json:"counts,omitempty"`    // VduInstantiationLevels: VDU to number of instances
	// BitRates are those of virtual links, where the level says (VirtualLinkInstantiationLevels).
	BitRates map[string]BitRate `json:"bitRates,omitempty"`
	At       Position           `json:"at"`
}

// AffinityRule is an affinity or anti-affinity policy with its groups resolved.
type AffinityRule struct {
	ID       string   `json:"id"` // policy name
	Affinity bool     `json:"affinity"`
	Scope    string   `json:"scope"` // nfvi_node, zone, zone_group, nfvi_pop
	Vdus     []string `json:"vdus,omitempty"`
	Links    []string `json:"virtualLinks,omitempty"`
	At       Position `json:"at"`
}

// MonitoringParameter is a monitored metric.
type MonitoringParameter struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Metric string `json:"performanceMetric"`
	Vdu    string `json:"vduId,omitempty"`
}

// Operation is what the descriptor says of one LCM operation.
type Operation struct {
	// ParamsSchema is the JSON Schema of additionalParams, from the Vnflcm interface operation's additional_parameters.
	ParamsSchema json.RawMessage `json:"additionalParamsSchema,omitempty"`
	// Policy is "rollback" or "hold" when the descriptor says so, else "".
	Policy string `json:"onFailure,omitempty"`
	// Terminate's graceful timeout bounds and similar settings, as read (seconds).
	MaxGracefulTimeout int `json:"maxGracefulTimeout,omitempty"`
	// Batch is how many machines a change of the package changes at once, 0 all; nil: the descriptor does not say.
	Batch *int `json:"batchSize,omitempty"`
	// Beside is whether a change of the package makes new machines beside the old ones; nil: the descriptor does not say.
	Beside *bool    `json:"blueGreen,omitempty"`
	At     Position `json:"at"`
	// Coordinations are the actions that may be coordinated with the VNF or its element manager, in the order of the descriptor.
	Coordinations []Coordination `json:"coordinations,omitempty"`
}

// Coordination is an LCM coordination action of an operation (SOL001 v4.4.1, tosca.policies.nfv.LcmCoordinationAction).
type Coordination struct {
	Action   string `json:"actionName"`
	Endpoint string `json:"endpointType,omitempty"` // VNF, MGMT; "": whichever there is
	Stage    string `json:"stage,omitempty"`        // start, end; "": in the middle of the operation
	// Inputs are the names of its input parameters, taken from the operation's additionalParams.
	Inputs []string `json:"inputParameters,omitempty"`
	At     Position `json:"at"`
}

// The stages of a coordination.
const (
	CoordinateAtStart = "start"
	CoordinateAtEnd   = "end"
)

// Script is an implementation artifact bound to an operation.
type Script struct {
	Operation string   `json:"operation"` // as in TOSCA: instantiate_start
	Artifact  string   `json:"artifact"`
	File      string   `json:"file,omitempty"`
	At        Position `json:"at"`
}

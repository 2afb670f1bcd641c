package vim

import "encoding/json"

// Spec is what a driver needs to create or change one resource. References to other resources are the VIM's own ids, resolved
// by the saga from earlier results. Exactly the part of the kind is set. What two specs differ in tells Differences; a field
// that is added here is added there.
type Spec struct {
	Name          string             `json:"name"` // for people; need not be unique
	Compute       *ComputeSpec       `json:"compute,omitempty"`
	Port          *PortSpec          `json:"port,omitempty"`
	Network       *NetworkSpec       `json:"network,omitempty"`
	Subnet        *SubnetSpec        `json:"subnet,omitempty"`
	Volume        *VolumeSpec        `json:"volume,omitempty"`
	ServerGroup   *ServerGroupSpec   `json:"serverGroup,omitempty"`
	Unit          *UnitSpec          `json:"unit,omitempty"`
	Snapshot      *SnapshotSpec      `json:"snapshot,omitempty"`
	Image         *ImageSpec         `json:"image,omitempty"`
	Flavour       *FlavourSpec       `json:"flavour,omitempty"`
	Configuration *ConfigurationSpec `json:"configuration,omitempty"`
	// Placement is what the grant says beside connection and zone; a driver uses what its VIM knows.
	Placement *Placement `json:"placement,omitempty"`
}

// Placement is where a grant puts a resource, in the VIM's own ids (SOL003 v3.7.1 §9.5.3.3).
type Placement struct {
	Reservation string `json:"reservationId,omitempty"`
	Group       string `json:"resourceGroupId,omitempty"` // tenant or project
	Provider    string `json:"resourceProviderId,omitempty"`
}

// ComputeSpec describes a virtual machine.
type ComputeSpec struct {
	Flavour     string            `json:"flavour"`         // the VIM's id
	Image       string            `json:"image,omitempty"` // the VIM's id; empty when it boots from a volume
	Zone        string            `json:"zone,omitempty"`
	Ports       []string          `json:"ports"` // VIM ids, in the order of the interfaces
	SubPorts    []SubPort         `json:"subPorts,omitempty"`
	Volumes     []VolumeRef       `json:"volumes,omitempty"`
	ServerGroup []string          `json:"serverGroups,omitempty"`
	UserData    string            `json:"userData,omitempty"`
	ConfigDrive bool              `json:"configDrive,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Power       Power             `json:"power,omitempty"` // "" means on
	// Snapshot is the VIM id of the snapshot that its own disk is made of, in place of the image; "": of the image. It says where
	// the machine comes from, not what it is: a machine that stands is no other for it, and Differences does not look at it.
	Snapshot string `json:"snapshot,omitempty"`
}

// Off reports whether the machine is to be off.
func (c ComputeSpec) Off() bool { return c.Power == PowerOff }

// SubPort is a port that reaches the compute through another one: that is the parent of a trunk.
type SubPort struct {
	Port             string `json:"port"`                       // VIM id
	Parent           string `json:"parent"`                     // VIM id of one of the compute's ports
	SegmentationType string `json:"segmentationType,omitempty"` // VLAN, INHERIT; "" means VLAN
	SegmentationID   string `json:"segmentationId,omitempty"`   // unique within the trunk
}

// VolumeRef is a volume attached to a compute.
type VolumeRef struct {
	ID   string `json:"id"` // VIM id
	Boot bool   `json:"boot,omitempty"`
}

// PortSpec describes a port.
type PortSpec struct {
	Network  string    `json:"network"`            // VIM id
	MAC      string    `json:"mac,omitempty"`      // "" lets the VIM choose
	FixedIPs []FixedIP `json:"fixedIps,omitempty"` // empty lets the VIM choose
	NoIPs    bool      `json:"noIps,omitempty"`    // no address at all
	VnicType string    `json:"vnicType,omitempty"` // normal, direct (SR-IOV), macvtap …; "" means normal
	// Rules are what traffic passes, and no other of their direction; where there are none of a direction, that is left to the VIM.
	Rules []SecurityRule `json:"securityRules,omitempty"`
	// Shared are addresses that the machine may use at the port beside the port's own, such as one that moves between machines.
	Shared []string `json:"sharedAddresses,omitempty"`
}

// SecurityRule lets traffic pass at a port.
type SecurityRule struct {
	Direction string `json:"direction"` // ingress, egress
	IPVersion int    `json:"ipVersion"` // 4, 6
	Protocol  string `json:"protocol"`  // tcp, udp, icmp, ipv6-icmp, sctp, dccp; of any other its number (IANA)
	PortMin   int    `json:"portRangeMin,omitempty"`
	PortMax   int    `json:"portRangeMax,omitempty"` // 0: all ports
}

// FixedIP is an address wanted on a port.
type FixedIP struct {
	Subnet    string `json:"subnet,omitempty"`    // VIM id; "" lets the VIM choose
	Address   string `json:"address,omitempty"`   // "" lets the VIM choose from the subnet
	IPVersion int    `json:"ipVersion,omitempty"` // 4 or 6, where the VIM chooses; 0 leaves that to it, too
}

// NetworkSpec describes a network.
type NetworkSpec struct {
	Type string `json:"type,omitempty"` // vlan, vxlan, …; "" lets the VIM choose
	MTU  int    `json:"mtu,omitempty"`
	// RootBitRate is what the network is to carry in all, LeafBitRate at each port: bits per second; 0 is not limited.
	RootBitRate int64 `json:"rootBitRate,omitempty"`
	LeafBitRate int64 `json:"leafBitRate,omitempty"`
}

// SubnetSpec describes a subnet.
type SubnetSpec struct {
	Network   string `json:"network"` // VIM id
	IPVersion int    `json:"ipVersion"`
	CIDR      string `json:"cidr"`
	Gateway   string `json:"gateway,omitempty"`
	DHCP      bool   `json:"dhcp"`
}

// VolumeSpec describes a block storage volume.
type VolumeSpec struct {
	SizeBytes int64  `json:"sizeBytes"`
	Image     string `json:"image,omitempty"` // VIM id of the image it is made of
	Type      string `json:"type,omitempty"`
	Zone      string `json:"zone,omitempty"`
	// Snapshot is the VIM id of the snapshot that it is made of, in place of the image, as of a compute.
	Snapshot string `json:"snapshot,omitempty"`
}

// SnapshotSpec describes a snapshot. One of the two is named, by the VIM's id; what is taken is what it holds when the snapshot is made.
type SnapshotSpec struct {
	Compute string `json:"compute,omitempty"` // whose own disk is kept as an image
	Volume  string `json:"volume,omitempty"`
}

// ImageSpec describes a software image that a VIM is given from a VNF package. Those of one content are one at the VIM, whoever asks for it: see
// Kind.Shared.
type ImageSpec struct {
	Package  string `json:"packageId"`
	Path     string `json:"path"`               // of the file in the package
	Checksum string `json:"checksum,omitempty"` // "algorithm:hex", lower case; "": the package's word is taken
	// Format and Container are as of SOL001 (disk_format, container_format); "" lets the VIM's driver choose.
	Format       string `json:"diskFormat,omitempty"`
	Container    string `json:"containerFormat,omitempty"`
	MinDiskBytes int64  `json:"minDiskBytes,omitempty"`
	MinRAMBytes  int64  `json:"minRamBytes,omitempty"`
}

// Content names what the image holds: equal for images that hold the same.
func (i ImageSpec) Content() string {
	if i.Checksum != "" {
		return i.Checksum
	}
	return "package:" + i.Package + "/" + i.Path
}

// FlavourSpec describes a compute flavour that is made.
type FlavourSpec struct {
	VCPUs       int   `json:"vcpus"`
	MemoryBytes int64 `json:"memoryBytes"`
	DiskBytes   int64 `json:"diskBytes,omitempty"`
}

// ServerGroupSpec describes a placement rule.
type ServerGroupSpec struct {
	Affinity bool `json:"affinity"` // false: anti-affinity
}

// UnitSpec describes a container unit. Values and Objects are data that the driver understands.
type UnitSpec struct {
	Replicas int             `json:"replicas,omitempty"` // pods of a workload; 0: as Objects say
	Counts   map[string]int  `json:"counts,omitempty"`   // pods by VDU, of a unit that has workloads of several
	Values   json.RawMessage `json:"values,omitempty"`   // parameters of the objects, e.g. of a chart
	Objects  json.RawMessage `json:"objects,omitempty"`  // a manifest, or what names a chart
	// Gone are ids of pods that must not be there any more: the VIM makes others in their place.
	Gone []string `json:"gone,omitempty"`
}

// ConfigurationSpec describes what is done to a VNF as a whole through the VIM's side.
type ConfigurationSpec struct {
	Action   string            `json:"action"`   // "start" once instantiated, "stop" before a graceful termination
	Computes map[string]string `json:"computes"` // planned resource id to VIM id
	Params   json.RawMessage   `json:"params,omitempty"`
}

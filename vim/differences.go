package vim

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
)

// Attribute names one thing of a spec that may change.
type Attribute string

// The attributes. One name may belong to several kinds.
const (
	AttributeKind          Attribute = "kind" // which part of the spec is set: such a change is a replacement everywhere
	AttributeName          Attribute = "name"
	AttributePlacement     Attribute = "placement"
	AttributeFlavour       Attribute = "flavour"
	AttributeImage         Attribute = "image"
	AttributeZone          Attribute = "zone"
	AttributePorts         Attribute = "ports"
	AttributeSubPorts      Attribute = "subPorts"
	AttributeVolumes       Attribute = "volumes"
	AttributeServerGroups  Attribute = "serverGroups"
	AttributeUserData      Attribute = "userData"
	AttributeConfigDrive   Attribute = "configDrive"
	AttributeMetadata      Attribute = "metadata"
	AttributePower         Attribute = "power"
	AttributeNetwork       Attribute = "network"
	AttributeMAC           Attribute = "mac"
	AttributeAddresses     Attribute = "addresses"
	AttributeNoAddresses   Attribute = "noAddresses"
	AttributeVnicType      Attribute = "vnicType"
	AttributeSecurityRules Attribute = "securityRules"
	AttributeShared        Attribute = "sharedAddresses"
	AttributeType          Attribute = "type"
	AttributeMTU           Attribute = "mtu"
	AttributeRootBitRate   Attribute = "rootBitRate"
	AttributeLeafBitRate   Attribute = "leafBitRate"
	AttributeIPVersion     Attribute = "ipVersion"
	AttributeCIDR          Attribute = "cidr"
	AttributeGateway       Attribute = "gateway"
	AttributeDHCP          Attribute = "dhcp"
	AttributeSize          Attribute = "size"
	AttributeAffinity      Attribute = "affinity"
	AttributeReplicas      Attribute = "replicas"
	AttributeCounts        Attribute = "counts" // pods by VDU
	AttributeValues        Attribute = "values"
	AttributeObjects       Attribute = "objects"
	AttributeGone          Attribute = "gone"
	AttributeConfiguration Attribute = "configuration"
	AttributeSource        Attribute = "source"  // of a snapshot
	AttributeContent       Attribute = "content" // of an image or a flavour that is made
)

// InPlace says which attributes of a resource that stands can be changed, by kind. A change of any other is a replacement.
type InPlace map[Kind][]Attribute

// Can reports whether all the attributes of a kind can be changed.
func (p InPlace) Can(kind Kind, attributes ...Attribute) bool {
	for _, a := range attributes {
		if !slices.Contains(p[kind], a) {
			return false
		}
	}
	return true
}

// Differences returns what a change from one spec to the other is about, each attribute once; none when the two ask for the
// same. A list, a map or a text that is empty and one that is not there are the same, and JSON is compared as what it says.
func Differences(from, to Spec) []Attribute {
	var d differences
	d.see(AttributeKind, from.parts() != to.parts())
	d.see(AttributeName, from.Name != to.Name)
	d.see(AttributePlacement, !equal(from.Placement, to.Placement))
	d.compute(part(from.Compute), part(to.Compute))
	d.port(part(from.Port), part(to.Port))
	d.network(part(from.Network), part(to.Network))
	d.subnet(part(from.Subnet), part(to.Subnet))
	d.volume(part(from.Volume), part(to.Volume))
	d.see(AttributeAffinity, part(from.ServerGroup).Affinity != part(to.ServerGroup).Affinity)
	d.unit(part(from.Unit), part(to.Unit))
	d.see(AttributeSource, part(from.Snapshot) != part(to.Snapshot))
	d.see(AttributeContent, part(from.Image) != part(to.Image) || part(from.Flavour) != part(to.Flavour))
	d.configuration(part(from.Configuration), part(to.Configuration))
	return d.found
}

// differences collects attributes.
type differences struct{ found []Attribute }

func (d *differences) see(a Attribute, differs bool) {
	if differs && !slices.Contains(d.found, a) {
		d.found = append(d.found, a)
	}
}

func (d *differences) compute(from, to ComputeSpec) {
	d.see(AttributeFlavour, from.Flavour != to.Flavour)
	d.see(AttributeImage, from.Image != to.Image)
	d.see(AttributeZone, from.Zone != to.Zone)
	d.see(AttributePorts, !slices.Equal(from.Ports, to.Ports))
	d.see(AttributeSubPorts, !slices.Equal(from.SubPorts, to.SubPorts))
	d.see(AttributeVolumes, !slices.Equal(from.Volumes, to.Volumes))
	d.see(AttributeServerGroups, !slices.Equal(from.ServerGroup, to.ServerGroup))
	d.see(AttributeUserData, from.UserData != to.UserData)
	d.see(AttributeConfigDrive, from.ConfigDrive != to.ConfigDrive)
	d.see(AttributeMetadata, !maps.Equal(from.Metadata, to.Metadata))
	d.see(AttributePower, from.Off() != to.Off())
}

func (d *differences) port(from, to PortSpec) {
	d.see(AttributeNetwork, from.Network != to.Network)
	d.see(AttributeMAC, from.MAC != to.MAC)
	d.see(AttributeAddresses, !slices.Equal(from.FixedIPs, to.FixedIPs))
	d.see(AttributeNoAddresses, from.NoIPs != to.NoIPs)
	d.see(AttributeVnicType, from.VnicType != to.VnicType)
	d.see(AttributeSecurityRules, !slices.Equal(from.Rules, to.Rules))
	d.see(AttributeShared, !slices.Equal(from.Shared, to.Shared))
}

func (d *differences) network(from, to NetworkSpec) {
	d.see(AttributeType, from.Type != to.Type)
	d.see(AttributeMTU, from.MTU != to.MTU)
	d.see(AttributeRootBitRate, from.RootBitRate != to.RootBitRate)
	d.see(AttributeLeafBitRate, from.LeafBitRate != to.LeafBitRate)
}

func (d *differences) subnet(from, to SubnetSpec) {
	d.see(AttributeNetwork, from.Network != to.Network)
	d.see(AttributeIPVersion, from.IPVersion != to.IPVersion)
	d.see(AttributeCIDR, from.CIDR != to.CIDR)
	d.see(AttributeGateway, from.Gateway != to.Gateway)
	d.see(AttributeDHCP, from.DHCP != to.DHCP)
}

func (d *differences) volume(from, to VolumeSpec) {
	d.see(AttributeSize, from.SizeBytes != to.SizeBytes)
	d.see(AttributeImage, from.Image != to.Image)
	d.see(AttributeType, from.Type != to.Type)
	d.see(AttributeZone, from.Zone != to.Zone)
}

func (d *differences) unit(from, to UnitSpec) {
	d.see(AttributeReplicas, from.Replicas != to.Replicas)
	d.see(AttributeCounts, !maps.Equal(from.Counts, to.Counts))
	d.see(AttributeValues, !sameJSON(from.Values, to.Values))
	d.see(AttributeObjects, !sameJSON(from.Objects, to.Objects))
	d.see(AttributeGone, !slices.Equal(from.Gone, to.Gone))
}

func (d *differences) configuration(from, to ConfigurationSpec) {
	d.see(AttributeConfiguration, from.Action != to.Action || !maps.Equal(from.Computes, to.Computes) || !sameJSON(from.Params, to.Params))
}

// parts says which parts of a spec are set.
func (s Spec) parts() [11]bool {
	return [...]bool{
		s.Compute != nil, s.Port != nil, s.Network != nil, s.Subnet != nil, s.Volume != nil, s.ServerGroup != nil, s.Unit != nil,
		s.Snapshot != nil, s.Image != nil, s.Flavour != nil, s.Configuration != nil,
	}
}

// part returns what a part of a spec says, nothing when it is not set.
func part[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// equal reports whether two optional values are the same.
func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// sameJSON reports whether two texts say the same in JSON. What is not JSON is compared as text.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var av, bv any
	return decodeExact(a, &av) && decodeExact(b, &bv) && reflect.DeepEqual(av, bv)
}

// decodeExact keeps numbers as they are written: a float would make two of them one.
func decodeExact(text json.RawMessage, v *any) bool {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode(v) == nil && !dec.More()
}

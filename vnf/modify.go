package vnf

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/vnfd"
)

// InstanceModified records that the information about a VNF was modified (SOL003 v3.7.1 §5.4.3.3.4). What is absent has not
// changed; maps are merge patches (RFC 7396).
type InstanceModified struct {
	OpID         string                     `json:"opOccId"`
	Name         *string                    `json:"vnfInstanceName,omitempty"`        // "" removes it
	Description  *string                    `json:"vnfInstanceDescription,omitempty"` // "" removes it
	Package      *PackageUse                `json:"package,omitempty"`
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"`
	Extensions   map[string]json.RawMessage `json:"extensions,omitempty"`
	Metadata     map[string]json.RawMessage `json:"metadata,omitempty"`
	// Vnfcs are patches of the vnfcConfigurableProperties, by VNFC.
	Vnfcs map[string]map[string]json.RawMessage `json:"vnfcs,omitempty"`
}

// PackageUse is what an instance takes from its package.
type PackageUse struct {
	VnfdID           string `json:"vnfdId"`
	VnfdVersion      string `json:"vnfdVersion"`
	Provider         string `json:"provider"`
	ProductName      string `json:"productName"`
	SoftwareVersion  string `json:"softwareVersion"`
	PackageID        string `json:"packageId"`
	DescriptorDigest string `json:"descriptorDigest"`
}

// UseOf returns what an instance takes from a package with a descriptor.
func UseOf(packageID, digest string, d *vnfd.Descriptor) PackageUse {
	return PackageUse{
		VnfdID: d.ID, VnfdVersion: d.Version, Provider: d.Provider, ProductName: d.ProductName, SoftwareVersion: d.SoftwareVersion,
		PackageID: packageID, DescriptorDigest: digest,
	}
}

// ChangeConnections takes down what the VNF has of its own of VIM connections.
type ChangeConnections struct{ Changed ConnectionsChanged }

// CompleteModify lands a modification.
type CompleteModify struct{ Landed InstanceModified }

func (ChangeConnections) instanceCommand() {}
func (CompleteModify) instanceCommand()    {}

// EventType returns "vnf.modified".
func (*InstanceModified) EventType() string { return "vnf.modified" }

func (*InstanceModified) instanceEvent() {}

func (v *Instance) modify(e *InstanceModified) {
	v.Operation = ""
	if e.Name != nil {
		v.Name = *e.Name
	}
	if e.Description != nil {
		v.Description = *e.Description
	}
	if p := e.Package; p != nil {
		v.use(p)
		v.Assets = nil // its images are others: the next grant names them (SOL003 v3.7.1 §9.5.2.3, note 3)
	}
	v.Configurable = patched(v.Configurable, e.Configurable)
	v.Extensions = patched(v.Extensions, e.Extensions)
	v.Metadata = patched(v.Metadata, e.Metadata)
	if len(e.Vnfcs) == 0 || v.Info == nil {
		return
	}
	info := *v.Info
	info.Vnfcs = slices.Clone(info.Vnfcs)
	for i := range info.Vnfcs {
		c := &info.Vnfcs[i]
		c.Configurable = patched(c.Configurable, e.Vnfcs[c.ID])
	}
	v.Info = &info
}

func (v *Instance) use(p *PackageUse) {
	v.VnfdID, v.VnfdVersion, v.Provider = p.VnfdID, p.VnfdVersion, p.Provider
	v.ProductName, v.SoftwareVersion = p.ProductName, p.SoftwareVersion
	v.PackageID, v.DescriptorDigest = p.PackageID, p.DescriptorDigest
}

func patched(values, patch map[string]json.RawMessage) map[string]json.RawMessage {
	if len(patch) == 0 {
		return values
	}
	return mergepatch.Members(values, patch)
}

// Modifiable says why a modification does not fit the descriptor, nil when it does. The descriptor must declare extensions and
// configurable properties that are set, unless the standard names them or the site takes others; metadata it need not (SOL003 v3.7.1 §5.5.2.2). What is set must fit its type. What it
// requires cannot be removed from a VNF that is INSTANTIATED. Returns Unprocessable with the attribute.
func (v *Instance) Modifiable(d *vnfd.Descriptor, e *InstanceModified, take Extensible) error {
	for _, part := range []struct {
		pointer  string
		declared []vnfd.Property
		values   map[string]json.RawMessage
		patch    map[string]json.RawMessage
		closed   bool
	}{
		{atConfigurable, d.Configurable, v.Configurable, e.Configurable, true},
		{atExtensions, d.Extensions, v.Extensions, e.Extensions, true},
		{"/metadata", d.Metadata, v.Metadata, e.Metadata, false},
	} {
		after := patched(part.values, part.patch)
		set := map[string]json.RawMessage{}
		for name, value := range part.patch {
			if !mergepatch.Null(value) {
				set[name] = after[name]
			}
		}
		err := checkValues(part.pointer, part.declared, set)
		if part.closed {
			err = checkDeclared(part.pointer, part.declared, set, take)
		}
		if err != nil {
			return err
		}
		if v.State != Instantiated {
			continue
		}
		for _, p := range part.declared {
			if value, ok := part.patch[p.Name]; ok && p.Required && mergepatch.Null(value) {
				return vnfm.Errorf(vnfm.Unprocessable, "the VNFD requires %q while the VNF is %s", p.Name, v.State).At(part.pointer + vnfm.Step(p.Name))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(e.Vnfcs)) {
		if v.Info == nil || !slices.ContainsFunc(v.Info.Vnfcs, func(c Vnfc) bool { return c.ID == id }) {
			return vnfm.Errorf(vnfm.Unprocessable, "the VNF has no VNFC %q", id).At("/vnfcInfoModifications")
		}
	}
	return nil
}

// OpInfoChanged records what an operation changed of the information about its VNF (SOL003 v3.7.1 §5.5.2.13, changedInfo).
type OpInfoChanged struct {
	Changed ChangedInfo `json:"changedInfo"`
}

// ChangedInfo is what an operation changed of the information about its VNF. In maps null is what was removed.
type ChangedInfo struct {
	Name         *string                    `json:"vnfInstanceName,omitempty"`
	Description  *string                    `json:"vnfInstanceDescription,omitempty"`
	Package      *PackageUse                `json:"package,omitempty"`
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"`
	Extensions   map[string]json.RawMessage `json:"extensions,omitempty"`
	Metadata     map[string]json.RawMessage `json:"metadata,omitempty"`
	// Vnfcs are what was changed of the vnfcConfigurableProperties, by VNFC.
	Vnfcs       map[string]map[string]json.RawMessage `json:"vnfcs,omitempty"`
	Connections map[string]VimConnection              `json:"vimConnections,omitempty"` // credentials masked
}

// EventType returns "opocc.info-changed".
func (*OpInfoChanged) EventType() string { return "opocc.info-changed" }

func (*OpInfoChanged) opEvent() {}

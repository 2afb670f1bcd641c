package vnf

import (
	"encoding/json"
	"slices"
)

// Rebuilt is what a VNF consists of once it is of another flavour or package: all of it, and which resources were made, made again or
// changed, and released.
type Rebuilt struct {
	Info         *InstantiatedInfo          `json:"instantiatedInfo"`
	Resources    []Resource                 `json:"resources,omitempty"` // that were made
	Changed      []Resource                 `json:"changed,omitempty"`   // or made again
	Released     []string                   `json:"released,omitempty"`  // planned resource ids
	Connections  map[string]VimConnection   `json:"vimConnections,omitempty"`
	Extensions   map[string]json.RawMessage `json:"extensions,omitempty"`             // set by the request; null: removed
	Configurable map[string]json.RawMessage `json:"configurableProperties,omitempty"` // as above
	Values       map[string]string          `json:"values,omitempty"`                 // for boot data
	Params       json.RawMessage            `json:"params,omitempty"`                 // of which containers were made, sealed; absent: those there were
	Assets       *Assets                    `json:"vimAssets,omitempty"`              // absent: those there were
}

// InstanceFlavourChanged records that a VNF is of another deployment flavour.
type InstanceFlavourChanged struct {
	OpID string `json:"opOccId"`
	Rebuilt
}

// InstancePackageChanged records that a VNF is of another package. Metadata are those that the package declares with a value, and that
// the VNF did not have.
type InstancePackageChanged struct {
	OpID     string                     `json:"opOccId"`
	Package  PackageUse                 `json:"package"`
	Metadata map[string]json.RawMessage `json:"metadata,omitempty"`
	Rebuilt
}

// CompleteFlavour lands a change of flavour, CompletePackage one of package.
type (
	CompleteFlavour struct{ Landed InstanceFlavourChanged }
	CompletePackage struct{ Landed InstancePackageChanged }
)

func (CompleteFlavour) instanceCommand() {}
func (CompletePackage) instanceCommand() {}

// EventType returns "vnf.flavour-changed".
func (*InstanceFlavourChanged) EventType() string { return "vnf.flavour-changed" }

// EventType returns "vnf.package-changed".
func (*InstancePackageChanged) EventType() string { return "vnf.package-changed" }

func (*InstanceFlavourChanged) instanceEvent() {}
func (*InstancePackageChanged) instanceEvent() {}

// ofOne notes that all resources are of the instance's VNFD.
func (v *Instance) ofOne() {
	of := func(r Resource) bool { return r.VnfdID != "" }
	if !slices.ContainsFunc(v.Resources, of) {
		return
	}
	v.Resources = slices.Clone(v.Resources)
	for i := range v.Resources {
		v.Resources[i].VnfdID = ""
	}
}

// rebuild makes an instance what it was rebuilt to be.
func (v *Instance) rebuild(e *Rebuilt) {
	v.Resources = slices.Concat(without(v.Resources, e.Released), e.Resources)
	v.Connections = merged(v.Connections, e.Connections)
	v.changed(e.Changed)
	was := v.Info
	v.Info, v.Values = e.Info, e.Values
	v.repodded(was)
	if len(e.Params) > 0 {
		v.Params = e.Params
	}
	if e.Assets != nil {
		v.Assets = e.Assets
	}
	v.Extensions = present(merged(v.Extensions, e.Extensions))
	v.Configurable = present(merged(v.Configurable, e.Configurable))
}

package notify

import (
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnf"
)

// Type is a type of notification (SOL003 v3.7.1 §5.5.2.17 to §5.5.2.19).
type Type string

// The types.
const (
	TypeOperation Type = "VnfLcmOperationOccurrenceNotification"
	TypeCreation  Type = "VnfIdentifierCreationNotification"
	TypeDeletion  Type = "VnfIdentifierDeletionNotification"
)

// Filter says which notifications a subscription wants (SOL003 v3.7.1 §5.5.3.12). The attributes of one level must all
// match, and of a list one value must; a list that is absent or empty matches everything. What is only about operations
// (Operations, States) is not held against the other types.
type Filter struct {
	Instances  *InstanceFilter `json:"vnfInstanceSubscriptionFilter,omitempty"`
	Types      []Type          `json:"notificationTypes,omitempty"`
	Operations []vnf.Operation `json:"operationTypes,omitempty"`
	States     []vnf.OpState   `json:"operationStates,omitempty"`
}

// InstanceFilter says about which VNF instances (SOL003 v3.7.1 §4.4.1.5).
type InstanceFilter struct {
	VnfdIDs   []string         `json:"vnfdIds,omitempty"`
	Providers []ProviderFilter `json:"vnfProductsFromProviders,omitempty"`
	IDs       []string         `json:"vnfInstanceIds,omitempty"`
	Names     []string         `json:"vnfInstanceNames,omitempty"`
}

// ProviderFilter matches the products of one provider.
type ProviderFilter struct {
	Provider string          `json:"vnfProvider"`
	Products []ProductFilter `json:"vnfProducts,omitempty"`
}

// ProductFilter matches the versions of one product.
type ProductFilter struct {
	Name     string          `json:"vnfProductName"`
	Versions []VersionFilter `json:"versions,omitempty"`
}

// VersionFilter matches the descriptor versions of one software version.
type VersionFilter struct {
	Software string   `json:"vnfSoftwareVersion"`
	Vnfd     []string `json:"vnfdVersions,omitempty"`
}

// Notice is something that happened, before it is known who hears of it.
type Notice struct {
	ID    string // of the notification, the same for every subscriber
	Type  Type
	Event string // id of the event it comes from
	// Instance is the VNF instance; for the result of an instantiation it shows what came of it.
	Instance *vnf.Instance
	// Op is the operation occurrence as the event left it, nil unless Type is TypeOperation.
	Op *vnf.OpOcc
}

// Match reports whether a notice is one that the filter asks for. A nil filter asks for all.
func (f *Filter) Match(n *Notice) bool {
	if f == nil {
		return true
	}
	if !anyOf(f.Types, n.Type) || f.Instances != nil && !f.Instances.match(n.Instance) {
		return false
	}
	return n.Op == nil || anyOf(f.Operations, n.Op.Operation) && anyOf(f.States, n.Op.State)
}

func anyOf[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

func (f *InstanceFilter) match(v *vnf.Instance) bool {
	return anyOf(f.VnfdIDs, v.VnfdID) && anyOf(f.IDs, v.ID) && anyOf(f.Names, v.Name) &&
		anyMatch(f.Providers, func(p ProviderFilter) bool { return p.match(v) })
}

func (p *ProviderFilter) match(v *vnf.Instance) bool {
	return p.Provider == v.Provider && anyMatch(p.Products, func(p ProductFilter) bool {
		return p.Name == v.ProductName && anyMatch(p.Versions, func(s VersionFilter) bool {
			return s.Software == v.SoftwareVersion && anyOf(s.Vnfd, v.VnfdVersion)
		})
	})
}

// anyMatch is anyOf for values with a level of their own.
func anyMatch[T any](list []T, match func(T) bool) bool {
	return len(list) == 0 || slices.ContainsFunc(list, match)
}

// check returns Invalid at the attribute that the standard forbids beside others.
func (f *Filter) check() error {
	if f == nil || len(f.Types) == 0 || slices.Contains(f.Types, TypeOperation) {
		return nil
	}
	for name, n := range map[string]int{"operationTypes": len(f.Operations), "operationStates": len(f.States)} {
		if n > 0 {
			return vnfm.Errorf(vnfm.Invalid, "filter/%s must be absent unless notificationTypes has %s.", name, TypeOperation).At("/filter/" + name)
		}
	}
	return nil
}

// canonical returns a text that equal filters share, whatever the order of their lists.
func (f *Filter) canonical() string {
	if f == nil {
		f = &Filter{}
	}
	c := Filter{Types: sorted(f.Types), Operations: sorted(f.Operations), States: sorted(f.States)}
	if in := f.Instances; in != nil {
		c.Instances = &InstanceFilter{VnfdIDs: sorted(in.VnfdIDs), IDs: sorted(in.IDs), Names: sorted(in.Names)}
		for _, p := range in.Providers {
			p.Products = slices.Clone(p.Products)
			for i, product := range p.Products {
				product.Versions = slices.Clone(product.Versions)
				for j, v := range product.Versions {
					product.Versions[j].Vnfd = sorted(v.Vnfd)
				}
				p.Products[i].Versions = inOrder(product.Versions)
			}
			p.Products = inOrder(p.Products)
			c.Instances.Providers = append(c.Instances.Providers, p)
		}
		c.Instances.Providers = inOrder(c.Instances.Providers)
		if text(c.Instances) == "{}" { // asks for nothing
			c.Instances = nil
		}
	}
	return text(c)
}

func sorted[T ~string](list []T) []T {
	c := slices.Clone(list)
	slices.Sort(c)
	return slices.Compact(c)
}

// inOrder sorts objects by what they say.
func inOrder[T any](list []T) []T {
	slices.SortFunc(list, func(a, b T) int {
		if x, y := text(a), text(b); x < y {
			return -1
		} else if x > y {
			return 1
		}
		return 0
	})
	return list
}

func text(v any) string {
	b, _ := json.Marshal(v) // strings
	return string(b)
}

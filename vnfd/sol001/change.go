package sol001

import (
	"slices"

	"github.com/vnfm/vnfm/vnfd"
)

// packageChanges reads what the templates say of changes from and to other packages, each policy once.
func (c *reader) packageChanges(d *vnfd.Descriptor, scopes []*scope) {
	for _, s := range scopes {
		for _, policy := range s.ofType("tosca.policies.nfv.VnfPackageChange") {
			if slices.ContainsFunc(d.PackageChanges, func(x vnfd.PackageChange) bool { return x.ID == policy.Name && x.At == policy.Key }) {
				continue
			}
			x := vnfd.PackageChange{
				ID: policy.Name, At: policy.Key, Qualifier: s.Get(policy.Value, "properties", "modification_qualifier").Text(),
				Flavour: s.Get(policy.Value, "properties", "destination_flavour_id").Text(),
			}
			for _, sel := range s.Get(policy.Value, "properties", "selector").List() {
				x.Selectors = append(x.Selectors, vnfd.PackageChangeSelector{
					Source: s.Get(sel, "source_descriptor_id").Text(), Destination: s.Get(sel, "destination_descriptor_id").Text(),
					Flavour: s.Get(sel, "source_flavour_id").Text(),
				})
			}
			for _, m := range s.Get(policy.Value, "properties", "component_mappings").List() {
				x.Mappings = append(x.Mappings, vnfd.ComponentMapping{
					Type: s.Get(m, "component_type").Text(), Source: s.Get(m, "source_id").Text(), Destination: s.Get(m, "destination_id").Text(),
				})
			}
			if len(x.Selectors) == 0 {
				s.Findf("package-change", policy.Key, "the policy %s says not between which packages it is: it is for none", vnfd.Quote(policy.Name))
			}
			d.PackageChanges = append(d.PackageChanges, x)
		}
	}
}

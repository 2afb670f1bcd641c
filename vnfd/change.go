package vnfd

import "slices"

// PackageChange is what a descriptor says of a change between packages (SOL001 v3.7.1 §6.10.16): between which, to which flavour, and
// what is called otherwise there.
type PackageChange struct {
	ID        string                  `json:"id"` // policy name
	Selectors []PackageChangeSelector `json:"selectors"`
	Qualifier string                  `json:"qualifier,omitempty"` // up, down
	Mappings  []ComponentMapping      `json:"mappings,omitempty"`
	Flavour   string                  `json:"destinationFlavourId,omitempty"`
	At        Position                `json:"at"`
}

// PackageChangeSelector says from where to where a change leads.
type PackageChangeSelector struct {
	Source      string `json:"sourceDescriptorId"`
	Destination string `json:"destinationDescriptorId"`
	Flavour     string `json:"sourceFlavourId"`
}

// ComponentMapping is a component of the source by its name in the destination.
type ComponentMapping struct {
	Type        string `json:"componentType"` // vdu, cp, virtual_link, virtual_storage, instantiation_level, scaling_aspect
	Source      string `json:"sourceId"`
	Destination string `json:"destinationId"`
}

// ChangeTo returns what the two descriptors say of a change from a flavour of one to the other: the destination's word first. ok is
// false when one of them speaks of such changes, and of this one none does: it is not allowed. nil when neither speaks of any.
func ChangeTo(from *Descriptor, flavour string, to *Descriptor) (c *PackageChange, ok bool) {
	for _, d := range []*Descriptor{to, from} {
		for i := range d.PackageChanges {
			if slices.Contains(d.PackageChanges[i].Selectors, PackageChangeSelector{from.ID, to.ID, flavour}) {
				return &d.PackageChanges[i], true
			}
		}
	}
	return nil, len(from.PackageChanges)+len(to.PackageChanges) == 0
}

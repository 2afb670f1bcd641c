package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/vim"
)

// The references of a plan's specs.
const (
	refPlan    = "plan:"          // a planned resource
	refFlavour = "grant-flavour:" // a VDU
	refImage   = "grant-image:"   // a software image
	refExtNet  = "grant-ext:"     // an external CPD
	refBoot    = "boot:"          // a compute's boot data
)

// mapReferences returns a specification with every value that may be a reference replaced by what f makes of it. The one
// given is not changed.
func mapReferences(s vim.Spec, f func(ref string) (string, error)) (vim.Spec, error) {
	var err error
	change := func(ref *string) {
		if err == nil && *ref != "" {
			*ref, err = f(*ref)
		}
	}
	if s.Compute != nil {
		c := *s.Compute
		c.Ports, c.SubPorts = slices.Clone(c.Ports), slices.Clone(c.SubPorts)
		c.Volumes, c.ServerGroup = slices.Clone(c.Volumes), slices.Clone(c.ServerGroup)
		change(&c.Flavour) // of the VNF's own, where the site lacks it, as images
		change(&c.Image)
		for i := range c.Ports {
			change(&c.Ports[i])
		}
		for i := range c.SubPorts {
			change(&c.SubPorts[i].Port)
			change(&c.SubPorts[i].Parent)
		}
		for i := range c.Volumes {
			change(&c.Volumes[i].ID)
		}
		for i := range c.ServerGroup {
			change(&c.ServerGroup[i])
		}
		s.Compute = &c
	}
	if s.Port != nil {
		c := *s.Port
		c.FixedIPs = slices.Clone(c.FixedIPs)
		change(&c.Network)
		for i := range c.FixedIPs {
			change(&c.FixedIPs[i].Subnet)
		}
		s.Port = &c
	}
	if s.Subnet != nil {
		c := *s.Subnet
		change(&c.Network)
		s.Subnet = &c
	}
	if s.Volume != nil {
		c := *s.Volume
		change(&c.Image)
		s.Volume = &c
	}
	if s.Snapshot != nil {
		c := *s.Snapshot
		change(&c.Compute)
		change(&c.Volume)
		s.Snapshot = &c
	}
	if s.Configuration != nil {
		c := *s.Configuration
		c.Computes = maps.Clone(c.Computes)
		for _, id := range slices.Sorted(maps.Keys(c.Computes)) {
			ref := c.Computes[id]
			change(&ref)
			c.Computes[id] = ref
		}
		s.Configuration = &c
	}
	return s, err
}

// Refers lists the ids of the planned resources that a resource refers to.
func (r *Resource) Refers() []string {
	var out []string
	for _, ref := range references(&r.Spec) {
		out = append(out, strings.TrimPrefix(ref, refPlan))
	}
	return out
}

// references lists the planned resources that a specification refers to, as references.
func references(s *vim.Spec) []string {
	var out []string
	_, _ = mapReferences(*s, func(ref string) (string, error) { // the function given never fails
		if strings.HasPrefix(ref, refPlan) {
			out = append(out, ref)
		}
		return ref, nil
	})
	return out
}

// binding lists the references of a resource to what must be at the same VIM; server groups need not be.
func binding(s *vim.Spec) []string {
	if s.Compute == nil {
		return references(s)
	}
	return slices.DeleteFunc(references(s), func(ref string) bool { return slices.Contains(s.Compute.ServerGroup, ref) })
}

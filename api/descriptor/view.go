// Package descriptor shows a VNFD as this program understands it, in the form of the API. It reads nothing: the API and the command line give
// it what they read.
package descriptor

import (
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnfd"
)

// View shows a descriptor as the API does.
func View(d *vnfd.Descriptor) *sol.VnfdView {
	out := &sol.VnfdView{
		VnfdId: d.ID, VnfdVersion: d.Version, VnfProvider: d.Provider, VnfProductName: d.ProductName, VnfSoftwareVersion: d.SoftwareVersion,
		LocalizationLanguages: d.Localization, Flavours: []sol.VnfdFlavour{},
		ConfigurableProperties: properties(d.Configurable), Extensions: properties(d.Extensions), Metadata: properties(d.Metadata),
	}
	for i := range d.Flavours {
		out.Flavours = append(out.Flavours, flavour(&d.Flavours[i]))
	}
	return out
}

func properties(all []vnfd.Property) []sol.VnfdProperty {
	out := []sol.VnfdProperty{}
	for _, p := range all {
		out = append(out, sol.VnfdProperty{Name: p.Name, Schema: p.Schema, Required: p.Required, Initial: p.Initial})
	}
	return out
}

func flavour(f *vnfd.Flavour) sol.VnfdFlavour {
	out := sol.VnfdFlavour{
		FlavourId: f.ID, Description: f.Description, DefaultLevel: f.DefaultLevel, Vdus: []sol.VnfdVdu{}, Storages: []sol.VnfdStorage{},
		VirtualLinks: []sol.VnfdVirtualLink{}, Cps: []sol.VnfdCp{}, ScalingAspects: []sol.VnfdAspect{}, InstantiationLevels: []sol.VnfdLevel{},
		Operations: map[string]sol.VnfdOperation{},
	}
	for i := range f.Vdus {
		v := &f.Vdus[i]
		shown := sol.VnfdVdu{
			VduId: v.ID, Name: v.Name, Description: v.Description, Min: v.Min, Max: v.Max, Vcpus: v.VCPUs, MemoryBytes: v.MemoryBytes, DiskBytes: v.DiskBytes,
			Storages: append([]string{}, v.Storages...), Container: v.Container,
		}
		if v.Image != nil {
			shown.Image = v.Image.Name
		}
		out.Vdus = append(out.Vdus, shown)
	}
	for _, s := range f.Storages {
		out.Storages = append(out.Storages, sol.VnfdStorage{VirtualStorageDescId: s.ID, Type: s.Type, SizeBytes: s.SizeBytes, PerVnfc: s.PerVnfc})
	}
	for i := range f.Links {
		l := sol.VnfdVirtualLink{VnfVirtualLinkDescId: f.Links[i].ID, Cidrs: []string{}, ExternallyManaged: f.Links[i].ExternallyManaged}
		for _, s := range f.Links[i].Subnets {
			l.Cidrs = append(l.Cidrs, s.CIDR)
		}
		out.VirtualLinks = append(out.VirtualLinks, l)
	}
	for i := range f.Cps {
		cp := &f.Cps[i]
		out.Cps = append(out.Cps, sol.VnfdCp{CpdId: cp.ID, VduId: cp.Vdu, VirtualLinkDescId: cp.Link, External: cp.External})
	}
	for i := range f.ExtCps {
		out.Cps = append(out.Cps, sol.VnfdCp{CpdId: f.ExtCps[i].ID, VirtualLinkDescId: f.ExtCps[i].Link, External: true})
	}
	for i := range f.Aspects {
		x := &f.Aspects[i]
		out.ScalingAspects = append(out.ScalingAspects, sol.VnfdAspect{
			AspectId: x.ID, Name: x.Name, Description: x.Description, MaxScaleLevel: x.MaxLevel, Steps: x.Steps,
		})
	}
	for i := range f.Levels {
		l := &f.Levels[i]
		counts, err := f.Counts(l.ID)
		if err != nil { // it is one of the flavour's
			counts = nil
		}
		out.InstantiationLevels = append(out.InstantiationLevels, sol.VnfdLevel{LevelId: l.ID, Description: l.Description, ScaleInfo: l.ScaleInfo, Vnfcs: counts})
	}
	for name, o := range f.Operations {
		out.Operations[name] = sol.VnfdOperation{AdditionalParams: o.ParamsSchema, OnFailure: o.Policy}
	}
	return out
}

package own

import (
	"fmt"
	"net/http"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// packageDescriptor shows the descriptor of an onboarded package.
func (a *API) packageDescriptor(c *rest.Call) (*rest.Answer, error) {
	p, err := a.Packages.Get(c.Ctx, c.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	if p.DescriptorDigest == "" {
		return nil, vnfm.Errorf(vnfm.Conflict, "The VNF package is %s: it has no descriptor that was read.", p.Onboarding)
	}
	return a.descriptor(c, p.DescriptorDigest)
}

// vnfDescriptor shows the descriptor that a VNF instance is made by.
func (a *API) vnfDescriptor(c *rest.Call) (*rest.Answer, error) {
	var v vnf.Instance
	if _, err := c.View(readmodel.KindVnf, c.ID, vnflcm.VnfWord, &v); err != nil {
		return nil, err
	}
	return a.descriptor(c, v.DescriptorDigest)
}

func (a *API) descriptor(c *rest.Call, digest string) (*rest.Answer, error) {
	d, err := a.Descriptor(c.Ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read the descriptor: %w", err)
	}
	return rest.Respond(http.StatusOK).JSON(vnfdView(d)), nil
}

func vnfdView(d *vnfd.Descriptor) *sol.VnfdView {
	out := &sol.VnfdView{
		VnfdId: d.ID, VnfdVersion: d.Version, VnfProvider: d.Provider, VnfProductName: d.ProductName, VnfSoftwareVersion: d.SoftwareVersion,
		LocalizationLanguages: d.Localization, Flavours: []sol.VnfdFlavour{},
		ConfigurableProperties: vnfdProperties(d.Configurable), Extensions: vnfdProperties(d.Extensions), Metadata: vnfdProperties(d.Metadata),
	}
	for i := range d.Flavours {
		out.Flavours = append(out.Flavours, vnfdFlavour(&d.Flavours[i]))
	}
	return out
}

func vnfdProperties(all []vnfd.Property) []sol.VnfdProperty {
	out := []sol.VnfdProperty{}
	for _, p := range all {
		out = append(out, sol.VnfdProperty{Name: p.Name, Schema: p.Schema, Required: p.Required, Initial: p.Initial})
	}
	return out
}

func vnfdFlavour(f *vnfd.Flavour) sol.VnfdFlavour {
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

package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfd"
)

// Images and flavours that a site lacks are resources of the VNF as others are: only a grant tells which, so that they join what is wanted once it is there (Granted), and are made in a
// stage of their own before all others (Stage.Assets). Their ids are derived from the first machine or volume that is made of them.

// stageAssets is the stage in which images and flavours are made.
const stageAssets = "assets"

// lends reports whether a kind is of what machines and volumes are made of, and do not have: what takes its place changes nothing of those that stand.
func lends(k vim.Kind) bool { return k == vim.SoftwareImage || k == vim.ComputeFlavour }

// lent returns the references of a resource that a grant answers with an image or a flavour.
func lent(s *vim.Spec) (out []string) {
	if s.Compute != nil {
		out = append(out, s.Compute.Flavour, s.Compute.Image)
	}
	if s.Volume != nil {
		out = append(out, s.Volume.Image)
	}
	return slices.DeleteFunc(out, func(ref string) bool { return !strings.HasPrefix(ref, refImage) && !strings.HasPrefix(ref, refFlavour) })
}

// Of is the image or the flavour of the VNF's own, by its id, that a machine or a volume was made of, for one of the two attributes; "" when it is the site's.
func (r *Resource) Of(a vim.Attribute) string {
	ref := ""
	switch {
	case a == vim.AttributeFlavour && r.Spec.Compute != nil:
		ref = r.Spec.Compute.Flavour
	case a == vim.AttributeImage && r.Spec.Compute != nil:
		ref = r.Spec.Compute.Image
	case a == vim.AttributeImage && r.Spec.Volume != nil:
		ref = r.Spec.Volume.Image
	}
	id, ok := strings.CutPrefix(ref, refPlan)
	if !ok {
		return ""
	}
	return id
}

// makeable reports whether what a reference asks for can be made where a site lacks it.
func (p *Wanted) makeable(ref string) bool { _, _, ok := p.assetOf(ref); return ok }

// assetOf is the image or flavour that a reference asks for, as something to be made; ok is false when it cannot be.
func (p *Wanted) assetOf(ref string) (kind vim.Kind, spec vim.Spec, ok bool) {
	if id, is := strings.CutPrefix(ref, refImage); is {
		i := slices.IndexFunc(p.Images, func(x vnfd.Image) bool { return x.ID == id })
		if i < 0 || p.Images[i].File == "" || p.Package == "" {
			return vim.SoftwareImage, spec, false
		}
		x := &p.Images[i]
		return vim.SoftwareImage, vim.Spec{Name: x.Name, Image: &vim.ImageSpec{
			Package: p.Package, Path: x.File, Checksum: x.Checksum, Format: x.Format, Container: x.Container, MinDiskBytes: x.MinDiskBytes, MinRAMBytes: x.MinRAMBytes,
		}}, true
	}
	id := strings.TrimPrefix(ref, refFlavour)
	i := slices.IndexFunc(p.Vdus, func(v VduNeed) bool { return v.ID == id })
	if i < 0 || p.Vdus[i].VCPUs <= 0 || p.Vdus[i].MemoryBytes <= 0 {
		return vim.ComputeFlavour, spec, false
	}
	v := &p.Vdus[i]
	return vim.ComputeFlavour, vim.Spec{Name: p.Name + "-" + v.ID, Flavour: &vim.FlavourSpec{VCPUs: v.VCPUs, MemoryBytes: v.MemoryBytes, DiskBytes: v.DiskBytes}}, true
}

// grantAssets adds the images and flavours that a grant has made: one at each VIM that has something made of it, unless the VNF has it there.
func (p *Wanted) grantAssets(g *nfvo.Grant) {
	if len(g.MakeImages)+len(g.MakeFlavours) == 0 {
		return
	}
	for i := range p.Resources {
		r := p.Resources[i]
		for _, ref := range lent(&r.Spec) {
			connection, _ := p.place(g, &r)
			if p.made(g, ref, connection) == nil && made(g, ref, connection) {
				kind, spec, ok := p.assetOf(ref)
				if !ok {
					continue
				}
				_, template, _ := strings.Cut(ref, ":")
				p.Resources = append(p.Resources, Resource{
					ID:   message.DeriveID(r.ID, strconv.Itoa(r.Generation), strconv.Itoa(r.Revision), string(kind), template, connection),
					Kind: kind, Template: template, Near: r.ID, Spec: spec, Generation: 1, Revision: 1,
				})
			}
		}
	}
	p.Index()
}

// made reports whether a grant has what a reference asks for made at a VIM connection.
func made(g *nfvo.Grant, ref, connection string) bool {
	if id, is := strings.CutPrefix(ref, refImage); is {
		_, there := asset(g.Images, id, connection)
		return !there && slices.Contains(g.MakeImages, id)
	}
	id := strings.TrimPrefix(ref, refFlavour)
	_, there := asset(g.Flavours, id, connection)
	return !there && slices.Contains(g.MakeFlavours, id)
}

// made returns the resource of the VNF that is what a reference asks for at a VIM connection; nil when there is none.
func (p *Wanted) made(g *nfvo.Grant, ref, connection string) *Resource {
	kind, spec, ok := p.assetOf(ref)
	if !ok {
		return nil
	}
	_, template, _ := strings.Cut(ref, ":")
	for i := range p.Resources {
		r := &p.Resources[i]
		if r.Kind != kind || r.Template != template || !sameAsset(&r.Spec, &spec) {
			continue
		}
		if at, _ := p.place(g, r); at == connection {
			return r
		}
	}
	return nil
}

func sameAsset(a, b *vim.Spec) bool {
	if a.Image != nil && b.Image != nil {
		return a.Image.Content() == b.Image.Content()
	}
	return a.Flavour != nil && b.Flavour != nil && *a.Flavour == *b.Flavour
}

// assetSteps are the steps that make the images and flavours that a grant has made.
func (r *Resolver) assetSteps() []Step {
	var out []Step
	for i := range r.want.Resources {
		if x := &r.want.Resources[i]; lends(x.Kind) && x.At == nil && r.plan.Want.resource(x.ID) == nil {
			out = append(out, Step{Action: Create, ID: x.ID, Set: len(r.plan.Ways)})
		}
	}
	return out
}

package lcm_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// packed gives all images of a descriptor files in the package, and all VDUs sizes.
func packed(d *vnfd.Descriptor) *vnfd.Descriptor {
	for i := range d.Flavours {
		f := &d.Flavours[i]
		for k := range f.Vdus {
			if f.Vdus[k].Image != nil {
				f.Vdus[k].Image.File = "Files/" + f.Vdus[k].Image.Name
			}
			f.Vdus[k].VCPUs, f.Vdus[k].MemoryBytes = 2, plantest.GiB
		}
		for k := range f.Storages {
			if f.Storages[k].Image != nil {
				f.Storages[k].Image.File = "Files/" + f.Storages[k].Image.Name
			}
		}
	}
	return d
}

// lacking is a VNF at a site that has none of its images and flavours.
func lacking(t *testing.T, settings lcm.Settings, can vim.InPlace) (*site, string) {
	t.Helper()
	s := newSite(t, packed(plantest.Elastic()), settings)
	s.can, s.others = can, []string{"net-out"}
	s.grant = func(g *nfvo.Grant) {
		for _, n := range s.asked.Images {
			if n.Package {
				g.Images = slices.DeleteFunc(g.Images, func(a nfvo.VimAsset) bool { return a.ID == n.ID })
				g.MakeImages = append(g.MakeImages, n.ID)
			}
		}
		for _, n := range s.asked.Computes {
			g.Flavours = slices.DeleteFunc(g.Flavours, func(a nfvo.VimAsset) bool { return a.ID == n.VduID })
			g.MakeFlavours = append(g.MakeFlavours, n.VduID)
		}
	}
	return s, s.create()
}

func (s *site) instantiateElastic(id string) string {
	s.t.Helper()
	op, err := s.svc.Instantiate(s.ctx(), id, lcm.Instantiate{
		FlavourID: "simple", AdditionalParams: json.RawMessage(`{"key":"k"}`),
		ExtLinks: []lcm.ExtLink{ext("out", data("app_out", configs("a", chosen(), "b", fixed("10.9.0.2"))))},
	}, by)
	s.must(err)
	return op.ID
}

// has reports whether the VIM was given something of an id.
func (s *site) has(id string) bool {
	for _, r := range s.held {
		if r.ID == id {
			return true
		}
	}
	return false
}

// lent counts the images and flavours that stand, and sees to it that every machine is of some that stand.
func (s *site) lent() (images, flavours int) {
	s.t.Helper()
	at := map[string]bool{}
	for t, r := range s.held {
		switch r.Kind {
		case vim.SoftwareImage:
			images++
			if x := s.specs[t].Image; x.Package == "" || x.Path == "" {
				s.t.Errorf("an image of %+v", x)
			}
		case vim.ComputeFlavour:
			flavours++
		default:
			continue
		}
		at[r.ID] = true
	}
	for t, r := range s.held {
		if c := s.specs[t].Compute; r.Kind == vim.Compute && (!at[c.Flavour] || c.Image != "" && !at[c.Image]) {
			s.t.Errorf("the compute %s is of %s and %s, which are not there", r.ID, c.Flavour, c.Image)
		}
	}
	return images, flavours
}

// What the site lacks is made before the machines, is the VNF's, serves those that come later, and goes with it. Seen failing with the stage taken out of the plan, and with the assets that
// stand left out of the plan of a scaling.
func TestImagesAndFlavoursAreMade(t *testing.T) {
	s, id := lacking(t, lcm.Settings{}, nil)
	op := s.instantiateElastic(id)
	s.settle()
	s.completed(op)
	images, flavours := s.lent()
	if images == 0 || flavours == 0 {
		t.Fatalf("%d images, %d flavours", images, flavours)
	}
	s.recorded(id)
	s.scale(id, "SCALE_OUT", "apps", 2)
	s.settle()
	if i, f := s.lent(); i != images || f != flavours {
		t.Errorf("%d images, %d flavours after a scaling; %d, %d before", i, f, images, flavours)
	}
	s.recorded(id)
	s.scale(id, "SCALE_IN", "apps", 1)
	s.settle()
	mended := s.heal(id, lcm.Heal{Vnfcs: []string{s.vnf(id).Info.Vnfcs[0].ID}})
	s.settle()
	s.completed(mended)
	if i, f := s.lent(); i != images || f != flavours {
		t.Errorf("%d images, %d flavours after a healing; %d, %d before", i, f, images, flavours)
	}
	s.recorded(id)
	next := packed(plantest.Next())
	s.byDigest = map[string]*vnfd.Descriptor{"digest-2": next}
	s.enabled = func() (lcm.PackageRef, error) { return lcm.PackageRef{ID: "pkg-2", Digest: "digest-2"}, nil }
	up := s.upgrade(id, lcm.ChangeVnfPkg{})
	s.settle()
	s.completed(up)
	s.lent()
	s.recorded(id)
	for tok, r := range s.held {
		if x := s.specs[tok].Image; r.Kind == vim.SoftwareImage && x.Checksum == "sha-256:94" && x.Package != "pkg-2" {
			t.Errorf("the new image is of the package %s", x.Package)
		}
	}
	s.terminated(id)
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
	s.finish()
}

// An image that cannot be made, or is made by nobody knows, leaves nothing behind.
func TestAnImageIsNotMade(t *testing.T) {
	for name, what := range map[string]*answer{"fails": permanent, "is lost": lost, "comes late": late} {
		t.Run(name, func(t *testing.T) {
			s, id := lacking(t, lcm.Settings{}, nil)
			s.script = func(m message.Message) *answer {
				var c vim.Reserve
				if m.Type == vim.TypeReserveResource && json.Unmarshal(m.Data, &c) == nil && c.Kind == vim.SoftwareImage {
					return what
				}
				return nil
			}
			op := s.instantiateElastic(id)
			s.run()
			if o := s.op(op); o.State != vnf.RolledBack || len(s.held) != 0 {
				t.Errorf("%s, %v: %v", o.State, o.Error, s.held)
			}
			s.finish()
		})
	}
}

// A repair of an image that is lost makes another, and nothing of the machines is changed.
func TestALostImageIsMadeAgain(t *testing.T) {
	s, id := lacking(t, lcm.Settings{}, nil)
	op := s.instantiateElastic(id)
	s.settle()
	s.completed(op)
	s.forget(vim.SoftwareImage)
	s.sent = nil
	again := s.sync(id, lcm.Sync{Repair: true})
	s.settle()
	s.completed(again)
	images := 0
	for _, m := range s.sent {
		var c vim.Reserve
		if m.Type == vim.TypeChangeResource || json.Unmarshal(m.Data, &c) == nil && c.Kind == vim.Compute {
			t.Errorf("%s %s", m.Type, m.Data)
		}
		if c.Kind == vim.SoftwareImage {
			images++
		}
	}
	if images == 0 {
		t.Error("no image is made")
	}
	s.recorded(id)
	s.terminated(id)
	if len(s.held) != 0 {
		t.Errorf("left: %v", s.held)
	}
}

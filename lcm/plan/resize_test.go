package plan_test

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/lcm/plan/plantest"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// allMade says that whatever is wanted was made.
type allMade struct{ w *plan.Wanted }

func (m allMade) Made(id string) (vim.Resource, bool) {
	for i := range m.w.Resources {
		if r := &m.w.Resources[i]; r.ID == id {
			return vim.Resource{ID: "at-" + id, Kind: r.Kind, Token: r.Token(), Type: "T"}, true
		}
	}
	return vim.Resource{}, false
}

func (allMade) Changed(string) (vim.Resource, bool) { return vim.Resource{}, false }
func (allMade) Remade(string) (vim.Resource, bool)  { return vim.Resource{}, false }

// granted grants whatever is asked for at one VIM.
func granted(p *plan.Plan) *nfvo.Grant {
	var r nfvo.GrantRequest
	p.Ask(&r)
	g := &nfvo.Grant{}
	for _, d := range r.Add {
		g.Infos = append(g.Infos, nfvo.GrantInfo{DefinitionID: d.ID, Connection: "vim-1"})
	}
	for _, c := range r.Computes {
		g.Flavours = append(g.Flavours, nfvo.VimAsset{ID: c.VduID, VimAssetID: "f", Connection: "vim-1"})
	}
	for _, i := range r.Images {
		g.Images = append(g.Images, nfvo.VimAsset{ID: i.ID, VimAssetID: "i", Connection: "vim-1"})
	}
	for _, cpd := range r.UncoveredExtCps {
		g.ExtNetworks = append(g.ExtNetworks, nfvo.ExtNetwork{CpdID: cpd, NetworkID: "public", Connection: "vim-1"})
	}
	return g
}

// stretched is plantest.Elastic with a number of apps, and without a rule: to a grant a rule names all that it binds.
func stretched(apps int) *vnfd.Descriptor {
	d := plantest.Elastic()
	f := &d.Flavours[0]
	f.Vdus[0].Initial, f.Vdus[0].Max, f.Affinity = &apps, apps+1, nil
	return d
}

// standing is an instance that was instantiated of a descriptor.
func standing(t *testing.T, d *vnfd.Descriptor) *vnf.Instance {
	t.Helper()
	vars := map[string]string{"key": "k", "vnf.name": "fw", "vnf.id": "id"}
	w, err := plan.Build("op-1", "fw", d, &plan.Request{FlavourID: "simple"}, vars)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(nil, w, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := &plan.Outcome{Resolver: plan.NewResolver(p, granted(p)), Made: allMade{w}}
	rs, err := o.Resources()
	if err != nil {
		t.Fatal(err)
	}
	v := &vnf.Instance{ID: "id", State: vnf.Instantiated, Info: o.Info(), Values: vars}
	for _, r := range rs {
		v.Resources = append(v.Resources, vnf.Resource{
			ID: r.ID, Generation: 1, Revision: 1, Kind: string(r.Kind), Template: r.Template, Definition: r.Definition, Connection: r.At.Connection,
			VimID: r.At.ID, VimType: r.At.Type, Near: r.Near, Spec: vim.Encode(r.Spec),
		})
	}
	return v
}

// A plan that adds or removes a VNFC has what that touches, and no more: it is as large in a VNF of a thousand VNFCs as in one of ten,
// and so are what is asked of the grant and what the VNF has then in addition. Seen failing with all that stands in both sets.
func TestAResizingIsAsLargeAsWhatItChanges(t *testing.T) {
	sizes := map[string]int{}
	for _, apps := range []int{1, 10, 100, 1000} {
		d := stretched(apps)
		v := standing(t, d)
		for what, r := range map[string]*plan.Resizing{
			"out": {Add: map[string]int{"app": 1}}, "in": {Remove: []string{v.Info.Vnfcs[0].ID}},
		} {
			r.Op, r.Name, r.Vnf, r.Descriptor, r.Flavour, r.Vars = "op-2", "fw", v, d, &d.Flavours[0], v.Values
			held, want, err := plan.Resize(r)
			if err != nil {
				t.Fatal(err)
			}
			p, err := plan.New(held, want, plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			create, change, replace, release := p.Count()
			if touched := map[string][4]int{"out": {4, 0, 0, 0}, "in": {0, 0, 0, 4}}[what]; touched != [4]int{create, change, replace, release} {
				t.Errorf("%s of %d: %d %d %d %d", what, apps, create, change, replace, release)
			}
			o := &plan.Outcome{Resolver: plan.NewResolver(p, granted(p)), Made: allMade{want}}
			var ask nfvo.GrantRequest
			p.Ask(&ask)
			for part, x := range map[string]any{"plan": p, "grant": ask, "landing": o.Info()} {
				b, err := json.Marshal(x)
				if err != nil {
					t.Fatal(err)
				}
				key := what + " " + part
				switch first := sizes[key]; {
				case apps == 1: // the only app has all the addresses that the VNFD fixes
				case first == 0:
					sizes[key] = len(b)
				case len(b)*10 > first*12:
					t.Errorf("%s: %d bytes at %d VNFCs, %d at 10", key, len(b), apps, first)
				}
			}
		}
	}
	if len(sizes) != 6 {
		t.Errorf("%v", sizes)
	}
}

// What heals, stops, snapshots or connects one VNFC has a plan, and a grant request, that are as large in a VNF of a thousand as in one of ten, and looks at as many resources.
// Seen failing when they looked at the whole VNF: 47 kB of a plan at 10, 4.2 MB at 1,000.
func TestWhatTouchesOneVnfcIsAsLargeInAnyVnf(t *testing.T) {
	sizes := map[string]int{}
	for _, apps := range []int{10, 100, 1000} {
		d := stretched(apps)
		v := standing(t, d)
		one := v.Info.Vnfcs[0].ID
		part, err := plan.Part(v, []string{one})
		if err != nil {
			t.Fatal(err)
		}
		held := func(of *vnf.Instance) (out []plan.Resource) {
			for i := range of.Resources {
				r, err := plan.Held(&of.Resources[i])
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, r)
			}
			return out
		}
		for what, want := range map[string]func(have []plan.Resource) (*plan.Wanted, error){
			"heal": func(have []plan.Resource) (*plan.Wanted, error) {
				w, _, err := plan.Heal(&plan.Healing{Vnf: part, Whole: v, Flavour: &d.Flavours[0], Vnfcs: []string{one}}, have)
				return w, err
			},
			"stop": func(have []plan.Resource) (*plan.Wanted, error) {
				w, err := plan.Of(part, have)
				for i := range w.Resources {
					if c := w.Resources[i].Spec.Compute; c != nil {
						off := *c
						off.Power, w.Resources[i].Spec.Compute = vim.PowerOff, &off
					}
				}
				return w, err
			},
			"snapshot": func(have []plan.Resource) (*plan.Wanted, error) {
				w, _, err := plan.Take(&plan.Snapshotting{Op: "op-2", Name: "fw", Vnf: part, Vnfc: one}, have)
				return w, err
			},
			"revert": func(have []plan.Resource) (*plan.Wanted, error) {
				taken := &vnf.Snapshot{ID: "taken", VnfID: v.ID, Vnfcs: []vnf.VnfcSnapshot{{ID: "c", VnfcID: one, Compute: "image"}}}
				return plan.RevertVnfcs(&plan.Reverting{Vnf: part, Whole: v, Flavour: &d.Flavours[0], Snapshot: taken, Generation: 2000}, have)
			},
		} {
			have := held(part)
			w, err := want(have)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			p, err := plan.New(have, w, plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var ask nfvo.GrantRequest
			p.Ask(&ask)
			for of, x := range map[string]any{"plan": p, "grant": ask, "records": part.Resources} {
				b, err := json.Marshal(x)
				if err != nil {
					t.Fatal(err)
				}
				switch first := sizes[what+" "+of]; {
				case first == 0:
					sizes[what+" "+of] = len(b)
				case len(b)*10 > first*12:
					t.Errorf("%s %s: %d bytes at %d VNFCs, %d at 10", what, of, len(b), apps, first)
				}
			}
			if len(p.Steps()) == 0 {
				t.Errorf("%s: nothing is done", what)
			}
		}
	}
	if len(sizes) != 12 {
		t.Errorf("%v", sizes)
	}
}

// Whatever an instance is made of, what it is taken for as something wanted amounts to the same again.
func TestAnInstanceIsWhatItIsTakenFor(t *testing.T) {
	v := standing(t, stretched(3))
	var held []plan.Resource
	for i := range v.Resources {
		r, err := plan.Held(&v.Resources[i])
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, r)
	}
	w, err := plan.Of(v, held)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(held, w, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Steps()); n != 0 {
		t.Errorf("%d steps to be what it is", n)
	}
	now := (&plan.Outcome{Resolver: plan.NewResolver(p, &nfvo.Grant{}), Made: none{}}).Info()
	a, b := vim.Encode(v.Info), vim.Encode(now)
	if string(a) != string(b) {
		t.Errorf("was %s\nis  %s", a, b)
	}
}

// none says that nothing was made.
type none struct{}

func (none) Made(string) (vim.Resource, bool)    { return vim.Resource{}, false }
func (none) Changed(string) (vim.Resource, bool) { return vim.Resource{}, false }
func (none) Remade(string) (vim.Resource, bool)  { return vim.Resource{}, false }

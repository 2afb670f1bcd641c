package plan

import (
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// Healing is what is to be healed of a VNF.
type Healing struct {
	Vnf     *vnf.Instance // as it is; or, when some VNFCs are healed, the Part that they are
	Whole   *vnf.Instance // whose other VNFCs rules bind those that are healed to
	Flavour *vnfd.Flavour
	Vnfcs   []string // by the ids of their computes; empty: the whole VNF
	All     bool     // volumes, too, whatever state they are in
	// Missing are resources that their VIMs do not have.
	Missing map[vim.Token]bool
}

// Heal returns what a VNF that has some resources consists of once it is healed: what is made again is wanted in a generation that was
// never tried. These are the computes of the VNFCs; what of the rest is gone, or may be; and what hangs on a network or subnet that is
// made again. Of a healing of some VNFCs the rest are the ports and volumes of their own. undoable is false when what is made again
// cannot be made once more as it was, since it referred to what is gone. Returns Conflict when VNFCs refer to something gone that is
// not their own.
func Heal(h *Healing, have []Resource) (want *Wanted, undoable bool, err error) {
	want, err = Of(h.Vnf, have)
	if err != nil {
		return nil, false, err
	}
	want.FixedVars = true // boot data are those of the instantiation
	x := &healing{Healing: h, want: want, lost: map[string]bool{}, again: map[string]bool{}, tried: map[string]int{}}
	x.look(have)
	x.vnfcs()
	if len(h.Vnfcs) == 0 {
		x.rest()
	} else if err := x.stands(); err != nil {
		return nil, false, err
	}
	if undoable, err = x.anew(); err != nil {
		return nil, false, err
	}
	want.Rules = Rules(h.Whole, h.Flavour, want, x.again)
	return want, undoable, nil
}

// healing marks what is made again.
type healing struct {
	*Healing
	want  *Wanted
	lost  map[string]bool // gone, or may be
	again map[string]bool
	tried map[string]int // generations there were of resources
}

func (x *healing) look(have []Resource) {
	for i := range have {
		x.lost[have[i].ID] = x.Missing[have[i].Token()]
	}
	for i := range x.Vnf.Resources {
		r := &x.Vnf.Resources[i]
		unsure := r.Unsure && vim.Kind(r.Kind) != vim.Volume // its content is worth more than its form
		x.lost[r.ID] = x.lost[r.ID] || r.MayBeGone || unsure
		x.tried[r.ID] = r.Tried
	}
	for i := range x.Vnf.Leftovers {
		l := &x.Vnf.Leftovers[i]
		x.tried[l.ID] = max(x.tried[l.ID], l.Generation)
	}
}

// vnfcs marks the computes, and what is their own and gone.
func (x *healing) vnfcs() {
	for i := range x.want.Vnfcs {
		c := &x.want.Vnfcs[i]
		if len(x.Vnfcs) > 0 && !slices.Contains(x.Vnfcs, c.ID) {
			continue
		}
		if c.Unit != "" {
			x.pod(c)
			continue
		}
		x.mark(c.ID, true)
		for _, cp := range c.Cps {
			x.mark(cp.Port, x.lost[cp.Port])
		}
		for _, id := range c.Storages {
			x.mark(id, x.own(id) && (x.All || x.lost[id]))
		}
	}
}

// pod has the pod of a VNFC made again by its workload; a workload that is gone is made again as a whole.
func (x *healing) pod(c *Vnfc) {
	x.mark(c.Unit, x.lost[c.Unit])
	r := x.want.resource(c.Unit)
	if r == nil || x.again[c.Unit] || r.Spec.Unit == nil || c.Pod == "" {
		return
	}
	u := *r.Spec.Unit
	if r.At != nil { // those of an earlier healing are gone
		u.Gone = slices.DeleteFunc(slices.Clone(u.Gone), func(id string) bool {
			return !slices.ContainsFunc(r.At.Pods, func(p vim.Pod) bool { return p.ID == id })
		})
	}
	if !slices.Contains(u.Gone, c.Pod) {
		u.Gone = append(u.Gone, c.Pod)
	}
	r.Spec.Unit = &u
}

func (x *healing) mark(id string, again bool) {
	if again && x.want.resource(id) != nil {
		x.again[id] = true
	}
}

// own reports whether a volume is one VNFC's own.
func (x *healing) own(id string) bool {
	r := x.want.resource(id)
	if r == nil {
		return false
	}
	i := slices.IndexFunc(x.Flavour.Storages, func(s vnfd.Storage) bool { return s.ID == r.Template })
	return i < 0 || x.Flavour.Storages[i].PerVnfc
}

// rest marks what else of the VNF is gone, and what is of no use without it.
func (x *healing) rest() {
	order := make([]*Resource, 0, len(x.want.Resources))
	for i := range x.want.Resources {
		order = append(order, &x.want.Resources[i])
	}
	slices.SortStableFunc(order, func(a, b *Resource) int { return StageOf(a.Kind) - StageOf(b.Kind) })
	subnets := map[string]bool{} // the VIM's ids of those that are made again
	for _, r := range order {
		x.mark(r.ID, x.lost[r.ID] || x.All && r.Kind == vim.Volume)
		switch r.Kind {
		case vim.Subnet, vim.Port:
			hangs := slices.ContainsFunc(references(&r.Spec), func(ref string) bool { return x.again[strings.TrimPrefix(ref, refPlan)] })
			x.mark(r.ID, hangs || slices.ContainsFunc(r.At.Addresses, func(ip vim.IP) bool { return subnets[ip.Subnet] }))
		default:
		}
		if r.Kind == vim.Subnet && x.again[r.ID] {
			subnets[r.At.ID] = true
		}
	}
}

// stands refuses to heal VNFCs of which something is gone that others need as well.
func (x *healing) stands() error {
	next := make([]string, 0, len(x.again))
	for id := range x.again {
		next = append(next, id)
	}
	slices.Sort(next)
	seen := map[string]bool{}
	for ; len(next) > 0; next = next[1:] {
		r := x.want.resource(next[0])
		if r == nil || seen[r.ID] {
			continue
		}
		seen[r.ID] = true
		if x.lost[r.ID] && !x.again[r.ID] {
			return vnfm.Errorf(vnfm.Conflict, "the %s %s, which others of the VNF need as well, is gone or may be: heal the whole VNF", r.Kind, r.Name())
		}
		for _, ref := range references(&r.Spec) {
			next = append(next, strings.TrimPrefix(ref, refPlan))
		}
	}
	return nil
}

// groups lets a server group that is made again be where it was, for the computes that are there.
func (x *healing) groups() {
	for i := range x.want.Resources {
		g := &x.want.Resources[i]
		if g.Kind != vim.ServerGroup || !x.again[g.ID] {
			continue
		}
		g.Members = nil
		for j := range x.want.Resources {
			c := &x.want.Resources[j]
			if c.Spec.Compute != nil && c.At.Connection == g.At.Connection && slices.Contains(c.Spec.Compute.ServerGroup, refPlan+g.ID) {
				g.Members = append(g.Members, c.ID)
			}
		}
		if len(g.Members) > 0 {
			g.Near = g.Members[0]
		}
	}
}

// Rules is what binds the computes of a VNF that are made again, for their grant: the rules of the flavour, with those that stand, and
// the zones of the volumes that stay with a compute.
func Rules(v *vnf.Instance, f *vnfd.Flavour, want *Wanted, again map[string]bool) []Rule {
	var out []Rule
	for _, rule := range f.Affinity {
		r := Rule{Affinity: rule.Affinity, Scope: strings.ToUpper(rule.Scope)}
		for _, c := range v.Info.Vnfcs {
			switch {
			case !slices.Contains(rule.Vdus, c.VduID):
			case again[c.ID]:
				r.Members = append(r.Members, c.ID)
			default:
				r.join(c.Handle, c.Zone)
			}
		}
		for _, l := range v.Info.Links {
			switch {
			case r.Scope == scopeNode || !slices.Contains(rule.Links, l.LinkID):
			case again[l.ID]:
				r.Members = append(r.Members, l.ID)
			default:
				r.join(l.Handle, l.Zone)
			}
		}
		for i := range want.Resources {
			if g := &want.Resources[i]; g.Kind == vim.ServerGroup && g.Template == rule.ID && !again[g.ID] {
				r.Groups = append(r.Groups, g.ID)
			}
		}
		if len(r.Members) > 0 && len(r.Members)+len(r.Existing) > 1 {
			out = append(out, r)
		}
	}
	for _, c := range v.Info.Vnfcs {
		r := Rule{Affinity: true, Scope: "ZONE", Members: []string{c.ID}}
		for _, s := range v.Info.Storages {
			if slices.Contains(c.Storages, s.ID) && !again[s.ID] && s.Zone != "" && s.Zone == c.Zone {
				r.join(s.Handle, s.Zone)
			}
		}
		if again[c.ID] && len(r.Existing) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// RulesOf is what binds the resources that a plan makes, or makes again, for their grant: the rules of a flavour, with those that stand,
// and the zones of the volumes that stay with a compute.
func RulesOf(w *Wanted, f *vnfd.Flavour) []Rule {
	w.Index()
	var out []Rule
	place := func(r *Rule, id string) {
		switch x := w.resource(id); {
		case x == nil:
		case x.At == nil:
			r.Members = append(r.Members, id)
		default:
			r.join(vnf.Handle{Connection: x.At.Connection, VimID: x.At.ID, VimType: x.At.Type}, x.At.Zone)
		}
	}
	for _, rule := range f.Affinity {
		r := Rule{Affinity: rule.Affinity, Scope: strings.ToUpper(rule.Scope)}
		for _, c := range w.Vnfcs {
			if slices.Contains(rule.Vdus, c.Vdu) {
				place(&r, c.ID)
			}
		}
		for i := range w.Resources {
			switch x := &w.Resources[i]; {
			case x.Kind == vim.Network && r.Scope != scopeNode && slices.Contains(rule.Links, x.Template):
				place(&r, x.ID)
			case x.Kind == vim.ServerGroup && x.Template == rule.ID && x.At != nil:
				r.Groups = append(r.Groups, x.ID)
			case x.Kind == vim.ServerGroup && x.Template == rule.ID:
				r.Group = x.ID
			}
		}
		if r.Group != "" { // one is made
			r.Groups = nil
		}
		if len(r.Members) > 0 && len(r.Members)+len(r.Existing) > 1 {
			out = append(out, r)
		}
	}
	for _, c := range w.Vnfcs {
		r := Rule{Affinity: true, Scope: "ZONE"}
		place(&r, c.ID)
		if len(r.Members) == 0 {
			continue
		}
		for _, s := range c.Storages {
			if v := w.resource(s); v != nil && v.At != nil && v.At.Zone != "" {
				place(&r, s)
			}
		}
		if len(r.Existing) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// join adds something that stands.
func (r *Rule) join(h vnf.Handle, zone string) {
	r.Existing = append(r.Existing, nfvo.ResourceHandle{Connection: h.Connection, ID: h.VimID, Type: h.VimType})
	if zone != "" && !slices.Contains(r.Zones, zone) {
		r.Zones = append(r.Zones, zone)
	}
}

// Syncing is what VIMs show of a VNF that differs from its records.
type Syncing struct {
	Vnf     *vnf.Instance
	Flavour *vnfd.Flavour
	// Missing are resources that their VIMs do not have, Drift the attributes of those that stand in another way than the records say.
	Missing map[vim.Token]bool
	Drift   map[vim.Token][]vim.Attribute
	// InPlace says what may be changed of a resource where it stands, by VIM connection.
	InPlace map[string]vim.InPlace
	// Strays are at the VIMs under the VNF's name, and not in its records.
	Strays []Stray
}

// Stray is a resource that the records do not have.
type Stray struct {
	Connection string
	vim.Resource
}

// Synced are the two sets of a plan that makes a VNF what its records say: only what differs, and what that refers to.
type Synced struct {
	Have []Resource
	Want *Wanted
	// Undoable is false when what is made again cannot be made once more as it was, since it referred to what is gone.
	Undoable bool
}

// Sync returns what a VNF has, and what it is to have so that it is what its records say. What is gone, or may be, is made again as a
// healing makes it, and what hangs on it; what differs where it stands is changed back; what the records do not have is released. What
// is as the records say is in neither set, unless something refers to it. Returns Conflict when something that is gone was made by a
// program that did not record how.
func Sync(s *Syncing, have []Resource) (*Synced, error) {
	tried := map[string]int{}
	for i := range s.Strays {
		t := s.Strays[i].Token
		tried[t.ID] = max(tried[t.ID], t.Generation)
	}
	touched := map[string]bool{}
	for i := range have {
		r := &have[i]
		if tried[r.ID] > r.Generation {
			r.Tried = max(r.Tried, tried[r.ID])
		}
		r.Drift, r.Lost = s.Drift[r.Token()], s.Missing[r.Token()]
		touched[r.ID] = len(r.Drift) > 0 || r.Unsure
	}
	want, err := Of(s.Vnf, have)
	if err != nil {
		return nil, err
	}
	want.FixedVars = true // boot data are those of the instantiation
	x := &healing{
		Healing: &Healing{Vnf: s.Vnf, Flavour: s.Flavour, Missing: s.Missing}, want: want,
		lost: map[string]bool{}, again: map[string]bool{}, tried: tried,
	}
	for i := range have {
		r := &have[i]
		x.lost[r.ID] = s.Missing[r.Token()]
		x.mark(r.ID, !s.InPlace[r.At.Connection].Can(r.Kind, r.Drift...)) // and so is what hangs on it
	}
	for i := range s.Vnf.Resources {
		r := &s.Vnf.Resources[i]
		x.lost[r.ID] = x.lost[r.ID] || r.MayBeGone
		x.tried[r.ID] = max(x.tried[r.ID], r.Tried)
	}
	for i := range s.Vnf.Leftovers {
		l := &s.Vnf.Leftovers[i]
		x.tried[l.ID] = max(x.tried[l.ID], l.Generation)
	}
	x.rest()
	undoable, err := x.anew()
	if err != nil {
		return nil, err
	}
	for id := range x.again {
		touched[id] = true
	}
	have = trimmed(have, want, s.reached(want, touched))
	return &Synced{Have: append(have, s.strays(have)...), Want: want, Undoable: undoable}, nil
}

// reached adds to what is touched the machines that refer to it: they may have to be changed, and a reader is told of their VNFCs.
func (s *Syncing) reached(want *Wanted, touched map[string]bool) map[string]bool {
	out := make(map[string]bool, len(touched))
	for i := range want.Resources {
		r := &want.Resources[i]
		out[r.ID] = out[r.ID] || touched[r.ID]
		for _, ref := range references(&r.Spec) {
			if touched[strings.TrimPrefix(ref, refPlan)] {
				out[r.ID] = true
			}
		}
	}
	return out
}

// strays are the resources that only a VIM knows, as something to be released.
func (s *Syncing) strays(have []Resource) []Resource {
	taken := map[string]bool{}
	for i := range have {
		taken[have[i].ID] = true
	}
	for i := range s.Vnf.Resources {
		taken[s.Vnf.Resources[i].ID] = true
	}
	var out []Resource
	for i := range s.Strays {
		x := &s.Strays[i]
		r := Resource{
			ID: x.Token.ID, Kind: x.Kind, Generation: x.Token.Generation, Revision: max(x.Revision, 1), Spec: vim.Spec{Name: x.Name}, Stray: true,
			At: &At{Connection: x.Connection, ID: x.Resource.ID, Type: x.Type, Zone: x.Zone, MAC: x.MAC, Addresses: x.Addresses},
		}
		if taken[r.ID] { // another generation of what the VNF has
			r.Allocated, r.ID = r.ID, x.Token.String()
		}
		taken[r.ID] = true
		out = append(out, r)
	}
	return out
}

// anew gives what is made again a generation that was never tried, and says whether all of it could be made once more as it was.
func (x *healing) anew() (undoable bool, err error) {
	undoable = true
	for i := range x.want.Resources {
		if r := &x.want.Resources[i]; x.again[r.ID] {
			if r.Revision == 0 {
				return false, vnfm.Errorf(vnfm.Conflict, "the %s %s was made by a program that did not record how: terminate the VNF and instantiate it again", r.Kind, r.Name())
			}
			if x.lost[r.ID] && r.Kind != vim.Compute && r.Kind != vim.Unit {
				undoable = false
			}
			r.Generation = max(r.Generation, x.tried[r.ID]) + 1
		}
	}
	x.groups()
	return undoable, nil
}

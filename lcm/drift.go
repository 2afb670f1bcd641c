package lcm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Drift is in what a VNF differs from its records. Nothing of it is stored.
type Drift struct {
	VnfID string
	// Operation is what holds the VNF: some of what differs may be its work. "": nothing does.
	Operation   string
	Differences []Difference // in the order of their resources in the records, then those of the VIMs
	Looks       []VimLook    // by VIM connection, in order of their ids
}

// DifferenceType says in what a resource differs from the records.
type DifferenceType string

// The types of differences.
const (
	DriftMissing  DifferenceType = "missing"  // the VIM does not have it
	DriftChanged  DifferenceType = "changed"  // it stands in another way
	DriftOrphaned DifferenceType = "orphaned" // the VIM has it under the VNF's name, and the records do not
	DriftUnsure   DifferenceType = "unsure"   // an operation was given up: the records do not know whether it stands, or how
)

// Difference is one resource that differs from the records.
type Difference struct {
	Type       DifferenceType
	ID         string // of the planned resource
	Generation int
	Kind       vim.Kind
	Name       string
	Template   string   // VDU, VL, CPD or storage in the VNFD; "" of what is orphaned
	Vnfcs      []string // that it is of, or has
	Connection string
	VimID      string
	Fields     []DifferingField // of what changed
	// Kept: a repair leaves it as it is, and why; "": it does not.
	Kept string
}

// DifferingField is one attribute of a resource that stands in another way than the records say.
type DifferingField struct {
	Attribute       vim.Attribute
	Recorded, Found string
}

// VimLook is what came of looking at one VIM connection.
type VimLook struct {
	Connection string
	Recorded   int // resources of the VNF that the records have there
	Found      int // of these at the VIM
	// Suspect: the VIM has so few of them that this may be its own failure.
	Suspect bool
	Err     error // it cannot tell; nothing is known of what is there
}

// look is what the VIMs show of an instance.
type look struct {
	drift   Drift
	missing map[vim.Token]bool
	changed map[vim.Token][]vim.Attribute
	strays  []plan.Stray
}

// Drift implements API.
func (s *Service) Drift(ctx context.Context, vnfID string) (*Drift, error) {
	v, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	l, err := s.compare(ctx, v)
	if err != nil {
		return nil, err
	}
	return &l.drift, nil
}

// compare looks at the VIMs that an instance uses, and at those it has resources at.
func (s *Service) compare(ctx context.Context, v *vnf.Instance) (*look, error) {
	l := &look{
		drift: Drift{VnfID: v.ID, Operation: v.Operation}, missing: map[vim.Token]bool{}, changed: map[vim.Token][]vim.Attribute{},
	}
	if s.cfg.Inventory == nil {
		return nil, vnfm.Errorf(vnfm.Unavailable, "the VIMs cannot be looked at here")
	}
	at := map[string]map[vim.Token]vim.Kind{}
	for id := range v.Connections {
		at[id] = map[vim.Token]vim.Kind{}
	}
	for i := range v.Resources {
		r := &v.Resources[i]
		if at[r.Connection] == nil {
			at[r.Connection] = map[vim.Token]vim.Kind{}
		}
		at[r.Connection][tokenOf(r)] = vim.Kind(r.Kind)
	}
	inPlace := s.inPlace(ctx, v)
	c := newComparison(v, l)
	found := map[vim.Token]*vim.Observed{}
	blind := map[string]bool{}
	for _, connection := range slices.Sorted(maps.Keys(at)) {
		seen, err := s.cfg.Inventory.Look(ctx, v.ID, connection, at[connection])
		is := VimLook{Connection: connection, Recorded: len(at[connection]), Err: err}
		if err != nil {
			blind[connection] = true
			l.drift.Looks = append(l.drift.Looks, is)
			continue
		}
		unexpected, expected := 0, is.Recorded-c.doubtful[connection]
		for _, t := range seen.Missing {
			if l.missing[t] = true; !c.mayBeGone[t] {
				unexpected++
			}
		}
		is.Found = is.Recorded - len(seen.Missing)
		is.Suspect = unexpected*100 > expected*s.cfg.Settings.Suspect
		l.drift.Looks = append(l.drift.Looks, is)
		for i := range seen.Found {
			if o := &seen.Found[i]; at[connection][o.Resource.Token] != "" {
				found[o.Resource.Token] = o
			} else if o.Resource.Owner == v.ID && !c.known[o.Resource.Token] {
				l.strays = append(l.strays, plan.Stray{Connection: connection, Resource: o.Resource})
			}
		}
	}
	for i := range v.Resources {
		r := &v.Resources[i]
		if blind[r.Connection] {
			continue
		}
		if err := c.resource(r, found[tokenOf(r)], inPlace[r.Connection]); err != nil {
			return nil, err
		}
	}
	for _, x := range l.strays {
		l.drift.Differences = append(l.drift.Differences, Difference{
			Type: DriftOrphaned, ID: x.Token.ID, Generation: x.Token.Generation, Kind: x.Kind, Name: x.Name, Connection: x.Connection, VimID: x.Resource.ID,
		})
	}
	return l, nil
}

func tokenOf(r *vnf.Resource) vim.Token { return vim.Token{ID: r.ID, Generation: r.Generation} }

// comparison compares the resources of one instance.
type comparison struct {
	look  *look
	ids   map[string]string   // the VIM's id by planned resource
	vnfcs map[string][]string // by planned resource
	known map[vim.Token]bool  // that the records have, those left over among them
	// mayBeGone are those of which the records do not know whether they stand, doubtful how many these are by VIM connection.
	mayBeGone map[vim.Token]bool
	doubtful  map[string]int
}

func newComparison(v *vnf.Instance, l *look) *comparison {
	c := &comparison{
		look: l, ids: map[string]string{}, vnfcs: map[string][]string{}, known: map[vim.Token]bool{}, mayBeGone: map[vim.Token]bool{},
		doubtful: map[string]int{},
	}
	for i := range v.Resources {
		if r := &v.Resources[i]; r.MayBeGone {
			c.mayBeGone[tokenOf(r)] = true
			c.doubtful[r.Connection]++
		}
		c.ids[v.Resources[i].ID] = v.Resources[i].VimID
		c.known[tokenOf(&v.Resources[i])] = true
	}
	for i := range v.Leftovers {
		c.known[tokenOf(&v.Leftovers[i])] = true
	}
	if v.Info == nil {
		return c
	}
	ports := map[string]string{} // by external connection point
	for _, e := range v.Info.ExtCps {
		ports[e.ID] = e.LinkPortID
	}
	for _, x := range v.Info.Vnfcs {
		has := append([]string{x.ID, x.UnitID}, x.Storages...)
		for _, cp := range x.Cps {
			has = append(has, cp.LinkPortID, ports[cp.ExtCpID])
		}
		for _, id := range has {
			if id != "" && !slices.Contains(c.vnfcs[id], x.ID) {
				c.vnfcs[id] = append(c.vnfcs[id], x.ID)
			}
		}
	}
	return c
}

// resource compares a resource of the records with what its VIM shows of it; nil: nothing.
func (c *comparison) resource(r *vnf.Resource, found *vim.Observed, can vim.InPlace) error {
	d := Difference{
		ID: r.ID, Generation: r.Generation, Kind: vim.Kind(r.Kind), Name: r.Name, Template: r.Template, Vnfcs: c.vnfcs[r.ID],
		Connection: r.Connection, VimID: r.VimID,
	}
	switch {
	case found == nil:
		d.Type = DriftMissing
	case r.MayBeGone || r.Unsure:
		d.Type = DriftUnsure
	default:
		d.Type = DriftChanged
		if err := c.fields(r, found, can, &d); err != nil {
			return err
		}
		if len(d.Fields) == 0 {
			return nil
		}
	}
	c.look.drift.Differences = append(c.look.drift.Differences, d)
	return nil
}

// fields compares how a resource stands with how the records say it does, and notes what a repair changes back.
func (c *comparison) fields(r *vnf.Resource, found *vim.Observed, can vim.InPlace, d *Difference) error {
	held, err := plan.Held(r)
	if err != nil || r.Revision == 0 { // made by a program that did not record how
		return err
	}
	spec := plan.Located(&held, c.ids)
	var back []vim.Attribute
	note := func(a vim.Attribute, recorded, shown string) {
		d.Fields = append(d.Fields, DifferingField{Attribute: a, Recorded: recorded, Found: shown})
		back = append(back, a)
	}
	for _, a := range found.Differs(spec) {
		if a == vim.AttributeReplicas && spec.Unit.Replicas == 0 { // as the objects say
			continue
		}
		note(a, spec.Shown(a), found.Spec.Shown(a))
	}
	if vim.Kind(r.Kind) == vim.Port {
		if has := found.Resource.MAC; has != "" && !strings.EqualFold(has, r.MAC) {
			note(vim.AttributeMAC, r.MAC, has)
		}
		var recorded, shown []string
		for _, a := range r.Addresses {
			recorded = append(recorded, a.Address)
		}
		for _, a := range found.Resource.Addresses {
			shown = append(shown, a.Address)
		}
		if slices.Sort(recorded); !slices.Equal(recorded, slices.Sorted(slices.Values(shown))) {
			slices.Sort(shown)
			note(vim.AttributeAddresses, strings.Join(recorded, ", "), strings.Join(shown, ", "))
		}
	}
	if vim.Kind(r.Kind) == vim.Volume && len(back) > 0 { // its content is worth more than its form
		switch size := found.Spec.Volume; {
		case slices.Contains(back, vim.AttributeSize) && size.SizeBytes > spec.Volume.SizeBytes:
			d.Kept = "a volume does not shrink"
		case !can.Can(vim.Volume, back...):
			d.Kept = fmt.Sprintf("what is on it would be lost: its VIM cannot change %s of a volume that stands", join(back))
		}
	}
	if d.Kept == "" && len(back) > 0 {
		c.look.changed[tokenOf(r)] = back
	}
	return nil
}

func join(attributes []vim.Attribute) string {
	var out []string
	for _, a := range attributes {
		out = append(out, string(a))
	}
	return strings.Join(out, ", ")
}

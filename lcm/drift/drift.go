// Package drift compares the records of a VNF with what its VIMs show. It is pure: it looks at nothing by itself, and decides only what
// differs and whether a VIM that shows it is to be believed; what is made of that is a plan's.
package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Report is in what a VNF differs from its records. Nothing of it is stored.
type Report struct {
	VnfID string
	// Operation is what holds the VNF: some of what differs may be its work. "": nothing does.
	Operation   string
	Differences []Difference // in the order of their resources in the records, then those of the VIMs
	Looks       []Look       // by VIM connection, in order of their ids
}

// Type says in what a resource differs from the records.
type Type string

// The types of differences.
const (
	Missing  Type = "missing"  // the VIM does not have it
	Changed  Type = "changed"  // it stands in another way
	Orphaned Type = "orphaned" // the VIM has it under the VNF's name, and the records do not
	Unsure   Type = "unsure"   // an operation was given up: the records do not know whether it stands, or how
)

// Difference is one resource that differs from the records.
type Difference struct {
	Type       Type
	ID         string // of the planned resource
	Generation int
	Kind       vim.Kind
	Name       string
	Template   string   // VDU, VL, CPD or storage in the VNFD; "" of what is orphaned
	Vnfcs      []string // that it is of, or has
	Connection string
	VimID      string
	Fields     []Field // of what changed
	// Kept: a repair leaves it as it is, and why; "": it does not.
	Kept string
}

// Field is one attribute of a resource that stands in another way than the records say.
type Field struct {
	Attribute       vim.Attribute
	Recorded, Found string
	By              string // who set it last, and when, where the VIM says so
}

// Look is what came of looking at one VIM connection.
type Look struct {
	Connection string
	Recorded   int // resources of the VNF that the records have there
	Found      int // of these at the VIM
	// Suspect: the VIM has so few of them that this may be its own failure.
	Suspect bool
	Err     error // it cannot tell; nothing is known of what is there
}

// Seen is what came of looking at one VIM connection: what it shows, or why it cannot tell.
type Seen struct {
	Connection string
	Look       *vim.Look
	Err        error
}

// Found is what a comparison has found, for people and for a plan.
type Found struct {
	Report  Report
	Missing map[vim.Token]bool            // at VIMs that were looked at
	Changed map[vim.Token][]vim.Attribute // what a repair changes back
	Strays  []plan.Stray
	// Pods are those of units that stand as they are to and have other pods than the records say.
	Pods []vnf.UnitPods
}

// TokenOf names the allocation of a resource.
func TokenOf(r *vnf.Resource) vim.Token { return vim.Token{ID: r.ID, Generation: r.Generation} }

// Wanted lists what the records have at each VIM connection that an instance uses, for the looks.
func Wanted(v *vnf.Instance) map[string]map[vim.Token]vim.Kind {
	at := map[string]map[vim.Token]vim.Kind{}
	for id := range v.Connections {
		at[id] = map[vim.Token]vim.Kind{}
	}
	for i := range v.Resources {
		r := &v.Resources[i]
		if at[r.Connection] == nil {
			at[r.Connection] = map[vim.Token]vim.Kind{}
		}
		at[r.Connection][TokenOf(r)] = vim.Kind(r.Kind)
	}
	return at
}

// Compare compares an instance with what was seen; of VIM connections that are not among it nothing is said. can says what each VIM changes in place; a VIM is suspect of which more than a
// percentage of the VNF's resources are missing. Returns Internal for records that cannot be read.
func Compare(v *vnf.Instance, seen []Seen, can map[string]vim.InPlace, percent int) (*Found, error) {
	f := &Found{Report: Report{VnfID: v.ID, Operation: v.Operation}, Missing: map[vim.Token]bool{}, Changed: map[vim.Token][]vim.Attribute{}}
	at, c := Wanted(v), newComparison(v, f)
	stands, shown := map[vim.Token]*vim.Observed{}, map[string]bool{}
	for _, s := range seen {
		is := Look{Connection: s.Connection, Recorded: len(at[s.Connection]), Err: s.Err}
		if s.Err != nil {
			f.Report.Looks = append(f.Report.Looks, is)
			continue
		}
		shown[s.Connection] = true
		unexpected, expected := 0, is.Recorded-c.doubtful[s.Connection]
		for _, t := range s.Look.Missing {
			if f.Missing[t] = true; !c.mayBeGone[t] {
				unexpected++
			}
		}
		is.Found = is.Recorded - len(s.Look.Missing)
		is.Suspect = unexpected*100 > expected*percent
		f.Report.Looks = append(f.Report.Looks, is)
		for i := range s.Look.Found {
			if o := &s.Look.Found[i]; at[s.Connection][o.Resource.Token] != "" {
				stands[o.Resource.Token] = o
			} else if o.Resource.Owner == v.ID && !c.known[o.Resource.Token] && o.Resource.Kind != vim.Snapshot { // snapshots have records of their own
				f.Strays = append(f.Strays, plan.Stray{Connection: s.Connection, Resource: o.Resource})
			}
		}
	}
	for i := range v.Resources {
		r := &v.Resources[i]
		if !shown[r.Connection] {
			continue
		}
		if err := c.resource(r, stands[TokenOf(r)], can[r.Connection]); err != nil {
			return nil, err
		}
	}
	for _, x := range f.Strays {
		f.Report.Differences = append(f.Report.Differences, Difference{
			Type: Orphaned, ID: x.Token.ID, Generation: x.Token.Generation, Kind: x.Kind, Name: x.Name, Connection: x.Connection, VimID: x.Resource.ID,
		})
	}
	return f, nil
}

// comparison compares the resources of one instance.
type comparison struct {
	found *Found
	ids   map[string]string   // the VIM's id by planned resource
	vnfcs map[string][]string // by planned resource
	again map[string]bool     // made again: what was made of the one before stays
	known map[vim.Token]bool  // that the records have, those left over among them
	// mayBeGone are those of which the records do not know whether they stand, doubtful how many these are by VIM connection.
	mayBeGone map[vim.Token]bool
	doubtful  map[string]int
}

func newComparison(v *vnf.Instance, f *Found) *comparison {
	c := &comparison{
		found: f, ids: map[string]string{}, vnfcs: map[string][]string{}, again: map[string]bool{}, known: map[vim.Token]bool{}, mayBeGone: map[vim.Token]bool{},
		doubtful: map[string]int{},
	}
	for i := range v.Resources {
		if r := &v.Resources[i]; r.MayBeGone {
			c.mayBeGone[TokenOf(r)] = true
			c.doubtful[r.Connection]++
		}
		c.ids[v.Resources[i].ID] = v.Resources[i].VimID
		c.again[v.Resources[i].ID] = v.Resources[i].Generation > 1
		c.known[TokenOf(&v.Resources[i])] = true
	}
	for i := range v.Leftovers {
		c.known[TokenOf(&v.Leftovers[i])] = true
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
		d.Type = Missing
	case r.MayBeGone || r.Unsure:
		d.Type = Unsure
	default:
		d.Type = Changed
		if err := c.fields(r, found, can, &d); err != nil {
			return err
		}
		if len(d.Fields) == 0 {
			c.pods(r, found)
			return nil
		}
	}
	c.found.Report.Differences = append(c.found.Report.Differences, d)
	return nil
}

// pods notes that a unit has others than the records say. One of which some are not ready, or that has not as many as VNFCs, is looked at again: its cluster is about to replace them.
func (c *comparison) pods(r *vnf.Resource, found *vim.Observed) {
	has := found.Resource.Pods
	if len(has) == 0 || len(has) < len(c.vnfcs[r.ID]) || slices.ContainsFunc(has, func(p vim.Pod) bool { return !p.Ready }) {
		return
	}
	known := map[string]bool{}
	for _, p := range r.Pods {
		known[p.ID] = true
	}
	if len(has) == len(r.Pods) && !slices.ContainsFunc(has, func(p vim.Pod) bool { return !known[p.ID] }) {
		return
	}
	u := vnf.UnitPods{ID: r.ID}
	for _, p := range has {
		u.Pods = append(u.Pods, vnf.Pod{ID: p.ID, Name: p.Name, Node: p.Node, Vdu: p.Vdu})
	}
	c.found.Pods = append(c.found.Pods, u)
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
		d.Fields = append(d.Fields, Field{Attribute: a, Recorded: recorded, Found: shown, By: found.By[a]})
		back = append(back, a)
	}
	for _, a := range found.Differs(spec) {
		if a == vim.AttributeReplicas && spec.Unit.Replicas == 0 { // as the objects say
			continue
		}
		if c.again[held.Of(a)] { // it was made of the one before
			continue
		}
		note(a, spec.Shown(a), found.Found(a, spec))
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
		c.found.Changed[TokenOf(r)] = back
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

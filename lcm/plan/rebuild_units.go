package plan

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// units are the containers that a VNF consists of once it is of other charts, of other values, or of other manifests.
type units struct {
	*Rebuilding
	was       *Wanted
	resources []Resource
	vnfcs     []Vnfc
	gone      []Vnfc                 // of units that stay; those of others go with their units
	stands    map[string][]*Resource // by key, those whose place is not taken
	anchor    *Resource              // the first that stays: where the others are
}

// units plans them. A release of one name is one, and so are objects of one kind, namespace and name: it stays and is changed; others are made, or go.
// Of each VDU whose pods a unit that stays makes the oldest VNFCs stay. wanted says whether the flavour has any. Returns Unprocessable for a VDU whose
// pods nothing makes, and for what would be no change.
func (r *Rebuilding) units(was *Wanted, wanted bool) (*units, error) {
	x := &units{Rebuilding: r, was: was, stands: map[string][]*Resource{}}
	switch {
	case !wanted: // all go
		return x, nil
	case len(r.Releases)+len(r.Objects) == 0:
		return nil, vnfm.Errorf(vnfm.Unprocessable, "containers are of manifests or charts of the package, and the request names none of the flavour %s, nor did one before", r.Flavour.ID)
	}
	if err := r.sameMakers(was); err != nil {
		return nil, err
	}
	request := &Request{Objects: r.Objects, ObjectsAt: r.ObjectsAt, Releases: r.Releases, Namespace: r.Namespace}
	p := newPlanner(r.Op, r.Name, r.Descriptor, r.Flavour, request, r.Counts, r.Level, r.Vars)
	if err := p.units(); err != nil {
		return nil, err
	}
	for i := range was.Resources {
		switch old := &was.Resources[i]; {
		case old.Kind != vim.Unit:
		case old.Template == ownNamespace:
			x.resources = append(x.resources, *old)
		default:
			key := x.key(old, r.Names)
			x.stands[key] = append(x.stands[key], old)
		}
	}
	for _, u := range p.stage[vim.Unit] {
		x.take(u, p.plan.Vnfcs)
	}
	x.near()
	for _, c := range was.Vnfcs {
		stays := func(u Resource) bool { return u.ID == c.Unit }
		if slices.ContainsFunc(x.resources, stays) && !slices.ContainsFunc(x.vnfcs, func(n Vnfc) bool { return n.ID == c.ID }) {
			x.gone = append(x.gone, c)
		}
	}
	return x, nil
}

// alone is what a VNF consists of that has containers only: what else there is stays as it is.
func (x *units) alone() *Wanted {
	want := *x.was
	want.FlavourID, want.Level, want.ScaleStatus, want.Vars = x.Flavour.ID, x.Level, x.Status, x.Vars
	want.Vnfcs, want.MaxScaleLevels = nil, nil
	want.Resources = slices.DeleteFunc(slices.Clone(want.Resources), func(r Resource) bool { return r.Kind == vim.Unit })
	for _, a := range x.Flavour.Aspects {
		want.MaxScaleLevels = append(want.MaxScaleLevels, vnf.ScaleInfo{AspectID: a.ID, Level: a.MaxLevel})
	}
	x.beside(&want)
	return &want
}

// beside adds them to what else the VNF consists of.
func (x *units) beside(want *Wanted) {
	want.Resources, want.Vnfcs = append(want.Resources, x.resources...), append(want.Vnfcs, x.vnfcs...)
	want.Gone = append(want.Gone, x.gone...)
	want.Index()
}

// sameMakers refuses to make of a VNF of charts one of manifests, or the other way: the objects of both may have the same names.
func (r *Rebuilding) sameMakers(was *Wanted) error {
	charts, objects := false, false
	for i := range was.Resources {
		u := &was.Resources[i]
		if u.Kind != vim.Unit || u.Template == ownNamespace {
			continue
		}
		_, chart := vim.ChartOf(u.Spec.Unit)
		charts, objects = charts || chart, objects || !chart
	}
	const other = "the VNF is made of %s, and is to be made of %s: terminate it and instantiate another"
	switch {
	case charts && !objects && len(r.Releases) == 0:
		return vnfm.Errorf(vnfm.Unprocessable, other, "charts", "manifests").At(r.ObjectsAt)
	case objects && !charts && len(r.Objects) == 0:
		return vnfm.Errorf(vnfm.Unprocessable, other, "manifests", "charts")
	}
	return nil
}

// key is what a unit is known by: the name of its release, that of the other package, or its object.
func (x *units) key(u *Resource, names map[string]string) string {
	if _, chart := vim.ChartOf(u.Spec.Unit); chart {
		return "release " + cmp.Or(names[u.Template], u.Template)
	}
	return keyOf(u)
}

// take adds a unit to what is wanted, as one that stands where there is such a one, and the VNFCs that it makes.
func (x *units) take(u Resource, planned []Vnfc) {
	counts, vdus := map[string]int{}, []string{}
	for _, c := range planned {
		if c.Unit != u.ID {
			continue
		}
		if counts[c.Vdu] == 0 {
			vdus = append(vdus, c.Vdu)
		}
		counts[c.Vdu]++
	}
	if all := x.stands[x.key(&u, nil)]; len(all) > 0 {
		old := *all[0]
		x.stands[x.key(&u, nil)] = all[1:]
		spec := *u.Spec.Unit
		if to, chart := vim.ChartOf(&spec); chart {
			x.rest(&spec, to, old.Spec.Unit)
		} else {
			old.Spec.Name = u.Spec.Name
		}
		old.Spec.Unit, old.Template = &spec, u.Template
		u = old
		x.anchor = cmp.Or(x.anchor, all[0])
	}
	x.resources = append(x.resources, u)
	for _, vdu := range vdus {
		x.podsOf(&u, vdu, counts[vdu])
	}
}

// rest has a release that stays be where it is, and make no pods of VDUs any more that the other flavour does not have: its chart may make their
// workloads all the same.
func (x *units) rest(spec *vim.UnitSpec, to vim.Chart, old *vim.UnitSpec) {
	had, _ := vim.ChartOf(old)
	to.Namespace = had.Namespace
	to.Workloads = slices.Clone(to.Workloads)
	spec.Counts = maps.Clone(spec.Counts)
	for _, w := range had.Workloads {
		w.Vdu = cmp.Or(x.Names[w.Vdu], w.Vdu)
		made := func(r ChartRelease) bool { // by this release, or by another
			return slices.ContainsFunc(r.Chart.Workloads, func(n vim.Workload) bool { return n.Vdu == w.Vdu })
		}
		if slices.ContainsFunc(x.Releases, made) {
			continue
		}
		if spec.Counts == nil {
			spec.Counts = map[string]int{}
		}
		to.Workloads, spec.Counts[w.Vdu] = append(to.Workloads, w), 0
	}
	spec.Objects = vim.Encode(to)
}

// podsOf adds the VNFCs of a VDU whose pods a unit makes: the oldest that there are stay, with their pods; new ones have the lowest indexes that are free.
func (x *units) podsOf(u *Resource, vdu string, n int) {
	ids, used := map[string]bool{}, map[int]bool{}
	var stay []Vnfc
	for _, c := range x.was.Vnfcs {
		if ids[c.ID] = true; c.Unit == u.ID && cmp.Or(x.Names[c.Vdu], c.Vdu) == vdu {
			c.Vdu = vdu
			stay = append(stay, c)
		}
	}
	slices.SortStableFunc(stay, func(a, b Vnfc) int { return a.Index - b.Index })
	for i := range stay {
		used[stay[i].Index] = true
	}
	stay = stay[:min(n, len(stay))]
	for index := 0; len(stay) < n; index++ {
		c := containerVnfc(u.ID, vdu, index)
		if _, counted := u.Spec.Unit.Counts[vdu]; counted {
			c.ID = message.DeriveID(u.ID, "vnfc", vdu, strconv.Itoa(index))
		}
		if !used[index] && !ids[c.ID] {
			stay = append(stay, c)
		}
	}
	x.vnfcs = append(x.vnfcs, stay...)
}

// near has new units be where those are that stay: a grant decides about those that make pods, and the others follow.
func (x *units) near() {
	if x.anchor == nil {
		return
	}
	for i := range x.resources {
		u := &x.resources[i]
		if u.At != nil {
			continue
		}
		u.Near = x.anchor.ID
		if pods := func(c Vnfc) bool { return c.Unit == u.ID }; !slices.ContainsFunc(x.vnfcs, pods) {
			u.Definition = ""
		}
		u.Spec.Placement = x.anchor.Spec.Placement // where the grant says nothing else
		to, chart := vim.ChartOf(u.Spec.Unit)
		if had, is := vim.ChartOf(x.anchor.Spec.Unit); chart && is && to.Namespace == "" {
			to.Namespace = had.Namespace
			spec := *u.Spec.Unit
			spec.Objects = vim.Encode(to)
			u.Spec.Unit = &spec
		}
	}
}

// keyOf is the key of the object that a unit is.
func keyOf(r *Resource) string {
	var o struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"metadata"`
	}
	if r.Spec.Unit == nil || json.Unmarshal(r.Spec.Unit.Objects, &o) != nil {
		return ""
	}
	group, _, grouped := strings.Cut(o.APIVersion, "/")
	if !grouped {
		group = ""
	}
	x := Object{Kind: o.Kind, Group: group, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name}
	return x.key()
}

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
	"github.com/vnfm/vnfm/vnfd"
)

// Object is one object of a VNF's containers, as its manifest has it.
type Object struct {
	Kind      string          // "Deployment"
	Group     string          // of its API; "" of the core
	Namespace string          // "" when the manifest names none
	Name      string          // "" when it names none
	Manifest  json.RawMessage // one object, as JSON
}

// ChartRelease is a chart that makes pods of VDUs.
type ChartRelease struct {
	Name   string // for people
	Chart  vim.Chart
	Values json.RawMessage // as of vim.UnitSpec
}

// workloads are the kinds that make pods, and whether these are counted.
var workloads = map[string]bool{ //nolint:gochecknoglobals // data
	"Deployment": true, "StatefulSet": true, "ReplicaSet": true, "ReplicationController": true, "DaemonSet": false, "Job": false, "Pod": false,
}

// ranks is the order in which objects are made, by kind; a kind that is in none comes last, after what defines it.
//
//nolint:gochecknoglobals // data
var ranks = []struct {
	name  string
	kinds []string
}{
	{"namespaces", []string{"Namespace"}},
	{"definitions", []string{"CustomResourceDefinition"}},
	{"limits", []string{"PriorityClass", "StorageClass", "IngressClass", "RuntimeClass", "ResourceQuota", "LimitRange", "NetworkPolicy"}},
	{"accounts", []string{"ServiceAccount", "Role", "ClusterRole"}},
	{"bindings", []string{"RoleBinding", "ClusterRoleBinding"}},
	{"configuration", []string{"ConfigMap", "Secret", "ControllerRevision", "PodTemplate"}},
	{"storage", []string{"PersistentVolume", "PersistentVolumeClaim"}},
	{"services", []string{"Service", "Endpoints", "EndpointSlice"}},
	{"workloads", []string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet", "Job", "CronJob", "Pod"}},
	{"others", nil},
}

// rankName names the stage of a rank; those after the kinds are of releases.
func rankName(n int) string {
	switch n -= len(ranks); {
	case n < 0:
		return ranks[n+len(ranks)].name
	case n == 0:
		return "releases"
	default:
		return "releases-" + strconv.Itoa(n+1)
	}
}

// rank is the place of a unit in the order of kinds, from 0. Releases come after the objects, each after those that it depends on.
func rank(r *Resource) int {
	var o struct {
		Kind string `json:"kind"`
	}
	if c, ok := vim.ChartOf(r.Spec.Unit); ok {
		return len(ranks) + max(0, c.Order)
	}
	last := len(ranks) - 1
	if r.Spec.Unit == nil || json.Unmarshal(r.Spec.Unit.Objects, &o) != nil {
		return last
	}
	for i := range ranks {
		if slices.Contains(ranks[i].kinds, o.Kind) {
			return i
		}
	}
	return last
}

// ownNamespace is the template of the namespace that is made for a VNF whose objects name none.
const ownNamespace = "namespace"

// units plans the objects and the releases, each a unit of its own, and the VNFCs of container VDUs: each has one workload of its name, or
// one that a release makes. All of them are at one VIM. Returns Unprocessable for a VDU without a workload.
func (p *planner) units() error {
	owner := map[string]*vnfd.Vdu{} // by object
	charted := map[string]bool{}
	for i := range p.r.Releases {
		for _, w := range p.r.Releases[i].Chart.Workloads {
			charted[w.Vdu] = true
		}
	}
	for i := range p.f.Vdus {
		vdu := &p.f.Vdus[i]
		if !vdu.Container || p.counts[vdu.ID] == 0 || charted[vdu.ID] {
			continue
		}
		at := slices.IndexFunc(p.r.Objects, func(o Object) bool {
			_, runs := workloads[o.Kind]
			return runs && owner[o.key()] == nil && (o.Name == vdu.Name || o.Name == vdu.ID)
		})
		if at < 0 {
			return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s is a container, and no workload of the manifests is called %s", vdu.ID, vdu.Name).At(p.r.ObjectsAt)
		}
		owner[p.r.Objects[at].key()] = vdu
	}
	if p.r.Namespace != "" {
		o := Object{Kind: "Namespace", Name: p.r.Namespace}
		o.Manifest, _ = json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": o.Name}})
		if err := p.unit(o, ownNamespace, nil); err != nil {
			return err
		}
	}
	for _, o := range p.r.Objects {
		if err := p.unit(o, o.Kind+"/"+o.Name, owner[o.key()]); err != nil {
			return err
		}
	}
	for i := range p.r.Releases {
		p.release(&p.r.Releases[i])
	}
	p.near()
	return nil
}

// release plans a release, and the VNFCs that are its pods. VDUs of which there is none yet are not asked for: a chart may render no
// workload for them.
func (p *planner) release(x *ChartRelease) {
	r := Resource{
		ID: p.id(vim.Unit, "release", x.Name), Kind: vim.Unit, Template: x.Name,
		Spec: vim.Spec{Name: p.name(x.Name), Unit: &vim.UnitSpec{Objects: vim.Encode(x.Chart), Values: x.Values}},
	}
	for _, w := range x.Chart.Workloads {
		if r.Spec.Unit.Counts == nil {
			r.Spec.Unit.Counts = map[string]int{}
		}
		r.Definition = r.ID
		r.Spec.Unit.Counts[w.Vdu] = p.counts[w.Vdu]
		for i := range p.counts[w.Vdu] {
			c := containerVnfc(r.ID, w.Vdu, i)
			c.ID = message.DeriveID(r.ID, "vnfc", w.Vdu, strconv.Itoa(i))
			p.plan.Vnfcs = append(p.plan.Vnfcs, c)
		}
	}
	p.add(r)
}

func (o *Object) key() string {
	return strings.Join([]string{o.Group, o.Kind, o.Namespace, o.Name}, "/")
}

// unit plans one object, of a VDU or of none.
func (p *planner) unit(o Object, template string, vdu *vnfd.Vdu) error {
	n := len(p.stage[vim.Unit])
	r := Resource{
		ID: p.id(vim.Unit, o.key(), strconv.Itoa(n)), Kind: vim.Unit, Template: template,
		Spec: vim.Spec{Name: strings.TrimSpace(o.Kind + " " + o.Name), Unit: &vim.UnitSpec{Objects: o.Manifest}},
	}
	if vdu != nil {
		count := p.counts[vdu.ID]
		r.Template, r.Definition = vdu.ID, r.ID
		if workloads[o.Kind] {
			r.Spec.Unit.Replicas = count
		} else if o.Kind == "Pod" && count > 1 {
			return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s is to have %d instances, and its manifest is that of one pod", vdu.ID, count).At(p.r.ObjectsAt)
		}
		for i := range count {
			p.plan.Vnfcs = append(p.plan.Vnfcs, containerVnfc(r.ID, vdu.ID, i))
		}
	}
	p.add(r)
	return nil
}

// containerVnfc is the VNFC of a pod of a unit.
func containerVnfc(unit, vdu string, index int) Vnfc {
	return Vnfc{ID: message.DeriveID(unit, "vnfc", strconv.Itoa(index)), Vdu: vdu, Index: index, Unit: unit}
}

// near has every unit that no grant decides about be where the first workload is.
func (p *planner) near() {
	all := p.stage[vim.Unit]
	first := slices.IndexFunc(all, func(r Resource) bool { return r.Definition != "" })
	if first < 0 && len(all) > 0 {
		first, all[0].Definition = 0, all[0].ID
	}
	for i := range all {
		if all[i].Definition == "" {
			all[i].Near = all[first].ID
		}
	}
}

// resizeUnits changes how many pods the workloads of container VDUs have.
func (x *resizing) resizeUnits() error {
	gone := map[string]bool{}
	for _, id := range x.Remove {
		gone[id] = true
	}
	used := map[string]map[int]bool{} // indexes, by unit and VDU
	less := map[string][]Vnfc{}
	vdu := map[string]string{}
	for _, c := range x.info.Vnfcs {
		if c.UnitID == "" {
			continue
		}
		if used[c.UnitID+" "+c.VduID] == nil {
			used[c.UnitID+" "+c.VduID] = map[int]bool{}
		}
		vdu[c.VduID] = c.UnitID
		if gone[c.ID] {
			less[c.UnitID] = append(less[c.UnitID], Vnfc{ID: c.ID, Vdu: c.VduID, Index: c.Index, Unit: c.UnitID})
			continue
		}
		used[c.UnitID+" "+c.VduID][c.Index] = true
	}
	for i := range x.f.Vdus {
		v := &x.f.Vdus[i]
		add := x.Add[v.ID]
		if !v.Container || add == 0 {
			continue
		}
		unit := vdu[v.ID]
		stands := x.stands[unit]
		if stands == nil {
			return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s has no workload whose pods could be counted", v.ID)
		}
		r, err := x.unit(stands)
		if err != nil {
			return err
		}
		id := func(index int) string { return containerVnfc(unit, v.ID, index).ID }
		if n, counted := r.Spec.Unit.Counts[v.ID]; counted {
			id = func(index int) string { return message.DeriveID(unit, "vnfc", v.ID, strconv.Itoa(index)) }
			if n += add; n < 0 {
				return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s has no pod that could go", v.ID)
			}
			r.Spec.Unit.Counts[v.ID] = n
		} else if r.Spec.Unit.Replicas == 0 {
			return vnfm.Errorf(vnfm.Unprocessable, "the pods of the %s that is the VDU %s are not counted: it cannot be scaled", r.At.Type, v.ID)
		} else if r.Spec.Unit.Replicas += add; r.Spec.Unit.Replicas <= 0 {
			return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s would have no pod any more, which a workload cannot be told", v.ID)
		}
		x.plan.Gone = append(x.plan.Gone, slices.DeleteFunc(slices.Clone(less[unit]), func(c Vnfc) bool { return c.Vdu != v.ID })...)
		for index := 0; add > 0; index++ {
			if used[unit+" "+v.ID][index] {
				continue
			}
			c := containerVnfc(unit, v.ID, index)
			c.ID = id(index)
			x.plan.Vnfcs = append(x.plan.Vnfcs, c)
			add--
		}
	}
	return nil
}

// charts is what a VNF of containers consists of once its releases are of other charts, or of other values: the same VNFCs, by the same
// releases. Returns Unprocessable for what would be more than that.
func (r *Rebuilding) charts(was *Wanted) (*Wanted, error) {
	refuse := func(format string, args ...any) (*Wanted, error) {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "a VNF of containers changes the charts that it is made of, and nothing else: "+format, args...)
	}
	want := *was
	want.FlavourID, want.Level, want.ScaleStatus, want.Vars = r.Flavour.ID, r.Level, r.Status, r.Vars
	want.Resources = slices.Clone(was.Resources)
	found := 0
	for i := range want.Resources {
		x := &want.Resources[i]
		had, is := vim.ChartOf(x.Spec.Unit)
		switch {
		case x.Kind == vim.Unit && x.Template == ownNamespace:
			continue
		case !is:
			return refuse("the %s is of no chart", x.Name())
		}
		at := slices.IndexFunc(r.Releases, func(c ChartRelease) bool { return c.Name == x.Template })
		if at < 0 {
			return refuse("nothing says of which chart the release %s is to be", x.Template)
		}
		found++
		c := r.Releases[at].Chart
		c.Namespace = had.Namespace
		u := *x.Spec.Unit
		u.Counts = maps.Clone(u.Counts)
		for _, w := range c.Workloads {
			if n := r.Counts[w.Vdu]; u.Counts[w.Vdu] != n {
				u.Counts[w.Vdu] = n
				want.recount(x.ID, w.Vdu, n)
			}
		}
		if len(c.Workloads) != len(had.Workloads) {
			return refuse("the release %s is to make the pods of other VDUs", x.Template)
		}
		u.Objects, u.Values, u.Gone = vim.Encode(c), r.Releases[at].Values, nil
		x.Spec.Unit = &u
	}
	if found != len(r.Releases) {
		return refuse("there are %d releases, and are to be %d", found, len(r.Releases))
	}
	want.Index()
	return &want, nil
}

// recount has a release have so many VNFCs of a VDU: the oldest stay.
func (w *Wanted) recount(unit, vdu string, n int) {
	of := func(c Vnfc) bool { return c.Unit == unit && c.Vdu == vdu }
	var there []Vnfc
	for _, c := range w.Vnfcs {
		if of(c) {
			there = append(there, c)
		}
	}
	slices.SortFunc(there, func(a, b Vnfc) int { return a.Index - b.Index })
	stay, beyond := there[:min(n, len(there))], there[min(n, len(there)):]
	w.Gone = append(w.Gone, beyond...)
	w.Vnfcs = slices.DeleteFunc(slices.Clone(w.Vnfcs), func(c Vnfc) bool {
		return slices.ContainsFunc(beyond, func(g Vnfc) bool { return g.ID == c.ID })
	})
	for index := 0; len(stay) < n; index++ {
		if slices.ContainsFunc(stay, func(c Vnfc) bool { return c.Index == index }) {
			continue
		}
		c := containerVnfc(unit, vdu, index)
		c.ID = message.DeriveID(unit, "vnfc", vdu, strconv.Itoa(index))
		w.Vnfcs, stay = append(w.Vnfcs, c), append(slices.Clone(stay), c)
	}
}

// OwnNamespace reports whether a resource is the namespace that was made for a VNF whose objects name none.
func OwnNamespace(r *vnf.Resource) bool {
	return vim.Kind(r.Kind) == vim.Unit && r.Template == ownNamespace
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

// objects is what a VNF of containers consists of once it is of other manifests: objects of one kind, namespace and name are one, which stays and is changed; others are
// made, or go. The VNFCs of a workload that stays stay. Returns Unprocessable for a VDU without a workload.
func (r *Rebuilding) objects(was *Wanted) (*Wanted, error) {
	if slices.ContainsFunc(r.Flavour.Vdus, func(v vnfd.Vdu) bool { return !v.Container }) {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "a VNF of containers cannot become one that has machines, too: terminate it and instantiate another")
	}
	p := newPlanner(r.Op, r.Name, r.Descriptor, r.Flavour, &Request{Objects: r.Objects, ObjectsAt: r.ObjectsAt}, r.Counts, r.Level, r.Vars)
	if err := p.units(); err != nil {
		return nil, err
	}
	want := *was
	want.FlavourID, want.Level, want.ScaleStatus, want.Vars = r.Flavour.ID, r.Level, r.Status, r.Vars
	want.Resources, want.Vnfcs, want.MaxScaleLevels = nil, nil, nil
	for _, a := range r.Flavour.Aspects {
		want.MaxScaleLevels = append(want.MaxScaleLevels, vnf.ScaleInfo{AspectID: a.ID, Level: a.MaxLevel})
	}
	stands, anchor := map[string][]*Resource{}, ""
	for i := range was.Resources {
		x := &was.Resources[i]
		if _, chart := vim.ChartOf(x.Spec.Unit); x.Kind != vim.Unit || x.Template == ownNamespace || chart {
			if chart {
				return nil, vnfm.Errorf(vnfm.Unprocessable, "the VNF is made of charts, and the request names manifests: terminate it and instantiate another").At(r.ObjectsAt)
			}
			want.Resources = append(want.Resources, *x)
			continue
		}
		stands[keyOf(x)] = append(stands[keyOf(x)], x)
	}
	same := map[string]string{} // unit that stands, by that of what was planned
	planned := p.stage[vim.Unit]
	for i := range planned {
		x := planned[i]
		key := keyOf(&x)
		if len(stands[key]) > 0 {
			old := *stands[key][0]
			stands[key] = stands[key][1:]
			same[x.ID] = old.ID
			u := *x.Spec.Unit
			old.Spec.Unit, old.Spec.Name, old.Template = &u, x.Spec.Name, x.Template
			anchor = cmp.Or(anchor, old.ID)
			x = old
		}
		want.Resources = append(want.Resources, x)
	}
	for i := range want.Resources {
		if x := &want.Resources[i]; x.At == nil && anchor != "" { // they are where the others are
			x.Near, x.Definition = anchor, ""
		}
	}
	for _, c := range p.plan.Vnfcs {
		if unit := same[c.Unit]; unit != "" {
			c = containerVnfc(unit, c.Vdu, c.Index)
		}
		for _, old := range was.Vnfcs { // with the pod that it is
			if old.ID == c.ID {
				c = old
			}
		}
		want.Vnfcs = append(want.Vnfcs, c)
	}
	for _, old := range was.Vnfcs { // of workloads that stay
		stays := slices.ContainsFunc(want.Resources, func(x Resource) bool { return x.ID == old.Unit })
		if stays && !slices.ContainsFunc(want.Vnfcs, func(c Vnfc) bool { return c.ID == old.ID }) {
			want.Gone = append(want.Gone, old)
		}
	}
	want.Index()
	return &want, nil
}

// unit is a unit that is resized, as it is to be: one for all VDUs whose pods it makes.
func (x *resizing) unit(stands *vnf.Resource) (*Resource, error) {
	for i := range x.plan.Resources {
		if r := &x.plan.Resources[i]; r.ID == stands.ID {
			return r, nil
		}
	}
	r, err := Held(stands)
	if err != nil {
		return nil, err
	}
	if r.Spec.Unit == nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the %s was made by a program that did not record how: terminate the VNF and instantiate it again", r.At.Type)
	}
	x.held = append(x.held, r)
	to := *r.Spec.Unit
	to.Counts = maps.Clone(to.Counts)
	r.Spec.Unit = &to
	x.plan.Resources = append(x.plan.Resources, r)
	return &x.plan.Resources[len(x.plan.Resources)-1], nil
}

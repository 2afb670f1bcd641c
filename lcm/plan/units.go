package plan

import (
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
			return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s is a container, and no chart makes its pods, nor is a workload of the manifests called %s", vdu.ID, vdu.Name).At(p.r.ObjectsAt)
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
		n := len(used[unit+" "+v.ID]) + max(add, 0) // not what the unit has by now: a change of it may have been given up
		if _, counted := r.Spec.Unit.Counts[v.ID]; counted {
			id = func(index int) string { return message.DeriveID(unit, "vnfc", v.ID, strconv.Itoa(index)) }
			r.Spec.Unit.Counts[v.ID] = n
		} else if r.Spec.Unit.Replicas == 0 {
			return vnfm.Errorf(vnfm.Unprocessable, "the pods of the %s that is the VDU %s are not counted: it cannot be scaled", r.At.Type, v.ID)
		} else if r.Spec.Unit.Replicas = n; n == 0 {
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

// OwnNamespace reports whether a resource is the namespace that was made for a VNF whose objects name none.
func OwnNamespace(r *vnf.Resource) bool {
	return vim.Kind(r.Kind) == vim.Unit && r.Template == ownNamespace
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

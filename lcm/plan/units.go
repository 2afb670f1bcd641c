package plan

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
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

// rank is the place of a unit in the order of kinds, from 0.
func rank(r *Resource) int {
	var o struct {
		Kind string `json:"kind"`
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

// units plans the objects, each a unit of its own, and the VNFCs of container VDUs: each has one workload of its name. All of
// them are at one VIM. Returns Unprocessable for a VDU without a workload.
func (p *planner) units() error {
	owner := map[string]*vnfd.Vdu{} // by object
	for i := range p.f.Vdus {
		vdu := &p.f.Vdus[i]
		if !vdu.Container || p.counts[vdu.ID] == 0 {
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
	p.near()
	return nil
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
	used := map[string]map[int]bool{} // indexes, by unit
	less := map[string][]Vnfc{}
	vdu := map[string]string{}
	for _, c := range x.info.Vnfcs {
		if c.UnitID == "" {
			continue
		}
		if used[c.UnitID] == nil {
			used[c.UnitID] = map[int]bool{}
		}
		vdu[c.VduID] = c.UnitID
		if gone[c.ID] {
			less[c.UnitID] = append(less[c.UnitID], Vnfc{ID: c.ID, Vdu: c.VduID, Index: c.Index, Unit: c.UnitID})
			continue
		}
		used[c.UnitID][c.Index] = true
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
		r, err := Held(stands)
		if err != nil {
			return err
		}
		if r.Spec.Unit == nil || r.Spec.Unit.Replicas == 0 {
			return vnfm.Errorf(vnfm.Unprocessable, "the pods of the %s that is the VDU %s are not counted: it cannot be scaled", r.At.Type, v.ID)
		}
		x.held = append(x.held, r)
		to := *r.Spec.Unit
		if to.Replicas += add; to.Replicas <= 0 {
			return vnfm.Errorf(vnfm.Unprocessable, "the VDU %s would have no pod any more, which a workload cannot be told", v.ID)
		}
		r.Spec.Unit = &to
		x.plan.Resources = append(x.plan.Resources, r)
		x.plan.Gone = append(x.plan.Gone, less[unit]...)
		for index := 0; add > 0; index++ {
			if used[unit][index] {
				continue
			}
			x.plan.Vnfcs = append(x.plan.Vnfcs, containerVnfc(unit, v.ID, index))
			add--
		}
	}
	return nil
}

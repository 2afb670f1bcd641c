package kubernetes

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// place is where a page of List begins: within a kind, which is looked for by its name.
type place struct {
	Kind     string `json:"kind"`
	Continue string `json:"continue,omitempty"`
}

// List returns a page of the objects that bear a token: each kind is listed once, by label. A kind that the connection may not
// list has none of ours.
func (d *Driver) List(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	found, next, err := list(ctx, d, conn, r, plain)
	return vim.ListPage{Resources: found, Next: next}, err
}

// Observe is List, with the pods that are wanted of objects that count them, unless an autoscaler does. How many there are is not told: they come and go. Of a workload
// that is ready its pods are: those of all are asked for at once.
func (d *Driver) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	var made map[string][]corev1.Pod // by unit; asked for once there is a workload
	var unasked error
	c, err := d.cluster(conn)
	if err != nil {
		return vim.ObservedPage{}, err
	}
	found, next, err := list(ctx, d, conn, r, func(u *unstructured.Unstructured) vim.Observed {
		o := vim.Observed{Resource: plain(u), Spec: vim.Spec{Unit: &vim.UnitSpec{}}}
		if kube.Counted(kube.RefOf(u)) && !kube.Autoscaled(u) {
			o.Spec.Unit.Replicas, o.About = kube.Wanted(u), []vim.Attribute{vim.AttributeReplicas}
			o.Author(vim.AttributeReplicas, kube.Author(u, "spec", "replicas"))
		}
		if kube.Template(kube.RefOf(u)) != nil && o.Resource.Ready && unasked == nil {
			if made == nil {
				made, unasked = d.podsOf(ctx, conn, r.Owner)
			}
			if told := kube.Told(made[u.GetLabels()[kube.LabelToken]], kube.Wanted(u)); kube.Running(told) >= kube.Wanted(u) {
				o.Resource.Pods = told
			}
		}
		o.Taken = c.taken(ctx, u)
		return o
	})
	if err == nil {
		err = unasked
	}
	return vim.ObservedPage{Resources: found, Next: next}, err
}

// podsOf are the pods of workloads of a VNF, "" of all, by the token in their labels. A connection that may not list those of all namespaces is shown those of its own.
func (d *Driver) podsOf(ctx context.Context, conn vim.Connection, owner string) (map[string][]corev1.Pod, error) {
	c, err := d.cluster(conn)
	if err != nil {
		return nil, err
	}
	selector := kube.LabelUnit
	if owner != "" {
		selector += "," + kube.LabelOwner + "=" + kube.Label(owner)
	}
	all, err := c.AllPods(ctx, "observe", kube.Ref{Name: owner}, selector)
	if err != nil {
		return nil, err //nolint:wrapcheck // an Error of ours
	}
	out := map[string][]corev1.Pod{}
	for i := range all {
		unit := all[i].Labels[kube.LabelUnit]
		out[unit] = append(out[unit], all[i])
	}
	return out, nil
}

var _ vim.Watcher = (*Driver)(nil)

// Watch watches the objects of all kinds that bear our mark, by their metadata.
func (d *Driver) Watch(ctx context.Context, conn vim.Connection, changed func()) error {
	c, err := d.cluster(conn)
	if err != nil {
		return err
	}
	return c.Watch(ctx, changed)
}

// list returns a page of the objects that bear a token, each as show has it.
func list[T any](ctx context.Context, d *Driver, conn vim.Connection, r vim.ListRequest, show func(*unstructured.Unstructured) T) ([]T, string, error) {
	const op = "list"
	c, err := d.cluster(conn)
	if err != nil {
		return nil, "", err
	}
	var from place
	if r.After != "" && json.Unmarshal([]byte(r.After), &from) != nil {
		return nil, "", &vim.Error{Op: op, Resource: r.Owner, Class: message.Permanent, Hint: "a page does not begin with this"}
	}
	if r.After == "" {
		c.Mapper.Reset() // kinds may have been defined since
	}
	kinds, err := c.Listed(false)
	if err != nil {
		return nil, "", kube.ErrorOf(op, kube.Ref{Name: r.Owner}, err)
	}
	limit := kube.PageSize
	if r.Limit > 0 {
		limit = min(limit, r.Limit)
	}
	selector := kube.LabelToken
	if r.Owner != "" {
		selector += "," + kube.LabelOwner + "=" + kube.Label(r.Owner)
	}
	page := []T{}
	for i := range kinds {
		k := &kinds[i]
		if k.Resource.String() < from.Kind {
			continue
		}
		more := ""
		if k.Resource.String() == from.Kind {
			more = from.Continue
		}
		for {
			if len(page) == limit {
				return page, string(vim.Encode(place{k.Resource.String(), more})), nil
			}
			l, err := c.In(k, "").List(ctx, metav1.ListOptions{LabelSelector: selector, Limit: int64(limit - len(page)), Continue: more})
			if kerrors.IsResourceExpired(err) && more != "" { // the place is too old: the kind begins anew, and the reader knows tokens it has seen
				more = ""
				continue
			}
			if kube.Forbidden(err) || kerrors.IsNotFound(err) || kerrors.IsMethodNotSupported(err) {
				break
			}
			if err != nil {
				return nil, "", kube.ErrorOf(op, kube.Ref{Kind: k.GVK, Name: "*"}, err)
			}
			for j := range l.Items {
				if _, owner, _, ours := bears(&l.Items[j]); ours && (r.Owner == "" || owner == r.Owner) {
					page = append(page, show(&l.Items[j]))
				}
			}
			if more = l.GetContinue(); more == "" {
				break
			}
		}
	}
	return page, "", nil
}

// unused refuses to delete what others use: a namespace that holds anything, and the definition of a kind that has objects.
func (c *cluster) unused(ctx context.Context, op string, u *unstructured.Unstructured) error {
	switch at := kube.RefOf(u); {
	case at.Kind.Group == "" && at.Kind.Kind == "Namespace":
		return c.emptied(ctx, op, at)
	case at.Kind.Group == "apiextensions.k8s.io" && at.Kind.Kind == "CustomResourceDefinition":
		group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
		plural, _, _ := unstructured.NestedString(u.Object, "spec", "names", "plural")
		versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
		for _, v := range versions {
			m, _ := v.(map[string]any)
			name, _ := m["name"].(string)
			if served, _ := m["served"].(bool); !served {
				continue
			}
			gvr := schema.GroupVersionResource{Group: group, Version: name, Resource: plural}
			l, err := c.Dynamic.Resource(gvr).List(ctx, metav1.ListOptions{Limit: 1})
			if kerrors.IsNotFound(err) { // not served yet
				return nil
			}
			if err != nil {
				return kube.ErrorOf(op, at, err)
			}
			if len(l.Items) > 0 {
				return inUse(op, at, kube.RefOf(&l.Items[0]))
			}
			return nil // every version has the same objects
		}
	}
	return nil
}

func inUse(op string, at, by kube.Ref) error {
	return &vim.Error{Op: op, Resource: at.String(), Class: message.Transient, Hint: "it is not deleted while there is " + by.String()}
}

// emptied refuses to delete a namespace that holds what a cluster does not put into each.
func (c *cluster) emptied(ctx context.Context, op string, at kube.Ref) error {
	kinds, err := c.Listed(true)
	if err != nil {
		return kube.ErrorOf(op, at, err)
	}
	for i := range kinds {
		k := &kinds[i]
		if own[k.GVK.GroupKind()] {
			continue
		}
		l, err := c.In(k, at.Name).List(ctx, metav1.ListOptions{Limit: 3})
		if kube.Forbidden(err) || kerrors.IsNotFound(err) || kerrors.IsMethodNotSupported(err) {
			continue
		}
		if err != nil {
			return kube.ErrorOf(op, at, err)
		}
		for j := range l.Items {
			if x := &l.Items[j]; !given(x) {
				return inUse(op, at, kube.RefOf(x))
			}
		}
	}
	return nil
}

// own are the kinds of which a cluster keeps records for others: they go with what they are about.
var own = map[schema.GroupKind]bool{ //nolint:gochecknoglobals // data
	{Kind: "Event"}: true, {Group: "events.k8s.io", Kind: "Event"}: true, {Kind: "Endpoints"}: true,
	{Group: "discovery.k8s.io", Kind: "EndpointSlice"}: true, {Group: "metrics.k8s.io", Kind: "PodMetrics"}: true,
}

// given reports whether a cluster puts an object into every namespace.
func given(u *unstructured.Unstructured) bool {
	switch u.GetKind() {
	case "ServiceAccount":
		return u.GetName() == "default"
	case "ConfigMap":
		return u.GetName() == "kube-root-ca.crt"
	}
	return false
}

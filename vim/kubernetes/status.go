package kubernetes

import (
	"context"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// plain is what an object says of itself.
func plain(u *unstructured.Unstructured) vim.Resource {
	token, owner, revision, _ := bears(u)
	at := refOf(u)
	r := vim.Resource{
		Token: token, Kind: vim.Unit, ID: at.id(string(u.GetUID())), Owner: owner, Name: u.GetName(), Type: u.GetKind(), Revision: revision,
	}
	if u.GetDeletionTimestamp() != nil {
		return r
	}
	if at.Kind.Group == "" && at.Kind.Kind == "PersistentVolumeClaim" { // it may wait for a pod that comes after it
		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
		r.Ready = phase != "Lost"
		return r
	}
	s, err := status.Compute(u)
	switch {
	case err != nil: // not as its kind should be: nothing to wait for
		r.Ready = true
	case s.Status == status.CurrentStatus:
		r.Ready = true
	case s.Status == status.FailedStatus && template(at) == nil:
		r.Failed = &vim.Error{Op: "poll", Resource: at.String(), Class: message.Permanent, Hint: s.Message}
	}
	return r
}

// seen is what there is of an object: ready, being made, or failed for a reason of its own or of one of its pods.
func (d *Driver) seen(ctx context.Context, c *cluster, op string, u *unstructured.Unstructured) (vim.Resource, error) {
	r := plain(u)
	at := refOf(u)
	if !hasPods(at) || u.GetDeletionTimestamp() != nil {
		return r, nil
	}
	made, err := c.podsOf(ctx, op, u)
	if err != nil {
		return vim.Resource{}, err
	}
	if r.Ready {
		r.Pods = podsAs(made, wanted(u))
		if r.Ready = running(r.Pods) >= wanted(u); r.Ready { // what an object says of its pods is older than they are
			return r, nil
		}
		r.Pods = nil
	}
	r.Failed = d.stuck(u, made)
	return r, nil
}

// wanted is how many pods an object wants, 0 when it does not count them.
func wanted(u *unstructured.Unstructured) int {
	n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
	return int(n)
}

func running(all []vim.Pod) int {
	n := 0
	for _, p := range all {
		if p.Ready {
			n++
		}
	}
	return n
}

// zones are those of the nodes.
func (c *cluster) zones(ctx context.Context, op string) (vim.Assets, error) {
	out := vim.Assets{Zones: []string{}}
	seen := map[string]bool{}
	for o := (metav1.ListOptions{Limit: pageSize}); ; {
		l, err := c.dynamic.Resource(nodes).List(ctx, o)
		if err != nil {
			at := ref{Kind: nodes.GroupVersion().WithKind("Node"), Name: "*"}
			if e := errorOf(op, at, err); e.Class != message.Auth || !forbidden(err) {
				return vim.Assets{}, e
			}
			return out, nil // a tenant need not see nodes
		}
		for i := range l.Items {
			if z := l.Items[i].GetLabels()["topology.kubernetes.io/zone"]; z != "" && !seen[z] {
				seen[z] = true
				out.Zones = append(out.Zones, z)
			}
		}
		if o.Continue = l.GetContinue(); o.Continue == "" {
			return out, nil
		}
	}
}

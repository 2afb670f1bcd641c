package kubernetes

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// plain is what an object says of itself.
func plain(u *unstructured.Unstructured) vim.Resource {
	token, owner, revision, _ := bears(u)
	at := kube.RefOf(u)
	r := vim.Resource{
		Token: token, Kind: vim.Unit, ID: at.ID(string(u.GetUID())), Owner: owner, Name: u.GetName(), Type: u.GetKind(), Revision: revision,
	}
	r.Ready, r.Failed = kube.Standing(u)
	return r
}

// seen is what there is of an object: ready, being made, or failed for a reason of its own or of one of its pods. Pods for which it would wait in vain are
// deleted, which is for nobody else to do: they are of what was tried before.
func (d *Driver) seen(ctx context.Context, c *cluster, op string, u *unstructured.Unstructured) (vim.Resource, error) {
	r := plain(u)
	at := kube.RefOf(u)
	if !kube.HasPods(at) || u.GetDeletionTimestamp() != nil {
		return r, nil
	}
	made := kube.AsPods([]unstructured.Unstructured{*u}) // a pod that is a unit is its own
	if kube.Template(at) != nil {
		var err error
		if made, err = c.Pods(ctx, op, at, at.Namespace, kube.LabelUnit+"="+u.GetLabels()[kube.LabelToken]); err != nil {
			return vim.Resource{}, err //nolint:wrapcheck // an Error of ours
		}
	}
	if r.Ready {
		r.Pods = kube.Told(made, kube.Wanted(u))
		if r.Ready = kube.Running(r.Pods) >= kube.Wanted(u); r.Ready { // what an object says of its pods is older than they are
			return r, nil
		}
		r.Pods = nil
	}
	if r.Failed = d.patience.Stuck(u, made); r.Failed == nil {
		blocking := d.patience.Blocking(u, made)
		if err := c.Evict(ctx, op, u.GetLabels()[kube.LabelToken], blocking, func(namespace string) bool { return namespace == at.Namespace }); err != nil {
			return vim.Resource{}, err //nolint:wrapcheck // an Error of ours
		}
	}
	return r, nil
}

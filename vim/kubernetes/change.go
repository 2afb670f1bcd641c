package kubernetes

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// Change makes an object as it is asked for, by server-side apply. Pods that are not to be there go first: the revision is on
// the object last.
func (d *Driver) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	const op = "change"
	c, err := d.cluster(conn)
	if err != nil {
		return vim.Resource{}, err
	}
	for _, a := range vim.Differences(r.From, r.To) {
		if !d.InPlace().Can(r.Kind, a) {
			return vim.Resource{}, &vim.Error{Op: op, Resource: r.ID, Class: message.Permanent, Hint: "the " + string(a) + " of a " + string(r.Kind) + " cannot be changed where it stands"}
		}
	}
	if err := ctx.Err(); err != nil {
		return vim.Resource{}, kube.ErrorOf(op, kube.Ref{Name: r.ID}, err)
	}
	m, err := c.Marker(ctx, op, r.Token)
	if err != nil {
		return vim.Resource{}, err
	}
	u, k, err := c.marked(ctx, op, m, r.Token)
	switch {
	case err != nil:
		return vim.Resource{}, err
	case u == nil || kube.RefOf(u).ID(string(u.GetUID())) != r.ID:
		return vim.Resource{}, &vim.Error{Op: op, Resource: r.ID, Class: message.NotFound, Hint: "there is no such object"}
	}
	if _, _, revision, _ := bears(u); revision >= r.Revision {
		return d.seen(ctx, c, op, u)
	}
	to, _, err := c.prepare(op, r.Token, r.Owner, r.Revision, r.To)
	if err != nil {
		return vim.Resource{}, err
	}
	at := kube.RefOf(u)
	if !kube.RefOf(to).Same(at) {
		return vim.Resource{}, &vim.Error{Op: op, Resource: r.ID, Class: message.Permanent, Hint: "a change cannot make another object of it: " + kube.RefOf(to).String()}
	}
	if err := c.Evict(ctx, op, u.GetLabels()[kube.LabelToken], r.To.Unit.Gone, func(namespace string) bool { return namespace == at.Namespace }); err != nil {
		return vim.Resource{}, err
	}
	if u, err = c.apply(ctx, k, u, to); err != nil {
		return vim.Resource{}, kube.ErrorOf(op, at, err)
	}
	return d.seen(ctx, c, op, u)
}

// apply applies what is wanted of an object. What a create set before is made ours as by an apply: else every change of it would
// be a conflict with ourselves. What the manifest leaves to others stays theirs.
func (c *cluster) apply(ctx context.Context, k *kube.Kind, u, to *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	objects := c.In(k, u.GetNamespace())
	created := slices.ContainsFunc(u.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool {
		return m.Manager == kube.FieldManager && m.Operation == metav1.ManagedFieldsOperationUpdate && m.Subresource == ""
	})
	if created {
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(u, sets.New(kube.FieldManager), kube.FieldManager)
		if err != nil {
			return nil, err //nolint:wrapcheck // classified by the caller
		}
		if _, err := objects.Patch(ctx, u.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: kube.FieldManager}); err != nil {
			return nil, err //nolint:wrapcheck // classified by the caller
		}
	}
	kube.Leave(to, u)
	to.SetUID(u.GetUID())                                                                            // not another object of this name
	return objects.Apply(ctx, u.GetName(), to, metav1.ApplyOptions{FieldManager: kube.FieldManager}) //nolint:wrapcheck // classified by the caller
}

package helm

import (
	"context"
	"strconv"

	"helm.sh/helm/v4/pkg/action"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// upgrade makes a release that stands what it is to be. A change back is one, too, with a higher revision.
func (d *Driver) upgrade(ctx context.Context, c *cluster, w *wish, gone []string) error {
	const op = "change"
	h, err := c.history(ctx, op, w.at)
	if err != nil {
		return err
	}
	switch {
	case h.token != w.token, h.deployed == nil, h.going():
		return missing(op, w.at.String())
	case revisionOf(h.deployed) >= w.revision && h.latest == h.deployed:
		return nil
	}
	if err := c.Evict(ctx, op, kube.TokenLabel(w.token), gone, func(string) bool { return true }); err != nil {
		return err //nolint:wrapcheck // an Error of ours
	}
	hc, err := c.helm(w.at.Namespace)
	if err != nil {
		return errorOf(op, w.at.Name, err)
	}
	if w.onlyPods && h.latest == h.deployed && h.stands(w) {
		lacks, err := d.lacks(ctx, c, op, h)
		if err != nil {
			return err
		}
		if !lacks {
			h.latest.Labels[LabelRevision] = strconv.Itoa(w.revision)
			if err := hc.Releases.Update(h.latest); err != nil {
				return errorOf(op, w.at.Name, err)
			}
			return nil
		}
	}
	if err := h.abandon(hc); err != nil {
		return errorOf(op, w.at.Name, err)
	}
	u := action.NewUpgrade(hc.Configuration)
	u.Namespace, u.Labels, u.MaxHistory = w.at.Namespace, w.labels(), keptRevisions
	u.ResetValues = true
	u.WaitStrategy, u.Timeout = hooksOnly, d.cfg.Hooks
	u.DisableOpenAPIValidation = true // the cluster checks the fields
	u.PostRenderer, u.PostRenderStrategy = w.render(), action.PostRenderStrategySeparate
	if _, err = u.RunWithContext(ctx, w.at.Name, w.chart, w.values); err != nil {
		e := errorOf(op, w.at.Name, err)
		if e.Class == message.Exists && h.latest != h.deployed { // somebody else is at work on it
			e.Class = message.Transient
		}
		return d.explained(ctx, c, w, e)
	}
	return nil
}

// stands reports whether a release was made of what is asked for.
func (h *history) stands(w *wish) bool {
	return valuesDigest(h.deployed.Config) == valuesDigest(w.values) && chartDigest(h.deployed.Chart) == chartDigest(w.chart)
}

// lacks reports whether something of a release is not there any more.
func (d *Driver) lacks(ctx context.Context, c *cluster, op string, h *history) (bool, error) {
	parts, err := c.parts(ctx, op, h, true)
	if err != nil {
		return false, err
	}
	for _, p := range parts {
		if p.live == nil {
			return true, nil
		}
	}
	return false, nil
}

// nobody is an object that says nothing of itself.
func nobody(at kube.Ref) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(at.Kind)
	u.SetNamespace(at.Namespace)
	u.SetName(at.Name)
	return u
}

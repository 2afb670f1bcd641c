package helm

import (
	"context"
	"errors"
	"slices"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/release/common"
	kerrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// uninstall removes a release and its marker; done is false as long as anything of it is there. What Helm knows of it is kept until then.
func (d *Driver) uninstall(ctx context.Context, c *cluster, at kube.Ref, token vim.Token) (done bool, err error) {
	const op = "release"
	h, err := c.history(ctx, op, at)
	if err != nil {
		return false, err
	}
	if h.token != token { // there is none, or somebody else's
		return true, c.Unmark(ctx, op, token) //nolint:wrapcheck // an Error of ours
	}
	if h.latest.Info.Status != common.StatusUninstalled {
		if err := d.delete(c, at, true); err != nil {
			return false, err
		}
		if h, err = c.history(ctx, op, at); err != nil {
			return false, err
		}
	}
	left, stays, err := c.left(ctx, op, h)
	if err != nil {
		return false, err
	}
	if stays && h.latest != nil { // it was made, or could not be seen, while the others were deleted
		hc, err := c.helm(at.Namespace)
		if err == nil {
			h.latest.SetStatus(common.StatusUninstalling, "something is left")
			err = hc.Releases.Update(h.latest)
		}
		if err != nil {
			return false, errorOf(op, at.Name, err)
		}
	}
	if left {
		return false, nil
	}
	if err := d.purge(c, h); err != nil {
		return false, err
	}
	return true, c.Unmark(ctx, op, token) //nolint:wrapcheck // an Error of ours
}

// delete has Helm delete what a release made; its history is kept.
func (d *Driver) delete(c *cluster, at kube.Ref, hooks bool) error {
	const op = "release"
	hc, err := c.helm(at.Namespace)
	if err != nil {
		return errorOf(op, at.Name, err)
	}
	u := action.NewUninstall(hc.Configuration)
	u.KeepHistory, u.DisableHooks = true, !hooks
	u.WaitStrategy, u.Timeout, u.DeletionPropagation = hooksOnly, d.cfg.Hooks, "foreground"
	_, err = u.Run(at.Name)
	if err == nil {
		return nil
	}
	if e := errorOf(op, at.Name, err); e.Class != message.Permanent {
		return e
	}
	if len(hc.heard.errs) > 0 { // Helm says of it only that it failed
		err = errors.Join(append([]error{err}, hc.heard.errs...)...)
	}
	return errorOf(op, at.Name, err)
}

// remove takes away what an install has made that failed, without waiting until it is gone.
func (d *Driver) remove(c *cluster, at kube.Ref, token vim.Token) error {
	h, err := c.history(context.Background(), "release", at) // Helm's own calls have no end of their own, either
	if err != nil || h.token != token {
		return err
	}
	if h.latest.Info.Status != common.StatusUninstalled {
		if err := d.delete(c, at, false); err != nil {
			return err
		}
	}
	return d.purge(c, h)
}

// purge forgets a release.
func (d *Driver) purge(c *cluster, h *history) error {
	hc, err := c.helm(h.at.Namespace)
	if err != nil {
		return errorOf("release", h.at.Name, err)
	}
	for _, r := range slices.Backward(h.all) { // the oldest is the last that is found
		if _, err := hc.Releases.Delete(r.Name, r.Version); err != nil {
			if e := errorOf("release", h.at.Name, err); e.Class != message.NotFound {
				return e
			}
		}
	}
	return nil
}

// left reports whether anything of a release is still there that is to go, and whether any of it is not being deleted. Objects that hooks
// have made go here: Helm leaves them.
func (c *cluster) left(ctx context.Context, op string, h *history) (left, stays bool, err error) {
	if h.latest == nil {
		return false, false, nil
	}
	parts, err := c.parts(ctx, op, h, true)
	if err != nil {
		return false, false, err
	}
	for _, p := range parts {
		if p.live == nil || p.keeps || !p.owned(h) {
			continue
		}
		left = true
		stays = stays || p.live.GetDeletionTimestamp() == nil
	}
	hooks, err := c.hooks(ctx, op, h)
	if err != nil {
		return false, false, err
	}
	for _, p := range hooks {
		left = true
		if p.live.GetDeletionTimestamp() != nil {
			continue
		}
		err := c.In(p.kind, p.at.Namespace).Delete(ctx, p.at.Name, kube.Deletion(string(p.live.GetUID()), kube.Template(p.at) != nil))
		if err != nil && !kerrors.IsNotFound(err) && !kerrors.IsConflict(err) {
			return false, false, kube.ErrorOf(op, p.at, err)
		}
	}
	for _, ns := range spaces(h, parts) {
		pods, err := c.AnyPods(ctx, op, h.at, ns, kube.LabelUnit+"="+kube.TokenLabel(h.token))
		if err != nil {
			return false, false, err //nolint:wrapcheck // an Error of ours
		}
		left = left || pods
	}
	return left, stays, nil
}

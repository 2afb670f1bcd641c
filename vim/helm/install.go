package helm

import (
	"context"
	"strconv"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/release/common"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// labels are those of a revision of a release.
func (w *wish) labels() map[string]string {
	return map[string]string{
		kube.LabelToken: kube.TokenLabel(w.token), kube.LabelOwner: kube.Label(w.owner), LabelRevision: strconv.Itoa(w.revision),
		LabelValues: valuesDigest(w.values), LabelChart: chartDigest(w.chart),
	}
}

// install makes a release. One that is there stays; an install that was left half done goes on.
func (d *Driver) install(ctx context.Context, c *cluster, w *wish) error {
	const op = "start"
	if _, err := c.Mark(ctx, op, w.token, w.owner, w.at); err != nil {
		return err //nolint:wrapcheck // an Error of ours
	}
	h, err := c.history(ctx, op, w.at)
	if err != nil {
		return err
	}
	switch {
	case len(h.all) > 0 && h.token != w.token:
		return c.failed(ctx, op, w.token, &vim.Error{
			Op: op, Resource: w.at.String(), Class: message.Exists, Hint: "there is a release of this name already, which the VNF Manager has not made",
		})
	case h.going():
		return &vim.Error{Op: op, Resource: w.at.String(), Class: message.Transient, Hint: "the release is being removed"}
	case h.deployed != nil:
		return nil
	}
	return d.installOver(ctx, c, w, h)
}

// resume goes on with an install by what Helm has stored of it.
func (d *Driver) resume(ctx context.Context, c *cluster, h *history) error {
	r := h.latest
	w := &wish{
		at: h.at, token: h.token, owner: h.owner(), revision: max(1, revisionOf(r)), chart: r.Chart, values: r.Config, unit: unitOf(r),
	}
	if w.values == nil {
		w.values = map[string]any{}
	}
	plain(w.values)
	return d.installOver(ctx, c, w, h)
}

// installOver installs a release of which nothing stands: there may be what an earlier attempt has left.
func (d *Driver) installOver(ctx context.Context, c *cluster, w *wish, h *history) error {
	const op = "start"
	hc, err := c.helm(w.at.Namespace)
	if err != nil {
		return errorOf(op, w.at.Name, err)
	}
	if err := h.abandon(hc); err != nil {
		return errorOf(op, w.at.Name, err)
	}
	i := action.NewInstall(hc.Configuration)
	i.ReleaseName, i.Namespace, i.Labels = w.at.Name, w.at.Namespace, w.labels()
	i.Replace = h.latest != nil // another attempt's
	i.WaitStrategy, i.Timeout = hooksOnly, d.cfg.Hooks
	i.ServerSideApply, i.DisableOpenAPIValidation = true, true // the cluster checks the fields
	i.HideNotes = true
	i.PostRenderer, i.PostRenderStrategy = w.render(), action.PostRenderStrategySeparate
	if _, err = i.RunWithContext(ctx, w.chart, w.values); err == nil {
		return nil
	}
	e := d.explained(ctx, c, w, errorOf(op, w.at.Name, err))
	if e.Class == message.UnknownOutcome {
		return e
	}
	if err := d.remove(c, w.at, w.token); err != nil { // nothing stands of what has failed
		return &vim.Error{Op: op, Resource: e.Resource, Class: message.UnknownOutcome, Hint: e.Hint + "; and what was made of it could not be removed: " + err.Error(), Err: err}
	}
	return c.failed(ctx, op, w.token, e)
}

// abandon has Helm take a release that it was at work on for one that has failed: nobody is at work on it any more.
func (h *history) abandon(hc *helm) error {
	if !h.pending() {
		return nil
	}
	h.latest.SetStatus(common.StatusFailed, "left by a process that ended")
	return hc.Releases.Update(h.latest) //nolint:wrapcheck // classified by the caller
}

// failed takes the marker away after an install of which nothing stands.
func (c *cluster) failed(ctx context.Context, op string, t vim.Token, err *vim.Error) error {
	if gone := c.Unmark(ctx, op, t); gone != nil {
		return &vim.Error{Op: op, Resource: err.Resource, Class: message.UnknownOutcome, Hint: err.Hint + "; and its marker could not be removed", Err: gone}
	}
	return err
}

// explained adds to an error of a hook what its pods say.
func (d *Driver) explained(ctx context.Context, c *cluster, w *wish, e *vim.Error) *vim.Error {
	if e.Class != message.Permanent || !isHook(e.Hint) {
		return e
	}
	pods, err := c.Pods(ctx, e.Op, w.at, w.at.Namespace, kube.LabelUnit+"="+kube.TokenLabel(w.token))
	if err != nil {
		return e
	}
	if why := (kube.Patience{Now: d.cfg.Now}).Stuck(nobody(w.at), pods); why != nil {
		out := *e
		out.Class, out.Hint = why.Class, e.Hint+": "+why.Hint
		return &out
	}
	return e
}

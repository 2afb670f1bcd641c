package helm

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// part is one object of a release.
type part struct {
	at    kube.Ref
	kind  *kube.Kind
	keeps bool // the chart wants it kept when the release goes
	live  *unstructured.Unstructured
}

// owned reports whether an object is the release's: one that somebody else made, which kept an install from succeeding, is not.
func (p *part) owned(h *history) bool {
	notes := p.live.GetAnnotations()
	return notes["meta.helm.sh/release-name"] == h.at.Name && notes["meta.helm.sh/release-namespace"] == h.at.Namespace
}

// still are the kinds whose objects are ready once they are there.
var still = map[string]bool{ //nolint:gochecknoglobals // data
	"ServiceAccount": true, "ConfigMap": true, "Secret": true, "Role": true, "ClusterRole": true, "RoleBinding": true, "ClusterRoleBinding": true,
	"NetworkPolicy": true,
}

// stands is the release that an object is looked for of: what Helm deployed last, else what it was at work on.
func (h *history) form() *release.Release {
	if h.deployed != nil && !h.going() {
		return h.deployed
	}
	return h.latest
}

// parts reads the objects of a release, of whatever kind or only of those that tell more than that they are there.
func (c *cluster) parts(ctx context.Context, op string, h *history, all bool) ([]part, error) {
	return c.read(ctx, op, h, all, h.form().Manifest)
}

// read reads the objects of a manifest. One whose kind is gone is gone.
func (c *cluster) read(ctx context.Context, op string, h *history, all bool, manifest string) ([]part, error) {
	var out []part
	docs := releaseutil.SplitManifests(manifest)
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		var u unstructured.Unstructured
		if yaml.Unmarshal([]byte(docs[name]), &u.Object) != nil || u.GetKind() == "" || !all && still[u.GetKind()] {
			continue
		}
		p := part{at: kube.RefOf(&u), keeps: u.GetAnnotations()["helm.sh/resource-policy"] == "keep"}
		var err error
		if p.kind, err = c.Kind(p.at.Kind); err != nil {
			e := kube.ErrorOf(op, p.at, err)
			if e.Class != message.NotFound {
				return nil, e
			}
			out = append(out, p)
			continue
		}
		switch {
		case !p.kind.Namespaced:
			p.at.Namespace = ""
		case p.at.Namespace == "":
			p.at.Namespace = h.at.Namespace
		}
		live, err := c.In(p.kind, p.at.Namespace).Get(ctx, p.at.Name, metav1.GetOptions{})
		if err != nil && !kerrors.IsNotFound(err) {
			return nil, kube.ErrorOf(op, p.at, err)
		}
		if err == nil {
			p.live = live
		}
		out = append(out, p)
	}
	return out, nil
}

// hooks are the objects that the hooks of a release have made and that are there.
func (c *cluster) hooks(ctx context.Context, op string, h *history) ([]part, error) {
	var out []part
	seen := map[kube.Ref]bool{}
	for _, r := range h.all {
		for _, x := range r.Hooks {
			found, err := c.read(ctx, op, h, true, x.Manifest)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				ours := p.live != nil && p.live.GetLabels()[kube.LabelUnit] == kube.TokenLabel(h.token)
				if ours && !p.keeps && !seen[p.at] {
					seen[p.at] = true
					out = append(out, p)
				}
			}
		}
	}
	return out, nil
}

// spaces are the namespaces where a release has pods.
func spaces(h *history, parts []part) []string {
	out := []string{h.at.Namespace}
	for _, p := range parts {
		if kube.HasPods(p.at) && !slices.Contains(out, p.at.Namespace) {
			out = append(out, p.at.Namespace)
		}
	}
	return out
}

// seen is what there is of a release: ready, being made, or failed for a reason of one of its objects or pods. Of one that was left in
// the middle of a change is told that it stands as it was before: then it is changed again.
func (d *Driver) seen(ctx context.Context, c *cluster, op string, h *history, all bool) (vim.Resource, error) {
	r := underWay(h.token, h.owner(), h.at, 0)
	if h.going() {
		return r, nil
	}
	if h.deployed == nil {
		r.Failed = &vim.Error{Op: op, Resource: h.at.String(), Class: message.Transient, Hint: "the install has failed: " + h.latest.Info.Description}
		return r, nil
	}
	r.Revision = revisionOf(h.deployed)
	parts, err := c.parts(ctx, op, h, all)
	if err != nil {
		return vim.Resource{}, err
	}
	pods, err := c.podsOf(ctx, op, h, parts)
	if err != nil {
		return vim.Resource{}, err
	}
	r.Ready = true
	u := unitOf(h.deployed)
	for i := range parts {
		p := &parts[i]
		switch {
		case p.live == nil && p.kind == nil:
			r.Warnings = append(r.Warnings, "the cluster does not know the kind of the "+p.at.Kind.Kind+" "+p.at.Name+" any more")
		case p.live == nil:
			r.Ready, r.Health = false, vim.Unhealthy
			r.Warnings = append(r.Warnings, "the "+p.at.Kind.Kind+" "+p.at.Name+" is not there")
		default:
			d.part(&r, p, pods, u.vduOf(p.at))
		}
	}
	slices.SortFunc(r.Pods, func(a, b vim.Pod) int { return cmp.Or(cmp.Compare(a.Vdu, b.Vdu), cmp.Compare(a.Name, b.Name)) })
	if len(u.Of) < len(u.Workloads) {
		r.Failed = &vim.Error{Op: op, Resource: h.at.String(), Class: message.Permanent, Hint: "the chart renders no workloads for the VDUs"}
	}
	if r.Failed != nil {
		r.Ready = false
	}
	if h.pending() && h.latest.Info.Status != common.StatusPendingInstall {
		r.Ready, r.Failed = true, nil
	}
	if !r.Ready {
		r.Pods = nil
	}
	return r, nil
}

// part adds to a release what one of its objects shows.
func (d *Driver) part(r *vim.Resource, p *part, pods map[string][]corev1.Pod, vdu string) {
	ready, failed := kube.Standing(p.live)
	if failed != nil && r.Failed == nil {
		r.Failed = failed
	}
	if !kube.HasPods(p.at) {
		r.Ready = r.Ready && ready
		return
	}
	made := pods[p.at.Namespace+"/"+workloadLabel(p.at)]
	told := kube.Told(made, kube.Wanted(p.live))
	if ready && kube.Running(told) >= kube.Wanted(p.live) { // what an object says of its pods is older than they are
		for i := range told {
			if told[i].Vdu = vdu; vdu != "" {
				r.Pods = append(r.Pods, told[i])
			}
		}
		return
	}
	r.Ready = false
	if stuck := d.patience.Stuck(p.live, made); stuck != nil && r.Failed == nil {
		r.Failed = stuck
	}
}

func workloadLabel(r kube.Ref) string { return kube.Label(r.Kind.Kind + "." + r.Name) }

// vduOf is the VDU whose workload an object is; "" when it is none's.
func (u *unit) vduOf(at kube.Ref) string {
	if vdu := u.Of[workloadKey(at)]; vdu != "" {
		return vdu
	}
	at.Namespace = "" // as it is where a chart says none
	return u.Of[workloadKey(at)]
}

// podsOf are the pods of a release by namespace and workload.
func (c *cluster) podsOf(ctx context.Context, op string, h *history, parts []part) (map[string][]corev1.Pod, error) {
	out := map[string][]corev1.Pod{}
	if !slices.ContainsFunc(parts, func(p part) bool { return kube.HasPods(p.at) }) {
		return out, nil
	}
	for _, ns := range spaces(h, parts) {
		pods, err := c.Pods(ctx, op, h.at, ns, kube.LabelUnit+"="+kube.TokenLabel(h.token))
		if err != nil {
			return nil, err //nolint:wrapcheck // an Error of ours
		}
		for i := range pods {
			key := ns + "/" + pods[i].Labels[labelWorkload]
			out[key] = append(out[key], pods[i])
		}
	}
	return out, nil
}

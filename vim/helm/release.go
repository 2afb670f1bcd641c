package helm

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	helmkube "helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// What the Secrets of a release carry beside kube.LabelToken and kube.LabelOwner, and its chart.
const (
	LabelRevision  = "vnfm.io/revision" // of the spec that stands once Helm has deployed it
	LabelValues    = "vnfm.io/values"   // a digest of what it was made with
	LabelChart     = "vnfm.io/chart"    // a digest of what it was made of
	AnnotationUnit = "vnfm.io/unit"     // on the chart: what is needed beside it
)

// On the templates of pods, beside kube.LabelOwner and kube.LabelUnit.
const (
	labelWorkload = "vnfm.io/workload"
	labelVdu      = "vnfm.io/vdu"
)

// keptRevisions is how many revisions Helm keeps of a release: that which stands, and those that were tried after it.
const keptRevisions = 3

// releaseKind is the kind of a release as an object that a marker leads to.
var releaseKind = schema.GroupVersionKind{Group: "helm.sh", Version: "v1", Kind: vim.KindRelease} //nolint:gochecknoglobals // data

// releaseName is the name of the release of a token. It is short: charts make names of objects of it, and of their pods.
func releaseName(t vim.Token) string { return "vnf-" + kube.Short(t.String(), 16) }

// unit is what is kept beside a chart of what was asked for.
type unit struct {
	Token     string         `json:"token"`
	Owner     string         `json:"owner"`
	Workloads []vim.Workload `json:"workloads,omitempty"`
	Counts    map[string]int `json:"counts,omitempty"`
	// Of are the workloads of VDUs, as kind/namespace/name, once the chart was rendered.
	Of map[string]string `json:"of,omitempty"`
}

// unitOf reads it from a release.
func unitOf(r *release.Release) unit {
	var u unit
	if r != nil && r.Chart != nil && r.Chart.Metadata != nil {
		_ = json.Unmarshal([]byte(r.Chart.Metadata.Annotations[AnnotationUnit]), &u) // none of ours: nothing
	}
	return u
}

// cluster is a connection with its clients.
type cluster struct{ *kube.Cluster }

func (d *Driver) cluster(conn vim.Connection) (*cluster, error) {
	c, err := d.clusters.Of(conn)
	if err != nil {
		return nil, err //nolint:wrapcheck // an Error of ours
	}
	return &cluster{c}, nil
}

// helm is Helm for one namespace, and what it has only logged of errors.
type helm struct {
	*action.Configuration
	heard *heard
}

// helm prepares Helm.
func (c *cluster) helm(namespace string) (*helm, error) {
	h := &helm{heard: &heard{}}
	h.Configuration = action.NewConfiguration(action.ConfigurationSetLogger(h.heard))
	if err := h.Init(getter{c, namespace}, namespace, "secret"); err != nil {
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	return h, nil
}

// getter is how Helm reaches a cluster: by the clients that there are.
type getter struct {
	c         *cluster
	namespace string
}

func (g getter) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(g.c.Config), nil }

func (g getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.c.Discovery, nil
}

func (g getter) ToRESTMapper() (meta.RESTMapper, error) { return g.c.Mapper, nil }

// ToRawKubeConfigLoader tells the namespace of objects that name none.
func (g getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), &clientcmd.ConfigOverrides{
		Context: clientcmdapi.Context{Namespace: g.namespace}, ClusterInfo: clientcmdapi.Cluster{Server: g.c.Config.Host},
	})
}

// heard keeps the errors that Helm logs where it returns another that says nothing.
type heard struct{ errs []error }

func (h *heard) Enabled(context.Context, slog.Level) bool { return true }
func (h *heard) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *heard) WithGroup(string) slog.Handler            { return h }

// Handle implements slog.Handler.
func (h *heard) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "error" {
			return true
		}
		switch x := a.Value.Any().(type) {
		case error:
			h.errs = append(h.errs, x)
		case []error:
			h.errs = append(h.errs, x...)
		}
		return true
	})
	return nil
}

// history is what Helm has stored of a release.
type history struct {
	at       kube.Ref
	token    vim.Token // the zero value when it is none of ours
	all      []*release.Release
	latest   *release.Release
	deployed *release.Release // what stands; nil when nothing does
}

// history reads a release; one that is not there has none.
func (c *cluster) history(_ context.Context, op string, at kube.Ref) (*history, error) {
	hc, err := c.helm(at.Namespace)
	if err != nil {
		return nil, errorOf(op, at.Name, err)
	}
	found, err := hc.Releases.History(at.Name)
	h := &history{at: at}
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return h, nil
	}
	if err != nil {
		return nil, errorOf(op, at.Name, err)
	}
	for _, x := range found {
		if r, ok := x.(*release.Release); ok {
			h.all = append(h.all, r)
		}
	}
	slices.SortFunc(h.all, func(a, b *release.Release) int { return a.Version - b.Version })
	for _, r := range h.all {
		h.latest = r
		if r.Info.Status == common.StatusDeployed {
			h.deployed = r
		}
	}
	if h.latest != nil {
		h.token = tokenOf(h.latest)
	}
	return h, nil
}

// tokenOf is the token of a release; the zero value when it is none of ours.
func tokenOf(r *release.Release) vim.Token {
	t, ok := labelled(r.Labels[kube.LabelToken])
	if said, err := vim.ParseToken(unitOf(r).Token); err == nil && r.Labels[kube.LabelToken] == kube.TokenLabel(said) {
		t, ok = said, true
	}
	if !ok || releaseName(t) != r.Name {
		return vim.Token{}
	}
	return t
}

// labelled reads a token from a label that has it as it is.
func labelled(text string) (vim.Token, bool) {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return vim.Token{}, false
	}
	t, err := vim.ParseToken(text[:i] + ":" + text[i+1:])
	return t, err == nil
}

func (h *history) ours() bool { return h.token != vim.Token{} }

// pending reports whether Helm was at work on it when it was stored last.
func (h *history) pending() bool { return h.latest != nil && h.latest.Info.Status.IsPending() }

// going reports whether it was being removed.
func (h *history) going() bool {
	return h.latest != nil && (h.latest.Info.Status == common.StatusUninstalling || h.latest.Info.Status == common.StatusUninstalled)
}

func (h *history) owner() string {
	if u := unitOf(h.latest); u.Owner != "" {
		return u.Owner
	}
	return h.latest.Labels[kube.LabelOwner]
}

func revisionOf(r *release.Release) int {
	n, err := strconv.Atoi(r.Labels[LabelRevision])
	if err != nil {
		return 0
	}
	return n
}

// hooksOnly has Helm wait for the hooks of a chart, and for nothing else.
const hooksOnly = helmkube.HookOnlyStrategy

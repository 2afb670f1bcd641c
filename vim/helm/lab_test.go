//go:build kubernetes

package helm_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/helm"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
	"github.com/vnfm/vnfm/vim/vimtest"
)

// chartsIn reads charts of testdata as a package has them.
func chartsIn(_ context.Context, _, path string, _ int64) (map[string][]byte, error) {
	out := map[string][]byte{}
	root := filepath.Join("testdata", path)
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		below, _ := filepath.Rel(root, name)
		out[filepath.ToSlash(below)] = text
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, vnfm.Errorf(vnfm.NotFound, "there is no %s", path)
	}
	return out, err
}

func newDriver(c helm.Config) *helm.Driver {
	c.Charts = chartsIn
	return helm.New(c)
}

// release is a specification of a release of the chart web, which has the workloads of two VDUs.
func release(replicas int, values string) vim.Spec {
	return spec(vim.Chart{Path: "web", Workloads: []vim.Workload{
		{Vdu: "VDU1", Names: []string{"front"}, Value: "replicas"}, {Vdu: "VDU2", Names: []string{"back"}},
	}}, map[string]int{"VDU1": replicas, "VDU2": 1}, values)
}

func spec(c vim.Chart, counts map[string]int, values string) vim.Spec {
	c.Kind = vim.KindRelease
	s := vim.Spec{Name: "unit", Unit: &vim.UnitSpec{Counts: counts, Objects: vim.Encode(c)}}
	if values != "" {
		s.Unit.Values = vim.Encode(vim.ChartValues{Values: json.RawMessage(values)})
	}
	return s
}

func plain(values string) vim.Spec { return spec(vim.Chart{Path: "plain"}, nil, values) }

func changes() []vimtest.Change {
	change := func(what vim.Attribute, f func(*vim.UnitSpec)) vimtest.Change {
		return vimtest.Change{Kind: vim.Unit, What: what, To: func(s vim.Spec, _ map[vim.Kind]string) vim.Spec {
			u := *s.Unit
			f(&u)
			s.Unit = &u
			return s
		}}
	}
	return []vimtest.Change{
		change(vim.AttributeReplicas, func(u *vim.UnitSpec) { u.Counts = map[string]int{"VDU1": 3, "VDU2": 2} }),
		change(vim.AttributeValues, func(u *vim.UnitSpec) {
			u.Values = vim.Encode(vim.ChartValues{Set: map[string]json.RawMessage{"image": vim.Encode("registry.example/app:2"), "other": vim.Encode(1_000_000)}})
		}),
		change(vim.AttributeObjects, func(u *vim.UnitSpec) {
			u.Objects = json.RawMessage(strings.Replace(string(u.Objects), `"path":"web"`, `"path":"web","digest":"another"`, 1))
		}),
		change(vim.AttributeGone, func(u *vim.UnitSpec) { u.Gone = []string{"Pod.v1/nowhere/p/" + uuid.NewString()} }),
	}
}

func TestDriver(t *testing.T) {
	l := kubetest.New(t, helm.Type)
	full := "q-" + l.Namespace
	l.Make(t, kubetest.Namespaces, "", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": full}})
	l.Make(t, kubetest.Quotas, full, map[string]any{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "q"}, "spec": map[string]any{"hard": map[string]any{"count/secrets": "0"}},
	})
	l.Make(t, kubetest.ConfigMaps, l.Namespace, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs"}})
	vimtest.Run(t, newDriver(helm.Config{}), vimtest.Env{
		Connection: l.Conn, Changes: changes(), Wait: kubetest.Wait, Polls: 500,
		Samples: []vimtest.Sample{
			{Kind: vim.Unit, Spec: func(map[vim.Kind]string) vim.Spec { return plain("") }},
			{Kind: vim.Unit, Spec: func(map[vim.Kind]string) vim.Spec { // an object, as the driver of these has it
				return vim.Spec{Name: "unit", Unit: &vim.UnitSpec{Objects: json.RawMessage(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"c-"}}`)}}
			}},
			{Kind: vim.Unit, Spec: func(map[vim.Kind]string) vim.Spec { return release(2, "") }},
		},
		Restart: func(*testing.T, vim.Driver) vim.Driver { return newDriver(helm.Config{}) },
		Provoke: func(_ *testing.T, class message.Class, r vim.StartRequest) (vim.StartRequest, bool) {
			post := kubetest.Rule{Method: http.MethodPost, Path: "/secrets"}
			switch class {
			case message.Transient:
				post.Answer = http.StatusTooManyRequests
			case message.Unavailable:
				post.Answer = http.StatusServiceUnavailable
			case message.Auth:
				post.Answer = http.StatusUnauthorized
			case message.UnknownOutcome:
				post.After = true
			case message.Permanent:
				r.Spec = spec(vim.Chart{Path: "bad"}, nil, `{"bad":"field"}`)
				return r, true
			case message.Quota:
				r.Spec = spec(vim.Chart{Path: "plain", Namespace: full}, nil, "")
				return r, true
			case message.NotFound:
				r.Spec = spec(vim.Chart{Path: "plain", Namespace: "no-such-namespace"}, nil, "")
				return r, true
			case message.Exists:
				r.Spec = plain(`{"name":"theirs"}`)
				return r, true
			default:
				return r, false
			}
			l.Next(post)
			return r, true
		},
		ProvokeChange: func(_ *testing.T, class message.Class, r vim.ChangeRequest) (vim.ChangeRequest, bool) {
			patch := kubetest.Rule{Method: http.MethodPatch, Path: "/deployments/"}
			switch class {
			case message.Transient:
				patch.Answer = http.StatusTooManyRequests
			case message.Unavailable:
				patch.Answer = http.StatusServiceUnavailable
			case message.Auth:
				patch.Answer = http.StatusUnauthorized
			case message.UnknownOutcome:
				patch.After = true
			case message.Permanent: // a field that does not change
				r.To = release(2, `{"app":"other"}`)
				return r, true
			default:
				return r, false
			}
			r.To = release(4, "")
			l.Next(patch)
			return r, true
		},
		Half: func(*testing.T) { l.Next(kubetest.Rule{Method: http.MethodPatch, Path: "/deployments/"}) },
		Shows: func(t *testing.T, r vim.Resource, spec vim.Spec) {
			t.Helper()
			if len(spec.Unit.Counts) == 0 {
				return
			}
			u, err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Get(t.Context(), "front-"+r.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
			c, _, _ := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
			image, _ := c[0].(map[string]any)["image"].(string)
			config, err := l.Direct.Resource(kubetest.ConfigMaps).Namespace(l.Namespace).Get(t.Context(), r.Name+"-config", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			other, _, _ := unstructured.NestedString(config.Object, "data", "other")
			wantImage, wantOther := "registry.example/app:1", "1"
			if strings.Contains(string(spec.Unit.Values), "app:2") {
				wantImage, wantOther = "registry.example/app:2", "1000000"
			}
			by := map[string]int{}
			for _, p := range r.Pods {
				by[p.Vdu]++
			}
			if int(n) != spec.Unit.Counts["VDU1"] || by["VDU1"] != spec.Unit.Counts["VDU1"] || by["VDU2"] != spec.Unit.Counts["VDU2"] || image != wantImage || other != wantOther {
				t.Errorf("the cluster has %d of %s with %s, and shows the pods %v; want %v of %s with %s", n, image, other, by, spec.Unit.Counts, wantImage, wantOther)
			}
		},
	})
	empty(t, l)
}

// empty checks that nothing is left of releases in the lab's namespace.
func empty(t *testing.T, l *kubetest.Lab) {
	t.Helper()
	for name, o := range map[string]metav1.ListOptions{"markers": {LabelSelector: kube.LabelMarker}, "objects": {LabelSelector: kube.LabelUnit}} {
		left, err := l.Direct.Resource(kubetest.ConfigMaps).Namespace(l.Namespace).List(t.Context(), o)
		if err != nil || len(left.Items) != 0 {
			t.Errorf("%d %s are left, %v", len(left.Items), name, err)
		}
	}
	left, err := l.Direct.Resource(kubetest.Secrets).Namespace(l.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil || len(left.Items) != 0 {
		t.Errorf("%d Secrets of Helm are left, %v", len(left.Items), err)
	}
}

var (
	_ = time.Second
	_ = types.MergePatchType
)

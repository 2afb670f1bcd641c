package helm //nolint:testpackage // what is not exported is tested where no cluster is needed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/storage/driver"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// Names of releases are short, as charts make names of pods of them, and no two tokens have one.
func TestReleaseName(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []string{"9f1c2d3e-0000-4000-8000-000000000000", strings.Repeat("x", 300), "Größe 1"} {
		for generation := range 3 {
			name := releaseName(vim.Token{ID: id, Generation: generation + 1})
			if seen[name] || len(name) > 20 || !strings.HasPrefix(name, "vnf-") {
				t.Errorf("%s is the name of generation %d of %s", name, generation+1, id)
			}
			seen[name] = true
		}
	}
}

// Values come from the request, by their paths over the objects, and the counts of the VDUs over both; whole numbers stay such.
func TestValues(t *testing.T) {
	u := &vim.UnitSpec{
		Counts: map[string]int{"VDU1": 3, "VDU2": 1},
		Values: vim.Encode(vim.ChartValues{
			Values: json.RawMessage(`{"a":{"b":1,"c":"x"},"n":1000000,"f":1.5,"front":{"n":9}}`),
			Set:    map[string]json.RawMessage{"a.b": json.RawMessage("2"), "l[0].x": json.RawMessage(`"p,q=r"`)},
		}),
	}
	got, err := valuesOf(u, []vim.Workload{{Vdu: "VDU1", Value: "front.n"}, {Vdu: "VDU2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": map[string]any{"b": int64(2), "c": "x"}, "n": int64(1_000_000), "f": 1.5, "front": map[string]any{"n": int64(3)},
		"l": []any{map[string]any{"x": "p,q=r"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if valuesDigest(got) != valuesDigest(want) {
		t.Error("equal values have two digests")
	}
	for _, bad := range []string{`7`, `{"values":[1]}`, `{"values":null,"set":{"a[":1}}`} {
		if _, err := valuesOf(&vim.UnitSpec{Values: json.RawMessage(bad)}, nil); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

const rendered = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: front-vnf-1
spec:
  replicas: 2
  template:
    metadata: {labels: {app: a}}
    spec: {containers: []}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: vnf-1-db
  labels: {app.kubernetes.io/component: store}
spec:
  replicas: 1
  template:
    spec: {containers: []}
---
apiVersion: v1
kind: Service
metadata:
  name: vnf-1
spec: {ports: [{port: 80}]}
`

// Workloads are found by their names, with the release's beside them or not, and by their component; they get as many pods as are wanted, and
// everything says whose it is.
func TestLabeller(t *testing.T) {
	owner := "9f1c2d3e-0000-4000-8000-000000000000"
	render := func(text string, counts map[string]int, workloads ...vim.Workload) (string, *unit, error) {
		w := &wish{
			at: kube.Ref{Kind: releaseKind, Namespace: "shop", Name: "vnf-1"}, chart: &chart.Chart{Metadata: &chart.Metadata{Name: "c"}},
			unit: unit{Token: owner + ":1", Owner: owner, Workloads: workloads, Counts: counts},
		}
		out, err := w.render().Run(bytes.NewBufferString(text))
		if err != nil {
			return "", nil, err
		}
		return out.String(), &w.unit, nil
	}
	front, db := vim.Workload{Vdu: "VDU1", Names: []string{"front"}, Value: "n"}, vim.Workload{Vdu: "VDU2", Names: []string{"Store"}}
	text, u, err := render(rendered, map[string]int{"VDU1": 2, "VDU2": 4}, front, db)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"Deployment//front-vnf-1": "VDU1", "StatefulSet//vnf-1-db": "VDU2"}, u.Of); diff != "" {
		t.Error(diff)
	}
	for what, n := range map[string]int{"vnfm.io/unit: ": 5, "vnfm.io/owner: ": 5, "vnfm.io/vdu: 'VDU1'": 1, "vnfm.io/vdu: 'VDU2'": 1, "replicas: 4": 1, "replicas: 2": 1, "vnfm.io/workload: ": 2} {
		if got := strings.Count(text, what); got != n {
			t.Errorf("%q is there %d times, want %d:\n%s", what, got, n, text)
		}
	}
	third := vim.Workload{Vdu: "VDU3", Names: []string{"third"}}
	if _, u, err = render(rendered, map[string]int{"VDU1": 2, "VDU3": 0}, third, front); err != nil || len(u.Of) != 1 {
		t.Errorf("what is to have no pods needs no workload: %v, %v", u, err)
	}
	alike := vim.Workload{Vdu: "VDU4", Names: []string{"front"}}
	if text, u, err = render(rendered, map[string]int{"VDU1": 2, "VDU4": 0}, alike, front); err != nil || u.Of["Deployment//front-vnf-1"] != "VDU1" || strings.Contains(text, "replicas: 0") {
		t.Errorf("what is to have no pods takes the workload of another: %v, %v", u, err)
	}
	if text, _, err = render(rendered, map[string]int{"VDU1": 2, "VDU2": 0}, db, front); err != nil || !strings.Contains(text, "replicas: 0") {
		t.Errorf("a VDU that is no more has pods: %v", err)
	}
	for name, x := range map[string]struct {
		text   string
		counts map[string]int
		all    []vim.Workload
		words  string
	}{
		"a value that counts nothing": {rendered, map[string]int{"VDU1": 5}, []vim.Workload{front}, "with the value n"},
		"no workload":                 {rendered, nil, []vim.Workload{{Vdu: "VDU3", Names: []string{"third"}}}, "VDU3"},
		"of another kind":             {rendered, nil, []vim.Workload{{Vdu: "VDU1", Kind: "DaemonSet", Names: []string{"front"}}}, "VDU1"},
		"one workload for two":        {rendered, nil, []vim.Workload{front, {Vdu: "VDU9", Names: []string{"front"}}}, "VDU9"},
	} {
		if _, _, err := render(x.text, x.counts, x.all...); err == nil || !strings.Contains(err.Error(), x.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	scaled := rendered + "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {scaleTargetRef: {kind: Deployment, name: front-vnf-1}}\n"
	if text, _, err := render(scaled, map[string]int{"VDU1": 7}, vim.Workload{Vdu: "VDU1", Names: []string{"front"}}); err != nil || strings.Contains(text, "replicas: 7") {
		t.Errorf("what an autoscaler counts: %v", err)
	}
	hook := strings.Replace(rendered[:strings.Index(rendered, "---")], "metadata:", "metadata:\n  annotations: {helm.sh/hook: pre-install}", 1)
	if text, u, err := render(hook, map[string]int{"VDU1": 7}, front); err != nil || u.Of != nil || strings.Contains(text, labelVdu) {
		t.Errorf("a hook is taken for a workload: %v, %v", u, err)
	}
}

// A chart brings all of itself: nothing is fetched, and no file of this machine is read.
func TestChartsThatAreNotWhole(t *testing.T) {
	good := map[string][]byte{"Chart.yaml": []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")}
	for name, x := range map[string]struct {
		files map[string]string
		words string
	}{
		"whole":                 {map[string]string{"values.schema.json": `{"$schema":"https://json-schema.org/draft/2020-12/schema","$defs":{"a":{}},"$ref":"#/$defs/a"}`}, ""},
		"no chart":              {map[string]string{"Chart.yaml": "a: b"}, "no Helm chart"},
		"no YAML":               {map[string]string{"Chart.yaml": "- ["}, "no Helm chart"},
		"a library":             {map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\ntype: library\n"}, "library"},
		"a part missing":        {map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: d, version: 1.0.0, repository: 'https://charts.example'}]\n"}, "charts directory"},
		"a schema elsewhere":    {map[string]string{"values.schema.json": `{"properties":{"a":[{"$ref":"https://example.com/a.json"}]}}`}, "example.com"},
		"a schema in a file":    {map[string]string{"values.schema.json": `{"$ref":"file:///etc/passwd"}`}, "passwd"},
		"a schema beside it":    {map[string]string{"values.schema.json": `{"$ref":"other.json"}`}, "other.json"},
		"a schema of its own":   {map[string]string{"values.schema.json": `{"$schema":"https://example.com/s"}`}, "example.com"},
		"a schema that is none": {map[string]string{"values.schema.json": `{`}, "no JSON"},
		"no archive":            {map[string]string{"": "text"}, "no Helm chart"},
	} {
		d := New(Config{Charts: func(context.Context, string, string, int64) (map[string][]byte, error) {
			out := map[string][]byte{}
			for k, v := range good {
				out[k] = v
			}
			for k, v := range x.files {
				out[k] = []byte(v)
			}
			return out, nil
		}})
		_, err := d.load(t.Context(), &vim.Chart{Path: "Files/c"})
		if (err == nil) != (x.words == "") || err != nil && (!strings.Contains(err.Error(), x.words) || vnfm.KindOf(err) != vnfm.Unprocessable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Errors have the classes of what the cluster or the network said, deep within what Helm made of it; all others are about the chart.
func TestErrorOf(t *testing.T) {
	gr := schema.GroupResource{Group: "apps", Resource: "deployments"}
	secret := kerrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "s", nil)
	secret.ErrStatus.Message = "Secret s is invalid: data: canary"
	typed := &kerrors.StatusError{ErrStatus: metav1.Status{Code: 500, Message: "failed to create typed patch object (shop/c; /v1, Kind=ConfigMap): .dada: field not declared in schema"}}
	network := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://k8s", Err: &net.OpError{Op: "dial", Err: &os.SyscallError{Err: err}}}
	}
	for name, x := range map[string]struct {
		err   error
		class message.Class
		words string
	}{
		"joined":       {errors.Join(errors.New("first"), fmt.Errorf("second: %w", kerrors.NewForbidden(gr, "web", errors.New("User \"x\" cannot")))), message.Auth, "cannot"},
		"quota":        {fmt.Errorf("create: %w", kerrors.NewForbidden(gr, "web", errors.New("exceeded quota: q"))), message.Quota, "exceeded quota"},
		"a field":      {fmt.Errorf("server-side apply failed: %w", typed), message.Permanent, ".dada"},
		"a secret":     {fmt.Errorf("x: %w", secret), message.Permanent, "refuses the secret"},
		"busy":         {kerrors.NewTooManyRequests("slow", 1), message.Transient, ""},
		"no endpoint":  {fmt.Errorf("kubernetes cluster unreachable: %w", network(syscall.ECONNREFUSED)), message.Unavailable, "endpoint"},
		"broken":       {network(syscall.ECONNRESET), message.UnknownOutcome, ""},
		"out of time":  {context.DeadlineExceeded, message.UnknownOutcome, ""},
		"no release":   {fmt.Errorf("x: %w", driver.ErrReleaseNotFound), message.NotFound, ""},
		"in use":       {errors.New("cannot reuse a name that is still in use"), message.Exists, ""},
		"theirs":       {errors.New(`unable to continue with install: ConfigMap "a" exists and cannot be imported into the current release: x`), message.Exists, "ConfigMap"},
		"no kind":      {errors.New(`resource mapping not found: no matches for kind "Nothing" in version "v1"`), message.NotFound, "Nothing"},
		"a template":   {errors.New("execution error at (c/templates/a.yaml:1:4): want more"), message.Permanent, "want more"},
		"a hook":       {fmt.Errorf("failed pre-install: %w", errors.Join(errors.New("resource Job/shop/a not ready. status: InProgress"), context.DeadlineExceeded)), message.Permanent, "Job/shop/a"},
		"one of ours":  {fmt.Errorf("x: %w", &vim.Error{Class: message.Quota, Hint: "full"}), message.Quota, "full"},
		"a read ended": {errors.New("unexpected error when reading response body. Please retry"), message.UnknownOutcome, ""},
	} {
		got := errorOf("start", "vnf-1", x.err)
		if got.Class != x.class || !strings.Contains(got.Hint, x.words) || strings.Contains(got.Error(), "canary") {
			t.Errorf("%s: %v, want %s: %s", name, got, x.class, x.words)
		}
	}
}

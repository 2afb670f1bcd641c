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
		change(vim.AttributeCounts, func(u *vim.UnitSpec) { u.Counts = map[string]int{"VDU1": 3, "VDU2": 2} }),
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
			if wire, ok := (kubetest.Rule{Method: http.MethodPost, Path: "/secrets"}).As(class); ok {
				l.Next(wire)
				return r, true
			}
			switch class {
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
		},
		ProvokeChange: func(_ *testing.T, class message.Class, r vim.ChangeRequest) (vim.ChangeRequest, bool) {
			if wire, ok := (kubetest.Rule{Method: http.MethodPatch, Path: "/deployments/"}).As(class); ok {
				r.To = release(4, "")
				l.Next(wire)
				return r, true
			}
			r.To = release(2, `{"app":"other"}`) // a field that does not change
			return r, class == message.Permanent
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

// helmSecret is what Helm has stored of a release: the latest revision.
func helmSecret(t *testing.T, l *kubetest.Lab, name, version string) *unstructured.Unstructured {
	t.Helper()
	u, err := l.Direct.Resource(kubetest.Secrets).Namespace(l.Namespace).Get(t.Context(), "sh.helm.release.v1."+name+".v"+version, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A process that ends in the middle of an install leaves a pending release. The next call about it goes on with it: same id, one
// release, and its hooks and objects as if nothing had been.
func TestInstallGoesOnAfterACrash(t *testing.T) {
	for name, resume := range map[string]func(l *kubetest.Lab, d vim.Driver, r vim.StartRequest, id string) (vim.Resource, error){
		"by a start": func(l *kubetest.Lab, d vim.Driver, r vim.StartRequest, _ string) (vim.Resource, error) {
			return d.Start(t.Context(), l.Conn, r)
		},
		"by a poll": func(l *kubetest.Lab, d vim.Driver, _ vim.StartRequest, id string) (vim.Resource, error) {
			return d.Poll(t.Context(), l.Conn, vim.Unit, id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := kubetest.New(t, helm.Type)
			gone := newDriver(helm.Config{Answer: time.Second}) // of the process that ends
			s := release(2, `{"hooks":true,"hookAnnotations":{"lab/fail-start":"ContainerCreating"}}`)
			r, res, err := l.Start(t, gone, s)
			if err != nil || res.Ready || res.ID == "" {
				t.Fatalf("a release whose hook takes its time is %+v, %v", res, err)
			}
			if found, err := gone.Poll(t.Context(), l.Conn, vim.Unit, res.ID); err != nil || found.Ready || found.Failed != nil {
				t.Errorf("meanwhile it is %+v, %v", found, err)
			}
			d := newDriver(helm.Config{Answer: time.Second})
			if _, err := d.Find(t.Context(), l.Conn, vim.Unit, r.Token); vim.ClassOf(err) != message.NotFound {
				t.Errorf("an install that nobody is at work on is found: %v", err)
			}
			if page, err := d.List(t.Context(), l.Conn, vim.ListRequest{Owner: r.Owner}); err != nil || len(page.Resources) != 1 || page.Resources[0].ID != res.ID {
				t.Errorf("it is listed as %+v, %v", page, err)
			}
			again, err := resume(l, d, r, res.ID)
			if err != nil || again.ID != res.ID {
				t.Fatalf("it goes on as %+v, %v", again, err)
			}
			l.Succeed(t, res.Name+"-before")
			if got := l.Settled(t, d, again); got.Failed != nil || len(got.Pods) != 3 || got.ID != res.ID || got.Revision != 1 {
				t.Errorf("it is %+v", got)
			}
			if page, err := d.List(t.Context(), l.Conn, vim.ListRequest{Owner: r.Owner}); err != nil || len(page.Resources) != 1 {
				t.Errorf("there are %+v, %v", page, err)
			}
			l.Release(t, d, r.Token)
			empty(t, l)
		})
	}
}

// A call that has less time than Helm takes says that it goes on, and not that nobody knows.
func TestAnswersInTime(t *testing.T) {
	l, d := kubetest.New(t, helm.Type), newDriver(helm.Config{Answer: time.Hour})
	r := vim.StartRequest{
		Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Unit, Owner: uuid.NewString(),
		Spec: release(1, `{"hooks":true,"hookAnnotations":{"lab/fail-start":"ContainerCreating"}}`),
	}
	t.Cleanup(func() { l.Release(t, d, r.Token) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	res, err := d.Start(ctx, l.Conn, r)
	if err != nil || res.Ready || res.ID == "" {
		t.Fatalf("a start that takes longer than its call is %+v, %v", res, err)
	}
	if done, err := d.Release(t.Context(), l.Conn, vim.Unit, r.Token); done || err != nil {
		t.Errorf("a release meanwhile: %v, %v", done, err)
	}
	l.Succeed(t, res.Name+"-before")
	if got := l.Settled(t, d, res); got.Failed != nil || len(got.Pods) != 2 {
		t.Errorf("it is %+v", got)
	}
}

// A process that ends in the middle of an upgrade leaves the release as it was; the change is asked for again, and made.
func TestUpgradeGoesOnAfterACrash(t *testing.T) {
	l := kubetest.New(t, helm.Type)
	d := newDriver(helm.Config{})
	r, res, err := l.Start(t, d, release(1, ""))
	if err != nil {
		t.Fatal(err)
	}
	res = l.Settled(t, d, res)
	for _, status := range []string{"pending-upgrade", "pending-rollback", "failed"} {
		l.Pretend(t, res.Name, status)
		again := newDriver(helm.Config{})
		found, err := again.Find(t.Context(), l.Conn, vim.Unit, r.Token)
		if err != nil || !found.Ready || found.ID != res.ID || found.Revision != res.Revision {
			t.Errorf("after %s it is %+v, %v; it was %+v", status, found, err, res)
		}
		to := release(res.Revision+1, "")
		change := vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: res.Revision + 1, From: r.Spec, To: to}
		got, err := again.Change(t.Context(), l.Conn, change)
		if err != nil {
			t.Fatalf("after %s: %v", status, err)
		}
		if got = l.Settled(t, again, got); got.Revision != change.Revision || got.ID != res.ID || len(got.Pods) != change.Revision+1 {
			t.Errorf("after %s it is changed to %+v", status, got)
		}
		res = got
	}
}

// A release of somebody else that has the name is neither taken over nor removed.
func TestOthersReleasesAreLeftAlone(t *testing.T) {
	l, d := kubetest.New(t, helm.Type), newDriver(helm.Config{})
	r, res, err := l.Start(t, d, plain(""))
	if err != nil {
		t.Fatal(err)
	}
	l.Settled(t, d, res)
	theirs := helmSecret(t, l, res.Name, "1")
	l.Release(t, d, r.Token)
	theirs.SetResourceVersion("")
	theirs.SetUID("")
	labels := theirs.GetLabels()
	for _, k := range []string{kube.LabelToken, kube.LabelOwner} {
		delete(labels, k)
	}
	theirs.SetLabels(labels)
	l.Make(t, kubetest.Secrets, l.Namespace, theirs.Object)
	if _, err := d.Start(t.Context(), l.Conn, r); vim.ClassOf(err) != message.Exists {
		t.Errorf("a start beside it is %v", err)
	}
	if done, err := d.Release(t.Context(), l.Conn, vim.Unit, r.Token); err != nil || !done {
		t.Errorf("a release of ours: %v, %v", done, err)
	}
	helmSecret(t, l, res.Name, "1")
}

// Each cause of a failed install has its class and its words, and nothing is left of it.
func TestInstallsThatFail(t *testing.T) {
	l, d := kubetest.New(t, helm.Type), newDriver(helm.Config{Patience: time.Second})
	two := []vim.Workload{{Vdu: "VDU1", Names: []string{"front"}, Value: "replicas"}}
	for name, x := range map[string]struct {
		spec  vim.Spec
		class message.Class
		words string
	}{
		"a field that its kind does not have": {spec(vim.Chart{Path: "bad"}, nil, `{"bad":"field"}`), message.Permanent, "dada"},
		"a kind that is not there":            {spec(vim.Chart{Path: "bad"}, nil, `{"bad":"kind"}`), message.NotFound, "Nothing"},
		"a value that is none":                {spec(vim.Chart{Path: "bad"}, nil, `{"bad":"port"}`), message.Permanent, "99999"},
		"a chart that fails":                  {spec(vim.Chart{Path: "bad"}, nil, `{"bad":"x"}`), message.Permanent, "wants what is not there"},
		"no chart":                            {spec(vim.Chart{Path: "none"}, nil, ""), message.Permanent, "none"},
		"no workload for a VDU":               {spec(vim.Chart{Path: "web", Workloads: []vim.Workload{{Vdu: "VDU9", Names: []string{"ninth"}}}}, map[string]int{"VDU9": 1}, ""), message.Permanent, "VDU9"},
		"a value that counts nothing":         {spec(vim.Chart{Path: "web", Workloads: []vim.Workload{{Vdu: "VDU1", Names: []string{"front"}, Value: "pods"}}}, map[string]int{"VDU1": 2}, ""), message.Permanent, "pods"},
		"replicas that are no number":         {spec(vim.Chart{Path: "web", Workloads: two}, map[string]int{}, `{"replicas":"three"}`), message.Permanent, "replicas"},
		"a newer cluster wanted":              {spec(vim.Chart{Path: "newer"}, nil, ""), message.Permanent, "kubeVersion"},
		"parts that are not there":            {spec(vim.Chart{Path: "parts"}, nil, ""), message.Permanent, "charts directory"},
		"a schema from elsewhere":             {spec(vim.Chart{Path: "schema"}, nil, ""), message.Permanent, "values.schema.json"},
		"a hook that fails":                   {release(1, `{"hooks":true,"hookAnnotations":{"lab/fail-start":"ImagePullBackOff"}}`), message.Permanent, "ImagePullBackOff"},
	} {
		t.Run(name, func(t *testing.T) {
			d := d
			if strings.Contains(name, "hook") {
				d = newDriver(helm.Config{Patience: time.Second, Hooks: 2 * time.Second, Answer: 20 * time.Second})
			}
			_, res, err := l.Start(t, d, x.spec)
			if vim.ClassOf(err) != x.class || !strings.Contains(err.Error(), x.words) {
				t.Errorf("it is %v, %+v; want %s: %s", err, res, x.class, x.words)
			}
		})
	}
	empty(t, l)
}

// Pods that cannot start fail the release in their own words.
func TestPodsThatCannotStart(t *testing.T) {
	l, d := kubetest.New(t, helm.Type), newDriver(helm.Config{Patience: time.Second})
	for words, x := range map[string]struct {
		values string
		class  message.Class
	}{
		"ImagePullBackOff": {`{"annotations":{"lab/fail-start":"ImagePullBackOff"}}`, message.Permanent},
		"Insufficient cpu": {`{"requests":{"cpu":"4000"}}`, message.Quota},
	} {
		_, res, err := l.Start(t, d, release(1, x.values))
		if err != nil {
			t.Fatal(err)
		}
		if res = l.Settled(t, d, res); res.Failed == nil || res.Failed.Class != x.class || !strings.Contains(res.Failed.Hint, words) {
			t.Errorf("it is %+v, want %s: %s", res.Failed, x.class, words)
		}
	}
}

// A pod that is not to be there any more goes, and no hook runs; what is missing of a release is made again by the same change.
func TestPodsAreMadeAgain(t *testing.T) {
	l, d := kubetest.New(t, helm.Type), newDriver(helm.Config{})
	r, res, err := l.Start(t, d, release(2, ""))
	if err != nil {
		t.Fatal(err)
	}
	before := l.Settled(t, d, res)
	heal := func(revision int, pod string) vim.Resource {
		to := r.Spec
		u := *to.Unit
		u.Gone = []string{pod}
		to.Unit = &u
		got, err := d.Change(t.Context(), l.Conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: revision, From: r.Spec, To: to})
		if err != nil {
			t.Fatal(err)
		}
		got = l.Settled(t, d, got)
		for _, p := range got.Pods {
			if p.ID == pod {
				t.Errorf("the pod %s is still there", pod)
			}
		}
		if len(got.Pods) != 3 || got.Revision != revision {
			t.Errorf("it is %+v", got)
		}
		return got
	}
	after := heal(2, before.Pods[0].ID)
	if after.Pods[2].ID != before.Pods[2].ID {
		t.Error("the pod of the other VDU is another")
	}
	if s := helmSecret(t, l, res.Name, "1"); s.GetLabels()["status"] != "deployed" {
		t.Error("a pod was made again by an upgrade")
	}
	if err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Delete(t.Context(), "front-"+res.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if found, err := d.Find(t.Context(), l.Conn, vim.Unit, r.Token); err != nil || found.Ready || len(found.Warnings) == 0 {
		t.Errorf("without its workload it is %+v, %v", found, err)
	}
	heal(3, after.Pods[0].ID)
}

// What somebody did to a release is observed: other replicas, other values, and what is gone; and nothing where nobody did anything.
func TestObserved(t *testing.T) {
	l, d := kubetest.New(t, helm.Type), newDriver(helm.Config{})
	s := release(2, `{"secret":"canary"}`)
	r, res, err := l.Start(t, d, s)
	if err != nil {
		t.Fatal(err)
	}
	res = l.Settled(t, d, res)
	differs := func() []vim.Attribute {
		page, err := d.Observe(t.Context(), l.Conn, vim.ListRequest{Owner: r.Owner})
		if err != nil || len(page.Resources) != 1 {
			t.Fatalf("observed: %+v, %v", page, err)
		}
		if strings.Contains(string(vim.Encode(page)), "canary") {
			t.Error("a value is shown")
		}
		return page.Resources[0].Differs(s)
	}
	if got := differs(); len(got) != 0 {
		t.Errorf("differs in %v", got)
	}
	scale := []byte(`{"spec":{"replicas":3}}`)
	if _, err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Patch(t.Context(), "front-"+res.Name, types.MergePatchType, scale, metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	if got := differs(); len(got) != 1 || got[0] != vim.AttributeCounts {
		t.Errorf("after somebody scaled it differs in %v", got)
	}
	change := vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: 2, From: s, To: s}
	if _, err := d.Change(t.Context(), l.Conn, change); vim.ClassOf(err) != message.Permanent || !strings.Contains(err.Error(), "somebody") || !strings.Contains(err.Error(), "replicas") {
		t.Errorf("a change back is %v, want the field and who manages it", err)
	}
	if err := l.Direct.Resource(kubetest.ConfigMaps).Namespace(l.Namespace).Delete(t.Context(), res.Name+"-config", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := differs(); len(got) != 2 {
		t.Errorf("after something was deleted it differs in %v", got)
	}
}

// Each call is counted: what ADR 29 says.
func TestCallsPerOperation(t *testing.T) {
	l, d := kubetest.New(t, helm.Type), newDriver(helm.Config{})
	_, res, err := l.Start(t, d, release(1, "")) // kinds are known from here on
	if err != nil {
		t.Fatal(err)
	}
	l.Settled(t, d, res)
	var r vim.StartRequest
	for _, x := range []struct {
		what string
		most int
		f    func() error
	}{
		{"start", 40, func() error { r, res, err = l.Start(t, d, release(1, "")); return err }},
		{"poll", 6, func() error { _, err := d.Poll(t.Context(), l.Conn, vim.Unit, res.ID); return err }},
		{"find", 9, func() error { _, err := d.Find(t.Context(), l.Conn, vim.Unit, r.Token); return err }},
		{"change", 45, func() error {
			_, err := d.Change(t.Context(), l.Conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: 2, From: r.Spec, To: release(2, "")})
			return err
		}},
		{"release", 40, func() error { _, err := d.Release(t.Context(), l.Conn, vim.Unit, r.Token); return err }},
	} {
		var err error
		calls := l.Counted(func() { err = x.f() })
		t.Logf("%s: %d calls: %v", x.what, len(calls), calls)
		if err != nil || len(calls) > x.most {
			t.Errorf("%s makes %d calls, want at most %d; %v", x.what, len(calls), x.most, err)
		}
	}
}

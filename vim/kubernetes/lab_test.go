//go:build kubernetes

package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
	"github.com/vnfm/vnfm/vim/vimtest"
)

// unit is a specification of an object.
func unit(replicas int, object map[string]any) vim.Spec {
	return vim.Spec{Name: "unit", Unit: &vim.UnitSpec{Replicas: replicas, Objects: vim.Encode(object)}}
}

func secretObject() map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"generateName": "s-"}, "stringData": map[string]any{"a": "b"},
	}
}

// deployment is one whose pods have annotations.
func deployment(annotations map[string]any, resources map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"generateName": "d-"},
		"spec": map[string]any{
			"replicas": 1, "selector": map[string]any{"matchLabels": map[string]any{"app": "d"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": "d"}, "annotations": annotations},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "registry.example/app:1", "resources": resources}}},
			},
		},
	}
}

func samples() []vimtest.Sample {
	return []vimtest.Sample{
		{Kind: vim.Unit, Spec: func(map[vim.Kind]string) vim.Spec { return unit(0, secretObject()) }},
		{Kind: vim.Unit, Spec: func(map[vim.Kind]string) vim.Spec {
			return unit(0, map[string]any{
				"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"generateName": "v-"},
				"spec": map[string]any{"selector": map[string]any{"app": "d"}, "ports": []any{map[string]any{"port": 80}}},
			})
		}},
		{Kind: vim.Unit, Spec: func(map[vim.Kind]string) vim.Spec { return unit(2, deployment(nil, nil)) }},
	}
}

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
		change(vim.AttributeReplicas, func(u *vim.UnitSpec) { u.Replicas = 3 }),
		change(vim.AttributeObjects, func(u *vim.UnitSpec) {
			u.Objects = json.RawMessage(strings.Replace(string(u.Objects), "app:1", "app:2", 1))
		}),
		change(vim.AttributeGone, func(u *vim.UnitSpec) { u.Gone = []string{"Pod.v1/nowhere/p/" + uuid.NewString()} }),
	}
}

func TestDriver(t *testing.T) {
	l := kubetest.New(t, kubernetes.Type)
	full := "q-" + l.Namespace
	l.Make(t, kubetest.Namespaces, "", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": full}})
	l.Make(t, kubetest.Quotas, full, map[string]any{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "q"}, "spec": map[string]any{"hard": map[string]any{"count/secrets": "0"}},
	})
	l.Make(t, kubetest.Secrets, l.Namespace, map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "theirs"}})
	named := func(name, namespace string) vim.Spec {
		o := secretObject()
		o["metadata"] = map[string]any{"name": name, "namespace": namespace}
		return unit(0, o)
	}
	vimtest.Run(t, kubernetes.New(kubernetes.Config{}), vimtest.Env{
		Connection: l.Conn, Samples: samples(), Changes: changes(), Wait: kubetest.Wait, Polls: 500,
		Restart: func(*testing.T, vim.Driver) vim.Driver { return kubernetes.New(kubernetes.Config{}) },
		Provoke: func(_ *testing.T, class message.Class, r vim.StartRequest) (vim.StartRequest, bool) {
			if wire, ok := (kubetest.Rule{Method: http.MethodPost, Path: "/secrets"}).As(class); ok {
				l.Next(wire)
				return r, true
			}
			switch class {
			case message.Permanent:
				r.Spec = named("Not A Name", "")
				return r, true
			case message.Quota:
				r.Spec = named("one-too-many", full)
				return r, true
			case message.NotFound:
				r.Spec = named("homeless", "no-such-namespace")
				return r, true
			case message.Exists:
				r.Spec = named("theirs", "")
				return r, true
			default:
				return r, false
			}
		},
		ProvokeChange: func(_ *testing.T, class message.Class, r vim.ChangeRequest) (vim.ChangeRequest, bool) {
			if wire, ok := (kubetest.Rule{Method: http.MethodPatch, Path: "/deployments/"}).As(class); ok {
				l.Next(wire)
				return r, true
			}
			u := *r.To.Unit
			u.Objects = json.RawMessage(strings.ReplaceAll(string(u.Objects), `"app":"d"`, `"app":"e"`)) // a field that does not change
			r.To.Unit = &u
			return r, class == message.Permanent
		},
		Half: func(*testing.T) {
			l.Next(kubetest.Rule{Method: http.MethodPatch, Path: "/deployments/", ContentType: "apply-patch"})
		},
		Shows: func(t *testing.T, r vim.Resource, spec vim.Spec) {
			u, err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Get(t.Context(), r.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
			c, _, _ := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
			image, _ := c[0].(map[string]any)["image"].(string)
			if int(n) != spec.Unit.Replicas || !strings.Contains(string(spec.Unit.Objects), image) || len(r.Pods) != spec.Unit.Replicas {
				t.Errorf("the cluster has %d of %s and shows %d pods, want %d of %s", n, image, len(r.Pods), spec.Unit.Replicas, spec.Unit.Objects)
			}
		},
	})
	left, err := l.Direct.Resource(kubetest.ConfigMaps).Namespace(l.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: kube.LabelMarker})
	if err != nil || len(left.Items) != 0 {
		t.Errorf("%d markers are left, %v", len(left.Items), err)
	}
}

// Whoever made an object keeps it: it is neither taken over nor deleted, also not by another VNF of ours.
func TestOthersObjectsAreLeftAlone(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	theirs := l.Make(t, kubetest.ConfigMaps, l.Namespace, map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "shared"}, "data": map[string]any{"a": "theirs"},
	})
	ours := unit(0, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "shared"}, "data": map[string]any{"a": "ours"}})
	r, _, err := l.Start(t, d, ours)
	if vim.ClassOf(err) != message.Exists || !strings.Contains(err.Error(), "somebody") {
		t.Errorf("start is %v, want exists, by somebody", err)
	}
	l.Release(t, d, r.Token)
	now, err := l.Direct.Resource(kubetest.ConfigMaps).Namespace(l.Namespace).Get(t.Context(), "shared", metav1.GetOptions{})
	if err != nil || now.GetResourceVersion() != theirs.GetResourceVersion() {
		t.Errorf("what was somebody's is %v, %v", now, err)
	}
	second := unit(0, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "mine"}})
	first, res, err := l.Start(t, d, second)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Start(t, d, second); vim.ClassOf(err) != message.Exists || !strings.Contains(err.Error(), first.Owner) {
		t.Errorf("the second VNF's is %v, want exists, naming %s", err, first.Owner)
	}
	if found, err := d.Find(t.Context(), l.Conn, vim.Unit, first.Token); err != nil || found.ID != res.ID {
		t.Errorf("the first VNF's is %+v, %v", found, err)
	}
}

// A field that somebody else manages is not taken: the error says which and whose.
func TestConflictNamesFieldAndManager(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	r, res, err := l.Start(t, d, unit(1, deployment(nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	res = l.Settled(t, d, res)
	theirs := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": res.Name}, "spec": map[string]any{"replicas": int64(2)},
	}}
	if _, err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Apply(t.Context(), res.Name, theirs, metav1.ApplyOptions{FieldManager: "autoscaler", Force: true}); err != nil {
		t.Fatal(err)
	}
	to := unit(5, deployment(nil, nil))
	for range 50 { // while its controller writes of it, a change is to be tried again
		_, err = d.Change(t.Context(), l.Conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: 2, From: r.Spec, To: to})
		if vim.ClassOf(err) != message.Transient {
			break
		}
	}
	if vim.ClassOf(err) != message.Permanent || !strings.Contains(err.Error(), ".spec.replicas") || !strings.Contains(err.Error(), "autoscaler") {
		t.Errorf("a conflict is %v", err)
	}
}

// What keeps a pod from starting fails the unit in the pod's own words, long before anybody's patience is over.
func TestPodsThatCannotStart(t *testing.T) {
	l := kubetest.New(t, kubernetes.Type)
	d := kubernetes.New(kubernetes.Config{Patience: time.Second})
	few := "p-" + l.Namespace
	l.Make(t, kubetest.Namespaces, "", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": few}})
	l.Make(t, kubetest.Quotas, few, map[string]any{
		"apiVersion": "v1", "kind": "ResourceQuota", "metadata": map[string]any{"name": "q"}, "spec": map[string]any{"hard": map[string]any{"pods": "0"}},
	})
	over := deployment(nil, nil)
	over["metadata"] = map[string]any{"generateName": "d-", "namespace": few}
	for name, x := range map[string]struct {
		object map[string]any
		class  message.Class
		words  string
	}{
		"image":         {deployment(map[string]any{"lab/fail-start": "ImagePullBackOff"}, nil), message.Permanent, "ImagePullBackOff"},
		"crash loop":    {deployment(map[string]any{"lab/fail-start": "CrashLoopBackOff"}, nil), message.Permanent, "CrashLoopBackOff"},
		"unschedulable": {deployment(nil, map[string]any{"requests": map[string]any{"cpu": "4000"}}), message.Quota, "Insufficient cpu"},
		"quota of pods": {over, message.Quota, "exceeded quota"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, res, err := l.Start(t, d, unit(1, x.object))
			if err != nil {
				t.Fatal(err)
			}
			res = l.Settled(t, d, res)
			if res.Failed == nil || res.Failed.Class != x.class || !strings.Contains(res.Failed.Hint, x.words) {
				t.Errorf("it is %+v, want %s: %s", res.Failed, x.class, x.words)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A namespace with something in it, and the definition of a kind that has objects, stay.
func TestWhatOthersUseIsNotDeleted(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	name := "n-" + l.Namespace
	ns, res, err := l.Start(t, d, unit(0, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}))
	if err != nil || !l.Settled(t, d, res).Ready {
		t.Fatal(err)
	}
	plural := "t" + strings.ReplaceAll(l.Namespace, "-", "")
	group := plural + ".example.com"
	crd, res, err := l.Start(t, d, unit(0, map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": plural + "." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": plural, "singular": plural, "kind": "Thing", "listKind": "ThingList"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
				"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
			}}},
		},
	}))
	if err != nil || !l.Settled(t, d, res).Ready {
		t.Fatal(err)
	}
	thing, res, err := l.Start(t, d, unit(0, map[string]any{
		"apiVersion": group + "/v1", "kind": "Thing", "metadata": map[string]any{"name": "a", "namespace": name}, "spec": map[string]any{"size": 1},
	}))
	if err != nil || !l.Settled(t, d, res).Ready {
		t.Fatalf("a kind that was defined a moment ago: %+v, %v", res, err)
	}
	for what, token := range map[string]vim.Token{"namespace": ns.Token, "definition": crd.Token} {
		done, err := d.Release(t.Context(), l.Conn, vim.Unit, token)
		if done || vim.ClassOf(err) != message.Transient || !strings.Contains(fmt.Sprint(err), "Thing") {
			t.Errorf("release of a %s in use: %v, %v", what, done, err)
		}
	}
	l.Release(t, d, thing.Token)
	l.Release(t, d, crd.Token)
	l.Release(t, d, ns.Token)
	if _, err := l.Direct.Resource(kubetest.Namespaces).Get(t.Context(), name, metav1.GetOptions{}); err == nil {
		t.Error("the namespace is still there")
	}
}

// A pod that is not to be there any more goes, and others stay; the workload is ready only when another has come.
func TestGonePodsAreMadeAgain(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	r, res, err := l.Start(t, d, unit(3, deployment(nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	before := l.Settled(t, d, res)
	to := r.Spec
	u := *to.Unit
	u.Gone = []string{before.Pods[1].ID}
	to.Unit = &u
	id := res.ID
	for range 20 { // the cluster may write its status between two of our calls
		res, err = d.Change(t.Context(), l.Conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: id, Revision: 2, From: r.Spec, To: to})
		if vim.ClassOf(err) != message.Transient {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	after := l.Settled(t, d, res)
	kept := 0
	for _, p := range after.Pods {
		for _, b := range before.Pods {
			if p.ID == b.ID {
				kept++
			}
		}
		if p.ID == u.Gone[0] {
			t.Error("the pod is still there")
		}
	}
	if len(after.Pods) != 3 || kept != 2 || after.Revision != 2 {
		t.Errorf("of %+v is left %+v", before.Pods, after)
	}
}

// Objects that are only created, like a question about rights, stand by their marker.
func TestObjectsThatAreOnlyCreated(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	r, res, err := l.Start(t, d, unit(0, map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{"verb": "create", "resource": "pods", "namespace": "default"}},
	}))
	if err != nil || !res.Ready {
		t.Fatalf("%+v, %v", res, err)
	}
	if got, err := d.Poll(t.Context(), l.Conn, vim.Unit, res.ID); err != nil || got.ID != res.ID {
		t.Errorf("poll: %+v, %v", got, err)
	}
	l.Release(t, d, r.Token)
	if _, err := d.Poll(t.Context(), l.Conn, vim.Unit, res.ID); vim.ClassOf(err) != message.NotFound {
		t.Errorf("after the release: %v", err)
	}
}

// Nothing but pods is listed, and each call is counted: what ADR 22 says.
func TestCallsPerOperation(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	_, _, err := l.Start(t, d, unit(0, secretObject())) // kinds are known from here on
	if err != nil {
		t.Fatal(err)
	}
	var r vim.StartRequest
	var res vim.Resource
	check := func(what string, want int, f func()) {
		t.Helper()
		calls := l.Counted(f)
		for _, c := range calls {
			if c == "GET /api/v1/namespaces/"+l.Namespace+"/secrets" {
				t.Errorf("%s lists", what)
			}
		}
		if len(calls) != want {
			t.Errorf("%s makes %d calls, want %d: %v", what, len(calls), want, calls)
		}
	}
	check("start of an object", 2, func() { r, res, err = l.Start(t, d, unit(0, secretObject())) })
	check("poll of an object", 1, func() { _, err = d.Poll(t.Context(), l.Conn, vim.Unit, res.ID) })
	check("find of an object", 2, func() { _, err = d.Find(t.Context(), l.Conn, vim.Unit, r.Token) })
	check("release of an object", 5, func() { _, err = d.Release(t.Context(), l.Conn, vim.Unit, r.Token) })
	check("start of a workload", 3, func() { r, res, err = l.Start(t, d, unit(1, deployment(nil, nil))) })
	check("poll of a workload", 2, func() { _, err = d.Poll(t.Context(), l.Conn, vim.Unit, res.ID) })
	if err != nil {
		t.Error(err)
	}
}

// What a cluster makes of our objects bears our labels, too, and is none of ours.
func TestListLeavesCopiesOut(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	owner := uuid.NewString()
	for _, s := range samples() {
		r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Unit, Owner: owner, Spec: s.Spec(nil)}
		t.Cleanup(func() { l.Release(t, d, r.Token) })
		res, err := d.Start(t.Context(), l.Conn, r)
		if err != nil {
			t.Fatal(err)
		}
		l.Settled(t, d, res)
	}
	page, err := d.List(t.Context(), l.Conn, vim.ListRequest{Owner: owner})
	if err != nil || len(page.Resources) != 3 {
		t.Errorf("listed: %+v, %v", page.Resources, err)
	}
}

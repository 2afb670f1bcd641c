package kubernetes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
)

// fake answers as a cluster does: whose fields are whose, and what an apply makes of that, is the API machinery's own code. It runs nothing.
type fake struct {
	conn    vim.Connection
	admit   func(*unstructured.Unstructured) string // changes what is to be kept, or says why it is refused
	typed   managedfields.TypeConverter
	mu      sync.Mutex
	version int
	objects map[string]*unstructured.Unstructured // by path
	trials  int
	refuse  int // the status of the trials to come; 0: they are made

	refuseDelete int // the status of deletions to come; 0: they are made
}

// fakeKinds are the kinds that the fake knows, by the path of their group.
var fakeKinds = map[string][]metav1.APIResource{ //nolint:gochecknoglobals // data
	"/api/v1": {
		{Name: "configmaps", Kind: "ConfigMap", Namespaced: true}, {Name: "pods", Kind: "Pod", Namespaced: true},
	},
	"/apis/apps/v1":                         {{Name: "statefulsets", Kind: "StatefulSet", Namespaced: true}},
	"/apis/admissionregistration.k8s.io/v1": {{Name: "validatingwebhookconfigurations", Kind: "ValidatingWebhookConfiguration"}},
	"/apis/rbac.authorization.k8s.io/v1":    {{Name: "clusterroles", Kind: "ClusterRole"}},
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{objects: map[string]*unstructured.Unstructured{}, typed: applyconfigurations.NewTypeConverter(scheme.Scheme)}
	api := httptest.NewServer(f)
	t.Cleanup(api.Close)
	f.conn = vim.Connection{
		ID: "fake", Type: kubernetes.Type, InterfaceInfo: map[string]json.RawMessage{"endpoint": vim.Encode(api.URL)},
		Extra: map[string]json.RawMessage{"namespace": vim.Encode("vnfs")},
	}
	return f
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	code, body := f.answer(r)
	if s, ok := body.(string); ok {
		body = metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Message: s, Code: int32(code), Reason: map[int]metav1.StatusReason{
			http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusConflict: metav1.StatusReasonAlreadyExists, http.StatusForbidden: metav1.StatusReasonForbidden,
		}[code]}
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func (f *fake) answer(r *http.Request) (int, any) {
	switch r.URL.Path {
	case "/api":
		return 200, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case "/apis":
		out := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
		for _, p := range slices.Sorted(maps.Keys(fakeKinds)) {
			if gv, group := strings.CutPrefix(p, "/apis/"); group {
				v := metav1.GroupVersionForDiscovery{GroupVersion: gv, Version: "v1"}
				out.Groups = append(out.Groups, metav1.APIGroup{Name: strings.TrimSuffix(gv, "/v1"), Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
			}
		}
		return 200, out
	}
	for p, all := range fakeKinds {
		rest, in := strings.CutPrefix(r.URL.Path, p)
		if !in {
			continue
		}
		gv, _ := schema.ParseGroupVersion(strings.TrimPrefix(strings.TrimPrefix(p, "/apis/"), "/api/"))
		if rest == "" {
			out := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String()}
			for _, x := range all {
				x.Verbs = metav1.Verbs{"create", "delete", "get", "list", "patch"}
				out.APIResources = append(out.APIResources, x)
			}
			return 200, out
		}
		parts := strings.Split(rest[1:], "/")
		namespace := ""
		if parts[0] == "namespaces" && len(parts) > 2 {
			namespace, parts = parts[1], parts[2:]
		}
		for _, x := range all {
			if x.Name == parts[0] && len(parts) == 2 {
				return f.one(r, gv.WithKind(x.Kind), r.URL.Path)
			} else if x.Name == parts[0] && r.Method == http.MethodPost {
				return f.create(r, gv.WithKind(x.Kind), namespace)
			} else if x.Name == parts[0] {
				return f.list(r, gv.WithKind(x.Kind), p, x.Name, namespace)
			}
		}
	}
	return 404, "there is no " + r.URL.Path
}

func (f *fake) list(r *http.Request, gvk schema.GroupVersionKind, prefix, resource, namespace string) (int, any) {
	q := r.URL.Query()
	selector, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		return 400, err.Error()
	}
	out := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind + "List", "metadata": map[string]any{}}}
	limit, _ := strconv.Atoi(q.Get("limit"))
	for _, at := range slices.Sorted(maps.Keys(f.objects)) {
		u := f.objects[at]
		if !strings.HasPrefix(at, prefix) || !strings.Contains(at, "/"+resource+"/") || namespace != "" && u.GetNamespace() != namespace || !selector.Matches(labels.Set(u.GetLabels())) || at <= q.Get("continue") {
			continue
		}
		if limit > 0 && len(out.Items) == limit {
			out.SetContinue(pathOf(&out.Items[limit-1], prefix, resource))
			break
		}
		out.Items = append(out.Items, *u.DeepCopy())
	}
	return 200, out
}

func pathOf(u *unstructured.Unstructured, prefix, resource string) string {
	if u.GetNamespace() != "" {
		prefix += "/namespaces/" + u.GetNamespace()
	}
	return prefix + "/" + resource + "/" + u.GetName()
}

func (f *fake) create(r *http.Request, gvk schema.GroupVersionKind, namespace string) (int, any) {
	u := &unstructured.Unstructured{}
	if err := json.NewDecoder(r.Body).Decode(&u.Object); err != nil {
		return 400, err.Error()
	}
	at := r.URL.Path + "/" + u.GetName()
	if f.objects[at] != nil {
		return 409, "there is one"
	}
	u.SetNamespace(namespace)
	u.SetUID(types.UID("uid" + strconv.Itoa(len(f.objects))))
	empty := &unstructured.Unstructured{}
	empty.SetGroupVersionKind(gvk)
	return f.keep(at, empty, u, r.URL.Query().Get("fieldManager"), false)
}

// keep stores what a manager makes of an object by an update.
func (f *fake) keep(at string, was, is *unstructured.Unstructured, manager string, trial bool) (int, any) {
	if f.admit != nil {
		if why := f.admit(is); why != "" {
			return 422, why
		}
	}
	if manager != "" {
		made, err := managedfieldstest.NewFakeFieldManager(f.typed, is.GroupVersionKind()).Update(was, is, manager)
		if err != nil {
			return 500, err.Error()
		}
		is = made.(*unstructured.Unstructured) //nolint:forcetypeassert // it was one
	}
	if !trial {
		f.version++
		is.SetResourceVersion(strconv.Itoa(f.version))
		f.objects[at] = is
	}
	return 200, is
}

func (f *fake) one(r *http.Request, gvk schema.GroupVersionKind, at string) (int, any) {
	u := f.objects[at]
	if u == nil {
		return 404, "there is no " + at
	}
	u = u.DeepCopy()
	switch r.Method {
	case http.MethodDelete:
		if f.refuseDelete != 0 {
			return f.refuseDelete, "not allowed"
		}
		delete(f.objects, at)
	case http.MethodPatch:
		q := r.URL.Query()
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json-patch") { // of metadata alone
			var ops []struct {
				Path  string
				Value any
			}
			if err := json.NewDecoder(r.Body).Decode(&ops); err != nil {
				return 400, err.Error()
			}
			for _, op := range ops {
				if err := unstructured.SetNestedField(u.Object, op.Value, strings.Split(op.Path, "/")[1:]...); err != nil {
					return 400, err.Error()
				}
			}
			return f.keep(at, u, u, "", false)
		}
		trial := q.Get("dryRun") != ""
		if trial {
			if f.trials++; f.refuse != 0 {
				return f.refuse, "not now"
			}
		}
		to := &unstructured.Unstructured{}
		if err := json.NewDecoder(r.Body).Decode(&to.Object); err != nil {
			return 400, err.Error()
		}
		made, err := managedfieldstest.NewFakeFieldManager(f.typed, gvk).Apply(u, to, q.Get("fieldManager"), q.Get("force") == "true")
		if err != nil {
			var refused kerrors.APIStatus
			if errors.As(err, &refused) {
				s := refused.Status()
				s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
				return int(s.Code), s
			}
			return 500, err.Error()
		}
		return f.keep(at, u, made.(*unstructured.Unstructured), "", trial) //nolint:forcetypeassert // it was one
	}
	return 200, u
}

// as changes an object as somebody else does.
func (f *fake) as(t *testing.T, manager, at string, change func(*unstructured.Unstructured)) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.objects[at]
	if was == nil {
		t.Fatalf("there is no %s in %v", at, slices.Sorted(maps.Keys(f.objects)))
	}
	is := was.DeepCopy()
	change(is)
	if code, said := f.keep(at, was.DeepCopy(), is, manager, false); code != 200 {
		t.Fatal(said)
	}
}

// objectOf is the specification of an object.
func objectOf(format string, args ...any) vim.Spec {
	return vim.Spec{Unit: &vim.UnitSpec{Objects: json.RawMessage(fmt.Sprintf(format, args...))}}
}

// asked is how many trials have been asked for since it was called last.
func (f *fake) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.trials
	f.trials = 0
	return n
}

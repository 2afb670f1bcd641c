package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
)

// A check tells the version, what the connection may do in its namespace, the quotas of that and the storage classes; what it may not be told
// is said to be so.
func TestCheck(t *testing.T) {
	refused := map[string]bool{"create configmaps vnfs": true, "create namespaces ": true}
	secretive := false
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/version":
			_, _ = fmt.Fprint(w, `{"major":"1","minor":"33","gitVersion":"v1.33.2"}`)
		case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
			var said struct {
				Spec struct {
					ResourceAttributes struct{ Verb, Resource, Namespace string }
				}
			}
			_ = json.NewDecoder(r.Body).Decode(&said)
			a := said.Spec.ResourceAttributes
			_, _ = fmt.Fprintf(w, `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","status":{"allowed":%t,"reason":"RBAC says so"}}`,
				!refused[a.Verb+" "+a.Resource+" "+a.Namespace])
		case secretive:
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`)
		case r.URL.Path == "/api/v1/namespaces/vnfs/resourcequotas":
			_, _ = fmt.Fprint(w, `{"apiVersion":"v1","kind":"ResourceQuotaList","items":[{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q"},"status":{"hard":{"pods":"10","services":"5"},"used":{"pods":"10","services":"1"}}}]}`)
		case strings.HasSuffix(r.URL.Path, "/storageclasses"):
			_, _ = fmt.Fprint(w, `{"apiVersion":"storage.k8s.io/v1","kind":"StorageClassList","items":[{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"fast","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"csi.example"}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
		}
	}))
	defer api.Close()
	conn := vim.Connection{
		ID: "k", Type: kubernetes.Type, InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"` + api.URL + `"`)},
		Extra: map[string]json.RawMessage{"namespace": json.RawMessage(`"vnfs"`)},
	}
	d := kubernetes.New(kubernetes.Config{})
	facts, err := d.Check(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	has := func(f vim.Fact) {
		t.Helper()
		if !slices.Contains(facts, f) {
			t.Errorf("no %+v in %+v", f, facts)
		}
	}
	has(vim.Fact{Area: vim.AreaVersion, Name: "Kubernetes", Value: "v1.33.2"})
	has(vim.Fact{Area: vim.AreaRight, Name: "create configmaps", Value: "not allowed (RBAC says so)", Lacks: true})
	has(vim.Fact{Area: vim.AreaRight, Name: "create namespaces", Value: "not allowed (RBAC says so)"})
	has(vim.Fact{Area: vim.AreaRight, Name: "patch deployments.apps", Value: "allowed"})
	has(vim.Fact{Area: vim.AreaQuota, Name: "pods", Value: "10 of 10 used", Lacks: true})
	has(vim.Fact{Area: vim.AreaQuota, Name: "services", Value: "1 of 5 used"})
	has(vim.Fact{Area: vim.AreaStorageClass, Name: "fast", Value: "csi.example, default"})
	secretive = true
	if facts, err = d.Check(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	has(vim.Fact{Area: vim.AreaQuota, Name: "vnfs", Value: "cannot be read"})
	has(vim.Fact{Area: vim.AreaStorageClass, Name: "all", Value: "cannot be listed"})
	api.Close()
	if _, err = d.Check(t.Context(), conn); vim.ClassOf(err) == "" || vim.ClassOf(err) == message.NotFound {
		t.Errorf("a cluster that is away: %v", err)
	}
}

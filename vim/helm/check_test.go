package helm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/helm"
)

// A connection that may not write Secrets cannot keep a release: that is said before the first install.
func TestCheckSaysThatReleasesCannotBeStored(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/version":
			_, _ = fmt.Fprint(w, `{"major":"1","minor":"33","gitVersion":"v1.33.2"}`)
		case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
			said, _ := io.ReadAll(r.Body)
			refused := strings.Contains(string(said), `"verb":"create"`) && strings.Contains(string(said), `"secrets"`)
			_, _ = fmt.Fprintf(w, `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","status":{"allowed":%t}}`, !refused)
		default:
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`)
		}
	}))
	defer api.Close()
	facts, err := helm.New(helm.Config{}).Check(t.Context(), vim.Connection{
		ID: "h", Type: helm.Type, InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"` + api.URL + `"`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"store releases (secrets)", "create secrets"} {
		if !slices.ContainsFunc(facts, func(f vim.Fact) bool { return f.Name == name && f.Lacks }) {
			t.Errorf("%q is not said to lack: %+v", name, facts)
		}
	}
}

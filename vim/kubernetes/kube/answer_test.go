package kube

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/vnfm/vnfm/vim"
)

// What answers without end, or with a web page, is told as such, and is not read on.
func TestAnswersThatAreNone(t *testing.T) {
	for want, answer := range map[string]http.HandlerFunc{
		"the endpoint: the answer is longer than vim-answer-bytes": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range 64 {
				_, _ = io.WriteString(w, strings.Repeat("[", 1<<20))
			}
		},
		"the endpoint: what answers is a web page, not an API": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>Welcome</html>")
		},
	} {
		s := httptest.NewServer(answer)
		defer s.Close()
		c, err := NewClusters("T", 1000, nil).Of(vim.Connection{ID: "a", Type: "T", InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"` + s.URL + `"`)}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"}).List(t.Context(), metav1.ListOptions{})
		if got := ErrorOf("list", Ref{}, err).Hint; got != want {
			t.Errorf("%q, not %q: %v", got, want, err)
		}
	}
}

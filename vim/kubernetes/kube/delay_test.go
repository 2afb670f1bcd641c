package kube //nolint:testpackage // what is not exported is tested where no cluster is needed

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// For how long a cluster asks to be left alone is in the error, whatever form its answer has, and the client has asked once. Seen failing with the
// header only removed.
func TestForHowLongAClusterAsksToBeLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		code  int
		body  string
		after string
		want  time.Duration
		class message.Class
	}{
		"a text":       {429, "Too many requests, please try again later.", "7", 7 * time.Second, message.Transient},
		"a status":     {503, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"shutting down","reason":"ServiceUnavailable","code":503}`, "3", 3 * time.Second, message.Unavailable},
		"without time": {429, "too many", "", 0, message.Transient},
		"no refusal":   {500, "wrong", "5", 0, message.UnknownOutcome},
	} {
		calls := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.WriteHeader(c.code)
			_, _ = w.Write([]byte(c.body))
		}))
		one, err := NewClusters("T", 0, nil).Of(vim.Connection{ID: "a", Type: "T", InterfaceInfo: map[string]json.RawMessage{"endpoint": json.RawMessage(`"` + s.URL + `"`)}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = one.Dynamic.Resource(configMaps).Namespace("default").Get(t.Context(), "x", metav1.GetOptions{})
		e := ErrorOf("find", Ref{Name: "x"}, err)
		if e.RetryAfter != c.want || e.Class != c.class || calls != 1 {
			t.Errorf("%s: %v %s after %d calls: %s", name, e.RetryAfter, e.Class, calls, e.Hint)
		}
		s.Close()
	}
}

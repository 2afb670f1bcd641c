package openstack_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/openstack"
)

// What is at the endpoint and is no Keystone is told as what it is, and nothing is said of a service that nobody has asked.
func TestWhatIsAtTheEndpointAndNoKeystone(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"hangs":      {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, "Keystone did not answer in time"},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }, "what answers at interfaceInfo.endpoint is not Keystone"},
		"without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"token":"`+strings.Repeat("x", 1<<20))
		}, "Keystone's endpoint: the answer is longer than vim-answer-bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.answer)
			defer s.Close()
			f := newFake(t)
			conn := f.connection(nil)
			conn.InterfaceInfo["endpoint"] = vim.Encode(s.URL + "/v3")
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := openstack.New(openstack.Config{MaxAnswerBytes: 1000}).Assets(ctx, conn)
			if vim.HintOf(err) != c.want {
				t.Errorf("%q, not %q: %v", vim.HintOf(err), c.want, err)
			}
		})
	}
}

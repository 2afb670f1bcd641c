package notify_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/notify"
)

// Only 2xx is a delivery, and only 204 a subscriber that can be told; everything else is a failure that says what the answer was.
// Seen failing with 5xx, with 3xx and with 4xx taken for a delivery.
func TestAnswersThatAreDeliveries(t *testing.T) {
	status := 0
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Location", "/elsewhere")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	out := egress.New(egress.Config{AllowLocal: true, AllowPlain: true})
	t.Cleanup(out.Close)
	h := notify.HTTP{Client: out, Versions: map[string]string{"": "2.3.0", "old": "1.3.0"}}
	for status = 200; status < 600; status++ {
		for name, call := range map[string]struct {
			do   func() error
			good bool
		}{
			"POST": {func() error {
				return h.Post(t.Context(), notify.Callback{URI: srv.URL, Form: "old"}, []byte(`{"id":"n"}`))
			}, status < 300},
			"GET": {func() error { return h.Test(t.Context(), notify.Callback{URI: srv.URL}) }, status == 204},
		} {
			err := call.do()
			if (err == nil) != call.good {
				t.Errorf("%s answered %d: %v", name, status, err)
			}
			var e *egress.Error
			if err != nil && (!errors.As(err, &e) || e.Class != egress.Status || e.StatusCode != status) {
				t.Errorf("%s answered %d: %#v", name, status, err)
			}
			if e != nil && (status == 429 || status == 503) && e.RetryAfter != 7*time.Second {
				t.Errorf("%s answered %d: come back after %v", name, status, e.RetryAfter)
			}
			if version := map[string]string{"POST": "1.3.0", "GET": "2.3.0"}[name]; got.Method != name || got.Header.Get("Version") != version {
				t.Fatalf("%s, version %q", got.Method, got.Header.Get("Version"))
			}
			if name == "POST" && (string(body) != `{"id":"n"}` || got.Header.Get("Content-Type") != "application/json") {
				t.Fatalf("%s %s", got.Header.Get("Content-Type"), body)
			}
		}
	}
}

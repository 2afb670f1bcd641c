package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
)

// The receiver answers the test of a callback and prints a line for each notification.
func TestReceiver(t *testing.T) {
	var out bytes.Buffer
	h := receiver(&session{Screen: &screen.Screen{Out: &out}})
	for _, c := range []struct {
		method, body string
		want         int
	}{
		{"GET", "", http.StatusNoContent},
		{"POST", `{"notificationType":"VnfIdentifierCreationNotification","vnfInstanceId":"v1"}`, http.StatusNoContent},
		{"POST", `{"notificationType":"VnfLcmOperationOccurrenceNotification","vnfInstanceId":"v1","operation":"INSTANTIATE","operationState":"FAILED_TEMP","error":{"status":500,"detail":"no host"}}`, http.StatusNoContent},
		{"POST", `no JSON`, http.StatusBadRequest},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, "/", strings.NewReader(c.body)))
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.body, w.Code, c.want)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "VNF v1  created") || !strings.HasSuffix(lines[1], "VNF v1  INSTANTIATE FAILED_TEMP: no host") {
		t.Errorf("printed:\n%s", out.String())
	}
}

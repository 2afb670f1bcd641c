package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/client"
)

// A watch waits for a server that goes away, says so, and goes on; it gives up at once where nobody listens, and where the server refuses.
// Seen failing with WaitOp returning the first error.
func TestWaitGoesOnWhenTheServerIsBack(t *testing.T) {
	n := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch n++; {
		case n == 1:
			_, _ = w.Write([]byte(`{"operationState":"PROCESSING"}`))
		case n < 9:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"status":503,"detail":"starting"}`))
		default:
			_, _ = w.Write([]byte(`{"operationState":"COMPLETED","final":true}`))
		}
	}))
	defer ts.Close()
	var lost []string
	config := client.Config{
		Server: ts.URL, Retries: -1, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Lost: func(err error) { lost = append(lost, err.Error()) },
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.WaitOp(t.Context(), "o", time.Millisecond, nil)
	if err != nil || p.OperationState != "COMPLETED" || len(lost) != 7 || !strings.Contains(lost[0], "starting") {
		t.Errorf("%+v, %v; told %q", p, err, lost)
	}
	lost, config.Server = nil, "http://127.0.0.1:1"
	if c, err = client.New(config); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitOp(t.Context(), "o", time.Millisecond, nil); err == nil || len(lost) > 0 {
		t.Errorf("nobody listens: %v, told %q", err, lost)
	}
}

// A list reads no more pages than it needs.
func TestLimitEndsAList(t *testing.T) {
	pages := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages++
		w.Header().Set("Link", "<http://"+r.Host+"/vnflcm/v2/vnf_instances?nextpage_opaque_marker=x>; rel=\"next\"")
		_, _ = w.Write([]byte(`[{"id":"a"},{"id":"b"}]`))
	}))
	defer ts.Close()
	c, err := client.New(client.Config{Server: ts.URL})
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Vnfs(t.Context(), client.Query{Limit: 3})
	if err != nil || len(all) != 3 || pages != 2 {
		t.Errorf("%d entries of %d pages: %v", len(all), pages, err)
	}
}

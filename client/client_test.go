package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/sol"
)

// server is a fake whose handler answers attempt n (from 0); it records what came.
type server struct {
	*client.Client
	mu     sync.Mutex
	keys   []string
	bodies []string
	paths  []string
	waits  []time.Duration
}

func newServer(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{}
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		n := len(s.keys)
		s.keys = append(s.keys, r.Header.Get("Idempotency-Key"))
		s.bodies = append(s.bodies, string(b))
		s.paths = append(s.paths, r.Method+" "+r.URL.RequestURI())
		s.mu.Unlock()
		answer(n, w, r)
	}))
	t.Cleanup(ts.Close)
	c, err := client.New(client.Config{Server: ts.URL + "/", Wait: func(_ context.Context, d time.Duration) error {
		s.waits = append(s.waits, d)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Client = c
	return s
}

// asked is what came until now; the transport may still be asking for what the client has given up.
func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.paths)
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestChangeIsSentAgainWithItsKey(t *testing.T) {
	s := newServer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		switch n {
		case 0:
			hangUp(w)
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"status":503,"detail":"down"}`))
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"id":"v"}`))
		}
	})
	v, err := s.CreateVnf(t.Context(), sol.CreateVnfRequest{VnfdId: "d"})
	if err != nil || v.Id != "v" {
		t.Fatal(v, err)
	}
	if len(s.keys) != 3 || s.keys[0] == "" || s.keys[0] != s.keys[1] || s.keys[1] != s.keys[2] || s.bodies[0] != s.bodies[2] {
		t.Errorf("keys %q, bodies %q", s.keys, s.bodies)
	}
	if !slices.Equal(s.waits, []time.Duration{200 * time.Millisecond, 7 * time.Second}) {
		t.Errorf("waits %v", s.waits)
	}
	if _, err := s.CreateVnf(t.Context(), sol.CreateVnfRequest{VnfdId: "d"}); err != nil || s.keys[3] == s.keys[0] {
		t.Errorf("another change has the same key: %q, %v", s.keys, err)
	}
}

func TestUploadIsRepeatedFromItsBeginning(t *testing.T) {
	s := newServer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 0 {
			hangUp(w)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	opened := 0
	err := s.UploadPackage(t.Context(), "p", func() (io.ReadCloser, int64, error) {
		opened++
		return io.NopCloser(strings.NewReader("PK")), 2, nil
	})
	if err != nil || opened != 2 || s.bodies[1] != "PK" || s.asked()[1] != "PUT /vnfpkgm/v2/vnf_packages/p/package_content" {
		t.Errorf("%v, opened %d times, %q %q", err, opened, s.bodies, s.asked())
	}
}

func TestRefusalIsAnErrorWithItsProblem(t *testing.T) {
	s := newServer(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"status":422,"title":"t","detail":"no such flavour","attribute":"/flavourId"}`))
	})
	_, err := s.Instantiate(t.Context(), "v", sol.InstantiateVnfRequest{FlavourId: "x"})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 422 || e.Attribute != "/flavourId" || !strings.Contains(err.Error(), "no such flavour") {
		t.Errorf("%v", err)
	}
	if len(s.keys) != 1 {
		t.Errorf("a refusal was sent %d times", len(s.keys))
	}
}

func TestListFollowsItsPages(t *testing.T) {
	s := newServer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n < 2 {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s/vnflcm/v2/vnf_instances?nextpage_opaque_marker=%d>; rel="next"`, r.Host, n))
		}
		_, _ = fmt.Fprintf(w, `[{"id":"v%d"}]`, n)
	})
	all, err := s.Vnfs(t.Context())
	if err != nil || len(all) != 3 || all[2].Id != "v2" || s.asked()[2] != "GET /vnflcm/v2/vnf_instances?nextpage_opaque_marker=1" {
		t.Errorf("%v %v %q", all, err, s.asked())
	}
}

func TestWaitOp(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		want    string
	}{
		"final":                    {[]string{`"operationState":"PROCESSING"`, `"operationState":"COMPLETED","final":true`}, "COMPLETED"},
		"held":                     {[]string{`"operationState":"FAILED_TEMP","policy":"hold"`}, "FAILED_TEMP"},
		"about to roll back":       {[]string{`"operationState":"FAILED_TEMP","policy":"rollback"`, `"operationState":"ROLLED_BACK","final":true`}, "ROLLED_BACK"},
		"stuck in the rollback":    {[]string{`"operationState":"FAILED_TEMP","policy":"rollback","stateEnteredTime":"2026-01-01T00:00:00Z","now":"2026-01-01T00:01:00Z"`}, "FAILED_TEMP"},
		"server away for a moment": {[]string{"", `"operationState":"COMPLETED","final":true`}, "COMPLETED"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if c.answers[n] == "" {
					hangUp(w)
					return
				}
				_, _ = fmt.Fprintf(w, "{%s}", c.answers[n])
			})
			p, err := s.WaitOp(t.Context(), "o", time.Second, nil)
			if err != nil || p.OperationState != c.want || len(s.asked()) != len(c.answers) {
				t.Errorf("%+v, %v after %d looks", p, err, len(s.asked()))
			}
		})
	}
}

func TestServerThatIsNotThereIsNotWaitedFor(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	c, err := client.New(client.Config{Server: gone.URL, Wait: func(context.Context, time.Duration) error {
		t.Error("waited")
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Vnfs(t.Context()); err == nil || !strings.Contains(err.Error(), gone.URL) {
		t.Errorf("%v", err)
	}
}

func TestServerMustBeAURL(t *testing.T) {
	for _, bad := range []string{"", "localhost:8080", "ftp://x", "http://"} {
		if _, err := client.New(client.Config{Server: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

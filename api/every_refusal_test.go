package api_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/tail"
)

// TestEveryRouteIsTurnedAway: a server or caller with too much to do, a URI and a body that are too long. Seen failing without
// Retry-After, and without Version in what the guard answers.
func TestEveryRouteIsTurnedAway(t *testing.T) {
	busy := newWhole(t, func(c *api.Config) { c.Requests = &access.Places{All: 1, What: "requests"} })
	body, held := io.Pipe()
	entered := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, vnfs, io.MultiReader(told{entered}, body))
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/json")
		busy.api.ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-entered
	limited := newWhole(t)
	small := newWhole(t, func(c *api.Config) { c.MaxBody, c.MaxSmallBody, c.MaxPackage = 512, 512, 512 })
	for _, r := range limited.routes {
		path := limited.of(r.Pattern)
		want := 503
		if path == "/healthz" || path == "/readyz" {
			want = 200
		}
		busy.send(t, r.Method, path, "").taken(want)
		limited.send(t, r.Method, path+"?"+strings.Repeat("a", 33_000), "").taken(414)
		if r.Body != nil {
			small.send(t, r.Method, path, strings.Repeat(" ", 600), "Content-Type", r.Body[0]).taken(413)
		}
	}
	_ = held.Close()
	<-done
	once := newWhole(t, func(c *api.Config) {
		c.Limits = access.NewLimits(0.001, 20, 10, func() time.Time { return epoch })
	})
	for range 20 {
		once.send(t, "GET", vnfs, "")
	}
	for _, r := range once.routes {
		if !r.Open {
			once.send(t, r.Method, once.of(r.Pattern), "").taken(429)
		}
	}
}

// told says when it is read.
type told struct{ read chan struct{} }

func (t told) Read([]byte) (int, error) { close(t.read); return 0, io.EOF }

// TestEveryRouteSaysThatTheStoreIsAway: 503 with Retry-After, or an answer that needs no store. Seen failing with
// eventstore.ErrUnavailable taken out of problem.
func TestEveryRouteSaysThatTheStoreIsAway(t *testing.T) {
	down := false
	w := newWhole(t, func(c *api.Config) {
		c.Views = mayBeAway{c.Views, &down}
	})
	down, w.cases.fail = true, eventstore.ErrUnavailable
	need := 0
	for _, r := range w.routes {
		if got := w.send(t, r.Method, w.of(r.Pattern), examplesOf(r)[0], "Content-Type", contentType(r)); got.status == 503 {
			need++
		}
	}
	if need < 35 {
		t.Errorf("only %d methods need the store", need)
	}
}

// mayBeAway is a store that does not answer while down.
type mayBeAway struct {
	eventstore.Reader
	down *bool
}

func (s mayBeAway) gone() error {
	if *s.down {
		return eventstore.ErrUnavailable
	}
	return nil
}

func (s mayBeAway) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	if err := s.gone(); err != nil {
		return nil, err
	}
	return s.Reader.Load(ctx, l)
}

func (s mayBeAway) Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error) {
	if err := s.gone(); err != nil {
		return nil, err
	}
	return s.Reader.Views(ctx, q)
}

func (s mayBeAway) Sagas(ctx context.Context, q eventstore.SagaQuery) ([]eventstore.SagaRow, error) {
	if err := s.gone(); err != nil {
		return nil, err
	}
	return s.Reader.Sagas(ctx, q)
}

func (s mayBeAway) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]eventstore.Event, error) {
	if err := s.gone(); err != nil {
		return nil, err
	}
	return s.Reader.ReadStream(ctx, stream, after, limit)
}

// TestATailThatCannotBegin is told like anything else. Seen failing with the parameter at fault left out.
func TestATailThatCannotBegin(t *testing.T) {
	var watcher *tail.Watcher
	w := newWhole(t, func(c *api.Config) { watcher = c.Tail })
	for _, r := range w.routes {
		if r.Tail {
			w.send(t, "GET", w.of(r.Pattern)+"?to=2026-01-02T03:04:05Z", "", "Accept", "text/event-stream").taken(400)
			w.send(t, "GET", w.of(r.Pattern), "", "Accept", "text/event-stream", "Last-Event-ID", "!").taken(400)
		}
	}
	watcher.Stop()
	for _, r := range w.routes {
		if r.Tail {
			w.send(t, "GET", w.of(r.Pattern), "", "Accept", "text/event-stream").taken(503)
		}
	}
}

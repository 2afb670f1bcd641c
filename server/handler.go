package server

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
)

// handler returns the API with tracing and metrics around it.
func (s *Server) handler() http.Handler {
	s.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	h := api.New(api.Config{
		LCM: s.parts.lcm, Packages: s.parts.packages, Views: s.stores.store, Vims: s.parts.vims, Sim: s.parts.sim,
		Ready: s.ready, Metrics: promhttp.HandlerFor(s.reg, promhttp.HandlerOpts{}), Authenticate: s.authenticator(),
		Traceparent: s.tracing.Traceparent, Log: s.log, BaseURL: strings.TrimSuffix(s.cfg.BaseURL, "/"),
		PageSize: s.cfg.HTTP.PageSize, MaxBody: s.cfg.HTTP.MaxBody, MaxPackage: s.cfg.Package.MaxBytes,
		Consumers: []string{consumerVim, consumerNfvo, consumerReplies},
	})
	return otelhttp.NewHandler(h, "api", otelhttp.WithTracerProvider(s.tracing.Provider), otelhttp.WithPropagators(s.tracing.Propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method }))
}

// authenticator asks for the API token, or, without one, for nothing: the settings then allow loopback only.
func (s *Server) authenticator() api.Authenticator {
	if s.cfg.APIToken == "" {
		return api.Loopback
	}
	want := []byte("Bearer " + s.cfg.APIToken)
	return func(r *http.Request) (string, error) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			return "", vnfm.Errorf(vnfm.Unauthenticated, "Send the API token: Authorization: Bearer TOKEN.")
		}
		return "api-token", nil
	}
}

// ready checks what a request needs: the database answers, and this node holds lanes, so that operations go on.
func (s *Server) ready(ctx context.Context) []api.Check {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HTTP.ReadyTimeout)
	defer cancel()
	db := api.Check{Name: "database", OK: true}
	if err := s.stores.store.Ping(ctx); err != nil {
		db.OK, db.Detail = false, "the database does not answer"
		s.log.WarnContext(ctx, "not ready", "error", err)
	}
	held := 0
	for lane := range eventstore.Lanes {
		if _, ok := s.parts.leases.Epoch(lane); ok {
			held++
		}
	}
	lanes := api.Check{Name: "lanes", OK: held > 0, Detail: fmt.Sprintf("%d of %d lanes are held by this node", held, eventstore.Lanes)}
	return []api.Check{db, lanes}
}

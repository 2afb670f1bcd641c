package api

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/vim/sim"
)

// Authenticator returns the name of the caller of a request; Unauthenticated or Forbidden when there is none.
type Authenticator func(r *http.Request) (caller string, err error)

// Check is one condition of being ready.
type Check struct {
	Name   string
	OK     bool
	Detail string // for people; no secrets
}

// Config is what the edge needs from the composition root.
type Config struct {
	LCM      lcm.API
	Packages Packages
	Views    eventstore.Reader
	Vims     Vims     // nil: there is no registry, its resources are 404
	Sim      *sim.Sim // nil: there is no simulated VIM, its resources are 404
	// Ready reports the conditions of being ready; all must be ok.
	Ready        func(ctx context.Context) []Check
	Metrics      http.Handler // nil: /metrics is 404
	Authenticate Authenticator
	// Traceparent returns the W3C traceparent of the request's span; nil: the client's own is passed on.
	Traceparent func(ctx context.Context) string
	Log         *slog.Logger
	// BaseURL is the root of absolute links, without a slash at its end; empty: taken from each request (Host,
	// X-Forwarded-Host, -Proto and -Prefix).
	BaseURL string
	// PageSize is the number of entries per page of a list; 0: one page holds all.
	PageSize int
	// MaxBody bounds request bodies in bytes, package contents excepted; 0: 8 MiB.
	MaxBody int64
	// MaxPackage bounds package contents in bytes; 0: 4 GiB.
	MaxPackage int64
	// Consumers are the consumers whose parked messages are listed.
	Consumers []string
	// Redrive handles a parked message again, with those of its key behind it, in order, and returns how many were
	// handled; NotFound when it is not parked. nil: the resource is 404.
	Redrive func(ctx context.Context, id string) (int, error)
}

// New returns the handler of the whole API. It panics when a part that every route needs is missing.
func New(c Config) http.Handler {
	if c.LCM == nil || c.Packages == nil || c.Views == nil || c.Authenticate == nil || c.Log == nil {
		panic("api: Config lacks a part")
	}
	if c.MaxBody == 0 {
		c.MaxBody = 8 << 20
	}
	if c.MaxPackage == 0 {
		c.MaxPackage = 4 << 30
	}
	a := &api{Config: c}
	mux := http.NewServeMux()
	for path, route := range a.routes() {
		mux.Handle(path, a.serve(path, route))
	}
	mux.Handle("/", a.serve("", route{}))
	return a.guard(mux)
}

type api struct{ Config }

// Loopback authenticates every caller on the local machine as "local", and nobody else.
func Loopback(r *http.Request) (string, error) {
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && addr.Addr().Unmap().IsLoopback() {
		return "local", nil
	}
	return "", vnfm.Errorf(vnfm.Unauthenticated, "Without authentication this server answers callers of its own machine only.")
}

// Bearer authenticates callers that send a token (RFC 6750) under one name.
func Bearer(token, name string) Authenticator {
	return func(r *http.Request) (string, error) {
		got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || subtle.ConstantTimeCompare([]byte(got), []byte(token)) != 1 {
			return "", vnfm.Errorf(vnfm.Unauthenticated, "A valid bearer token is needed: Authorization: Bearer TOKEN.")
		}
		return name, nil
	}
}

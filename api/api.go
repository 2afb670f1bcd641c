// Package api is the HTTP edge: SOL003 v3.7.1 at /vnflcm/v2 and v2.6.1 at /vnflcm/v1 (package v1 below it has the
// differences, the handlers are the same), packages in SOL005's shape at /vnfpkgm/v2, our own resources
// at /vnfm/v1, and health and metrics.
//
// It owns routes, the form of requests and answers, ProblemDetails for every error, versions, ETags, paging, and the
// idempotency filter. It promises that a request with an Idempotency-Key has one effect and that every repetition gets
// the same answer: the answer is built from the result of the use case and written in the commit of the effect
// (request.Info.Answer); what has no effect is not stored. It holds no business rule and writes nothing itself: it calls
// use cases and reads views. The text of internal errors never leaves; it is logged once, here.
//
// # Idempotency
//
// A key belongs to one caller. The fingerprint of a request is the SHA-256 of method, URI and body. Package content is
// not held in memory: it is hashed while it is stored, so that its fingerprint is known when the effect is committed, and
// a repetition is read to its end before it is compared. After any answer that is not a success the key is read again:
// whoever lost a race against an equal request answers what the winner answered. PUT of the simulator's behaviour replaces
// a whole outside the event store and is repeatable by itself; a key there is checked for form only.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/tail"
	"github.com/vnfm/vnfm/vim/sim"
)

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
	Vims     Vims // nil: there is no registry, its resources are 404
	// Grant returns what was asked for an operation; NotFound when nothing was. nil: the resource is 404.
	Grant func(ctx context.Context, opID string) (*nfvomanager.Asked, error)
	// PackageChanged is told that the NFVO has news of the package with a vnfdId; nil: the NFVO is not listened to.
	PackageChanged func(ctx context.Context, vnfdID string) error
	// Subscriptions are the use cases of subscriptions and notifications; nil: their resources are 404.
	Subscriptions *notify.Service
	Sim           *sim.Sim // nil: there is no simulated VIM, its resources are 404
	// Ready reports the conditions of being ready; all must be ok.
	Ready        func(ctx context.Context) []Check
	Metrics      http.Handler // nil: /metrics is 404
	Authenticate access.Authenticator
	Limits       *access.Limits  // per caller; nil: none
	Denials      *access.Denials // nil: denials are logged only, and their resource is 404
	// Concurrent bounds the requests served at once, health and metrics excepted; 0: no bound.
	Concurrent int
	// BodyTimeout bounds the time to read a body, package contents excepted; 0: as the server bounds it.
	BodyTimeout time.Duration
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
	// Tail tells who follows events of new ones; nil: server-sent events are not to be had.
	Tail *tail.Watcher
	// Heartbeat is how often a tail in which nothing happens shows that it is alive; 0: 15 s.
	Heartbeat time.Duration
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
	if c.Heartbeat == 0 {
		c.Heartbeat = heartbeat
	}
	a := &api{Config: c, gate: access.NewGate(c.Concurrent)}
	mux := http.NewServeMux()
	for path, route := range a.routes() {
		mux.Handle(path, a.serve(path, route))
	}
	mux.Handle("/", a.serve("", route{}))
	return a.guard(mux)
}

type api struct {
	Config
	gate access.Gate
}

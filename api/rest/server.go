// Package rest is the machinery of the HTTP edge: routing, admission, versions, idempotency, lists with filters and selectors,
// and ProblemDetails for every error. It knows no resource: those are in the packages beside it, which give it their routes.
//
// # Idempotency
//
// A key belongs to one caller. The fingerprint of a request is the SHA-256 of method, URI and body. Package content is
// not held in memory: it is hashed while it is stored, so that its fingerprint is known when the effect is committed, and
// a repetition is read to its end before it is compared. After any answer that is not a success the key is read again:
// whoever lost a race against an equal request answers what the winner answered. PUT of the simulator's behaviour replaces
// a whole outside the event store and is repeatable by itself; a key there is checked for form only.
package rest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/eventstore"
)

// Config is what every route needs.
type Config struct {
	Views        eventstore.Reader
	Metrics      http.Handler // nil: /metrics is 404
	Console      http.Handler // serves browsers at / and all of /ui; nil: both are 404
	Authenticate access.Authenticator
	Limits       *access.Limits  // per caller; nil: none
	Denials      *access.Denials // nil: denials are logged only
	// Front refuses requests for the way they came; nil: none is.
	Front *access.Front
	// Requests are the places of requests served at once, health and metrics excepted; Followers those of event streams;
	// LargeBodies those of bodies over 256 KiB in memory. nil: no bound.
	Requests, Followers, LargeBodies *access.Places
	// BodyTimeout bounds the time to read a body, ReadTimeout that of a package content; 0: as the server bounds it.
	BodyTimeout, ReadTimeout time.Duration
	// MinRate is the least rate in bytes per second at which a body has to come, and an answer to be taken, after the first
	// ten seconds; 0: any.
	MinRate int64
	// Traceparent returns the W3C traceparent of the request's span; nil: the client's own is passed on.
	Traceparent func(ctx context.Context) string
	Log         *slog.Logger
	// AccessLog says whether each request is logged; nil: none is.
	AccessLog func() bool
	// BaseURL is the root of absolute links, without a slash at its end; empty: taken from each request (Host,
	// X-Forwarded-Host, -Proto and -Prefix).
	BaseURL string
	// PageSize is the number of entries per page of a list; 0: one page holds all.
	PageSize int
	// MaxBody bounds request bodies in bytes, package contents excepted; 0: 8 MiB.
	MaxBody int64
	// MaxSmallBody is the same of requests that say little; 0: 64 KiB.
	MaxSmallBody int64
	// Form bounds what a body may hold; 0: 50,000 names, 200,000 values, 64 levels, 256 KiB in one text.
	Form decode.Limits
	// MaxPackage bounds package contents in bytes; 0: 4 GiB.
	MaxPackage int64
}

// New returns the handler of all areas.
func New(c Config, areas ...Area) http.Handler {
	c.MaxBody = cmp.Or(c.MaxBody, 8<<20)
	c.MaxSmallBody = cmp.Or(c.MaxSmallBody, 64<<10)
	c.MaxPackage = cmp.Or(c.MaxPackage, 4<<30)
	c.Form.Names = cmp.Or(c.Form.Names, 50_000)
	c.Form.Values = cmp.Or(c.Form.Values, 200_000)
	c.Form.Depth = cmp.Or(c.Form.Depth, 64)
	c.Form.Text = cmp.Or(c.Form.Text, 256<<10)
	c.Requests = cmp.Or(c.Requests, &access.Places{})
	c.Followers = cmp.Or(c.Followers, &access.Places{})
	c.LargeBodies = cmp.Or(c.LargeBodies, &access.Places{})
	a := &Server{Config: c}
	mux := http.NewServeMux()
	for path, route := range Join(areas) {
		mux.Handle(path, a.serve(path, route))
	}
	mux.Handle("/", a.serve("", Route{}))
	return a.guard(mux)
}

// Server serves all routes.
type Server struct {
	Config
}

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
	"github.com/vnfm/vnfm/vim"
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
	Vims     vim.Registry
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

// handler answers one request.
type handler func(c *call) (*answer, error)

// method is how one method of a route is served.
type method struct {
	do    handler
	query []string // query parameters it knows
	body  []string // media types of its body; nil: a body is ignored
	// stream: the handler reads the body itself.
	stream bool
	// open: no authentication, no Version.
	open bool
}

type route map[string]method

const (
	jsonType  = "application/json"
	mergeType = "application/merge-patch+json"
)

func (a *api) routes() map[string]route {
	get := func(h handler, query ...string) route { return route{http.MethodGet: {do: h, query: query}} }
	open := func(h handler) route { return route{http.MethodGet: {do: h, open: true}} }
	post := func(h handler, body ...string) route { return route{http.MethodPost: {do: h, body: body}} }
	with := func(routes ...route) route {
		all := route{}
		for _, r := range routes {
			for name, m := range r {
				all[name] = m
			}
		}
		return all
	}
	const lcmRoot, pkgRoot, own = "/vnflcm/v2", "/vnfpkgm/v2", "/vnfm/v1"
	paging := "nextpage_opaque_marker"
	routes := map[string]route{
		"/vnflcm/api_versions":     open(versions("/vnflcm")),
		lcmRoot + "/api_versions":  open(versions("/vnflcm")),
		"/vnfpkgm/api_versions":    open(versions("/vnfpkgm")),
		pkgRoot + "/api_versions":  open(versions("/vnfpkgm")),
		lcmRoot + "/vnf_instances": with(post(a.createVnf, jsonType), get(a.listVnfs, paging, "all_fields", "exclude_default")),
		lcmRoot + "/vnf_instances/{id}": with(get(a.showVnf),
			route{http.MethodDelete: {do: a.deleteVnf}}),
		lcmRoot + "/vnf_instances/{id}/instantiate":    post(a.instantiate, jsonType),
		lcmRoot + "/vnf_instances/{id}/terminate":      post(a.terminate, jsonType),
		lcmRoot + "/vnf_lcm_op_occs":                   get(a.listOpOccs, paging, "all_fields", "exclude_default"),
		lcmRoot + "/vnf_lcm_op_occs/{id}":              get(a.showOpOcc),
		lcmRoot + "/vnf_lcm_op_occs/{id}/retry":        post(a.task(lcm.API.Retry)),
		lcmRoot + "/vnf_lcm_op_occs/{id}/rollback":     post(a.task(lcm.API.Rollback)),
		lcmRoot + "/vnf_lcm_op_occs/{id}/fail":         post(a.fail),
		lcmRoot + "/vnf_lcm_op_occs/{id}/cancel":       post(a.cancel, jsonType),
		pkgRoot + "/vnf_packages":                      with(post(a.createPackage, jsonType), get(a.listPackages, paging)),
		pkgRoot + "/vnf_packages/{id}":                 with(get(a.showPackage), route{http.MethodPatch: {do: a.patchPackage, body: []string{mergeType, jsonType}}, http.MethodDelete: {do: a.deletePackage}}),
		pkgRoot + "/vnf_packages/{id}/package_content": {http.MethodPut: {do: a.putPackageContent, stream: true, body: []string{"application/zip", "application/octet-stream"}}},
		own + "/vnf_instances/{id}/events":             get(a.vnfEvents, paging),
		own + "/vnf_instances/{id}/leftovers":          get(a.leftovers),
		own + "/vnf_instances/{id}/cleanup":            post(a.cleanup),
		own + "/vnf_lcm_op_occs/{id}/progress":         get(a.progress),
		own + "/vnf_lcm_op_occs/{id}/resolve":          post(a.resolve, jsonType),
		own + "/sagas/{id}":                            get(a.showSaga),
		own + "/audit/verify":                          with(get(a.verify), post(a.verify)),
		own + "/vims":                                  get(a.listVims),
		own + "/parked_messages":                       get(a.parked, "consumer"),
		"/healthz":                                     open(a.healthz),
		"/readyz":                                      open(a.readyz),
	}
	if a.Redrive != nil {
		routes[own+"/parked_messages/{id}/redrive"] = post(a.redrive)
	}
	if a.Sim != nil {
		routes[own+"/sim/inventory"] = get(a.simInventory)
		routes[own+"/sim/behaviour"] = with(get(a.simBehaviour), route{http.MethodPut: {do: a.setSimBehaviour, body: []string{jsonType}}})
	}
	return routes
}

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

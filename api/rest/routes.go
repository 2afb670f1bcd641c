package rest

import (
	"maps"
	"net/http"

	"github.com/vnfm/vnfm/access"
)

// Handler answers one request.
type Handler func(c *Call) (*Answer, error)

// Method is how one method of a route is served.
type Method struct {
	Do    Handler
	Tail  Handler  // serves GET where server-sent events are asked for; nil: they are not to be had
	Query []string // query parameters it knows
	Body  []string // media types of its body; nil: a body is ignored
	// Small: the body is one of few words.
	Small bool
	// Stream: the handler reads the body itself.
	Stream bool
	// Needs is what the caller must be allowed; access.Open asks for no caller and no Version. The area of the route sets
	// it where the route says nothing.
	Needs access.Permission
}

type Route map[string]Method

const (
	JSONType  = "application/json"
	MergeType = "application/merge-patch+json"

	StreamType = "text/event-stream"
)

// Area is routes of one kind, with what reading and changing them needs.
type Area struct {
	Read, Change access.Permission
	Routes       map[string]Route
}

// Join returns the routes of all areas. A method that says nothing needs what its area needs.
func Join(areas []Area) map[string]Route {
	all := map[string]Route{}
	for _, part := range areas {
		for _, methods := range part.Routes {
			for name, m := range methods {
				if m.Needs == "" && name == http.MethodGet {
					m.Needs = part.Read
				} else if m.Needs == "" {
					m.Needs = part.Change
				}
				methods[name] = m
			}
		}
		maps.Copy(all, part.Routes)
	}
	return all
}

// The roots of the interfaces.
const (
	LcmRoot = "/vnflcm/v2"
	PkgRoot = "/vnfpkgm/v2"
	OwnRoot = "/vnfm/v1"
	Paging  = "nextpage_opaque_marker"
)

func Get(h Handler, query ...string) Route { return Route{http.MethodGet: {Do: h, Query: query}} }

func Post(h Handler, body ...string) Route { return Route{http.MethodPost: {Do: h, Body: body}} }

func Put(h Handler, body ...string) Route { return Route{http.MethodPut: {Do: h, Body: body}} }

func Patch(h Handler, body ...string) Route { return Route{http.MethodPatch: {Do: h, Body: body}} }

// Small bounds the bodies of a route to those of requests that say little.
func (r Route) Small() Route {
	for name, m := range r {
		m.Small = true
		r[name] = m
	}
	return r
}

func Remove(h Handler) Route { return Route{http.MethodDelete: {Do: h}} }

// With joins the methods of one path.
func With(routes ...Route) Route {
	all := Route{}
	for _, r := range routes {
		maps.Copy(all, r)
	}
	return all
}

// TypeParam is the one query parameter that may be given more than once.
const TypeParam = "type"

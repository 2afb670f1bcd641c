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
	Types []string // media types of its answer, one of which Accept must admit; nil: its answer has no body
	// Stream: the handler reads the body itself.
	Stream bool
	// Needs is what the caller must be allowed; access.Open asks for no caller and no Version. The area of the route sets
	// it where the route says nothing.
	Needs access.Permission
}

// Route is the methods of one path.
type Route map[string]Method

// Media types.
const (
	JSONType   = "application/json"
	MergeType  = "application/merge-patch+json"
	StreamType = "text/event-stream"
	ZipType    = "application/zip"
	TextType   = "text/plain"
	BytesType  = "application/octet-stream"
	AnyType    = "*/*" // as the only one of a method's types: what is asked for tells
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
)

// Paging is the query parameter of the next page of a list (SOL013 v3.7.1 §5.4.2.3).
const Paging = "nextpage_opaque_marker"

// Get is a route whose GET answers in JSON and knows some query parameters.
func Get(h Handler, query ...string) Route {
	return Route{http.MethodGet: {Do: h, Query: query, Types: []string{JSONType}}}
}

// Post is a route whose POST answers in JSON and has a body of some media type.
func Post(h Handler, body ...string) Route { return change(http.MethodPost, h, body) }

// Put is Post for PUT.
func Put(h Handler, body ...string) Route { return change(http.MethodPut, h, body) }

// Small bounds the bodies of a route to those of requests that say little.
func (r Route) Small() Route {
	for name, m := range r {
		m.Small = true
		r[name] = m
	}
	return r
}

// Patch is Post for PATCH.
func Patch(h Handler, body ...string) Route { return change(http.MethodPatch, h, body) }

func change(method string, h Handler, body []string) Route {
	return Route{method: {Do: h, Body: body, Types: []string{JSONType}}}
}

// Remove is a route with DELETE, whose answer has no body.
func Remove(h Handler) Route { return Silent(change(http.MethodDelete, h, nil)) }

// Silent returns a route whose answers have no body.
func Silent(r Route) Route {
	for name, m := range r {
		m.Types = nil
		r[name] = m
	}
	return r
}

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

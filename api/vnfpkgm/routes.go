// Package vnfpkgm is the resources of the VNF package management interface (SOL003 v3.7.1 §10.4), with those by which packages are
// made and filled (SOL005).
package vnfpkgm

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/rest"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnfpkg"
)

// Packages is the use cases of VNF packages; a vnfpkg.Service is one.
type Packages interface {
	Create(ctx context.Context, userDefinedData map[string]json.RawMessage, by request.Info) (*vnfpkg.Package, error)
	PutContent(ctx context.Context, id string, content io.Reader, by request.Info) (*vnfpkg.Package, error)
	FetchContent(ctx context.Context, id string, from vnfpkg.Origin, by request.Info) (*vnfpkg.Package, error)
	Patch(ctx context.Context, id string, change vnfpkg.Change, by request.Info) (*vnfpkg.Package, error)
	Delete(ctx context.Context, id string, by request.Info) error
	Get(ctx context.Context, id string) (*vnfpkg.Package, error)
	// WithVnfdID returns the onboarded package with a vnfdId; nil when there is none.
	WithVnfdID(ctx context.Context, vnfdID string) (*vnfpkg.Package, error)
	// Read returns the packages of rows of their view, in their order.
	Read(ctx context.Context, rows []eventstore.View) ([]*vnfpkg.Package, error)
	// Contents opens the content of an onboarded package.
	Contents(ctx context.Context, id string) (*vnfpkg.Contents, error)
}

// API is the resources of VNF packages.
type API struct {
	Packages Packages
}

// Routes are the resources of v2.
func (a *API) Routes() map[string]rest.Route {
	byID := shelf{API: a, path: "/vnf_packages", find: a.one}
	byVnfd := shelf{API: a, path: "/onboarded_vnf_packages", onboarded: true, find: a.onboarded}
	routes := map[string]rest.Route{}
	for _, s := range []shelf{byID, byVnfd} {
		root := rest.PkgRoot + s.path
		one := root + "/{id}"
		routes[root] = rest.Get(s.list, rest.ListQuery...)
		routes[one] = rest.Get(s.show)
		routes[one+"/vnfd"] = file(s.vnfd, []string{rest.TextType, rest.ZipType}, signatures)
		routes[one+"/manifest"] = file(s.manifest, []string{rest.TextType, rest.ZipType}, signatures)
		routes[one+"/package_content"] = file(s.content, []string{rest.ZipType, rest.BytesType})
		routes[one+"/artifacts"] = file(s.artifacts, []string{rest.ZipType}, noMano, noOthers, external, sets, signatures)
		routes[one+"/artifacts/{path...}"] = file(s.artifact, []string{rest.AnyType}, signatures)
	}
	root := rest.PkgRoot + byID.path
	one := root + "/{id}"
	upload := rest.Route{http.MethodPut: {Do: a.putContent, Stream: true, Body: []string{rest.ZipType, rest.BytesType}}}
	routes[root] = rest.With(rest.Post(a.create, rest.JSONType), routes[root])
	routes[one] = rest.With(routes[one], rest.Patch(a.patch, rest.MergeType, rest.JSONType), rest.Remove(a.remove))
	routes[one+"/package_content"] = rest.With(routes[one+"/package_content"], upload)
	routes[one+"/package_content/upload_from_uri"] = rest.Silent(rest.Post(a.fetchContent, rest.JSONType).Small())
	return routes
}

// V1Routes are the same resources to a client of SOL003 v2.6.1.
func (a *API) V1Routes() map[string]rest.Route {
	routes := map[string]rest.Route{}
	for path, methods := range a.Routes() {
		older := rest.Route{}
		for name, m := range methods {
			m.Do = rest.InV1(m.Do, v1.VnfPkgInfo, func(*rest.Call, v1.Pointers) error { return nil })
			older[name] = m
		}
		routes[v1.PkgRoot+strings.TrimPrefix(path, rest.PkgRoot)] = older
	}
	return routes
}

func file(do rest.Handler, types []string, query ...string) rest.Route {
	return rest.Route{http.MethodGet: {Do: do, Types: types, Query: query}}
}

// shelf is one of the two ways to packages: by their own identifiers, or, of onboarded ones, by those of their VNFDs.
type shelf struct {
	*API
	path      string // below the root of the interface
	onboarded bool
	find      func(ctx context.Context, id string) (*vnfpkg.Package, error)
}

// one returns the package with an identifier.
func (a *API) one(ctx context.Context, id string) (*vnfpkg.Package, error) {
	return a.Packages.Get(ctx, id) //nolint:wrapcheck // has its kind
}

// onboarded returns the package with a vnfdId.
func (a *API) onboarded(ctx context.Context, vnfdID string) (*vnfpkg.Package, error) {
	p, err := a.Packages.WithVnfdID(ctx, vnfdID)
	if err == nil && p == nil {
		err = vnfm.Errorf(vnfm.NotFound, "There is no onboarded VNF package with the vnfdId %q.", vnfdID)
	}
	return p, err //nolint:wrapcheck // has its kind
}

// uri is that of a package on the shelf.
func (s shelf) uri(base string, p *vnfpkg.Package) string {
	if s.onboarded {
		return base + rest.PkgRoot + s.path + "/" + url.PathEscape(p.VnfdID)
	}
	return PackageURI(base, p.ID)
}

// PackageURI is that of a package by its own identifier.
func PackageURI(base, id string) string { return base + rest.PkgRoot + "/vnf_packages/" + id }

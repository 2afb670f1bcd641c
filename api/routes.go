package api

import (
	"maps"
	"net/http"

	"github.com/vnfm/vnfm/access"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/lcm"
)

// handler answers one request.
type handler func(c *call) (*answer, error)

// method is how one method of a route is served.
type method struct {
	do    handler
	tail  handler  // serves GET where server-sent events are asked for; nil: they are not to be had
	query []string // query parameters it knows
	body  []string // media types of its body; nil: a body is ignored
	// stream: the handler reads the body itself.
	stream bool
	// needs is what the caller must be allowed; access.Open asks for no caller and no Version. The area of the route sets
	// it where the route says nothing.
	needs access.Permission
}

type route map[string]method

const (
	jsonType  = "application/json"
	mergeType = "application/merge-patch+json"
)

// area is routes of one kind, with what reading and changing them needs.
type area struct {
	read, change access.Permission
	routes       map[string]route
}

// routes returns every route: those of the standard's interfaces, then our own.
func (a *api) routes() map[string]route {
	all := map[string]route{}
	for _, part := range []area{
		{access.Open, access.Open, a.versionRoutes()},
		{access.ReadLcm, access.WriteLcm, a.vnfRoutes()},
		{access.ReadLcm, access.WriteLcm, a.opOccRoutes()},
		{access.ReadLcm, access.WriteLcm, a.subscriptionRoutes()},
		{access.ReadOwn, access.Operate, a.notificationRoutes()},
		{access.ReadLcm, access.WriteLcm, a.v1Routes()},
		{access.ReadPackages, access.WritePackages, a.packageRoutes()},
		{access.ReadOwn, access.Operate, a.ownRoutes()},
		{access.ReadOwn, access.ReadOwn, a.pastRoutes()},
		{access.ReadOwn, access.Administer, a.vimRoutes()},
		{access.Administer, access.Administer, a.siteRoutes()},
		{access.Administer, access.Administer, a.simRoutes()},
		{access.Open, access.Open, a.healthRoutes()},
		{access.Open, access.Open, a.callbackRoutes()},
	} {
		for _, methods := range part.routes {
			for name, m := range methods {
				if m.needs == "" && name == http.MethodGet {
					m.needs = part.read
				} else if m.needs == "" {
					m.needs = part.change
				}
				methods[name] = m
			}
		}
		maps.Copy(all, part.routes)
	}
	return all
}

// The roots of the interfaces.
const (
	lcmRoot = "/vnflcm/v2"
	pkgRoot = "/vnfpkgm/v2"
	ownRoot = "/vnfm/v1"
	paging  = "nextpage_opaque_marker"
)

func get(h handler, query ...string) route { return route{http.MethodGet: {do: h, query: query}} }

func post(h handler, body ...string) route { return route{http.MethodPost: {do: h, body: body}} }

func put(h handler, body ...string) route { return route{http.MethodPut: {do: h, body: body}} }

func patch(h handler, body ...string) route { return route{http.MethodPatch: {do: h, body: body}} }

func remove(h handler) route { return route{http.MethodDelete: {do: h}} }

// with joins the methods of one path.
func with(routes ...route) route {
	all := route{}
	for _, r := range routes {
		maps.Copy(all, r)
	}
	return all
}

func (a *api) versionRoutes() map[string]route {
	return map[string]route{
		"/vnflcm/api_versions":    get(versions("/vnflcm")),
		v1.Root + "/api_versions": get(versions(v1.Root)),
		lcmRoot + "/api_versions": get(versions(lcmRoot)),
		"/vnfpkgm/api_versions":   get(versions("/vnfpkgm")),
		pkgRoot + "/api_versions": get(versions(pkgRoot)),
	}
}

func (a *api) vnfRoutes() map[string]route {
	const root = lcmRoot + "/vnf_instances"
	return map[string]route{
		root:                       with(post(a.createVnf, jsonType), get(a.listVnfs, listQuery...)),
		root + "/{id}":             with(get(a.showVnf), patch(a.modifyVnf, mergeType, jsonType), remove(a.deleteVnf)),
		root + "/{id}/instantiate": post(a.instantiate, jsonType),
		root + "/{id}/terminate":   post(a.terminate, jsonType),
	}
}

func (a *api) opOccRoutes() map[string]route {
	const root = lcmRoot + "/vnf_lcm_op_occs"
	return map[string]route{
		root:                    get(a.listOpOccs, listQuery...),
		root + "/{id}":          get(a.showOpOcc),
		root + "/{id}/retry":    post(a.task(lcm.API.Retry)),
		root + "/{id}/rollback": post(a.task(lcm.API.Rollback)),
		root + "/{id}/fail":     post(a.fail),
		root + "/{id}/cancel":   post(a.cancel, jsonType),
	}
}

func (a *api) packageRoutes() map[string]route {
	const root = pkgRoot + "/vnf_packages"
	content := method{do: a.putPackageContent, stream: true, body: []string{"application/zip", "application/octet-stream"}}
	return map[string]route{
		root:                           with(post(a.createPackage, jsonType), get(a.listPackages, listQuery...)),
		root + "/{id}":                 with(get(a.showPackage), patch(a.patchPackage, mergeType, jsonType), remove(a.deletePackage)),
		root + "/{id}/package_content": {http.MethodPut: content},
	}
}

// ownRoutes are the resources no standard has that show and mend VNFs.
func (a *api) ownRoutes() map[string]route {
	return map[string]route{
		ownRoot + "/vnf_instances/{id}/leftovers":  get(a.leftovers),
		ownRoot + "/vnf_instances/{id}/cleanup":    post(a.cleanup),
		ownRoot + "/vnf_lcm_op_occs/{id}/progress": get(a.progress),
		ownRoot + "/vnf_lcm_op_occs/{id}/grant":    get(a.grant),
		ownRoot + "/vnf_lcm_op_occs/{id}/resolve":  post(a.resolve, jsonType),
		ownRoot + "/sagas":                         get(a.listSagas, paging, "vnf", "state"),
		ownRoot + "/sagas/{id}":                    get(a.showSaga),
		ownRoot + "/vnf_lcm_op_occs":               get(a.origins, listQuery...),
	}
}

// siteRoutes are the resources of whoever runs the site.
func (a *api) siteRoutes() map[string]route {
	routes := map[string]route{
		ownRoot + "/audit/verify":    with(get(a.verify), post(a.verify)),
		ownRoot + "/parked_messages": get(a.parked, "consumer"),
	}
	if a.Denials != nil {
		routes[ownRoot+"/audit/denials"] = get(a.denials, paging)
	}
	if a.Redrive != nil {
		routes[ownRoot+"/parked_messages/{id}/redrive"] = post(a.redrive)
	}
	return routes
}

func (a *api) healthRoutes() map[string]route {
	return map[string]route{"/healthz": get(a.healthz), "/readyz": get(a.readyz)}
}

// callbackRoutes are where the NFVO tells of its packages. What it says is never believed, only looked up at the NFVO, so
// it need not show who it is.
func (a *api) callbackRoutes() map[string]route {
	if a.PackageChanged == nil {
		return nil
	}
	return map[string]route{PackageCallback: with(get(a.callbackTest), post(a.packageChanged, jsonType))}
}

// vimRoutes are the registry of VIM connections, where there is one.
func (a *api) vimRoutes() map[string]route {
	if a.Vims == nil {
		return nil
	}
	const root = ownRoot + "/vims"
	return map[string]route{
		root:                 with(post(a.registerVim, jsonType), get(a.listVims)),
		root + "/{id}":       with(get(a.showVim), patch(a.patchVim, mergeType, jsonType), remove(a.deleteVim)),
		root + "/{id}/check": post(a.checkVim),
	}
}

// simRoutes are the resources of the simulated VIM, where there is one.
func (a *api) simRoutes() map[string]route {
	if a.Sim == nil {
		return nil
	}
	return map[string]route{
		ownRoot + "/sim/inventory": get(a.simInventory),
		ownRoot + "/sim/behaviour": with(get(a.simBehaviour), put(a.setSimBehaviour, jsonType)),
	}
}

// Package vnflcm is the resources of the VNF lifecycle management interface (SOL003 v3.7.1 §5): VNF instances, operation
// occurrences and subscriptions. The same handlers serve SOL003 v2.6.1; package v1 has the differences.
package vnflcm

import (
	"strings"

	"github.com/vnfm/vnfm/api/rest"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/lcm"
)

func (a *API) VnfRoutes() map[string]rest.Route {
	const root = rest.LcmRoot + "/vnf_instances"
	return map[string]rest.Route{
		root:                           rest.With(rest.Post(a.createVnf, rest.JSONType), rest.Get(a.listVnfs, rest.ListQuery...)),
		root + "/{id}":                 rest.With(rest.Get(a.showVnf), rest.Silent(rest.Patch(a.modifyVnf, rest.MergeType, rest.JSONType)), rest.Remove(a.deleteVnf)),
		root + "/{id}/instantiate":     rest.Silent(rest.Post(a.instantiate, rest.JSONType)),
		root + "/{id}/terminate":       rest.Silent(rest.Post(a.terminate, rest.JSONType)),
		root + "/{id}/operate":         rest.Silent(rest.Post(a.operate, rest.JSONType)),
		root + "/{id}/heal":            rest.Silent(rest.Post(a.heal, rest.JSONType)),
		root + "/{id}/scale":           rest.Silent(rest.Post(a.scale, rest.JSONType)),
		root + "/{id}/change_ext_conn": rest.Silent(rest.Post(a.changeExtConn, rest.JSONType)),
		root + "/{id}/change_flavour":  rest.Silent(rest.Post(a.changeFlavour, rest.JSONType)),
		root + "/{id}/change_vnfpkg":   rest.Silent(rest.Post(a.changeVnfPkg, rest.JSONType)),
		root + "/{id}/scale_to_level":  rest.Silent(rest.Post(a.scaleToLevel, rest.JSONType)),

		root + "/{id}/create_snapshot":    rest.Silent(rest.Post(a.createSnapshot, rest.JSONType)),
		root + "/{id}/revert_to_snapshot": rest.Silent(rest.Post(a.revertToSnapshot, rest.JSONType)),
	}
}

func (a *API) OpOccRoutes() map[string]rest.Route {
	const root = rest.LcmRoot + "/vnf_lcm_op_occs"
	return map[string]rest.Route{
		root:                    rest.Get(a.listOpOccs, rest.ListQuery...),
		root + "/{id}":          rest.Get(a.showOpOcc),
		root + "/{id}/retry":    rest.Silent(rest.Post(a.task(lcm.API.Retry))),
		root + "/{id}/rollback": rest.Silent(rest.Post(a.task(lcm.API.Rollback))),
		root + "/{id}/fail":     rest.Post(a.fail),
		root + "/{id}/cancel":   rest.Silent(rest.Post(a.cancel, rest.JSONType).Small()),
	}
}

// V1Routes are the resources of SOL003 v2.6.1: those of v2 that it has, by the same handlers.
func (a *API) V1Routes() map[string]rest.Route {
	routes := map[string]rest.Route{}
	for _, part := range []map[string]rest.Route{a.VnfRoutes(), a.OpOccRoutes(), a.SubscriptionRoutes()} {
		for path, methods := range part {
			below := strings.TrimPrefix(path, rest.LcmRoot)
			shape := v1.Resource(below)
			if shape == nil {
				continue
			}
			older := rest.Route{}
			for name, m := range methods {
				m.Do = rest.InV1(m.Do, shape, a.byPackage)
				older[name] = m
			}
			routes[v1.Root+below] = older
		}
	}
	return routes
}

// Package own is the resources at /vnfm/v1 that no standard has, but for the past: what operators need to see and mend VNFs, and
// to run a site.
package own

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api/openapi"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnfpkgm"
	"github.com/vnfm/vnfm/audit"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager/gate"
	"github.com/vnfm/vnfm/vnfd"
)

// API is our own resources.
type API struct {
	LCM  lcm.API
	Vims Vims // nil: there is no registry, its resources are 404
	// Seen tells what came of the last comparisons with the records, by VIM connection; nil: nobody compares.
	Seen func(ctx context.Context) (map[string]reconcile.Status, error)
	// Held tells how calls to VIMs are held back, by VIM connection, and the store's time; nil: nobody holds any. VimLimits are those of connections
	// that do not say others.
	Held      func(ctx context.Context) (map[string]gate.Status, time.Time, error)
	VimLimits vim.Limits
	// Management is the registry of management connections; nil: its resources are 404.
	Management Management
	// ManagementClient asks whom connections lead to; nil: checks are 404.
	ManagementClient ManagementClient
	// Grant returns what was asked for an operation; NotFound when nothing was. nil: the resource is 404.
	Grant func(ctx context.Context, opID string) (*nfvomanager.Asked, error)
	// PackageChanged is told that the NFVO has news of the package with a vnfdId; nil: the NFVO is not listened to.
	PackageChanged func(ctx context.Context, vnfdID string) error
	Subscriptions  *notify.Service // nil: their resources are 404
	Sim            *sim.Sim        // nil: there is no simulated VIM, its resources are 404
	// Ready reports the conditions of being ready; all must be ok.
	Ready     func(ctx context.Context) []Check
	Denials   *access.Denials // nil: the resource is 404
	Consumers []string        // whose parked messages are listed
	// Audit looks at the running system for what must never be; with chain it walks all events, too. nil: the resource
	// is 404.
	Audit func(ctx context.Context, chain bool) (*audit.Report, error)
	// Cluster tells of the nodes and what they share, by database; nil: the resource is 404.
	Cluster func(ctx context.Context) ([]ClusterDatabase, error)
	// KeepSagas and KeepGrants are how long the saga and the grant of an operation are kept after they ended; 0: for ever.
	KeepSagas, KeepGrants time.Duration
	// Parked decides about parked messages. nil: nobody can.
	Parked   ParkedMessages
	Packages vnfpkgm.Packages
	// Descriptor returns the descriptor of a digest; NotFound. nil: the resources are 404.
	Descriptor func(ctx context.Context, digest string) (*vnfd.Descriptor, error)
	SignIn     SignIn
	System     func(ctx context.Context) (*System, error) // nil: the resource is 404
	Log        LogLevel                                   // nil: the resource is 404
}

// VnfRoutes are the resources no standard has that show and mend VNFs.
func (a *API) VnfRoutes() map[string]rest.Route {
	return map[string]rest.Route{
		rest.OwnRoot + "/vnf_instances":                 rest.Get(a.vnfs, rest.Paging, rest.FilterParam, rest.SortParam),
		rest.OwnRoot + "/vnf_instances/{id}/leftovers":  rest.Get(a.leftovers),
		rest.OwnRoot + "/vnf_instances/{id}/cleanup":    rest.Post(a.cleanup),
		rest.OwnRoot + "/vnf_instances/{id}/plan":       rest.Post(a.plan, rest.JSONType),
		rest.OwnRoot + "/vnf_instances/{id}/drift":      rest.Get(a.drift),
		rest.OwnRoot + "/vnf_instances/{id}/sync":       rest.Post(a.sync, rest.JSONType).Small(),
		rest.OwnRoot + "/vnf_lcm_op_occs/{id}/progress": rest.Get(a.progress),
		rest.OwnRoot + "/vnf_lcm_op_occs/{id}/grant":    rest.Get(a.grant),
		rest.OwnRoot + "/vnf_lcm_op_occs/{id}/resolve":  rest.Silent(rest.Post(a.resolve, rest.JSONType).Small()),
		rest.OwnRoot + "/sagas":                         rest.Get(a.listSagas, rest.Paging, "vnf", "state"),
		rest.OwnRoot + "/sagas/{id}":                    rest.Get(a.showSaga),
		rest.OwnRoot + "/vnf_lcm_op_occs":               rest.Get(a.origins, append([]string{rest.SortParam}, rest.ListQuery...)...),
	}
}

// CallerRoutes are for whoever calls, to know who they are here. Every role may.
func (a *API) CallerRoutes() map[string]rest.Route {
	return map[string]rest.Route{rest.OwnRoot + "/caller": rest.Get(a.caller)}
}

// DescriptorRoutes show what VNFDs say.
func (a *API) DescriptorRoutes() map[string]rest.Route {
	if a.Descriptor == nil {
		return nil
	}
	ofVnf := rest.Get(a.vnfDescriptor)
	return map[string]rest.Route{
		rest.OwnRoot + "/vnf_packages/{id}/descriptor":  rest.Get(a.packageDescriptor),
		rest.OwnRoot + "/vnf_instances/{id}/descriptor": ofVnf,
	}
}

// SiteRoutes are the resources of whoever runs the site.
func (a *API) SiteRoutes() map[string]rest.Route {
	routes := map[string]rest.Route{
		rest.OwnRoot + "/audit/verify":         rest.With(rest.Get(a.verify), rest.Post(a.verify)),
		rest.OwnRoot + "/parked_messages":      rest.Get(a.parked, "consumer"),
		rest.OwnRoot + "/parked_messages/{id}": rest.Get(a.parkedMessage),
	}
	if a.Denials != nil {
		routes[rest.OwnRoot+"/audit/denials"] = rest.Get(a.denials, rest.Paging)
	}
	if a.Audit != nil {
		routes[rest.OwnRoot+"/audit"] = rest.Get(a.audit, "chain")
	}
	if a.System != nil {
		routes[rest.OwnRoot+"/system"] = rest.Get(a.system)
	}
	if a.Log != nil {
		routes[rest.OwnRoot+"/log_level"] = rest.With(rest.Get(a.logLevel), rest.Put(a.setLogLevel, rest.JSONType).Small())
	}
	if a.Parked != nil {
		routes[rest.OwnRoot+"/parked_messages/{id}/redrive"] = rest.Post(a.redrive)
		routes[rest.OwnRoot+"/parked_messages/{id}/skip"] = rest.Post(a.skip, rest.JSONType).Small()
	}
	return routes
}

// HealthRoutes are what anybody may ask: how the server is, and how one signs in.
func (a *API) HealthRoutes() map[string]rest.Route {
	return map[string]rest.Route{"/healthz": rest.Get(a.healthz), "/readyz": rest.Get(a.readyz), rest.OwnRoot + "/sign_in": rest.Get(a.signIn)}
}

// DocumentRoutes say what this interface is, to whoever asks.
func (a *API) DocumentRoutes() map[string]rest.Route {
	root, _, _ := strings.Cut(rest.OwnRoot[1:], "/")
	return map[string]rest.Route{
		rest.OwnRoot + "/openapi.json": rest.Get(func(*rest.Call) (*rest.Answer, error) {
			return rest.Respond(http.StatusOK).JSON(openapi.Document()), nil
		}),
		rest.OwnRoot + "/api_versions": rest.Get(versions(rest.OwnRoot)),
		"/" + root + "/api_versions":   rest.Get(versions("/" + root)),
	}
}

// versions lists the versions of this interface as SOL013 v3.7.1 §9.3 has it for ETSI's.
func versions(prefix string) rest.Handler {
	info := sol.ApiVersionInformation{UriPrefix: prefix, ApiVersions: []sol.ApiVersion{{Version: openapi.Version}}}
	return func(*rest.Call) (*rest.Answer, error) { return rest.Respond(http.StatusOK).JSON(info), nil }
}

// CallbackRoutes are where the NFVO tells of its packages. What it says is never believed, only looked up at the NFVO, so
// it need not show who it is.
func (a *API) CallbackRoutes() map[string]rest.Route {
	if a.PackageChanged == nil {
		return nil
	}
	return map[string]rest.Route{PackageCallback: rest.Silent(rest.With(rest.Get(a.callbackTest), rest.Post(a.packageChanged, rest.JSONType).Small()))}
}

// VimRoutes are the registry of VIM connections, where there is one.
func (a *API) VimRoutes() map[string]rest.Route {
	if a.Vims == nil {
		return nil
	}
	const root = rest.OwnRoot + "/vims"
	return map[string]rest.Route{
		root:                 rest.With(rest.Post(a.registerVim, rest.JSONType), rest.Get(a.listVims)),
		root + "/{id}":       rest.With(rest.Get(a.showVim), rest.Patch(a.patchVim, rest.MergeType, rest.JSONType), rest.Remove(a.deleteVim)),
		root + "/{id}/check": rest.Post(a.checkVim),
	}
}

// ManagementRoutes are the registry of management connections, where there is one.
func (a *API) ManagementRoutes() map[string]rest.Route {
	if a.Management == nil {
		return nil
	}
	const root = rest.OwnRoot + "/management_connections"
	routes := map[string]rest.Route{
		root: rest.With(rest.Post(a.registerManagement, rest.JSONType), rest.Get(a.listManagement)),
		root + "/{id}": rest.With(rest.Get(a.showManagement), rest.Patch(a.patchManagement, rest.MergeType, rest.JSONType),
			rest.Remove(a.deleteManagement)),
	}
	if a.ManagementClient != nil {
		routes[root+"/{id}/check"] = rest.Route{http.MethodPost: {Do: a.checkManagement, Query: []string{"vnf"}, Types: []string{rest.JSONType}}}
	}
	return routes
}

// SimRoutes are the resources of the simulated VIM, where there is one.
func (a *API) SimRoutes() map[string]rest.Route {
	if a.Sim == nil {
		return nil
	}
	return map[string]rest.Route{
		rest.OwnRoot + "/sim/inventory": rest.Get(a.simInventory),
		rest.OwnRoot + "/sim/tamper":    rest.Post(a.tamper, rest.JSONType).Small(),
		rest.OwnRoot + "/sim/behaviour": rest.With(rest.Get(a.simBehaviour), rest.Put(a.setSimBehaviour, rest.JSONType).Small()),
	}
}

package server

import (
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

// forLCM gives lcm what it needs of packages; one that is not here is fetched from the NFVO where packages are the NFVO's.
func (s *Server) forLCM(p *parts) lcm.Packages {
	out := assembly.Packages{Service: p.packages}
	if s.cfg.Nfvo.URL != "" && s.cfg.Nfvo.Packages {
		out.Fetch = func(ctx context.Context, vnfdID string) error { return p.onboarding.Fetch(ctx, vnfdID) } // there once all is built
	}
	return out
}

// wanted returns which resources of VNFs the records know.
func (p *parts) wanted(ctx context.Context, vnfIDs []string) (map[string]func(vim.Token) bool, error) {
	return assembly.Wanted(ctx, p.live(), vnfIDs) //nolint:wrapcheck // says what it was about
}

// connections takes the VIM connections of grants.
type connections struct{ *lcm.Service }

// Merge lays them over what the VNF has. Returns Unprocessable for what cannot be used, however often it is tried.
func (c connections) Merge(ctx context.Context, vnfID string, infos map[string]nfvo.ConnectionInfo) error {
	patches := map[string]json.RawMessage{}
	for id, info := range infos {
		b, err := json.Marshal(info)
		if err != nil {
			return vnfm.Errorf(vnfm.Unprocessable, "the VIM connection %q is not readable", id)
		}
		patches[id] = b
	}
	err := c.MergeConnections(ctx, vnfID, patches)
	if kind := vnfm.KindOf(err); kind == vnfm.Invalid || kind == vnfm.NotFound {
		return vnfm.Wrap(vnfm.Unprocessable, err, "VNF instance %s", vnfID)
	}
	return err
}

// busy lists the VNFs that the VIM manager keeps or makes resources for at a connection.
func (s *Server) busy(ctx context.Context, connection string) ([]string, error) {
	return vimmanager.Users(ctx, s.stores.vims, connection)
}

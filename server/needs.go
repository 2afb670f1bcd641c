package server

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnfpkg"
)

// packages gives lcm what it needs of vnfpkg.
type packages struct {
	*vnfpkg.Service
	parts *parts
}

// Enabled returns the onboarded and enabled package with a vnfdId; one that is not here is fetched from the NFVO where
// packages are the NFVO's.
func (p packages) Enabled(ctx context.Context, vnfdID string) (lcm.PackageRef, error) {
	pkg, err := p.ByVnfdID(ctx, vnfdID)
	if vnfm.KindOf(err) == vnfm.Unprocessable && p.parts.onboarding != nil {
		if here, e := p.WithVnfdID(ctx, vnfdID); e != nil || here != nil { // it is DISABLED
			return lcm.PackageRef{}, cmp.Or(e, err)
		}
		if err = p.parts.onboarding.Fetch(ctx, vnfdID); err == nil {
			pkg, err = p.ByVnfdID(ctx, vnfdID)
		}
	}
	if err != nil {
		return lcm.PackageRef{}, err
	}
	return lcm.PackageRef{ID: pkg.ID, Digest: pkg.DescriptorDigest, Stream: vnfpkg.StreamPrefix + pkg.ID, Version: pkg.Version}, nil
}

// wanted returns which resources of VNFs the records know: an instance holds them, or an operation that has not ended may
// have asked for them.
func (s *Server) wanted(ctx context.Context, vnfIDs []string) (map[string]func(vim.Token) bool, error) {
	known, err := readmodel.Wanted(ctx, s.parts.live(), vnfIDs)
	out := map[string]func(vim.Token) bool{}
	for id, f := range known {
		out[id] = func(t vim.Token) bool { return f(t.ID, t.Generation) }
	}
	return out, err
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

package server

import (
	"cmp"
	"context"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfpkg"
)

// vims is the registry of VIM connections: those of the settings.
type vims struct {
	connections []vim.Connection
	standard    string
	drivers     map[string]vim.Driver
}

var _ vim.Registry = vims{}

func (v vims) Connection(id string) (vim.Connection, error) {
	for _, c := range v.connections {
		if c.ID == id {
			return c, nil
		}
	}
	return vim.Connection{}, vnfm.Errorf(vnfm.NotFound, "there is no VIM connection %q", id)
}

func (v vims) Default() string { return v.standard }

func (v vims) Connections() []vim.Connection { return v.connections }

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

// wanted reports whether the records know a resource that is not in the VIM manager's ledger: an instance holds it, or
// an operation that has not ended may have asked for it.
func (s *Server) wanted(ctx context.Context, _ string, r vim.Resource) (bool, error) {
	return readmodel.Wanted(ctx, s.stores.main, r.Owner, r.Token.ID, r.Token.Generation)
}

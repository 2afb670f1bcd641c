package server

import (
	"context"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnfpkg"
)

// packages gives lcm what it needs of vnfpkg.
type packages struct{ *vnfpkg.Service }

// Enabled returns the onboarded and enabled package with a vnfdId.
func (p packages) Enabled(ctx context.Context, vnfdID string) (lcm.PackageRef, error) {
	pkg, err := p.ByVnfdID(ctx, vnfdID)
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

// busy lists the VNFs that the VIM manager keeps or makes resources for at a connection.
func (s *Server) busy(ctx context.Context, connection string) ([]string, error) {
	return vimmanager.Users(ctx, s.stores.vims, connection)
}

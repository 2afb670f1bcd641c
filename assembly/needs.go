package assembly

import (
	"cmp"
	"context"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnfpkg"
)

// Packages gives lcm what it needs of vnfpkg.
type Packages struct {
	*vnfpkg.Service
	// Fetch has a package that is not here onboarded by its vnfdId; nil: packages come from nowhere else.
	Fetch func(ctx context.Context, vnfdID string) error
}

var _ lcm.Packages = Packages{}

// Enabled returns the onboarded and enabled package with a vnfdId; one that is not here is fetched where that can be done.
func (p Packages) Enabled(ctx context.Context, vnfdID string) (lcm.PackageRef, error) {
	pkg, err := p.ByVnfdID(ctx, vnfdID)
	if vnfm.KindOf(err) == vnfm.Unprocessable && p.Fetch != nil {
		if here, e := p.WithVnfdID(ctx, vnfdID); e != nil || here != nil { // it is DISABLED
			return lcm.PackageRef{}, cmp.Or(e, err)
		}
		if err = p.Fetch(ctx, vnfdID); err == nil {
			pkg, err = p.ByVnfdID(ctx, vnfdID)
		}
	}
	if err != nil {
		return lcm.PackageRef{}, err
	}
	return lcm.PackageRef{ID: pkg.ID, Digest: pkg.DescriptorDigest, Stream: vnfpkg.StreamPrefix + pkg.ID, Version: pkg.Version}, nil
}

// Wanted returns which resources of VNFs the records know: an instance holds them, or an operation that has not ended may
// have asked for them.
func Wanted(ctx context.Context, live readmodel.Live, vnfIDs []string) (map[string]func(vim.Token) bool, error) {
	known, err := readmodel.Wanted(ctx, live, vnfIDs)
	out := map[string]func(vim.Token) bool{}
	for id, f := range known {
		out[id] = func(t vim.Token) bool { return f(t.ID, t.Generation) }
	}
	return out, err
}

package server

import (
	"context"
	"encoding/json"
	"io"

	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnfpkg"
)

type apiPackages struct{ s *vnfpkg.Service }

func conv(p *vnfpkg.Package, err error) (*api.Package, error) {
	if err != nil {
		return nil, err
	}
	return &api.Package{ID: p.ID, VnfdID: p.VnfdID, Onboarding: p.Onboarding, Operational: p.Operational, Version: p.Version, UserDefinedData: p.UserDefinedData}, nil
}
func (a apiPackages) Create(ctx context.Context, u map[string]json.RawMessage, by request.Info) (*api.Package, error) {
	return conv(a.s.Create(ctx, u, by))
}
func (a apiPackages) PutContent(ctx context.Context, id string, c io.Reader, by request.Info) (*api.Package, error) {
	return conv(a.s.PutContent(ctx, id, c, by))
}
func (a apiPackages) Patch(ctx context.Context, id string, p api.PackagePatch, by request.Info) (*api.Package, error) {
	return conv(a.s.Patch(ctx, id, vnfpkg.Change{OperationalState: p.OperationalState, UserDefinedData: p.UserDefinedData}, by))
}
func (a apiPackages) Delete(ctx context.Context, id string, by request.Info) error {
	return a.s.Delete(ctx, id, by)
}

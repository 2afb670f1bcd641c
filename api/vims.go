package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vimregistry"
)

// Vims is the use cases of VIM connections; a vimregistry.Service is one.
type Vims interface {
	Register(ctx context.Context, doc json.RawMessage, by request.Info) (*vimregistry.Connection, error)
	Change(ctx context.Context, id string, patch json.RawMessage, by request.Info) (*vimregistry.Connection, error)
	Delete(ctx context.Context, id string, by request.Info) error
	Get(ctx context.Context, id string) (*vimregistry.Connection, error)
	List(ctx context.Context) ([]vimregistry.Connection, error)
	Check(ctx context.Context, id string) (*vimregistry.Checked, error)
}

func vimURI(base, id string) string { return base + ownRoot + "/vims/" + id }

func (a *api) registerVim(c *call) (*answer, error) {
	return effect(c, func(by request.Info) (*vimregistry.Connection, error) {
		return a.Vims.Register(c.ctx, c.body, by)
	}, func(v *vimregistry.Connection) *answer {
		return respond(http.StatusCreated).json(vim(v)).location(vimURI(c.base, v.ID)).etag(v.Version)
	})
}

func (a *api) listVims(c *call) (*answer, error) {
	all, err := a.Vims.List(c.ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	out := []sol.Vim{}
	for i := range all {
		out = append(out, vim(&all[i]))
	}
	return respond(http.StatusOK).json(out), nil
}

func (a *api) showVim(c *call) (*answer, error) {
	v, err := a.Vims.Get(c.ctx, c.id)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return respond(http.StatusOK).json(vim(v)).etag(v.Version), nil
}

func (a *api) patchVim(c *call) (*answer, error) {
	if err := c.vimPrecondition(); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vimregistry.Connection, error) {
		return a.Vims.Change(c.ctx, c.id, c.body, by)
	}, func(v *vimregistry.Connection) *answer {
		return respond(http.StatusOK).json(vim(v)).etag(v.Version)
	})
}

func (a *api) deleteVim(c *call) (*answer, error) {
	if err := c.vimPrecondition(); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vimregistry.Connection, error) {
		return nil, a.Vims.Delete(c.ctx, c.id, by)
	}, func(*vimregistry.Connection) *answer { return respond(http.StatusNoContent) })
}

func (c *call) vimPrecondition() error {
	v, err := c.api.Vims.Get(c.ctx, c.id)
	if err != nil {
		return err //nolint:wrapcheck // has its kind
	}
	return c.ifMatch(v.Version)
}

// checkVim answers 200 whatever the VIM says: the verdict is in the body.
func (a *api) checkVim(c *call) (*answer, error) {
	v, err := a.Vims.Check(c.ctx, c.id)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return respond(http.StatusOK).json(sol.VimCheck{
		Reachable: v.Reachable, Detail: v.Detail, TookMs: v.Took.Milliseconds(), Zones: v.Zones,
		Flavours: v.Flavours, Images: v.Images, ExternalNetwork: v.ExternalNetwork,
	}), nil
}

func vim(v *vimregistry.Connection) sol.Vim {
	return sol.Vim{
		Id: v.ID, VimId: v.VimID, VimType: v.Type, Default: v.Default, Enabled: v.Enabled, BuiltIn: v.BuiltIn,
		InterfaceInfo: v.InterfaceInfo, AccessInfo: v.AccessInfo, Extra: v.Extra, Created: v.Created, Updated: v.Updated,
	}
}

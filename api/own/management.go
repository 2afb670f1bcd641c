package own

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
)

// Management is the use cases of management connections; a management.Service is one.
type Management interface {
	Register(ctx context.Context, doc json.RawMessage, by request.Info) (*management.Connection, error)
	Change(ctx context.Context, id string, patch json.RawMessage, by request.Info) (*management.Connection, error)
	Delete(ctx context.Context, id string, by request.Info) error
	Get(ctx context.Context, id string) (*management.Connection, error)
	List(ctx context.Context) ([]management.Connection, error)
}

func (a *API) registerManagement(c *rest.Call) (*rest.Answer, error) {
	if err := decode.Into(c.Body, &sol.ManagementConnectionRequest{}); err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return rest.Effect(c, func(by request.Info) (*management.Connection, error) {
		return a.Management.Register(c.Ctx, c.Body, by)
	}, func(v *management.Connection) *rest.Answer {
		return rest.Respond(http.StatusCreated).JSON(shownManagement(v)).Location(c.Base + rest.OwnRoot + "/management_connections/" + v.ID).ETag(v.Version)
	})
}

func (a *API) listManagement(c *rest.Call) (*rest.Answer, error) {
	all, err := a.Management.List(c.Ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	out := []sol.ManagementConnection{}
	for i := range all {
		out = append(out, shownManagement(&all[i]))
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

func (a *API) showManagement(c *rest.Call) (*rest.Answer, error) {
	v, err := a.Management.Get(c.Ctx, c.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	return rest.Respond(http.StatusOK).JSON(shownManagement(v)).ETag(v.Version), nil
}

func (a *API) patchManagement(c *rest.Call) (*rest.Answer, error) {
	if err := decode.Into(c.Body, &sol.ManagementConnectionRequest{}); err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	if err := a.managementPrecondition(c); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*management.Connection, error) {
		return a.Management.Change(c.Ctx, c.ID, c.Body, by)
	}, func(v *management.Connection) *rest.Answer {
		return rest.Respond(http.StatusOK).JSON(shownManagement(v)).ETag(v.Version)
	})
}

func (a *API) deleteManagement(c *rest.Call) (*rest.Answer, error) {
	if err := a.managementPrecondition(c); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*management.Connection, error) {
		return nil, a.Management.Delete(c.Ctx, c.ID, by)
	}, func(*management.Connection) *rest.Answer { return rest.Respond(http.StatusNoContent) })
}

func (a *API) managementPrecondition(c *rest.Call) error {
	v, err := a.Management.Get(c.Ctx, c.ID)
	if err != nil {
		return err //nolint:wrapcheck // has its kind
	}
	return c.IfMatch(v.Version)
}

func shownManagement(v *management.Connection) sol.ManagementConnection {
	out := sol.ManagementConnection{
		Id: v.ID, EndpointType: v.Endpoint, Interfaces: v.Interfaces, Uri: v.URI, VnfSpecificData: v.Data, Enabled: v.Enabled,
		For:     sol.ManagementMatch{VnfInstanceIds: v.For.VnfIDs, VnfdIds: v.For.VnfdIDs, VnfProvider: v.For.Provider, VnfProductName: v.For.Product},
		Created: v.Created, Updated: v.Updated,
	}
	if a := v.Auth; a != nil {
		out.Authentication = &sol.SubscriptionAuthentication{}
		for _, t := range a.Types {
			out.Authentication.AuthType = append(out.Authentication.AuthType, sol.AuthType(t))
		}
		if b := a.Basic; b != nil {
			out.Authentication.ParamsBasic = &sol.ParamsBasic{UserName: b.UserName, Password: b.Password}
		}
		if o := a.OAuth2; o != nil {
			out.Authentication.ParamsOauth2ClientCredentials = &sol.ParamsOauth2ClientCredentials{
				ClientId: o.ClientID, ClientPassword: o.ClientPassword, TokenEndpoint: o.TokenEndpoint,
			}
		}
	}
	return out
}

package own

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/management/restclient"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
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

// ManagementClient asks whom a connection leads to whether its interfaces are there; a restclient.Client does.
type ManagementClient interface {
	Check(ctx context.Context, e *configuration.Endpoint, interfaces []string) []restclient.Checked
}

// checkManagement answers 200 whatever the endpoint says: the verdict is in the body.
func (a *API) checkManagement(c *rest.Call) (*rest.Answer, error) {
	m, err := a.Management.Get(c.Ctx, c.ID)
	if err != nil {
		return nil, err //nolint:wrapcheck // has its kind
	}
	e := &configuration.Endpoint{Connection: m.ID, Type: m.Endpoint, Cpd: m.Cpd()}
	if e.Cpd != "" {
		if e.Address, err = addressOf(c, e.Cpd); err != nil {
			return nil, err
		}
	}
	all := a.ManagementClient.Check(c.Ctx, e, m.Interfaces)
	out := sol.ManagementCheck{Reachable: restclient.Reachable(all)}
	for _, one := range all {
		out.Interfaces = append(out.Interfaces, sol.ManagementInterfaceCheck{
			Name: one.Interface, Reachable: one.Reachable, Detail: one.Detail, TookMs: one.Took.Milliseconds(),
		})
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// addressOf returns the first address of a connection point of the VNF that the request names.
func addressOf(c *rest.Call, cpd string) (string, error) {
	id := c.Query.Get("vnf")
	if id == "" {
		return "", vnfm.Errorf(vnfm.Invalid, "The connection leads to the address of the external connection point %s: name a VNF that has it, with the parameter vnf.", cpd)
	}
	var v vnf.Instance
	if _, err := c.View(readmodel.KindVnf, id, vnflcm.VnfWord, &v); err != nil {
		return "", err
	}
	if v.Info != nil {
		for _, cp := range v.Info.ExtCps {
			if cp.CpdID == cpd && len(cp.Addresses.IPs) > 0 {
				return cp.Addresses.IPs[0].Address, nil
			}
		}
	}
	return "", vnfm.Errorf(vnfm.Conflict, "The VNF has no address at the external connection point %s.", cpd)
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

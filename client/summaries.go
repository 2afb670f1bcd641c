package client

import (
	"context"
	"net/url"

	"github.com/vnfm/vnfm/sol"
)

// VnfSummaries lists VNF instances in few words.
func (c *Client) VnfSummaries(ctx context.Context, q ...Query) ([]sol.VnfSummary, error) {
	return some[sol.VnfSummary](ctx, c, own+"/vnf_instances"+ownQuery(q), limitOf(q))
}

// Sagas lists sagas without their stages: of a VNF, in a state; "" for any.
func (c *Client) Sagas(ctx context.Context, vnf, state string) ([]sol.Saga, error) {
	q := url.Values{}
	if vnf != "" {
		q.Set("vnf", vnf)
	}
	if state != "" {
		q.Set("state", state)
	}
	path := own + "/sagas"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return list[sol.Saga](ctx, c, path)
}

// PackageDescriptor returns the VNFD of a package as the server understood it.
func (c *Client) PackageDescriptor(ctx context.Context, id string) (*sol.VnfdView, error) {
	return get[sol.VnfdView](ctx, c, at(own+"/vnf_packages", id, "descriptor"))
}

// VnfDescriptor returns the VNFD of a VNF instance as the server understood it.
func (c *Client) VnfDescriptor(ctx context.Context, id string) (*sol.VnfdView, error) {
	return get[sol.VnfdView](ctx, c, at(own+"/vnf_instances", id, "descriptor"))
}

// Caller says who calls, and what they may.
func (c *Client) Caller(ctx context.Context) (*sol.Caller, error) {
	return get[sol.Caller](ctx, c, own+"/caller")
}

// SignIn says how callers say who they are.
func (c *Client) SignIn(ctx context.Context) (*sol.SignIn, error) {
	return get[sol.SignIn](ctx, c, own+"/sign_in")
}

// System says what the node that answers is, with its settings; the values of secret ones are not shown.
func (c *Client) System(ctx context.Context) (*sol.System, error) {
	return get[sol.System](ctx, c, own+"/system")
}

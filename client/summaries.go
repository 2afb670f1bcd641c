package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

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

// LogLevel says from which level on the node that answers logs.
func (c *Client) LogLevel(ctx context.Context) (*sol.LogLevel, error) {
	return get[sol.LogLevel](ctx, c, own+"/log_level")
}

// SetLogLevel changes it, for a time in whole seconds; 0: until the node's settings are read again.
func (c *Client) SetLogLevel(ctx context.Context, level string, lasts time.Duration) (*sol.LogLevel, error) {
	var out sol.LogLevel
	_, err := c.do(ctx, jsonCall(http.MethodPut, own+"/log_level", sol.LogLevelRequest{Level: level, Seconds: int(lasts.Seconds())}), &out)
	return &out, err
}

// System says what the node that answers is, with its settings; the values of secret ones are not shown.
func (c *Client) System(ctx context.Context) (*sol.System, error) {
	return get[sol.System](ctx, c, own+"/system")
}

package decode

import (
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/sol"
)

// Auth returns what a client says about how to authenticate to a peer as the way out has it; nil for nil.
func Auth(in *sol.SubscriptionAuthentication) *egress.Auth {
	if in == nil {
		return nil
	}
	out := &egress.Auth{}
	for _, t := range in.AuthType {
		out.Types = append(out.Types, string(t))
	}
	if p := in.ParamsBasic; p != nil {
		out.Basic = &egress.Basic{UserName: p.UserName, Password: p.Password}
	}
	if p := in.ParamsOauth2ClientCredentials; p != nil {
		out.OAuth2 = &egress.OAuth2{ClientID: p.ClientId, ClientPassword: p.ClientPassword, TokenEndpoint: p.TokenEndpoint}
	}
	return out
}

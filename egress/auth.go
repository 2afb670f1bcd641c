package egress

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"slices"
)

// Ways for the program to show who it is, as SOL013 v3.7.1 §8.3.4 spells them.
const (
	BasicAuth               = "BASIC"
	OAuth2ClientCredentials = "OAUTH2_CLIENT_CREDENTIALS"
	TLSCert                 = "TLS_CERT"
)

// Auth says how to authenticate to a peer: any of the types will do. The parameters of a type may be missing; the type is
// not used then. Its JSON is that of SubscriptionAuthentication in SOL013, for sealing; printed, it tells the types only.
type Auth struct {
	Types  []string `json:"authType"`
	Basic  *Basic   `json:"paramsBasic,omitempty"`
	OAuth2 *OAuth2  `json:"paramsOauth2ClientCredentials,omitempty"`
}

// Basic holds what BASIC needs (RFC 7617).
type Basic struct {
	UserName string `json:"userName,omitempty"`
	Password string `json:"password,omitempty"`
}

// OAuth2 holds what OAUTH2_CLIENT_CREDENTIALS needs (RFC 6749 §4.4).
type OAuth2 struct {
	ClientID       string   `json:"clientId,omitempty"`
	ClientPassword string   `json:"clientPassword,omitempty"`
	TokenEndpoint  string   `json:"tokenEndpoint,omitempty"`
	Scopes         []string `json:"scopes,omitempty"`
}

const hidden = "(hidden)"

// String tells no credential.
func (Basic) String() string { return hidden }

// GoString tells no credential.
func (Basic) GoString() string { return hidden }

// LogValue tells no credential.
func (Basic) LogValue() slog.Value { return slog.StringValue(hidden) }

// String tells no credential.
func (OAuth2) String() string { return hidden }

// GoString tells no credential.
func (OAuth2) GoString() string { return hidden }

// LogValue tells no credential.
func (OAuth2) LogValue() slog.Value { return slog.StringValue(hidden) }

// String tells the types.
func (a Auth) String() string {
	b, _ := json.Marshal(a.Types) // strings
	return string(b)
}

// GoString tells the types.
func (a Auth) GoString() string { return a.String() }

// LogValue tells the types.
func (a Auth) LogValue() slog.Value { return slog.AnyValue(a.Types) }

// scheme is what one request does to authenticate.
type scheme struct {
	basic  *Basic
	oauth2 *OAuth2
	cert   bool
}

// Usable returns an error of class Unusable when the client has nothing to authenticate with as the peer at a URI wants it,
// and of class Refused when it would send credentials without TLS.
func (c *Client) Usable(uri string, a *Auth) error {
	to, err := url.Parse(uri)
	if err != nil {
		return Failure(Refused, "the address is no URI") // the error would quote it
	}
	if _, e := c.choose(to, a); e != nil {
		return e
	}
	return nil
}

// choose picks what the client can do of what the peer accepts: a token before a password, with the certificate where
// the peer takes one. The error is of class Unusable when nothing is left, of class Refused when credentials would be sent
// without TLS, which SOL013 asks for.
func (c *Client) choose(to *url.URL, a *Auth) (scheme, *Error) {
	if a == nil || len(a.Types) == 0 {
		return scheme{}, nil
	}
	s := scheme{cert: slices.Contains(a.Types, TLSCert) && c.cfg.ClientCert != nil}
	switch {
	case slices.Contains(a.Types, OAuth2ClientCredentials) && a.OAuth2 != nil && a.OAuth2.TokenEndpoint != "":
		s.oauth2 = a.OAuth2
	case slices.Contains(a.Types, BasicAuth) && a.Basic != nil:
		s.basic = a.Basic
	case !s.cert:
		return s, &Error{Class: Unusable, reason: "cannot authenticate by " + a.String() + ": its parameters, or the client certificate, are not there"}
	}
	switch {
	case c.cfg.AllowPlain:
	case s.oauth2 != nil && !overTLS(s.oauth2.TokenEndpoint):
		return s, &Error{Class: Refused, Token: true, reason: "credentials are sent over https only"}
	case (s.oauth2 != nil || s.basic != nil) && to.Scheme != "https":
		return s, &Error{Class: Refused, reason: "credentials are sent over https only"}
	}
	return s, nil
}

func overTLS(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "https"
}

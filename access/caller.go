package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
)

// Caller is who sent a request.
type Caller struct {
	// Name tells callers apart, whatever way they proved it: idempotency keys, subscriptions and limits belong to it, and
	// it is the actor of events. The kind of proof begins it ("oidc:", "cert:") unless it has one name only.
	Name  string
	Roles []Role
}

// May reports whether one of the caller's roles has a permission.
func (c Caller) May(p Permission) bool {
	return p == Open || slices.ContainsFunc(c.Roles, func(r Role) bool { return slices.Contains(roles[r], p) })
}

// ElementManager reports whether the caller is an element manager and nothing else: then its view is that of SOL002.
func (c Caller) ElementManager() bool {
	return len(c.Roles) > 0 && !slices.ContainsFunc(c.Roles, func(r Role) bool { return r != EM })
}

// Role returns the caller's roles as one word for records: "operator", or "em,viewer".
func (c Caller) Role() string {
	words := make([]string, len(c.Roles))
	for i, r := range c.Roles {
		words[i] = string(r)
	}
	slices.Sort(words)
	return strings.Join(words, ",")
}

// Authenticator finds the caller of a request. It returns nil when the request carries no proof of its kind; a proof that
// does not hold is a *DeniedError, and one that cannot be checked now is Unavailable.
type Authenticator func(r *http.Request) (*Caller, error)

// DeniedError is the refusal of a request for who sent it. Its error is the reason, of kind Unauthenticated, Forbidden or
// Invalid; Code is that of RFC 6750 §3.1, empty when the request carried no proof at all.
type DeniedError struct {
	Code string
	err  *vnfm.Error
}

// Error returns the reason.
func (d *DeniedError) Error() string { return d.err.Error() }

// Unwrap returns the reason.
func (d *DeniedError) Unwrap() error { return d.err }

// Challenge returns the value of WWW-Authenticate (RFC 6750 §3).
func (d *DeniedError) Challenge() string {
	if d.Code == "" {
		return `Bearer realm="vnfm"`
	}
	text := strings.NewReplacer(`"`, "'", `\`, "/").Replace(d.err.Detail)
	return `Bearer realm="vnfm", error="` + d.Code + `", error_description="` + text + `"`
}

// badToken is the refusal of a token; why says what is wrong with it.
func badToken(why string) *DeniedError {
	return &DeniedError{Code: "invalid_token", err: vnfm.Errorf(vnfm.Unauthenticated, "The access token is not valid: %s.", why)}
}

// Insufficient is the refusal of a caller without a permission.
func Insufficient(c Caller, p Permission) *DeniedError {
	role := c.Role()
	if role == "" {
		role = "no role"
	}
	return &DeniedError{Code: "insufficient_scope", err: vnfm.Errorf(vnfm.Forbidden, "This needs the permission %s, which %s does not have.", p, role)}
}

// First asks each of the authenticators until one finds a caller. One that finds a proof that does not hold ends the search:
// a wrong token is not made good by something else. Without any proof the request is refused.
func First(all ...Authenticator) Authenticator {
	return func(r *http.Request) (*Caller, error) {
		for _, a := range all {
			if c, err := a(r); c != nil || err != nil {
				return c, err
			}
		}
		return nil, &DeniedError{err: vnfm.Errorf(vnfm.Unauthenticated, "The request does not say who sends it: Authorization: Bearer TOKEN, or a client certificate, is needed.")}
	}
}

// bearer returns the token of a request (RFC 6750 §2.1); empty when there is none.
func bearer(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	switch len(values) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", &DeniedError{Code: "invalid_request", err: vnfm.Errorf(vnfm.Invalid, "The request has several Authorization headers.")}
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", &DeniedError{err: vnfm.Errorf(vnfm.Unauthenticated, "Only bearer tokens are taken: Authorization: Bearer TOKEN.")}
	}
	return token, nil
}

// Loopback takes every caller on the local machine for the administrator "local", and refuses all others.
func Loopback(r *http.Request) (*Caller, error) {
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && addr.Addr().Unmap().IsLoopback() {
		return &Caller{Name: "local", Roles: []Role{Admin}}, nil
	}
	return nil, &DeniedError{err: vnfm.Errorf(vnfm.Unauthenticated, "Without authentication this server answers callers of its own machine only.")}
}

// Static takes whoever sends a token for one caller. Another token is left to the authenticator behind it.
func Static(token string, c Caller) Authenticator {
	want := sha256.Sum256([]byte(token))
	return func(r *http.Request) (*Caller, error) {
		got, err := bearer(r)
		if err != nil || got == "" {
			return nil, err
		}
		if sum := sha256.Sum256([]byte(got)); subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			return &c, nil
		}
		return nil, nil //nolint:nilnil // not this token
	}
}

// NoOtherToken refuses a token that nobody before it knew. It stands where no issuer is asked.
func NoOtherToken(r *http.Request) (*Caller, error) {
	token, err := bearer(r)
	if token != "" {
		err = badToken("it is not known")
	}
	return nil, err
}

// Reason returns why a request was denied as a word for records: the code of RFC 6750, or the kind of the error.
func Reason(err error) string {
	var d *DeniedError
	if errors.As(err, &d) && d.Code != "" {
		return d.Code
	}
	return string(vnfm.KindOf(err))
}

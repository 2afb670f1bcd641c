package access

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// algorithms are the only ones a token may be signed with: all asymmetric, so that a public key is never taken for a shared
// secret, and "none" is none.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// leeway is how far the issuer's clock may be from ours.
const leeway = 30 * time.Second

// Issuer describes who issues the tokens of this site.
type Issuer struct {
	Issuer   string // the iss of its tokens, and where it is discovered
	Keys     string // URL or file of its key set (JWKS); empty: discovered
	Audience string // one of a token's aud
	// NameClaim and RoleClaim are the claims that hold the caller's name and roles; a dot steps into an object, as in
	// "realm_access.roles". The roles are an array, or a string of words as in "scope".
	NameClaim, RoleClaim string
	// Roles maps words of the role claim to roles; nil: the words are the roles' own names.
	Roles map[string]Role

	Client *http.Client     // nil: http.DefaultClient
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: slog.Default
}

// tokens verifies tokens.
type tokens struct {
	Issuer
	keys *keySet
}

// Tokens finds the caller by a JWT of an issuer. Nothing is asked of the issuer before the first token comes, so that it
// need not be there when this program starts.
func Tokens(i Issuer) Authenticator {
	if i.Client == nil {
		i.Client = http.DefaultClient
	}
	if i.Now == nil {
		i.Now = time.Now
	}
	if i.Log == nil {
		i.Log = slog.Default()
	}
	s := &keySet{now: i.Now, log: i.Log}
	switch {
	case i.Keys == "":
		s.load = urlKeys(i.Client, discovered(i.Client, i.Issuer))
	case isURL(i.Keys):
		s.load = urlKeys(i.Client, func(context.Context) (string, error) { return i.Keys, nil })
	default:
		s.load = fileKeys(i.Keys)
	}
	t := &tokens{Issuer: i, keys: s}
	return t.caller
}

func (t *tokens) caller(r *http.Request) (*Caller, error) {
	raw, err := bearer(r)
	if raw == "" || err != nil {
		return nil, err
	}
	token, err := jwt.ParseSigned(raw, algorithms)
	if err != nil || len(token.Headers) != 1 {
		return nil, badToken("it is not a JWT with one signature of a kind that is taken here")
	}
	payload, err := t.verified(r.Context(), token)
	if err != nil {
		return nil, err
	}
	var standard struct {
		jwt.Claims
		Confirmation struct {
			Certificate string `json:"x5t#S256"`
		} `json:"cnf"`
	}
	claims := map[string]any{}
	// By names as they are spelled, each once: encoding/json takes "EXP" for exp, and the last of two.
	if strict.Unmarshal(payload, &standard) != nil || strict.Unmarshal(payload, &claims) != nil {
		return nil, badToken("its claims are not readable")
	}
	expected := jwt.Expected{Issuer: t.Issuer.Issuer, AnyAudience: jwt.Audience{t.Audience}, Time: t.Now()}
	switch err := standard.ValidateWithLeeway(expected, leeway); {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return nil, badToken("another issuer made it")
	case errors.Is(err, jwt.ErrInvalidAudience):
		return nil, badToken("it is for another audience")
	case errors.Is(err, jwt.ErrExpired):
		return nil, badToken("it has expired")
	case err != nil:
		return nil, badToken("its time has not come")
	case standard.Expiry == nil:
		return nil, badToken("it never expires")
	}
	if bound, has := claims["cnf"]; has { // RFC 8705 §3: whoever holds the token must hold the certificate too
		if standard.Confirmation.Certificate == "" || bound == nil {
			return nil, badToken("it is bound to a key in a way that is not known here")
		}
		if thumbprint(r) != standard.Confirmation.Certificate {
			return nil, badToken("it is bound to another client certificate than the request came with")
		}
	}
	name, _ := claim(claims, t.NameClaim).(string)
	if name == "" {
		return nil, badToken("it does not name its caller in " + t.NameClaim)
	}
	if strings.ContainsFunc(name, unicode.IsControl) { // it is written down, and not every database takes it
		return nil, badToken("the name of its caller has control characters")
	}
	return &Caller{Name: "oidc:" + name, Roles: t.roles(claim(claims, t.RoleClaim))}, nil
}

// verified returns the payload of a token when a key of the issuer signed it.
func (t *tokens) verified(ctx context.Context, token *jwt.JSONWebToken) (json.RawMessage, error) {
	keys, err := t.keys.find(ctx, token.Headers[0].KeyID)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Algorithm != "" && k.Algorithm != token.Headers[0].Algorithm {
			continue
		}
		var payload json.RawMessage
		if token.Claims(k.Key, &payload) == nil {
			return payload, nil
		}
	}
	return nil, badToken("no key of the issuer signed it")
}

// roles returns the roles that the words of a claim stand for; words that stand for none are ignored.
func (t *tokens) roles(v any) (out []Role) {
	var words []string
	switch v := v.(type) {
	case string:
		words = strings.Fields(v)
	case []any:
		for _, w := range v {
			if s, ok := w.(string); ok {
				words = append(words, s)
			}
		}
	}
	for _, w := range words {
		role := Role(w)
		if t.Roles != nil {
			role = t.Roles[w]
		}
		if role.Known() && !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	return out
}

// claim returns the claim of a name; where there is none of the whole name, its dots step into objects.
func claim(claims map[string]any, name string) any {
	if v, ok := claims[name]; ok {
		return v
	}
	first, rest, dotted := strings.Cut(name, ".")
	inner, ok := claims[first].(map[string]any)
	if !dotted || !ok {
		return nil
	}
	return claim(inner, rest)
}

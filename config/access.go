package config

import (
	"math"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
)

// TLS says how the API is encrypted, and whether clients show certificates.
type TLS struct {
	CertFile   string `help:"Certificate of the API with its chain, in PEM; empty: the API is not encrypted. Read again when it changes." placeholder:"FILE" reload:""`
	KeyFile    string `help:"Private key of the certificate, in PEM." placeholder:"FILE" reload:""`
	ClientCA   string `name:"client-ca-file" help:"Certificates of the authorities that client certificates are verified with, in PEM. Read again when it changes." placeholder:"FILE" reload:""`
	ClientAuth string `default:"off" enum:"off,accept,require" help:"Client certificates (${enum}): not asked for, verified where a client shows one, or needed for every connection."`
}

// Auth says who may call the API beside the holder of api-token.
type Auth struct {
	Issuer    string            `help:"Issuer of the access tokens (JWT) that callers send, as in their iss; its keys are found by OpenID Connect discovery. It may be away when this program starts." placeholder:"URL"`
	Jwks      string            `help:"URL or file of the issuer's keys (JWKS); empty: discovered at auth-issuer." placeholder:"URL|FILE"`
	Audience  string            `default:"vnfm" help:"What must be among a token's aud."`
	NameClaim string            `default:"sub" help:"Claim with the caller's name, unique at the issuer."`
	RoleClaim string            `default:"roles" help:"Claim with the caller's roles: an array, or words with spaces between them; dots step into objects, as in realm_access.roles."`
	Roles     map[string]string `help:"Role by word of the role claim, e.g. noc=operator;orchestrator=nfvo; others are ignored. Roles: viewer, operator, admin, nfvo, em. Empty: the words are the roles' names." placeholder:"WORD=ROLE"`
	// Console is for browsers; a public client has no secret.
	ConsoleClient string            `help:"Client id of the console at auth-issuer, a public one with code flow and PKCE; its redirect URI is /ui/ of this server. Empty: who opens the console pastes a token." placeholder:"ID"`
	ConsoleScope  string            `default:"openid" help:"Scopes that the console asks for; its access token needs auth-audience among its aud." placeholder:"WORDS"`
	Certificates  map[string]string `help:"Role by name of the client certificate: dns:…, uri:…, email:… or ip:… of its alternative names, or cn:… of its subject, e.g. dns:nfvo.example=nfvo;cn:noc=operator." placeholder:"NAME=ROLE"`
}

// Authenticated reports whether callers are asked who they are.
func (c *Config) Authenticated() bool {
	return c.APIToken != "" || c.APITokenFile != "" || c.Auth.Issuer != "" || len(c.Auth.Certificates) > 0
}

// MinToken is the least length of an api-token: a shorter one is guessed.
const MinToken = 12

// Token returns the api-token, read from its file when it is there; "" when there is none. Returns Invalid when it is too short,
// or the file cannot be read.
func (c *Config) Token() (string, error) {
	token, name := c.APIToken, "api-token"
	if c.APITokenFile != "" {
		b, err := os.ReadFile(c.APITokenFile)
		if err != nil {
			return "", vnfm.Errorf(vnfm.Invalid, "api-token-file: %w", err)
		}
		token, _, _ = strings.Cut(string(b), "\n")
		token, name = strings.TrimSpace(token), "api-token-file"
	}
	if len(token) < MinToken && (token != "" || c.APITokenFile != "") {
		return "", vnfm.Errorf(vnfm.Invalid, "%s: the token has %d characters; it needs %d at least", name, len(token), MinToken)
	}
	return token, nil
}

func (c *Config) validateAccess(bad func(format string, args ...any)) {
	t, a := c.TLS, c.Auth
	if c.APIToken != "" && c.APITokenFile != "" {
		bad("api-token and api-token-file: set one of them")
	} else if _, err := c.Token(); err != nil {
		bad("%w", err)
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		bad("tls-cert-file and tls-key-file: one needs the other")
	}
	if t.ClientAuth != "off" && t.ClientAuth != "" {
		if t.CertFile == "" {
			bad("tls-client-auth: needs tls-cert-file")
		}
		if t.ClientCA == "" {
			bad("tls-client-auth: needs tls-client-ca-file, which says whose certificates are good")
		}
	} else if t.ClientCA != "" {
		bad("tls-client-ca-file: is not used while tls-client-auth is off; set it to accept or require")
	}
	if len(a.Certificates) > 0 && (t.ClientAuth == "off" || t.ClientAuth == "") {
		bad("auth-certificates: needs tls-client-auth accept or require")
	}
	if a.Jwks != "" && a.Issuer == "" {
		bad("auth-jwks: needs auth-issuer, which tokens are compared with")
	}
	for name, v := range map[string]string{"auth-issuer": a.Issuer, "auth-jwks": a.Jwks} {
		if v == "" || name == "auth-jwks" && !strings.Contains(v, "://") {
			continue
		}
		u, err := url.Parse(v)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !access.LoopbackHost(u.Hostname())):
			bad("%s: want an https URL, or http on loopback", name)
		case u.User != nil:
			bad("%s: the URL must not have a user name or password in it: it is shown and logged", name)
		}
	}
	if a.Issuer != "" && (a.Audience == "" || a.NameClaim == "" || a.RoleClaim == "") {
		bad("auth-audience, auth-name-claim and auth-role-claim: must not be empty")
	}
	for word, role := range a.Roles {
		if !access.Role(role).Known() {
			bad("auth-roles: %s=%s: want one of %s", word, role, access.RoleNames())
		}
	}
	for name, role := range a.Certificates {
		if !access.Role(role).Known() {
			bad("auth-certificates: %s=%s: want one of %s", name, role, access.RoleNames())
		}
		if kind, rest, _ := strings.Cut(name, ":"); rest == "" || !slices.Contains([]string{"dns", "uri", "email", "ip", "cn"}, kind) {
			bad("auth-certificates: %s: want dns:NAME, uri:NAME, email:NAME, ip:ADDRESS or cn:NAME", name)
		}
	}
	if math.IsNaN(c.HTTP.Rate) || c.HTTP.Rate < 0 || c.HTTP.Rate > 0 && c.HTTP.Burst < 1 {
		bad("http-rate and http-burst: want a rate of 0 or more, and a burst of 1 or more")
	}
	for name, v := range map[string]int64{
		"http-concurrent": int64(c.HTTP.Concurrent), "http-caller-concurrent": int64(c.HTTP.CallerConcurrent), "http-followers": int64(c.HTTP.Followers),
		"http-caller-followers": int64(c.HTTP.CallerFollowers), "http-min-rate": c.HTTP.MinRate, "http-large-bodies": int64(c.HTTP.LargeBodies),
	} {
		if v < 0 {
			bad("%s: %d is less than 0", name, v)
		}
	}
}

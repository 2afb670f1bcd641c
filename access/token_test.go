package access_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/internal/authtest"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func site(i *authtest.Issuer, c *clock, change ...func(*access.Issuer)) access.Authenticator {
	s := access.Issuer{
		Issuer: i.URL, Audience: "vnfm", NameClaim: "sub", RoleClaim: "roles", Now: c.now, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&s)
	}
	return access.First(access.Tokens(s))
}

func with(t *testing.T, token string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func TestTokens(t *testing.T) {
	i := authtest.NewIssuer(t)
	c := &clock{at: time.Now()}
	a := site(i, c)
	at := func(d time.Duration) int64 { return c.now().Add(d).Unix() }
	for name, test := range map[string]struct {
		claims map[string]any
		denied string // what the refusal says; empty: none
	}{
		"good":                     {map[string]any{}, ""},
		"one audience of several":  {map[string]any{"aud": []string{"other", "vnfm"}}, ""},
		"another audience":         {map[string]any{"aud": "other"}, "another audience"},
		"no audience":              {map[string]any{"aud": nil}, "another audience"},
		"another issuer":           {map[string]any{"iss": "https://evil.example"}, "another issuer"},
		"expired":                  {map[string]any{"exp": at(-time.Minute)}, "has expired"},
		"expired within leeway":    {map[string]any{"exp": at(-10 * time.Second)}, ""},
		"without expiry":           {map[string]any{"exp": nil}, "never expires"},
		"not yet":                  {map[string]any{"nbf": at(time.Minute)}, "not come"},
		"not yet, within leeway":   {map[string]any{"nbf": at(10 * time.Second)}, ""},
		"without a name":           {map[string]any{"sub": nil}, "name its caller"},
		"a name with a NUL":        {map[string]any{"sub": "a\x00b"}, "control characters"},
		"a name that is no string": {map[string]any{"sub": 7}, "claims are not readable"},
		"bound to a certificate":   {map[string]any{"cnf": map[string]any{"x5t#S256": "abc"}}, "another client certificate"},
		"bound to a key":           {map[string]any{"cnf": map[string]any{"jkt": "abc"}}, "not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := map[string]any{"sub": "ann", "roles": []string{"operator", "made-up"}}
			for k, v := range test.claims {
				claims[k] = v
			}
			who, err := a(with(t, i.Token(claims)))
			if test.denied == "" {
				if err != nil || who.Name != "oidc:ann" || who.Role() != "operator" {
					t.Fatalf("%+v, %v", who, err)
				}
				return
			}
			var d *access.DeniedError
			if !errors.As(err, &d) || d.Code != "invalid_token" || vnfm.KindOf(err) != vnfm.Unauthenticated || !strings.Contains(err.Error(), test.denied) {
				t.Fatalf("%+v, %v", who, err)
			}
		})
	}
}

// A claim has one name, spelled as it is, and stands once: readers who differ in which of two they take would be told
// different things by one signature.
func TestClaimsAreReadByTheirExactNamesAndOnce(t *testing.T) {
	i := authtest.NewIssuer(t)
	a := site(i, &clock{at: time.Now()}, func(s *access.Issuer) { s.RoleClaim = "realm.roles" })
	past, soon := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	base := fmt.Sprintf(`"iss":%q,"aud":"vnfm","sub":"ann","realm":{"roles":["viewer"]}`, i.URL)
	for payload, denied := range map[string]string{
		fmt.Sprintf(`{%s,"exp":%d}`, base, soon):                                         "",
		fmt.Sprintf(`{%s,"exp":%d,"EXP":%d,"Sub":"root"}`, base, soon, past):             "",
		fmt.Sprintf(`{%s,"exp":%d,"EXP":%d}`, base, past, soon):                          "has expired",
		fmt.Sprintf(`{%s,"Exp":%d}`, base, soon):                                         "never expires",
		fmt.Sprintf(`{%s,"exp":%d,"CNF":{"jkt":"x"}}`, base, soon):                       "",
		fmt.Sprintf(`{%s,"exp":%d,"cnf":{"X5T#s256":"x"}}`, base, soon):                  "not known here",
		fmt.Sprintf(`{%s,"exp":%d,"exp":%d}`, base, past, soon):                          "claims are not readable",
		fmt.Sprintf(`{%s,"exp":%d,"sub":"root"}`, base, soon):                            "claims are not readable",
		fmt.Sprintf(`{%s,"exp":%d,"\u0073ub":"root"}`, base, soon):                       "claims are not readable",
		fmt.Sprintf(`{%s,"exp":%d,"x":{"a":1,"a":2}}`, base, soon):                       "claims are not readable",
		fmt.Sprintf(`{%s,"exp":%d,"realm":{"roles":["admin"]}}`, base, soon):             "claims are not readable",
		fmt.Sprintf(`{%s,"exp":%d,"more":[{"roles":["admin"],"roles":[]}]}`, base, soon): "claims are not readable",
		fmt.Sprintf(`{%s,"exp":%d}{"exp":1}`, base, soon):                                "no key of the issuer",
	} {
		who, err := a(with(t, i.Sign([]byte(payload))))
		switch {
		case denied == "" && (err != nil || who.Name != "oidc:ann" || who.Role() != "viewer"):
			t.Errorf("%s: %+v, %v", payload, who, err)
		case denied != "" && (vnfm.KindOf(err) != vnfm.Unauthenticated || !strings.Contains(err.Error(), denied)):
			t.Errorf("%s: %+v, %v; want %q", payload, who, err, denied)
		}
	}
}

// What others may have signed, or nobody, is refused whatever it says.
func TestForgedTokens(t *testing.T) {
	i := authtest.NewIssuer(t)
	a := site(i, &clock{at: time.Now()})
	good := i.Token(map[string]any{"sub": "ann"})
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	hmac, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: bytes.Repeat([]byte("k"), 32)},
		(&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		t.Fatal(err)
	}
	shared, err := jwt.Signed(hmac).Claims(map[string]any{"iss": i.URL, "aud": "vnfm", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	stranger := authtest.NewIssuer(t)
	other := parts[0] + "." + strings.Split(i.Token(map[string]any{"sub": "root"}), ".")[1] + "." + parts[2]
	for name, token := range map[string]string{
		"none": none, "shared secret": shared, "claims of another token": other, "rubbish": "a.b.c", "no JWT": "hello",
		"key of another issuer": stranger.Token(map[string]any{"iss": i.URL, "sub": "ann"}),
	} {
		if who, err := a(with(t, token)); vnfm.KindOf(err) != vnfm.Unauthenticated {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	if who, err := a(with(t, good)); err != nil || who.Name != "oidc:ann" {
		t.Errorf("the good one: %+v, %v", who, err)
	}
	if who, err := a(with(t, "")); who != nil || vnfm.KindOf(err) != vnfm.Unauthenticated {
		t.Errorf("no token: %+v, %v", who, err)
	}
}

func TestRolesOfAToken(t *testing.T) {
	i := authtest.NewIssuer(t)
	for name, test := range map[string]struct {
		claim  string
		roles  map[string]access.Role
		claims map[string]any
		want   string
	}{
		"array":          {"roles", nil, map[string]any{"roles": []string{"viewer", "nfvo"}}, "nfvo,viewer"},
		"words":          {"scope", nil, map[string]any{"scope": "openid viewer"}, "viewer"},
		"nested":         {"realm_access.roles", nil, map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}}, "admin"},
		"name with dots": {"https://x.example/roles", nil, map[string]any{"https://x.example/roles": []string{"em"}}, "em"},
		"mapped":         {"groups", map[string]access.Role{"noc": access.Operator}, map[string]any{"groups": []any{"noc", "admin", 3}}, "operator"},
		"none":           {"roles", nil, map[string]any{}, ""},
		"a number":       {"roles", nil, map[string]any{"roles": 3}, ""},
	} {
		a := site(i, &clock{at: time.Now()}, func(s *access.Issuer) { s.RoleClaim, s.Roles = test.claim, test.roles })
		test.claims["sub"] = "ann"
		if who, err := a(with(t, i.Token(test.claims))); err != nil || who.Role() != test.want {
			t.Errorf("%s: %+v, %v; want %q", name, who, err, test.want)
		}
	}
}

// Keys are fetched when needed: an issuer that is away at first is asked again, a new key is found, and a forged key id does
// not make us ask again and again.
func TestKeysComeAndGo(t *testing.T) {
	i := authtest.NewIssuer(t)
	c := &clock{at: time.Now()}
	a := site(i, c)
	token := func() string { return i.Token(map[string]any{"sub": "ann"}) }
	i.Down(true)
	if _, err := a(with(t, token())); vnfm.KindOf(err) != vnfm.Unavailable {
		t.Fatalf("while the issuer is away: %v", err)
	}
	i.Down(false)
	if _, err := a(with(t, token())); vnfm.KindOf(err) != vnfm.Unavailable {
		t.Fatalf("asked again at once: %v", err)
	}
	c.add(2 * time.Second)
	if _, err := a(with(t, token())); err != nil {
		t.Fatalf("when it is back: %v", err)
	}
	if n := i.Fetches(); n != 1 {
		t.Fatalf("%d fetches", n)
	}
	old := token()
	i.Rotate("k2")
	for range 5 { // the new key is unknown, and we have just asked
		if _, err := a(with(t, token())); vnfm.KindOf(err) != vnfm.Unauthenticated {
			t.Fatalf("%v", err)
		}
	}
	c.add(11 * time.Second)
	if _, err := a(with(t, token())); err != nil {
		t.Fatalf("after the rotation: %v", err)
	}
	if _, err := a(with(t, old)); vnfm.KindOf(err) != vnfm.Unauthenticated {
		t.Fatalf("the old key is still good: %v", err)
	}
	if n := i.Fetches(); n != 2 {
		t.Fatalf("%d fetches", n)
	}
	i.Down(true)
	c.add(time.Hour - 11*time.Second) // the known keys serve while the issuer is away, but not for ever
	if _, err := a(with(t, i.Token(map[string]any{"sub": "ann", "exp": c.now().Add(time.Hour).Unix()}))); err != nil {
		t.Fatalf("while the issuer is away for an hour: %v", err)
	}
	c.add(25 * time.Hour)
	if _, err := a(with(t, i.Token(map[string]any{"sub": "ann", "exp": c.now().Add(time.Hour).Unix()}))); vnfm.KindOf(err) != vnfm.Unavailable {
		t.Fatalf("after a day: %v", err)
	}
}

func TestKeysOfAFileAndOfAURL(t *testing.T) {
	i := authtest.NewIssuer(t)
	file := filepath.Join(t.TempDir(), "keys.json")
	c := &clock{at: time.Now()}
	for name, keys := range map[string]string{"file": file, "url": i.URL + "/keys"} {
		a := site(i, c, func(s *access.Issuer) { s.Keys = keys })
		if name == "file" {
			if _, err := a(with(t, i.Token(map[string]any{"sub": "ann"}))); vnfm.KindOf(err) != vnfm.Unavailable {
				t.Fatalf("without the file: %v", err)
			}
			if err := os.WriteFile(file, i.Keys(), 0o600); err != nil {
				t.Fatal(err)
			}
			c.add(11 * time.Second)
		}
		if _, err := a(with(t, i.Token(map[string]any{"sub": "ann"}))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A token that is bound to a certificate is good with that certificate only (RFC 8705).
func TestBoundTokens(t *testing.T) {
	i, ca := authtest.NewIssuer(t), authtest.NewAuthority(t)
	a := site(i, &clock{at: time.Now()})
	mine, other := ca.Pair("nfvo"), ca.Pair("thief")
	token := i.Token(map[string]any{"sub": "nfvo", "cnf": map[string]any{"x5t#S256": authtest.Thumbprint(mine)}})
	for _, c := range []struct {
		cert *tls.Certificate
		ok   bool
	}{{&mine, true}, {&other, false}, {nil, false}} {
		r := with(t, token)
		if c.cert != nil {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf(t, *c.cert)}}
		}
		if _, err := a(r); (err == nil) != c.ok {
			t.Errorf("%v", err)
		}
	}
}

func leaf(t *testing.T, c tls.Certificate) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

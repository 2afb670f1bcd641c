package access_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/internal/authtest"
)

func TestCertificates(t *testing.T) {
	ca := authtest.NewAuthority(t)
	a := access.Certificates(map[string]access.Role{
		"dns:nfvo.example": access.NFVO, "uri:spiffe://site/em": access.EM, "cn:noc": access.Operator,
	})
	for _, c := range []struct {
		cn    string
		names []string
		want  string
	}{
		{"x", []string{"nfvo.example"}, "cert:dns:nfvo.example nfvo"},
		{"x", []string{"other.example", "spiffe://site/em"}, "cert:uri:spiffe://site/em em"},
		{"noc", nil, "cert:cn:noc operator"},
		{"noc", []string{"nfvo.example"}, "cert:dns:nfvo.example nfvo"},
		{"nfvo.example", nil, ""},
	} {
		cert := leaf(t, ca.Pair(c.cn, c.names...))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
		if who, err := a(r); who != nil || err != nil {
			t.Fatalf("a certificate that was not verified: %+v, %v", who, err)
		}
		r.TLS.VerifiedChains = [][]*x509.Certificate{{cert}}
		who, err := a(r)
		switch {
		case c.want == "" && (who != nil || vnfm.KindOf(err) != vnfm.Unauthenticated):
			t.Errorf("%v: %+v, %v", c, who, err)
		case c.want != "" && (err != nil || who.Name+" "+who.Role() != c.want):
			t.Errorf("%v: %+v, %v", c, who, err)
		}
	}
	if who, err := a(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)); who != nil || err != nil {
		t.Errorf("without TLS: %+v, %v", who, err)
	}
}

// A token that is wrong is not made good by a certificate, and the first proof counts.
func TestFirst(t *testing.T) {
	ca := authtest.NewAuthority(t)
	a := access.First(
		access.Static("s3cret", access.Caller{Name: "api-token", Roles: []access.Role{access.Admin}}), access.NoOtherToken,
		access.Certificates(map[string]access.Role{"cn:noc": access.Viewer}),
	)
	cert := leaf(t, ca.Pair("noc"))
	for header, want := range map[string]string{
		"": "cert:cn:noc", "Bearer s3cret": "api-token", "bearer s3cret": "api-token", "Bearer wrong": "", "Bearer": "", "Basic eDp5": "",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{cert}}}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		who, err := a(r)
		switch {
		case want == "" && vnfm.KindOf(err) != vnfm.Unauthenticated:
			t.Errorf("%q: %+v, %v", header, who, err)
		case want != "" && (err != nil || who.Name != want):
			t.Errorf("%q: %+v, %v", header, who, err)
		}
	}
}

func TestLoopback(t *testing.T) {
	for addr, ok := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "192.0.2.1:1": false, "": false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = addr
		if who, err := access.Loopback(r); (err == nil) != ok || (who != nil) != ok {
			t.Errorf("%q: %+v, %v", addr, who, err)
		}
	}
}

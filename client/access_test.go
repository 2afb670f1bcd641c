package client_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/internal/authtest"
)

// TestAccess: the client trusts the authority it is told, shows its certificate, and fetches tokens by itself.
func TestAccess(t *testing.T) {
	ca, issuer := authtest.NewAuthority(t), authtest.NewIssuer(t)
	issuer.Grant(map[string]any{"sub": "cli"})
	var token, name string
	ts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, name = r.Header.Get("Authorization"), ""
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = w.Write([]byte("[]"))
	}))
	ts.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Pair("vnfm")}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: ca.Pool()}
	ts.StartTLS()
	defer ts.Close()
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := ca.Issue("noc")
	authority, certFile, keyFile := file("ca.pem", ca.PEM()), file("cert.pem", cert), file("key.pem", key)
	call := func(a client.Access) error {
		h, err := a.HTTP()
		if err != nil {
			return err
		}
		c, err := client.New(client.Config{Server: ts.URL, HTTP: h, Retries: -1})
		if err != nil {
			return err
		}
		_, err = c.Vims(t.Context())
		return err
	}
	if err := call(client.Access{}); err == nil {
		t.Error("an unknown authority is trusted")
	}
	if err := call(client.Access{CACert: authority}); err != nil || name != "" || token != "" {
		t.Errorf("%v, certificate %q, %q", err, name, token)
	}
	if err := call(client.Access{CACert: authority, Cert: certFile, Key: keyFile}); err != nil || name != "noc" {
		t.Errorf("%v, certificate %q", err, name)
	}
	oauth := client.Access{CACert: authority, TokenURL: issuer.URL + "/token", ClientID: "cli", ClientSecret: "canary-secret"}
	if err := call(oauth); err != nil || !strings.HasPrefix(token, "Bearer ey") {
		t.Errorf("%v, %q", err, token)
	}
	issuer.Down(true)
	if err := call(oauth); err == nil || !strings.Contains(err.Error(), "no access token: ") || strings.Contains(err.Error(), "canary") {
		t.Errorf("without the issuer: %v", err)
	}
	for _, wrong := range []client.Access{
		{CACert: filepath.Join(dir, "none")}, {CACert: keyFile}, {Cert: certFile}, {Key: keyFile}, {Cert: certFile, Key: certFile},
		{TokenURL: issuer.URL},
	} {
		var e *client.Error
		if _, err := wrong.HTTP(); err == nil || errors.As(err, &e) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

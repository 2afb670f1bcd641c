package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const canary = "canary-d41d8cd9"

// peer is a receiver with a token endpoint: /token gives t1, t2, …; /in accepts the newest only.
type peer struct {
	*httptest.Server

	issued  atomic.Int32
	revoked atomic.Int32
	bodies  chan string
	expires int
}

func newPeer(t *testing.T) *peer {
	p := &peer{bodies: make(chan string, 100), expires: 3600}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != "vnfm" || secret != canary {
			http.Error(w, `{"error":"invalid_client","error_description":"`+secret+`"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":%d}`, p.issued.Add(1), p.expires)
	})
	mux.HandleFunc("/in", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer t%d", p.issued.Load()) || p.revoked.Load() == p.issued.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.bodies <- string(b)
		w.WriteHeader(http.StatusNoContent)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *peer) auth() *Auth {
	return &Auth{Types: []string{OAuth2ClientCredentials}, OAuth2: &OAuth2{ClientID: "vnfm", ClientPassword: canary, TokenEndpoint: p.URL + "/token"}}
}

func post(t *testing.T, c *Client, url string, a *Auth) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader([]byte("hello")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(t.Context(), req, a)
	if resp != nil {
		t.Cleanup(func() { resp.Body.Close() })
		if resp.Request.Header.Get("Authorization") != "" {
			t.Error("the answer's request holds the credential")
		}
	}
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
		t.Errorf("the error tells a credential: %v", err)
	}
	return resp, err
}

func local() *Client {
	return New(Config{AllowLocal: true, AllowPlain: true, Timeout: 5 * time.Second})
}

func TestTokenIsKeptAndFetchedAnewOnce(t *testing.T) {
	p, c := newPeer(t), local()
	defer c.Close()
	var burst sync.WaitGroup
	for range 8 {
		burst.Go(func() {
			if resp, err := post(t, c, p.URL+"/in", p.auth()); err != nil || resp.StatusCode != http.StatusNoContent {
				t.Errorf("%v %v", resp, err)
			}
		})
	}
	burst.Wait()
	if n := p.issued.Load(); n != 1 {
		t.Errorf("%d tokens for 8 requests, want 1", n)
	}
	p.revoked.Store(1)
	resp, err := post(t, c, p.URL+"/in", p.auth())
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("after the token was revoked: %v %v", resp, err)
	}
	for range 9 {
		if b := <-p.bodies; b != "hello" {
			t.Errorf("body %q", b)
		}
	}
	if n := p.issued.Load(); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer denied.Close()
	resp, err = post(t, c, denied.URL, p.auth())
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a peer that takes no token: %v %v", resp, err)
	}
	if n := p.issued.Load(); n != 3 {
		t.Errorf("%d tokens, want one more", n)
	}
}

func TestExpiredTokenIsFetchedAnew(t *testing.T) {
	p, c := newPeer(t), local()
	defer c.Close()
	p.expires = 1 // within the margin: never valid
	for range 2 {
		if resp, err := post(t, c, p.URL+"/in", p.auth()); err != nil || resp.StatusCode != http.StatusNoContent {
			t.Fatal(resp, err)
		}
	}
	if n := p.issued.Load(); n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

func TestTokenEndpointSaysNo(t *testing.T) {
	p, c := newPeer(t), local()
	defer c.Close()
	a := p.auth()
	a.OAuth2.ClientID = "stranger"
	_, err := post(t, c, p.URL+"/in", a)
	var e *Error
	if !errors.As(err, &e) || e.Class != Status || !e.Token || e.StatusCode != http.StatusUnauthorized {
		t.Errorf("%#v", err)
	}
	a.OAuth2.TokenEndpoint = p.URL + "/nothing"
	if _, err = post(t, c, p.URL+"/in", a); ClassOf(err) != Status {
		t.Error(err)
	}
	a.OAuth2.TokenEndpoint = "http://127.0.0.1:1/token"
	if _, err = post(t, c, p.URL+"/in", a); ClassOf(err) != Unreachable {
		t.Error(err)
	}
}

func TestBasic(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "nfvo" || p != canary {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer s.Close()
	c := local()
	defer c.Close()
	resp, err := post(t, c, s.URL, &Auth{Types: []string{TLSCert, BasicAuth}, Basic: &Basic{UserName: "nfvo", Password: canary}})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Error(resp, err)
	}
	for _, a := range []*Auth{{Types: []string{TLSCert}}, {Types: []string{OAuth2ClientCredentials}}, {Types: []string{BasicAuth}}, {Types: []string{"NEW"}}} {
		if _, err := post(t, c, s.URL, a); ClassOf(err) != Unusable {
			t.Errorf("%v: %v", a, err)
		}
	}
	if resp, err = post(t, c, s.URL, &Auth{}); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Error(resp, err)
	}
}

func TestClientCertificate(t *testing.T) {
	seen := make(chan int, 2)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- len(r.TLS.PeerCertificates) }))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := New(Config{AllowLocal: true, RootCAs: roots, ClientCert: &s.TLS.Certificates[0]})
	defer c.Close()
	for want, a := range []*Auth{nil, {Types: []string{TLSCert}}} {
		if _, err := post(t, c, s.URL, a); err != nil {
			t.Fatal(err)
		}
		if n := <-seen; n != want {
			t.Errorf("%v: %d certificates shown, want %d", a, n, want)
		}
	}
	if _, err := post(t, local(), s.URL, nil); ClassOf(err) != Unreachable || !strings.Contains(err.Error(), "authority") {
		t.Errorf("an unknown authority: %v", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	stop := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 4000)) })
	mux.HandleFunc("/fits", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) })
	mux.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 2*maxHeader)) })
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) { <-stop })
	mux.HandleFunc("/drip", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		<-stop
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", r.URL.Query().Get("after"))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_, _ = conn.Write([]byte(r.Header.Get("Authorization") + "\r\n\r\n"))
		conn.Close()
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	defer close(stop)
	c := New(Config{AllowLocal: true, AllowPlain: true, Timeout: 200 * time.Millisecond, MaxBody: 1000})
	defer c.Close()

	resp, err := post(t, c, s.URL+"/redirect", nil)
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("redirect: %v %v", resp, err)
	}
	if e := Unexpected(resp); e.Class != Status || !strings.Contains(e.Error(), "redirects are not followed") {
		t.Error(e)
	}
	for after, want := range map[string]time.Duration{"7": 7 * time.Second, "0": 0, "-7": 0, "soon": 0, "99999999999999": 0, "": 0} {
		resp, err = post(t, c, s.URL+"/busy?after="+after, nil)
		if err != nil || Unexpected(resp).RetryAfter != want {
			t.Errorf("busy for %q: %v, %v", after, resp, err)
		}
	}
	for path, want := range map[string]Class{"/huge": TooLarge, "/drip": Timeout, "/fits": ""} {
		resp, err := post(t, c, s.URL+path, nil)
		if err != nil {
			t.Fatal(path, err)
		}
		b, err := io.ReadAll(resp.Body)
		if ClassOf(err) != want || (want == "" && (err != nil || len(b) != 1000)) || len(b) > 1000 {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
	}
	for path, want := range map[string]Class{"/hang": Timeout, "/header": Unreachable, "/echo": Unreachable} {
		if _, err := post(t, c, s.URL+path, &Auth{Types: []string{BasicAuth}, Basic: &Basic{UserName: canary}}); ClassOf(err) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestErrorsWithoutAnAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	c := local()
	if _, err := post(t, c, url, nil); ClassOf(err) != Unreachable || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, get(t, url), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPrintingTellsNoCredential(t *testing.T) {
	a := Auth{Types: []string{BasicAuth}, Basic: &Basic{UserName: "u", Password: canary}, OAuth2: &OAuth2{ClientID: "c", ClientPassword: canary}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "auth", a, "basic", *a.Basic, "oauth2", a.OAuth2, "pointer", &a)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "auth", a, "basic", a.Basic, "oauth2", *a.OAuth2, "pointer", &a)
	text := fmt.Sprintf("%v %+v %#v %s %v %+v %#v %v %#v", a, a, a, a, &a, a.Basic, *a.Basic, a.OAuth2, *a.OAuth2) + log.String()
	if strings.Contains(text, canary) {
		t.Error(text)
	}
	var back Auth
	if b, err := json.Marshal(a); err != nil || json.Unmarshal(b, &back) != nil || back.Basic.Password != canary {
		t.Error("its JSON is for sealing and must hold the credentials")
	}
}

// Credentials are not sent where they can be read, whatever the peer says it takes; nothing reaches it. Seen failing with
// AllowPlain taken for granted.
func TestCredentialsGoOverTLSOnly(t *testing.T) {
	p := newPeer(t)
	basic := &Auth{Types: []string{BasicAuth}, Basic: &Basic{UserName: "u", Password: canary}}
	c := New(Config{AllowLocal: true, Timeout: 5 * time.Second})
	defer c.Close()
	for name, tt := range map[string]struct {
		uri  string
		auth *Auth
	}{
		"a password":              {p.URL + "/in", basic},
		"a password, in capitals": {strings.Replace(p.URL, "http", "HTTP", 1) + "/in", basic},
		"a token":                 {p.URL + "/in", &Auth{Types: []string{OAuth2ClientCredentials}, OAuth2: &OAuth2{TokenEndpoint: "https://id.example"}}},
		"a secret for a token":    {"https://nfvo.example", p.auth()},
	} {
		if err := c.Usable(tt.uri, tt.auth); ClassOf(err) != Refused {
			t.Errorf("%s is usable: %v", name, err)
		}
		if _, err := post(t, c, tt.uri, tt.auth); ClassOf(err) != Refused {
			t.Errorf("%s is sent: %v", name, err)
		}
	}
	if n := p.issued.Load(); n > 0 || len(p.bodies) > 0 {
		t.Errorf("%d tokens, %d bodies", n, len(p.bodies))
	}
	for uri, a := range map[string]*Auth{"https://nfvo.example": basic, p.URL: nil} {
		if err := c.Usable(uri, a); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Config bounds a client. The zero value denies local addresses and credentials without TLS, and takes the defaults named below.
type Config struct {
	// Timeout bounds one exchange: connect, TLS, request, answer with its body; and apart from that the fetching of a
	// token. 0: 10 s.
	Timeout time.Duration
	// MaxBody is the largest body of an answer, in bytes. 0: 1 MiB.
	MaxBody int64
	// AllowLocal lifts the deny-list; for development and tests.
	AllowLocal bool
	// AllowPlain lets credentials be sent without TLS; for development, and where whoever runs the program chose the peer.
	AllowPlain bool
	// Deny are networks that are not called, besides the deny-list; AllowLocal does not lift them.
	Deny []netip.Prefix
	// Ports are the ports that may be called; empty: all.
	Ports []int
	// ClientCert is shown to peers that accept TLS_CERT, nil: there is none.
	ClientCert *tls.Certificate
	// RootCAs are the authorities that peers' certificates are checked against; nil: those of the system.
	RootCAs *x509.CertPool
}

const (
	defaultTimeout = 10 * time.Second
	defaultMaxBody = 1 << 20
	maxHeader      = 64 << 10
	idleTimeout    = time.Minute
	idlePerPeer    = 8
)

// Client sends requests to peers within the limits of its Config. It is safe for concurrent use.
type Client struct {
	cfg         Config
	plain, cert *http.Client // cert shows the client certificate; nil without one
	tokens      tokens
}

// New makes a client.
func New(cfg Config) *Client {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = defaultMaxBody
	}
	c := &Client{cfg: cfg}
	c.plain = c.over(nil)
	if cfg.ClientCert != nil {
		c.cert = c.over([]tls.Certificate{*cfg.ClientCert})
	}
	c.tokens.http = c.plain
	c.tokens.timeout = cfg.Timeout
	return c
}

// over makes the HTTP client that shows the certificates.
func (c *Client) over(certs []tls.Certificate) *http.Client {
	dialer := &net.Dialer{Control: c.cfg.control}
	return &http.Client{
		Timeout:       c.cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certs, RootCAs: c.cfg.RootCAs},
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // a small answer stays small
			MaxIdleConnsPerHost:    idlePerPeer,
			MaxResponseHeaderBytes: maxHeader,
			IdleConnTimeout:        idleTimeout,
		},
	}
}

// Do sends the request and returns the peer's answer, whatever its status: a redirect is an answer like any other. The
// caller closes the body; reading more of it than MaxBody gives an error of class TooLarge. a may be nil: no
// authentication. A token is kept until it expires; a 401 makes the client fetch another and send the request once more,
// if its body can be read again (GetBody). Errors are *Error, or context.Canceled.
func (c *Client) Do(ctx context.Context, req *http.Request, a *Auth) (*http.Response, error) {
	if e := checkRequest(req); e != nil {
		return nil, e
	}
	how, e := c.choose(req.URL, a)
	if e != nil {
		e.Peer = req.URL.Host
		return nil, e
	}
	via := c.plain
	if how.cert {
		via = c.cert
	}
	if how.oauth2 == nil {
		return c.send(ctx, via, req, func(r *http.Request) {
			if how.basic != nil {
				r.SetBasicAuth(how.basic.UserName, how.basic.Password)
			}
		})
	}
	token, err := c.tokens.get(ctx, how.oauth2, "")
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, via, req, bearer(token))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || (req.Body != nil && req.Body != http.NoBody && req.GetBody == nil) {
		return resp, err
	}
	_ = resp.Body.Close()
	if token, err = c.tokens.get(ctx, how.oauth2, token); err != nil {
		return nil, err
	}
	again := req.Clone(ctx)
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, &Error{Class: Unusable, Peer: req.URL.Host, reason: "the request cannot be sent twice"}
		}
	}
	return c.send(ctx, via, again, bearer(token))
}

// Close ends the connections that are kept for the next request.
func (c *Client) Close() {
	c.plain.CloseIdleConnections()
	if c.cert != nil {
		c.cert.CloseIdleConnections()
	}
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// send sends a copy of the request, so that the caller's never holds a credential.
func (c *Client) send(ctx context.Context, via *http.Client, req *http.Request, authorize func(*http.Request)) (*http.Response, error) {
	r := req.Clone(ctx)
	authorize(r)
	resp, err := via.Do(r)
	if err != nil {
		return nil, classify(req.URL.Host, err)
	}
	resp.Request = req
	resp.Body = &bounded{body: resp.Body, left: c.cfg.MaxBody, peer: req.URL.Host}
	return resp, nil
}

// bounded reads at most left bytes.
type bounded struct {
	body io.ReadCloser
	left int64
	peer string
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more byte tells whether the body ends at the limit
	}
	n, err := b.body.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), &Error{Class: TooLarge, Peer: b.peer, reason: "the answer is larger than allowed"}
	} else if err != nil && !errors.Is(err, io.EOF) {
		err = classify(b.peer, err)
	}
	b.left -= int64(n)
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }

package restclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
)

// Connections opens management connections; a management.Service does.
type Connections interface {
	Open(ctx context.Context, id string) (*management.Details, error)
}

// Doer makes one HTTP exchange; an egress.Client is one.
type Doer interface {
	Do(ctx context.Context, req *http.Request, a *egress.Auth) (*http.Response, error)
}

// Config describes a client.
type Config struct {
	Connections Connections
	// Client calls the addresses that connections have; Guarded those that VNFs' connection points have, which others choose.
	Client, Guarded Doer
	// BaseURL is the root of our own interfaces, for the links of coordination requests.
	BaseURL string
}

// Client is a client of VNFs and element managers. It is safe for concurrent use.
type Client struct{ cfg Config }

// New makes a client.
func New(cfg Config) *Client {
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	return &Client{cfg: cfg}
}

var (
	_ configuration.Configurer  = (*Client)(nil)
	_ configuration.Coordinator = (*Client)(nil)
)

// The API versions we speak (SOL002 v3.7.1 §9.2, §10.2).
const (
	configVersion = "1.3.0"
	coordVersion  = "1.1.0"
)

const (
	configRoot = "/vnfconfig/v1"
	coordRoot  = "/lcmcoord/v1"
)

// peer is one endpoint, ready to be called.
type peer struct {
	root    string
	auth    *egress.Auth
	data    map[string]json.RawMessage
	via     Doer
	secrets []string // that its answers must not bring into what is kept
}

// peer reads whom to call. Its errors are *configuration.Error.
func (c *Client) peer(ctx context.Context, e *configuration.Endpoint) (*peer, error) {
	d, err := c.cfg.Connections.Open(ctx, e.Connection)
	switch vnfm.KindOf(err) {
	case "":
	case vnfm.Unavailable:
		return nil, &configuration.Error{Class: message.Unavailable, Hint: err.Error()}
	case vnfm.NotFound, vnfm.Conflict:
		return nil, &configuration.Error{Class: message.Auth, Hint: fmt.Sprintf("the management connection %s is not registered any more, or disabled: register it, then retry", e.Connection)}
	default:
		return nil, &configuration.Error{Class: message.Auth, Hint: err.Error()}
	}
	p := &peer{root: d.Root(e.Address), auth: d.Auth, data: d.Data, via: c.cfg.Client}
	if cpd := d.Cpd(); cpd != "" {
		p.via = c.cfg.Guarded
		if e.Address == "" || cpd != e.Cpd {
			return nil, &configuration.Error{Class: message.Permanent, Hint: fmt.Sprintf("the management connection %s is for the address of the external connection point %s, and the VNF has none there", e.Connection, cpd)}
		}
	}
	if d.Auth != nil && d.Auth.Basic != nil {
		p.secrets = append(p.secrets, d.Auth.Basic.Password)
	}
	if d.Auth != nil && d.Auth.OAuth2 != nil {
		p.secrets = append(p.secrets, d.Auth.OAuth2.ClientPassword)
	}
	return p, nil
}

// call is one exchange.
type call struct {
	method, path, version, contentType string
	body                               []byte
	header                             http.Header
}

// answer is what came of a call: its status, and its body as far as it is JSON.
type answer struct {
	status int
	header http.Header
	body   []byte
	after  time.Duration
}

// do makes a call and reads the answer. Its errors are *configuration.Error.
func (p *peer) do(ctx context.Context, x call) (*answer, error) {
	var body io.Reader
	if x.body != nil {
		body = bytes.NewReader(x.body)
	}
	req, err := http.NewRequestWithContext(ctx, x.method, p.root+x.path, body)
	if err != nil {
		return nil, &configuration.Error{Class: message.Permanent, Hint: "the endpoint cannot be called: its address is no URI"}
	}
	for k, v := range x.header {
		req.Header[k] = v
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Version", x.version)
	if x.body != nil {
		req.Header.Set("Content-Type", cmp.Or(x.contentType, "application/json"))
	}
	res, err := p.via.Do(ctx, req, p.auth)
	if err != nil {
		return nil, noAnswer(err)
	}
	defer func() { _ = res.Body.Close() }()
	out := &answer{status: res.StatusCode, header: res.Header, after: egress.Unexpected(res).RetryAfter}
	if out.body, err = io.ReadAll(res.Body); err != nil {
		return nil, noAnswer(err)
	}
	return out, nil
}

// noAnswer sorts the errors of a call that got none.
func noAnswer(err error) error {
	out := &configuration.Error{Class: message.Unavailable, Hint: "no answer from " + err.Error()}
	var e *egress.Error
	if !errors.As(err, &e) {
		out.Class = message.UnknownOutcome
		return out
	}
	switch e.Class {
	case egress.Timeout:
		out.Class = message.UnknownOutcome
	case egress.Unusable, egress.Refused:
		out.Class, out.Hint = message.Auth, e.Error()
	case egress.Status: // of the token endpoint
		if out.Hint = e.Error(); e.StatusCode >= 400 && e.StatusCode < 500 && e.StatusCode != http.StatusTooManyRequests {
			out.Class = message.Auth
		}
	case egress.TooLarge:
		out.Class, out.Hint = message.Permanent, e.Error()+" (management-max-body)"
	case egress.Unreachable:
	}
	return out
}

// refusal sorts an answer that is no success by its status (SOL013 v3.7.1 §6.4).
func (p *peer) refusal(x call, a *answer) error {
	out := &configuration.Error{Class: message.Permanent}
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		out.Class = message.Auth
	case a.status == http.StatusTooManyRequests, a.status == http.StatusRequestTimeout:
		out.Class = message.Unavailable
	case a.status == http.StatusNotFound:
		out.Class = message.NotFound
	case a.status == http.StatusNotImplemented, a.status == http.StatusHTTPVersionNotSupported:
	case a.status >= http.StatusInternalServerError:
		out.Class = message.Unavailable
	}
	out.Hint = fmt.Sprintf("%s %s was answered %d %s", x.method, x.path, a.status, http.StatusText(a.status))
	if a.status >= 300 && a.status < 400 {
		out.Hint += ", and redirects are not followed: correct the management connection's uri"
	}
	if detail := p.problem(a.body); detail != "" {
		out.Hint += ": " + detail
	}
	return out
}

// problem reads what an endpoint says of an error.
func (p *peer) problem(body []byte) string {
	var d sol.ProblemDetails
	if json.Unmarshal(body, &d) != nil {
		return ""
	}
	return p.words(cmp.Or(d.Detail, d.Title))
}

// maxWords bounds what is kept of an endpoint's words.
const maxWords = 2000

// words makes an endpoint's words fit to be kept: no credentials, and not too many.
func (p *peer) words(s string) string {
	s = strings.ToValidUTF8(secret.Scrub(s, p.secrets), "?")
	if r := []rune(s); len(r) > maxWords {
		return string(r[:maxWords]) + "…"
	}
	return s
}

// read reads the JSON body of an answer.
func read(a *answer, into any) error {
	if err := json.Unmarshal(a.body, into); err != nil {
		return &configuration.Error{Class: message.Permanent, Hint: "the answer cannot be read as the JSON that SOL002 has there"}
	}
	return nil
}

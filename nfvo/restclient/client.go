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
	"sync"
	"time"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/sol"
)

// Config describes the orchestrator.
type Config struct {
	// URL is the root of its interfaces, {apiRoot} in SOL003: /grant/v1, /vnfpkgm/v2 and /vnfsnapshotpkgm/v1 are below it.
	URL string
	// Auth is how we show who we are; nil: not at all.
	Auth *egress.Auth
	// Client makes the calls; Bulk those that fetch package contents, which are large and take long.
	Client, Bulk Doer
}

// Doer makes one HTTP exchange; an egress.Client is one.
type Doer interface {
	Do(ctx context.Context, req *http.Request, a *egress.Auth) (*http.Response, error)
}

// Client is a client of one orchestrator. It is safe for concurrent use.
type Client struct {
	cfg    Config
	agreed sync.Map // version by root, where it is not our newest
}

// New makes a client.
func New(cfg Config) *Client {
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	return &Client{cfg: cfg}
}

const (
	grantRoot    = "/grant/v1"
	packageRoot  = "/vnfpkgm/v2"
	snapshotRoot = "/vnfsnapshotpkgm/v1"
)

// call is one exchange with the orchestrator.
type call struct {
	method, path, accept string
	body                 []byte
	header               http.Header
	via                  Doer // nil: Client
}

// do makes a call and returns the answer, whose status is a success's. Its errors are *nfvo.Error. Where the orchestrator does not serve
// the version of the API that was asked for, it is called again with one that it serves.
func (c *Client) do(ctx context.Context, x call) (*http.Response, error) {
	res, err := c.once(ctx, x)
	if err != nil && c.agree(ctx, err, rootOf(x.path)) {
		return c.once(ctx, x)
	}
	return res, err
}

// once makes one exchange of a call.
func (c *Client) once(ctx context.Context, x call) (*http.Response, error) {
	var body io.Reader
	if x.body != nil {
		body = bytes.NewReader(x.body)
	}
	req, err := http.NewRequestWithContext(ctx, x.method, c.cfg.URL+x.path, body)
	if err != nil {
		return nil, &nfvo.Error{Class: message.Permanent, Reason: "the NFVO cannot be called: " + err.Error()}
	}
	for k, v := range x.header {
		req.Header[k] = v
	}
	req.Header.Set("Accept", cmp.Or(x.accept, "application/json"))
	req.Header.Set("Version", c.version(rootOf(x.path)))
	if x.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	via := x.via
	if via == nil {
		via = c.cfg.Client
	}
	res, err := via.Do(ctx, req, c.cfg.Auth)
	if err != nil {
		return nil, noAnswer(err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer func() { _ = res.Body.Close() }()
		return nil, refusal(res)
	}
	return res, nil
}

// noAnswer sorts the errors of a call that got none.
func noAnswer(err error) error {
	out := &nfvo.Error{Class: message.Unavailable, Reason: "the NFVO does not answer: " + err.Error()}
	var e *egress.Error
	if !errors.As(err, &e) {
		return out
	}
	out.Status, out.RetryAfter = e.StatusCode, e.RetryAfter
	switch e.Class {
	case egress.Timeout:
		out.Class = message.UnknownOutcome
	case egress.Unusable, egress.Refused:
		out.Class = message.Auth
	case egress.Status: // of the token endpoint
		if e.StatusCode >= 400 && e.StatusCode < 500 && e.StatusCode != http.StatusTooManyRequests {
			out.Class = message.Auth
		}
	case egress.TooLarge:
		out.Class = message.Permanent
	case egress.Unreachable:
	}
	return out
}

// maxProblem bounds what is read of an error's body.
const maxProblem = 64 << 10

// refusal sorts an answer that is no success by its status (SOL013 v3.7.1 §6.4).
func refusal(res *http.Response) error {
	e := egress.Unexpected(res)
	out := &nfvo.Error{Class: message.Permanent, Status: res.StatusCode, RetryAfter: e.RetryAfter}
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		out.Class = message.Auth
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusRequestTimeout:
		out.Class = message.Unavailable
	case res.StatusCode == http.StatusNotFound:
		out.Class = message.NotFound
	case res.StatusCode == http.StatusNotImplemented, res.StatusCode == http.StatusHTTPVersionNotSupported:
	case res.StatusCode >= http.StatusInternalServerError:
		out.Class = message.Unavailable
	}
	out.Reason = fmt.Sprintf("the NFVO answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		out.Reason += ", and redirects are not followed: correct nfvo-url"
	}
	var p sol.ProblemDetails
	b, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err == nil && json.Unmarshal(b, &p) == nil && (p.Detail != "" || p.Title != "") {
		out.Reason += ": " + clip(cmp.Or(p.Detail, p.Title))
	}
	return out
}

// maxDetail bounds what is kept of the orchestrator's words.
const maxDetail = 2000

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > maxDetail {
		return string(r[:maxDetail]) + "…"
	}
	return s
}

// read reads the JSON body of an answer and closes it.
func read(res *http.Response, into any) ([]byte, error) {
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, noAnswer(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return nil, &nfvo.Error{Class: message.Permanent, Status: res.StatusCode, Reason: "the NFVO's answer cannot be read: " + err.Error()}
	}
	return b, nil
}

// wait is what an answer asks to wait, 0 when it does not say.
func wait(res *http.Response) time.Duration { return egress.Unexpected(res).RetryAfter }

// Package client is the Go client of the API: typed calls, waits, and errors that carry ProblemDetails. The CLI uses it,
// and so may anyone.
//
// Every call that changes something sends an Idempotency-Key of its own and is sent again, with the same key, when the
// connection breaks, the server is unavailable or asks for a pause (429): it has its effect once, or an error says that it could not be sent.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/vnfm/vnfm/sol"
)

// Error is an answer of the server that is not a success.
type Error struct {
	sol.ProblemDetails
}

// Error returns the detail with the status.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (%d %s)", e.Detail, e.Status, http.StatusText(e.Status))
}

// Config says how to reach a server.
type Config struct {
	Server string       // root of the API, e.g. http://127.0.0.1:8080
	Token  string       // bearer token; "" sends none
	HTTP   *http.Client // nil: http.DefaultClient; Access makes one
	// Retries is how often a call is sent again after a broken connection, a 503 or a 429; 0 means 5, below 0 never.
	Retries int
	// Wait waits for the given time or until the context ends; nil waits by the clock.
	Wait func(ctx context.Context, d time.Duration) error
	// Lost is told that a server which was there is away while something is waited for; then the wait goes on until it is back or the
	// context ends. nil: the wait ends with the error.
	Lost func(err error)
}

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base string
	Config
	reached atomic.Bool
}

// New returns a client; the error is for a server that is no URL.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a server, like http://127.0.0.1:8080", c.Server)
	}
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.Retries == 0 {
		c.Retries = 5
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Client{base: strings.TrimSuffix(c.Server, "/"), Config: c}, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}

// call is one request. Body is opened anew for each attempt.
type call struct {
	method, path string
	media        string
	body         func() (io.ReadCloser, int64, error)
}

func jsonCall(method, path string, v any) call {
	c := call{method: method, path: path}
	if v != nil {
		c.media = "application/json"
		c.body = func() (io.ReadCloser, int64, error) {
			b, err := json.Marshal(v)
			if err != nil {
				return nil, 0, fmt.Errorf("encode the request: %w", err)
			}
			return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
		}
	}
	return c
}

// do sends a call until it is answered, and decodes the answer into v unless that is nil.
func (c *Client) do(ctx context.Context, q call, v any) (http.Header, error) {
	key := ""
	if q.method != http.MethodGet {
		key = uuid.NewString()
	}
	for attempt := 0; ; attempt++ {
		header, again, err := c.once(ctx, q, key, v)
		if err == nil || again < 0 || attempt >= c.Retries || ctx.Err() != nil {
			return header, err
		}
		if again == 0 {
			again = min(200*time.Millisecond<<attempt, 5*time.Second)
		}
		if werr := c.Wait(ctx, again); werr != nil {
			return header, err
		}
	}
}

// once sends a call one time. again is how long to wait before it is worth sending again, below 0 when it is not.
func (c *Client) once(ctx context.Context, q call, key string, v any) (header http.Header, again time.Duration, err error) {
	var body io.ReadCloser
	var size int64
	if q.body != nil {
		if body, size, err = q.body(); err != nil {
			return nil, -1, err
		}
	}
	target := c.base + q.path
	if strings.HasPrefix(q.path, "http") {
		target = q.path // the next page of a list
	}
	r, err := http.NewRequestWithContext(ctx, q.method, target, body)
	if err != nil {
		return nil, -1, fmt.Errorf("%s %s: %w", q.method, q.path, err)
	}
	r.ContentLength = size
	r.Header.Set("Accept", "application/json, application/problem+json")
	if q.media != "" {
		r.Header.Set("Content-Type", q.media)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	res, again, err := c.send(r)
	if err != nil {
		return nil, again, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("read the answer: %w", err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return res.Header, retryAfter(res), problem(res, b)
	}
	if v != nil && (len(b) > 0 || res.StatusCode != http.StatusAccepted) { // what is begun may say no more than where it is
		if err := json.Unmarshal(b, v); err != nil {
			return res.Header, -1, fmt.Errorf("the answer to %s %s is not understood: %w", q.method, q.path, err)
		}
	}
	return res.Header, -1, nil
}

// send sends a request. again is how long to wait before it is worth sending again when there is no answer, below 0 when it is not.
func (c *Client) send(r *http.Request) (res *http.Response, again time.Duration, err error) {
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	res, err = c.HTTP.Do(r)
	if err != nil {
		// Someone who is not there at all is not waited for; someone who was there is: it may be restarting.
		var op *net.OpError
		var token *oauth2.RetrieveError
		if errors.As(err, &op) && op.Op == "dial" && !c.reached.Load() {
			again = -1
		}
		if errors.As(err, &token) {
			return nil, -1, fmt.Errorf("no access token: %s answers %s %s", token.Response.Request.URL.Host, token.Response.Status, token.ErrorCode)
		}
		return nil, again, c.unreachable(err)
	}
	c.reached.Store(true)
	return res, 0, nil
}

// unreachable is the error of a request without an answer, without its address, which says no more than that of the server.
func (c *Client) unreachable(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("cannot reach the server at %s: %w", c.base, err)
}

func retryAfter(res *http.Response) time.Duration {
	if res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusTooManyRequests {
		return -1
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Minute)
}

func problem(res *http.Response, body []byte) error {
	e := &Error{}
	if json.Unmarshal(body, &e.ProblemDetails) != nil || e.Detail == "" {
		e.Detail = strings.TrimSpace(string(body))
	}
	e.Status = res.StatusCode
	return e
}

var next = regexp.MustCompile(`<([^>]*)>; *rel="?next"?`)

// list reads all pages of a collection.
func list[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	return some[T](ctx, c, path, 0)
}

// some reads the pages of a collection until there are so many entries; 0: all.
func some[T any](ctx context.Context, c *Client, path string, limit int) ([]T, error) {
	all := []T{}
	for path != "" {
		var page []T
		header, err := c.do(ctx, jsonCall(http.MethodGet, path, nil), &page)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		path = ""
		if m := next.FindStringSubmatch(header.Get("Link")); m != nil {
			path = c.local(m[1])
		}
	}
	return all, nil
}

// local turns a link of the server into a path, so that it is followed where the client knows the server to be.
func (c *Client) local(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	base, err := url.Parse(c.base)
	if err != nil || u.Host != base.Host {
		return link
	}
	return strings.TrimPrefix(u.RequestURI(), base.Path)
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	v := new(T)
	if _, err := c.do(ctx, jsonCall(http.MethodGet, path, nil), v); err != nil {
		return nil, err
	}
	return v, nil
}

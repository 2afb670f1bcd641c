package notify

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/vnfm/vnfm/egress"
)

// HTTP is the Sender that speaks HTTP to subscribers.
type HTTP struct {
	Client *egress.Client
	// Versions are sent with each request: that of the API (SOL013 v3.7.1 §9.2), by the form of the notifications.
	Versions map[string]string
}

var _ Sender = HTTP{}

// Usable returns an error when the client has nothing to authenticate with, or would send it without TLS.
func (h HTTP) Usable(to Callback) error { return h.Client.Usable(to.URI, to.Auth) }

// Test sends a GET, which must be answered with 204.
func (h HTTP) Test(ctx context.Context, to Callback) error {
	return h.do(ctx, http.MethodGet, to, nil, func(status int) bool { return status == http.StatusNoContent })
}

// Post sends a POST. The standard wants 204 for an answer; any 2xx is taken.
func (h HTTP) Post(ctx context.Context, to Callback, body []byte) error {
	return h.do(ctx, http.MethodPost, to, body, func(status int) bool { return status >= 200 && status < 300 })
}

func (h HTTP) do(ctx context.Context, method string, to Callback, body []byte, good func(status int) bool) error {
	req, err := http.NewRequestWithContext(ctx, method, to.URI, bytes.NewReader(body))
	if err != nil {
		return egress.Failure(egress.Refused, "the callback is not a URI") // the error would quote it
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Version", h.Versions[to.Form])
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.Client.Do(ctx, req, to.Auth)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if !good(resp.StatusCode) {
		return egress.Unexpected(resp)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection can be used again; an error says nothing
	return nil
}

// retryAfter returns how long the subscriber asked to wait.
func retryAfter(err error) time.Duration {
	var e *egress.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

package restclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/sol"
)

const onboarded = packageRoot + "/onboarded_vnf_packages"

// pkgInfo is the part of VnfPkgInfo that is read: releases differ in the rest.
type pkgInfo struct {
	ID          string `json:"id"`
	VnfdID      string `json:"vnfdId"`
	Onboarding  string `json:"onboardingState"`
	Operational string `json:"operationalState"`
}

func (p pkgInfo) info() nfvo.PackageInfo {
	return nfvo.PackageInfo{ID: p.ID, VnfdID: p.VnfdID, Onboarded: p.Onboarding == "ONBOARDED", Enabled: p.Operational == "ENABLED"}
}

// Package returns what the orchestrator says of the package with a vnfdId (SOL003 v3.7.1 §10.4.3). Errors are *nfvo.Error, of
// class NotFound when it has none.
func (c *Client) Package(ctx context.Context, vnfdID string) (nfvo.PackageInfo, error) {
	res, err := c.do(ctx, call{method: http.MethodGet, path: onboarded + "/" + url.PathEscape(vnfdID)}) //nolint:bodyclose // read closes it
	if err != nil {
		return nfvo.PackageInfo{}, err
	}
	var p pkgInfo
	if _, err := read(res, &p); err != nil {
		return nfvo.PackageInfo{}, err
	}
	if p.ID == "" || p.VnfdID != vnfdID {
		return nfvo.PackageInfo{}, &nfvo.Error{Class: message.Permanent, Reason: fmt.Sprintf("the NFVO answers for the package of %q with that of %q", vnfdID, clip(p.VnfdID))}
	}
	return p.info(), nil
}

// maxPages bounds the pages of a list: one that never ends is an error.
const maxPages = 10_000

// Packages lists the orchestrator's onboarded packages, page by page.
func (c *Client) Packages(ctx context.Context) ([]nfvo.PackageInfo, error) {
	var all []nfvo.PackageInfo
	path := onboarded
	for range maxPages {
		res, err := c.do(ctx, call{method: http.MethodGet, path: path}) //nolint:bodyclose // read closes it
		if err != nil {
			return nil, err
		}
		var page []pkgInfo
		if _, err := read(res, &page); err != nil {
			return nil, err
		}
		for _, p := range page {
			if p.ID != "" && p.VnfdID != "" {
				all = append(all, p.info())
			}
		}
		next := nextPage(res.Header)
		if next == "" {
			return all, nil
		}
		path = onboarded + "?" + url.Values{"nextpage_opaque_marker": {next}}.Encode()
	}
	return nil, &nfvo.Error{Class: message.Permanent, Reason: "the NFVO's list of packages does not end"}
}

var linkNext = regexp.MustCompile(`<([^>]*)>\s*;[^,]*rel="?next"?`)

// nextPage returns the marker of the next page (SOL013 v3.7.1 §5.4.2), "" when there is none. Only the marker is taken from
// the link: where we call is our own business.
func nextPage(h http.Header) string {
	m := linkNext.FindStringSubmatch(strings.Join(h.Values("Link"), ", "))
	if m == nil {
		return ""
	}
	u, err := url.Parse(m[1])
	if err != nil {
		return ""
	}
	return u.Query().Get("nextpage_opaque_marker")
}

// Vnfd returns the descriptor of a package, plain or as a zip file, with its media type. The caller closes it.
func (c *Client) Vnfd(ctx context.Context, vnfdID string) (io.ReadCloser, string, error) {
	res, err := c.do(ctx, call{method: http.MethodGet, path: onboarded + "/" + url.PathEscape(vnfdID) + "/vnfd", accept: "text/plain, application/zip", via: c.cfg.Bulk})
	if err != nil {
		return nil, "", err
	}
	return res.Body, res.Header.Get("Content-Type"), nil
}

// Content returns the whole package. A connection that breaks is taken up where it broke (SOL003 v3.7.1 §10.4.5.3.2, Range). The
// caller closes it.
func (c *Client) Content(ctx context.Context, vnfdID string) (io.ReadCloser, error) {
	return c.resuming(ctx, onboarded+"/"+url.PathEscape(vnfdID)+"/package_content", "application/zip")
}

// Artifact returns one file of a package by its path within it. The caller closes it.
func (c *Client) Artifact(ctx context.Context, vnfdID, path string) (io.ReadCloser, error) {
	return c.resuming(ctx, onboarded+"/"+url.PathEscape(vnfdID)+"/artifacts/"+escaped(path), "*/*")
}

// escaped is a path within a package as a part of a URL.
func escaped(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// maxResumes bounds how often in a row a file is taken up without a byte of progress.
const maxResumes = 5

// file reads a file over as many exchanges as it takes.
type file struct {
	c      *Client
	ctx    context.Context //nolint:containedctx // of the one reading
	call   call
	etag   string
	body   io.ReadCloser
	at     int64
	stalls int
}

func (c *Client) resuming(ctx context.Context, path, accept string) (io.ReadCloser, error) {
	f := &file{c: c, ctx: ctx, call: call{method: http.MethodGet, path: path, accept: accept, via: c.cfg.Bulk}}
	res, err := c.do(ctx, f.call) //nolint:bodyclose // Close closes it
	if err != nil {
		return nil, err
	}
	f.body, f.etag = res.Body, res.Header.Get("ETag")
	return f, nil
}

// Read reads on, over broken connections.
func (f *file) Read(p []byte) (int, error) {
	for {
		n, err := f.body.Read(p)
		f.at += int64(n)
		if n > 0 {
			f.stalls = 0
		}
		if err == nil || err == io.EOF || n > 0 {
			if n > 0 && err != io.EOF { // a broken connection is met again by the next Read
				err = nil
			}
			return n, err
		}
		if err := f.resume(err); err != nil {
			return 0, err
		}
	}
}

// resume asks for the rest.
func (f *file) resume(broken error) error {
	if f.stalls++; f.stalls > maxResumes || f.ctx.Err() != nil {
		return fmt.Errorf("the file broke off at byte %d: %w", f.at, broken)
	}
	_ = f.body.Close()
	f.body = http.NoBody
	x := f.call
	x.header = http.Header{"Range": {fmt.Sprintf("bytes=%d-", f.at)}}
	if f.etag != "" {
		x.header.Set("If-Range", f.etag)
	}
	res, err := f.c.do(f.ctx, x) //nolint:bodyclose // Close closes it
	if err != nil {
		return err
	}
	f.body = res.Body
	if res.StatusCode == http.StatusPartialContent {
		if !strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", f.at)) {
			return &nfvo.Error{Class: message.Transient, Reason: "the NFVO answered with another range than the one asked for"}
		}
		return nil
	}
	// From its beginning: the file changed, or ranges are unknown there. What was read is read again, and thrown away,
	// unless it is another file.
	if f.etag == "" || res.Header.Get("ETag") != f.etag {
		return &nfvo.Error{Class: message.Transient, Reason: "the file changed while it was read, or cannot be read from its middle"}
	}
	if _, err := io.CopyN(io.Discard, f.body, f.at); err != nil {
		return &nfvo.Error{Class: message.Transient, Reason: "the file broke off again: " + err.Error()}
	}
	return nil
}

// Close ends the reading.
func (f *file) Close() error { return f.body.Close() }

// Subscribe makes sure that the orchestrator tells a callback URI of its packages (SOL003 v3.7.1 §10.4.7.3.1). One that is
// subscribed already stays; two that subscribe at once may both be told, which does no harm.
func (c *Client) Subscribe(ctx context.Context, callback string) error {
	const path = packageRoot + "/subscriptions"
	res, err := c.do(ctx, call{method: http.MethodGet, path: path}) //nolint:bodyclose // Close closes it
	if err != nil {
		return err
	}
	var have []sol.PkgmSubscription
	if _, err := read(res, &have); err != nil {
		return err
	}
	for _, s := range have {
		if s.CallbackUri == callback {
			return nil
		}
	}
	body, err := json.Marshal(sol.PkgmSubscriptionRequest{
		Filter: &sol.PkgmNotificationsFilter{NotificationTypes: []string{sol.VnfPackageOnboarding, sol.VnfPackageChange}}, CallbackUri: callback,
	})
	if err != nil {
		return fmt.Errorf("encode the subscription: %w", err)
	}
	if res, err = c.do(ctx, call{method: http.MethodPost, path: path, body: body}); err != nil {
		return err
	}
	return res.Body.Close()
}

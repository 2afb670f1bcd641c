package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vnfm/vnfm/sol"
)

// Kind is a kind of resource that has a past, as its path names it.
type Kind string

// The kinds.
const (
	KindVnf     Kind = "vnf_instances"
	KindOp      Kind = "vnf_lcm_op_occs"
	KindPackage Kind = "vnf_packages"
)

// EventQuery selects events. Since and Until are a version, a time (RFC 3339), or how long ago it was (-10m); "" is no
// bound. Types are names, or the beginning of names before a "*"; none selects all. Vnf selects one VNF's from the log.
type EventQuery struct {
	Since, Until string
	Types        []string
	Vnf          string
}

func (q EventQuery) String() string {
	v := url.Values{}
	for name, value := range map[string]string{"from": q.Since, "to": q.Until, "vnf": q.Vnf, "type": strings.Join(q.Types, ",")} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// History lists events of a resource, in the order in which they happened; those of a VNF instance with those of its
// operations. It answers for what was deleted, too.
func (c *Client) History(ctx context.Context, kind Kind, id string, q EventQuery) ([]sol.VnfEvent, error) {
	return list[sol.VnfEvent](ctx, c, at(own, string(kind), id, "events")+q.String())
}

// VnfAt returns a VNF instance as it was at a version or time; at "" is its newest state, also when it was deleted.
func (c *Client) VnfAt(ctx context.Context, id, when string) (*sol.PastVnfInstance, error) {
	return get[sol.PastVnfInstance](ctx, c, pastOf(KindVnf, id, when))
}

// OpAt returns an operation occurrence as it was at a version or time.
func (c *Client) OpAt(ctx context.Context, id, when string) (*sol.PastVnfLcmOpOcc, error) {
	return get[sol.PastVnfLcmOpOcc](ctx, c, pastOf(KindOp, id, when))
}

// PackageAt returns a VNF package as it was at a version or time.
func (c *Client) PackageAt(ctx context.Context, id, when string) (*sol.PastVnfPkgInfo, error) {
	return get[sol.PastVnfPkgInfo](ctx, c, pastOf(KindPackage, id, when))
}

func pastOf(kind Kind, id, when string) string {
	path := at(own, string(kind), id)
	if when != "" {
		path += "?at=" + url.QueryEscape(when)
	}
	return path
}

// Diff returns what changed between two versions or times of a resource: by default from its first to its newest state.
func (c *Client) Diff(ctx context.Context, kind Kind, id, from, to string) (*sol.Difference, error) {
	return get[sol.Difference](ctx, c, at(own, string(kind), id, "diff")+EventQuery{Since: from, Until: to}.String())
}

// silence is how long a tail may be without a sign of life, which the server sends every 15 s.
const silence = 45 * time.Second

// Tail hands out the events of the whole log, or of one VNF, from the query's Since on, or from now on, until the context
// ends or handle returns an error. When the connection breaks or the server restarts it goes on behind the last event:
// none is lost and none comes twice. Every start of waiting for the server is told to lost, unless that is nil.
func (c *Client) Tail(ctx context.Context, q EventQuery, handle func(sol.VnfEvent) error, lost func(error)) error {
	last := ""
	for attempt := 0; ; attempt++ {
		got, err := c.listen(ctx, own+"/events"+q.String(), &last, handle)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the caller's own end
		}
		if got {
			attempt = 0
		}
		var stop *halt
		switch {
		case err == nil: // the server ended it in an orderly way
		case errors.As(err, &stop):
			return stop.err
		case attempt >= c.Retries && !c.reached.Load():
			return err
		}
		if attempt > 0 && lost != nil && err != nil {
			lost(err)
		}
		if c.Wait(ctx, min(time.Second<<min(attempt, 5), 15*time.Second)) != nil {
			return nil //nolint:nilerr // the caller's own end
		}
	}
}

// halt ends a tail for good.
type halt struct{ err error }

func (h *halt) Error() string { return h.err.Error() }

// listen follows one connection to its end and reports whether anything came.
func (c *Client) listen(ctx context.Context, path string, last *string, handle func(sol.VnfEvent) error) (got bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return false, &halt{fmt.Errorf("GET %s: %w", path, err)}
	}
	r.Header.Set("Accept", "text/event-stream")
	if *last != "" {
		r.Header.Set("Last-Event-ID", *last)
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	res, err := c.HTTP.Do(r)
	if err != nil {
		return false, c.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	c.reached.Store(true)
	if res.StatusCode != http.StatusOK {
		body := bufio.NewScanner(res.Body)
		body.Scan()
		refused := problem(res, body.Bytes())
		if res.StatusCode < http.StatusInternalServerError && res.StatusCode != http.StatusTooManyRequests {
			return false, &halt{refused}
		}
		return false, refused
	}
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	id := *last
	for lines.Scan() {
		quiet.Reset(silence)
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			var e sol.VnfEvent
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				return got, &halt{fmt.Errorf("an event is not understood: %w", err)}
			}
			if err := handle(e); err != nil {
				return got, &halt{err}
			}
			*last, got = id, true
		}
	}
	return got, lines.Err() //nolint:wrapcheck // only told to who watches
}

package notify

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/egress"
)

// gates keep the worker from a subscriber that does not answer: after a failure it is tried with one delivery at a time,
// after growing waits, until one succeeds, or an operator asks. They are in memory only; a restart costs one attempt each.
type gates struct {
	mu   sync.Mutex
	shut map[string]*gate // by subscription
}

type gate struct {
	fails int
	began time.Time // when the newest attempt that failed did
	until time.Time
}

// room returns how many deliveries to a subscription may be under way, and, when there may be none, until when.
func (g *gates) room(sub string, now time.Time, limit int) (int, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.shut[sub]
	switch {
	case x == nil:
		return limit, time.Time{}
	case now.Before(x.until):
		return 0, x.until
	}
	return 1, time.Time{}
}

// failed shuts a subscription's gate until the time that wait gives for its failures in a row.
func (g *gates) failed(sub string, began, now time.Time, wait func(fails int) time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.shut[sub]
	if x == nil {
		x = &gate{}
		g.shut[sub] = x
	}
	if now.Before(x.until) {
		return // another delivery of the same time said so already
	}
	x.fails++
	x.began = began
	x.until = now.Add(wait(x.fails))
}

// waiting returns the subscriptions whose gates are shut.
func (g *gates) waiting(now time.Time) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for sub, x := range g.shut {
		if now.Before(x.until) {
			out = append(out, sub)
		}
	}
	slices.Sort(out)
	return out
}

// asked opens a subscription's gate when an operator asked for it after the attempt that shut it began.
func (g *gates) asked(sub string, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if x := g.shut[sub]; x != nil && at.After(x.began) {
		delete(g.shut, sub)
	}
}

// open opens a subscription's gate.
func (g *gates) open(sub string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.shut, sub)
}

// away reports whether an error says more about the subscriber than about the notification.
func away(err error) bool {
	e := egress.StatusOf(err)
	switch e {
	case 0, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusProxyAuthRequired, http.StatusTooManyRequests:
		return true
	}
	return e < http.StatusBadRequest || e >= http.StatusInternalServerError
}

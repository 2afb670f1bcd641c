package server

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
)

// listen opens the address that the API is served at.
func listen(ctx context.Context, address string) (net.Listener, error) {
	lc := net.ListenConfig{}
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("another program, perhaps another vnfmd, listens there: stop it, or choose another port (0 takes a free one): %w", err)
	case errors.Is(err, syscall.EACCES):
		err = fmt.Errorf("a port below 1024 needs CAP_NET_BIND_SERVICE: choose a higher one, or give the program that right: %w", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		err = fmt.Errorf("this machine has no such address: %w", err)
	}
	return nil, fmt.Errorf("--listen %s: %w", address, err)
}

// listener is one with at most so many connections open. Beyond that the one that has been without a request for
// longest makes room for the one that comes: whoever opens many and sends nothing, or slowly, keeps out only itself, and a look
// at the server's health gets in always. One that serves a request is never closed for another.
type listener struct {
	net.Listener
	most    int
	open    prometheus.Gauge
	evicted prometheus.Counter

	mu      sync.Mutex
	n       int
	waiting *list.List // of *connection that serve no request, whoever has been so for longest in front
}

// connection is one of them.
type connection struct {
	net.Conn
	of *listener

	place   *list.Element // in waiting; nil while it serves, and once it is closed
	serving int           // requests: over HTTP/2 several at once
	closed  bool
}

// newListener bounds a listener, and says in the metrics how it is.
func newListener(l net.Listener, most int, reg prometheus.Registerer) (*listener, error) {
	c := &listener{
		Listener: l, most: most, waiting: list.New(),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vnfm_http_connections", Help: "Connections of clients that are open.",
		}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "vnfm_http_evicted_connections_total", Help: "Connections without a request that were closed to make room for others (http-connections).",
		}),
	}
	for _, m := range []prometheus.Collector{c.open, c.evicted} {
		if err := reg.Register(m); err != nil {
			return nil, err //nolint:wrapcheck // says what it was about
		}
	}
	return c, nil
}

// Accept returns the next connection, and closes another when there are too many.
func (c *listener) Accept() (net.Conn, error) {
	for {
		raw, err := c.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // the server looks at it
		}
		one := &connection{Conn: raw, of: c}
		victim := c.admit(one)
		if victim != nil {
			c.evicted.Inc()
			_ = victim.Close()
		}
		if victim != one {
			return one, nil
		}
	}
}

// admit counts a new connection. It returns which one is to be closed for it, nil when there is room: itself when all others
// serve requests.
func (c *listener) admit(one *connection) (victim *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n >= c.most {
		victim = one
		if front := c.waiting.Front(); front != nil {
			victim = front.Value.(*connection) //nolint:forcetypeassert // nothing else is in the list
		}
	}
	c.n++
	c.open.Set(float64(c.n))
	one.place = c.waiting.PushBack(one)
	if victim != nil {
		c.drop(victim)
	}
	return victim
}

// drop forgets a connection. The caller holds the lock.
func (c *listener) drop(one *connection) {
	if one.closed {
		return
	}
	one.closed = true
	if one.place != nil {
		c.waiting.Remove(one.place)
		one.place = nil
	}
	c.n--
	c.open.Set(float64(c.n))
}

// Close closes the connection.
func (one *connection) Close() error {
	one.of.mu.Lock()
	one.of.drop(one)
	one.of.mu.Unlock()
	return one.Conn.Close() //nolint:wrapcheck // the server looks at it
}

// begin says that a request is served; false when the connection has been closed for another.
func (one *connection) begin() bool {
	c := one.of
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.closed {
		return false
	}
	one.serving++
	if one.place != nil {
		c.waiting.Remove(one.place)
		one.place = nil
	}
	return true
}

func (one *connection) end() {
	c := one.of
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.serving--; one.serving == 0 && !one.closed {
		one.place = c.waiting.PushBack(one)
	}
}

type connectionKey struct{}

// remember puts the connection into the context of its requests.
func remember(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, c)
}

// serving tells a request's connection that it is served.
func serving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if one, ok := r.Context().Value(connectionKey{}).(*connection); ok {
			if !one.begin() {
				panic(http.ErrAbortHandler) // nobody would hear the answer
			}
			defer one.end()
		}
		next.ServeHTTP(w, r)
	})
}

// openFiles returns how many files this process may have open, connections among them.
func openFiles() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 1 << 20 // not known: the settings count
	}
	return l.Cur
}

// Package server is the composition root: it builds everything from the settings, runs the loops, and stops them in
// order. Nothing else knows all parts.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/bus/kafka"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/telemetry"
)

// Options are what a program gives its server beside the settings.
type Options struct {
	Log     io.Writer // where log lines go
	Guide   io.Writer // not nil: the first-try mode; its guide is written here
	Version string
	// FakeNfvo is the address at which a fake orchestrator listens, which then grants and has the sample package; "": none.
	FakeNfvo string
	Spans    []sdktrace.SpanProcessor // see every span, beside the exporter of the settings
}

// Server is the whole program. Make it with New, run it once with Run.
type Server struct {
	cfg      *config.Config
	opts     Options
	log      *slog.Logger
	level    logLevel // from which on it logs
	node     string
	run      string // names this run of the program
	started  time.Time
	reg      *prometheus.Registry
	tracing  *telemetry.Tracing
	stores   *stores
	keys     *secret.Keyring
	kafka    *kafka.Cluster // nil: the bus is embedded
	parts    *parts
	kept     *kept
	audit    *auditing
	fake     *fakeNfvo // nil: there is none
	sample   sample    // of the first-try mode
	listen   net.Listener
	certs    *certificates  // nil: not encrypted
	limits   *access.Limits // per caller; nil: callers are not told apart
	capacity capacity
	accessed atomic.Bool                      // requests are logged
	fresh    atomic.Pointer[[]config.Setting] // as they were read last, at a signal
	http     *http.Server
	stopping atomic.Bool
}

// New opens the stores and the listening socket and builds every part. Nothing runs until Run.
func New(ctx context.Context, c *config.Config, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	s := &Server{cfg: c, opts: o, node: nodeName(c), run: uuid.NewString(), started: time.Now(), reg: prometheus.NewRegistry()}
	least, err := c.Log.Least()
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	s.accessed.Store(c.Log.Access)
	s.log = telemetry.NewLogger(o.Log, &s.level.LevelVar, c.Log.Format, s.node)
	s.level.node, s.level.log = s.node, s.log
	s.level.settings(least)
	if s.tracing, err = telemetry.NewTracing(ctx, c.Trace.Endpoint, c.Trace.Ratio, s.node, o.Spans...); err != nil {
		return nil, err
	}
	if s.kafka, err = s.kafkaCluster(); err != nil {
		return nil, errors.Join(err, s.tracing.Stop(ctx))
	}
	if s.certs, err = newCertificates(c.TLS, time.Now, s.log); err != nil {
		return nil, errors.Join(err, s.tracing.Stop(ctx))
	}
	if s.stores, err = openStores(ctx, c, false); err != nil {
		return nil, errors.Join(err, s.tracing.Stop(ctx))
	}
	if s.keys, err = openKeyring(ctx, c, s.stores); err == nil {
		err = agree(ctx, c, s.stores.main, s.keys)
	}
	if err != nil {
		return nil, errors.Join(err, s.stores.Close(), s.tracing.Stop(ctx))
	}
	for _, db := range s.stores.all() {
		if db.from != db.to && db.from != 0 {
			s.log.WarnContext(ctx, "the schema of a database was brought to this version", "database", s.stores.name(db), "from", db.from, "to", db.to)
		}
	}
	if openToOthers(c.Data) {
		s.log.WarnContext(ctx, "others than its owner may read or enter the data folder: chmod 700", "folder", c.Data)
	}
	if s.listen, err = listen(ctx, c.Listen); err != nil { // before anything is taken from another node
		return nil, errors.Join(err, s.stores.Close(), s.tracing.Stop(ctx))
	}
	if s.fake, err = s.fakeNfvo(ctx); err != nil {
		return nil, errors.Join(err, s.listen.Close(), s.stores.Close(), s.tracing.Stop(ctx))
	}
	if s.kept, err = newKept(s.reg); err == nil {
		s.parts, err = s.build(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.listen.Close(), s.stores.Close(), s.tracing.Stop(ctx))
	}
	k := newCapacity(&c.HTTP, openFiles(), c.Authenticated())
	if k.connections < c.HTTP.Connections {
		s.log.WarnContext(ctx, "the process may open too few files for http-connections: raise its limit (ulimit -n)", "connections", k.connections)
	}
	s.capacity, s.limits = k, limits(c)
	h, err := s.handler(k)
	if err == nil {
		err = s.bound(k.connections)
	}
	if err != nil {
		return nil, errors.Join(err, s.parts.close(), s.listen.Close(), s.stores.Close(), s.tracing.Stop(ctx))
	}
	s.http = &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: c.HTTP.ReadTimeout,
		ConnContext: remember, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	if s.certs != nil {
		s.http.TLSConfig = s.certs.config()
	} else if c.Authenticated() {
		s.log.WarnContext(ctx, "callers prove who they are over a connection that is not encrypted here: set tls-cert-file, or have a proxy encrypt it")
	}
	s.http.RegisterOnShutdown(s.parts.tail.Stop) // a tail has no end of its own
	return s, nil
}

// Reload takes over the settings that can be changed while the program runs (config.Setting.Reload): the level of the log, the log of
// requests, the files of certificates, and the limits of callers. What else is other than at the start takes effect with the next one,
// and is logged. Settings that are not valid, or files that cannot be used, are an error, and change nothing.
func (s *Server) Reload(ctx context.Context, fresh *config.Config) error {
	if err := fresh.Validate(); err != nil {
		return err
	}
	level, err := fresh.Log.Least()
	if err != nil {
		return err //nolint:wrapcheck // says what is wrong
	}
	was, err := config.InForce(s.cfg)
	if err != nil {
		return fmt.Errorf("the settings of the start: %w", err)
	}
	is, err := config.InForce(fresh)
	if err != nil {
		return fmt.Errorf("the new settings: %w", err)
	}
	if (s.certs == nil) != (fresh.TLS.CertFile == "") {
		return fmt.Errorf("tls-cert-file: a server begins to encrypt, or ceases to, when it starts")
	}
	if s.certs != nil {
		if err := s.certs.use(fresh.TLS); err != nil {
			return err
		}
	}
	k := newCapacity(&fresh.HTTP, openFiles(), s.cfg.Authenticated())
	s.capacity.requests.Set(k.requests.All, k.requests.Each)
	s.capacity.followers.Set(k.followers.All, k.followers.Each)
	s.capacity.large.Set(k.large.All, k.large.Each)
	if s.limits != nil {
		s.limits.Set(fresh.HTTP.Rate, fresh.HTTP.Burst)
	}
	s.accessed.Store(fresh.Log.Access)
	s.fresh.Store(&is)
	var later []string
	for i := range is {
		if is[i].Value != was[i].Value && !is[i].Reload {
			later = append(later, is[i].Name)
		}
	}
	s.level.Set(min(s.level.Level(), level, slog.LevelWarn)) // so that this is seen
	s.log.WarnContext(ctx, "settings read again", "log_level", fresh.Log.Level)
	if len(later) > 0 {
		s.log.WarnContext(ctx, "settings that are other than at the start take effect with the next one", "settings", later)
	}
	s.level.settings(level)
	return nil
}

// maxHeader bounds the headers of a request in bytes; a filter may be long.
const maxHeader = 64 << 10

// URL returns the root of the API as a client on this machine reaches it.
func (s *Server) URL() string {
	if s.certs != nil {
		return "https://" + s.listen.Addr().String()
	}
	return "http://" + s.listen.Addr().String()
}

// bound bounds the connections of the listener.
func (s *Server) bound(connections int) error {
	l, err := newListener(s.listen, connections, s.reg)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	s.listen = l
	return nil
}

func (s *Server) serve() error {
	if s.certs != nil {
		return s.http.ServeTLS(s.listen, "", "")
	}
	return s.http.Serve(s.listen)
}

// Run serves until the context ends, then stops in phases: no new work is taken, and the lanes are given up, while it is not ready any
// more; no new requests, and what runs may finish within the stop timeout; then the committer and the database. It returns nil after
// an orderly stop.
func (s *Server) Run(ctx context.Context) error {
	committer := s.phase("committer", s.parts.committers...)
	owners := s.phase("owners", s.parts.owners...)
	workers := s.phase("workers", s.parts.workers...)
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	s.log.InfoContext(ctx, "vnfmd is up", "url", s.URL(), "version", s.opts.Version, "database", s.stores.main.kind)
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	case failed = <-committer.failed:
	case failed = <-owners.failed:
	case failed = <-workers.failed:
	}
	s.log.InfoContext(ctx, "vnfmd stops", "cause", failed)
	soft, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.HTTP.Drain+s.cfg.HTTP.StopTimeout)
	defer cancel()
	workers.cancel()
	owners.cancel() // other nodes have the lanes at once, whatever requests take
	if failed == nil {
		s.drain(soft)
	}
	errs := []error{failed, s.stopHTTP(soft)}
	errs = append(errs, workers.stop(soft), owners.stop(soft), committer.stop(soft))
	errs = append(errs, s.parts.close(), s.tracing.Stop(soft), s.stores.Close())
	err := errors.Join(errs...)
	s.log.InfoContext(ctx, "vnfmd has stopped", "error", err)
	return err
}

// drain serves on while readiness says that the server stops, so that nobody is sent here any more when it refuses connections.
func (s *Server) drain(ctx context.Context) {
	s.stopping.Store(true)
	s.http.SetKeepAlivesEnabled(false)
	select {
	case <-ctx.Done():
	case <-time.After(s.cfg.HTTP.Drain):
	}
}

// stopHTTP takes no new requests and lets those under way end, for half of the time there is; then it cuts them off, so
// that the rest can stop in order.
func (s *Server) stopHTTP(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HTTP.StopTimeout/2)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.WarnContext(ctx, "requests cut off")
		return s.http.Close()
	}
	return err
}

// phase is a set of loops that are stopped together.
type phase struct {
	name   string
	cancel context.CancelFunc
	failed chan error
	done   chan struct{}
}

// phase starts loops; the first that ends with an error before it is stopped says so on failed.
func (s *Server) phase(name string, loops ...func(context.Context) error) *phase {
	ctx, cancel := context.WithCancel(context.Background())
	p := &phase{name: name, cancel: cancel, failed: make(chan error, len(loops)), done: make(chan struct{})}
	ended := make(chan struct{}, len(loops))
	for _, run := range loops {
		go func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				p.failed <- fmt.Errorf("%s: %w", name, err)
			}
			ended <- struct{}{}
		}()
	}
	go func() {
		for range loops {
			<-ended
		}
		close(p.done)
	}()
	return p
}

// stop ends the loops and waits for them, as long as ctx lasts.
func (p *phase) stop(ctx context.Context) error {
	p.cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the %s did not stop in time", p.name)
	}
}

// nodeName names this run of the program in leases and logs.
func nodeName(c *config.Config) string {
	if c.Node != "" {
		return c.Node
	}
	host, err := os.Hostname()
	if err != nil {
		host = "vnfmd"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

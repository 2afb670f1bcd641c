package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/console"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/intervention"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/telemetry"
)

// handler returns the API with tracing and metrics around it; in a process without that role, health, readiness and metrics alone.
func (s *Server) handler(k capacity) (http.Handler, error) {
	authenticate, err := s.authenticator()
	if err != nil {
		return nil, err
	}
	front, err := access.NewFront(!s.cfg.Authenticated(), s.cfg.BaseURL, s.cfg.HTTP.Hosts)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong
	}
	ui, err := s.console()
	if err != nil {
		return nil, err
	}
	called, err := s.managementClient(s.parts)
	if err != nil {
		return nil, err
	}
	c := &s.cfg.HTTP
	s.reg.MustRegister(telemetry.BuildInfo(s.opts.Version), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.reg.MustRegister(telemetry.NewCertificates(s.certificateFiles))
	serve := api.New
	if !s.cfg.Has(lease.RoleAPI) {
		serve = api.Health
	}
	h := serve(api.Config{
		LCM: s.parts.lcm, Packages: s.parts.packages, Subscriptions: s.parts.notify, Views: s.views(), Vims: s.parts.vims, Seen: s.parts.seen, Held: s.parts.held, VimLimits: s.vimLimits(), Management: s.parts.management, ManagementClient: called, Sim: s.parts.sim,
		Ready: s.ready, Metrics: promhttp.HandlerFor(s.reg, promhttp.HandlerOpts{}),
		Authenticate: authenticate, Limits: s.limits, Denials: s.parts.denials,
		Front: front, Requests: k.requests, Followers: k.followers, LargeBodies: k.large,
		BodyTimeout: c.BodyTimeout, ReadTimeout: c.ReadTimeout, MinRate: c.MinRate,
		MaxSmallBody: c.MaxSmallBody, Form: decode.Limits{Names: c.JSONNames, Values: c.JSONValues, Depth: c.JSONDepth, Text: c.JSONText},
		Traceparent: s.tracing.Traceparent, Log: s.log, AccessLog: s.accessed.Load, BaseURL: strings.TrimSuffix(s.cfg.BaseURL, "/"),
		PageSize: c.PageSize, DeleteWait: s.cfg.Operation.LeftoversWait, MaxBody: c.MaxBody, MaxPackage: s.cfg.Package.MaxBytes,
		KeepSagas: s.cfg.Keep.Sagas, KeepGrants: s.cfg.Keep.Grants, Consumers: s.consumers(), Parked: parked{s}, Cluster: s.cluster, Audit: s.audit.now, Tail: s.parts.tail, Grant: s.grantOf, PackageChanged: s.packageChanged(),
		Descriptor: s.parts.packages.Descriptor, Console: ui, SignIn: s.signIn(), System: s.system, LogLevel: &s.level,
	})
	counted, err := telemetry.Requests(h, s.reg)
	if err != nil {
		return nil, err //nolint:wrapcheck // says which metric
	}
	traced := otelhttp.NewHandler(counted, "api", otelhttp.WithTracerProvider(s.tracing.Provider), otelhttp.WithPropagators(s.tracing.Propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method }))
	return serving(traced), nil
}

// views is what the API reads: the main database, and the messages that the participants' consumers parked in theirs.
type views struct {
	eventstore.Reader
	parked map[string]eventstore.Reader // by consumer
}

// Parked lists the messages that a consumer parked.
func (v views) Parked(ctx context.Context, q eventstore.ParkedQuery) ([]eventstore.ParkedMessage, error) {
	if r := v.parked[q.Consumer]; r != nil {
		return r.Parked(ctx, q)
	}
	return v.Reader.Parked(ctx, q)
}

func (s *Server) views() views {
	v := views{Reader: s.parts.live(), parked: map[string]eventstore.Reader{}}
	for _, d := range s.parts.sides() {
		for _, r := range d.Readers {
			v.parked[r.Name] = r.At.Store
		}
	}
	return v
}

// consumers returns the names of all consumers.
func (s *Server) consumers() (names []string) {
	for _, d := range s.parts.sides() {
		for _, r := range d.Readers {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// parked decides about parked messages, with the consumers that parked them.
type parked struct{ s *Server }

// Retry hands a parked message, and those behind it, to its consumer again. That it was asked is an event by then.
func (p parked) Retry(ctx context.Context, id string, by request.Info) (int, error) {
	return p.decide(ctx, id, func(c *inbox.Consumer, m intervention.Message) (int, error) {
		if err := p.s.parts.interventions.Retry(ctx, m, by); err != nil {
			return 0, err //nolint:wrapcheck // says what it was about
		}
		return c.Redrive(ctx, id) //nolint:wrapcheck // says what it was about
	})
}

// Skip gives a parked message up, and hands those behind it to its consumer. That it was asked is an event by then.
func (p parked) Skip(ctx context.Context, id, reason string, by request.Info) (int, error) {
	return p.decide(ctx, id, func(c *inbox.Consumer, m intervention.Message) (int, error) {
		if err := p.s.parts.interventions.Skip(ctx, m, reason, by); err != nil {
			return 0, err //nolint:wrapcheck // says what it was about
		}
		return c.Skip(ctx, id) //nolint:wrapcheck // says what it was about
	})
}

func (p parked) decide(ctx context.Context, id string, f func(*inbox.Consumer, intervention.Message) (int, error)) (int, error) {
	for _, d := range p.s.parts.sides() {
		for _, r := range d.Readers {
			m, err := r.Consumer.Parked(ctx, id)
			if vnfm.KindOf(err) == vnfm.NotFound {
				continue
			}
			if err != nil {
				return 0, err
			}
			return f(r.Consumer, intervention.Message{ID: m.ID, Consumer: m.Consumer, Key: m.Key, Type: m.Message.Type, Parked: m.Reason})
		}
	}
	return 0, vnfm.Errorf(vnfm.NotFound, "There is no parked message %q.", id)
}

// cluster tells of the nodes and what they share.
func (s *Server) cluster(ctx context.Context) ([]api.ClusterDatabase, error) {
	readings, err := s.parts.collector.Read(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	parked := map[string]int{}
	for _, r := range readings {
		for consumer, n := range r.Parked {
			parked[consumer] += n
		}
	}
	var out []api.ClusterDatabase
	for _, r := range readings {
		d := api.ClusterDatabase{Name: r.Database, Leases: r.Leases, Due: r.Due}
		for _, l := range r.Lags {
			d.Consumers = append(d.Consumers, api.ClusterConsumer{Name: l.Consumer, Topic: l.Topic, Lanes: l.Lanes, Oldest: l.Oldest, Parked: parked[l.Consumer]})
		}
		out = append(out, d)
	}
	return out, nil
}

// unwritable says why a database that can be read cannot be written, without what its driver says: anybody may ask.
func unwritable(err error) string {
	if errors.Is(err, eventstore.ErrFull) {
		return "the database cannot be written: the disk is full"
	}
	return "the database cannot be written; the log says why"
}

// ready checks what requests need: each database answers, can be written and is whole as far as is known, and the simulated VIMs in
// this process work. It tells which lanes this node has, too.
func (s *Server) ready(ctx context.Context) []api.Check {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HTTP.ReadyTimeout)
	defer cancel()
	var checks []api.Check
	for _, d := range s.parts.sides() {
		name := "database"
		if d != s.parts.main {
			name = d.Name + "-database"
		}
		db := api.Check{Name: name, OK: true}
		switch err := d.Store.Ping(ctx); {
		case errors.Is(err, eventstore.ErrDamaged):
			db.OK, db.Detail = false, err.Error()+"; vnfm audit says more, and it has to be restored"
		case err != nil:
			db.OK, db.Detail = false, "the database does not answer"
		case d.Leases.Failed() != nil:
			db.OK, db.Detail = false, unwritable(d.Leases.Failed())
		}
		if !db.OK {
			s.log.WarnContext(ctx, "not ready", "database", d.Name, "error", db.Detail)
		}
		// What the node works on beside serving requests is no condition of that.
		checks = append(checks, db, api.Check{Name: strings.Replace(name, "database", "lanes", 1), OK: true, Detail: d.holding()})
		if d.publisher != nil {
			checks = append(checks, api.Check{Name: strings.Replace(name, "database", "publishing", 1), OK: true, Detail: d.publisher.Describe()})
		}
	}
	if s.parts.sim != nil {
		vims := api.Check{Name: "simulated-vims", OK: true}
		if err := s.parts.sim.Healthy(); err != nil {
			vims.OK, vims.Detail = false, err.Error()
		}
		checks = append(checks, vims)
	}
	if s.stopping.Load() {
		checks = append(checks, api.Check{Name: "stopping", Detail: "this node stops"})
	}
	if s.opts.Guide != nil && s.cfg.Has(lease.RoleAPI) {
		checks = append(checks, s.sample.check())
	}
	return checks
}

// console returns what serves browsers.
func (s *Server) console() (*console.Handler, error) {
	c := console.Config{}
	if base, err := url.Parse(s.cfg.BaseURL); err == nil {
		c.Prefix = strings.TrimSuffix(base.Path, "/")
	}
	if in := s.signIn(); in.Client != "" {
		issuer, err := url.Parse(in.Issuer)
		if err != nil {
			return nil, fmt.Errorf("auth-issuer: %w", err)
		}
		c.Connect = []string{issuer.Scheme + "://" + issuer.Host}
	}
	h, err := console.New(c)
	if err != nil {
		return nil, fmt.Errorf("open the console: %w", err)
	}
	return h, nil
}

// signIn is how the settings let callers say who they are.
func (s *Server) signIn() api.SignIn {
	a := &s.cfg.Auth
	in := api.SignIn{Asked: s.cfg.Authenticated(), Tokens: a.Issuer != "" || s.cfg.APIToken != "" || s.cfg.APITokenFile != ""}
	if a.Issuer != "" {
		in.Issuer, in.Client, in.Scope = a.Issuer, a.ConsoleClient, a.ConsoleScope
	}
	return in
}

// system tells what this node is.
func (s *Server) system(context.Context) (*api.System, error) {
	out := &api.System{Node: s.node, Version: s.opts.Version, Go: runtime.Version(), Database: s.stores.main.kind, Started: s.started}
	settings, err := config.InForce(s.cfg)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	fresh := s.fresh.Load()
	for i, x := range settings {
		if x.Reload && fresh != nil {
			x = (*fresh)[i]
		}
		if x.Name == "log-level" {
			x.Value = s.level.Now().Level
		}
		out.Settings = append(out.Settings, api.Setting{Name: x.Name, Value: x.Value, Secret: x.Secret, Default: x.Default})
	}
	return out, nil
}

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/audit"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/telemetry"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/helm"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vimmanager/gate"
)

// notificationsConsumer is the cursor of the planner of notifications.
const notificationsConsumer = projection.ConsumerPrefix + notify.ProjectorName

// auditing audits the running program: when it is asked, and from time to time.
type auditing struct {
	auditor   *audit.Auditor
	databases map[string]audit.Database
	interval  time.Duration // 0: only when asked
	holds     func() bool   // this node does the work
	log       *slog.Logger
	findings  *prometheus.GaugeVec
	unmade    prometheus.Gauge
	last      prometheus.Gauge
}

func (s *Server) newAuditing(p *parts) (*auditing, error) {
	sources, err := viewSources()
	if err != nil {
		return nil, err
	}
	cfg := auditConfig(s.stores, p, sources, nil, s.cfg.Vim.CallTimeout)
	a := &auditing{
		auditor: audit.New(cfg), databases: cfg.Databases,
		interval: s.cfg.Audit.Interval, log: s.log,
		holds: func() bool { _, held := p.main.Leases.Role(lease.RoleOrchestrator).Epoch(0); return held },
		findings: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "vnfm_audit_findings", Help: "What the last audit found that must never be, by check.",
		}, []string{"check"}),
		unmade: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vnfm_audit_unmade_checks", Help: "Checks, or parts of them, that the last audit could not make.",
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vnfm_audit_last_timestamp_seconds", Help: "When the last audit of this node was made, in Unix time; 0: none was.",
		}),
	}
	for _, c := range []prometheus.Collector{a.findings, a.unmade, a.last} {
		if err := s.reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return a, nil
}

// now makes an audit.
func (a *auditing) now(ctx context.Context, chain bool) (*audit.Report, error) {
	r, err := a.auditor.Audit(ctx, chain)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	for check, n := range r.Counts() {
		if check == audit.Chain && !chain {
			continue // as it was when the events were walked
		}
		a.findings.WithLabelValues(string(check)).Set(float64(n))
	}
	a.unmade.Set(float64(len(r.Unmade)))
	a.last.Set(float64(r.At.Unix()))
	for _, f := range r.Findings {
		a.log.WarnContext(ctx, "audit finding", "check", string(f.Check), "where", f.Where, "vnf_id", f.Vnf, "since", f.Since, "what", f.What, "do", f.Do)
	}
	return r, nil
}

// run looks for damage of the databases, so that readiness tells of it, and audits from time to time, on the node that does the
// work, without walking the events.
func (a *auditing) run(ctx context.Context) error {
	for name, db := range a.databases {
		if found, err := db.Check(ctx); (len(found) > 0 || err != nil) && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "the database was looked through for damage", "database", name, "found", found, "error", err)
		}
	}
	if a.interval <= 0 {
		return nil
	}
	tick := time.NewTicker(a.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !a.holds() {
			continue
		}
		if _, err := a.now(ctx, false); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "audit not made", "error", err)
		}
	}
}

// reconciler says how VIMs are compared with the records; nil: nobody does.
func (s *Server) reconciler(p *parts) (*reconcile.Config, error) {
	c := s.cfg.Reconcile
	if c.Interval <= 0 {
		return nil, nil
	}
	rounds, err := telemetry.NewRounds(s.reg)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	return &reconcile.Config{
		Instances: p.instances, UseCases: p.lcm, Registry: p.vims, Drivers: p.drivers,
		Observer: rounds, Listed: p.gates.Listed,
		Settings: reconcile.Settings{
			NoWatch:  !c.Watch,
			Interval: c.Interval, Often: map[string]time.Duration{kubernetes.Type: c.Kubernetes, helm.Type: c.Kubernetes}, Call: s.cfg.Vim.CallTimeout, Page: s.cfg.Vim.Page,
			Lists: c.Lists, Finds: c.Finds, Differences: c.Differences, Suspect: s.cfg.Operation.SyncSuspect, Confirm: c.Confirm, Repair: c.Policy == "repair",
			Repairs: c.Repairs, Attempts: c.Attempts, Backoff: c.Backoff, Quiet: c.Quiet,
		},
	}, nil
}

// vimLimits are those of VIM connections that do not say others.
func (s *Server) vimLimits() vim.Limits {
	return vim.Limits{Workers: s.cfg.Vim.Workers, Rate: s.cfg.Vim.Rate, Failures: s.cfg.Vim.Breaker}
}

// newGates makes what holds the calls to VIMs within their limits. How they are held is kept in the main database, beside what came of comparisons.
func (s *Server) newGates(p *parts) (*gate.Gates, error) {
	shown, err := telemetry.NewGates(s.reg)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it was about
	}
	return gate.New(gate.Config{
		Store: p.main.Store, Doer: p.main.committer, Registry: p.vims, Limits: s.vimLimits(), First: s.cfg.Vim.BreakerWait, Most: s.cfg.Vim.BreakerMost,
		Patience: s.cfg.Vim.BuildTimeout, Observer: shown, Logger: s.log,
	}), nil
}

// seen tells what came of the last comparisons, by VIM connection.
func (p *parts) seen(ctx context.Context) (map[string]reconcile.Status, error) {
	return reconcile.Read(ctx, p.main.Store) //nolint:wrapcheck // says what it was about
}

// held tells how calls to VIMs are held back, by VIM connection, and the store's time.
func (p *parts) held(ctx context.Context) (map[string]gate.Status, time.Time, error) {
	now, err := p.main.Store.Now(ctx)
	if err != nil {
		return nil, now, fmt.Errorf("read the store's clock: %w", err)
	}
	out, err := gate.Read(ctx, p.main.Store)
	return out, now, err //nolint:wrapcheck // says what it was about
}

// auditConfig says what an audit of these stores looks at.
func auditConfig(st *stores, p *parts, sources []readmodel.Source, unreachable map[string]string, call time.Duration) audit.Config {
	main, ledger := st.main, st.vims
	databases := map[string]audit.Database{"main": main}
	c := audit.Config{
		Databases: databases, Views: sources,
		Main: main, Shown: p.live(), Others: map[string]eventstore.Reader{}, Registry: p.vims, Drivers: p.drivers, Unreachable: unreachable, Call: call,
		Books: vimmanager.NewBooks(ledger),
		Consumers: []audit.Consumer{
			{Name: assembly.ConsumerVim, Source: main, At: ledger},
			{Name: assembly.ConsumerNfvo, Source: main, At: ledger},
			{Name: assembly.ConsumerReplies, Source: main, At: main},
			{Name: lifecycleConsumer, Events: true, Source: main, At: main},
			{Name: notificationsConsumer, Events: true, Source: main, At: main},
		},
	}
	if p.configurer != nil {
		c.Consumers = append(c.Consumers, audit.Consumer{Name: assembly.ConsumerVnf, Source: main, At: ledger})
	}
	if p.lcm != nil {
		c.Knows = func(sagaType string, version int) bool { return p.lcm.Runtime().Definition(sagaType, version) != nil }
	}
	if ledger != main {
		c.Others["vim"], databases["vim"] = ledger, ledger
		c.Consumers[2] = audit.Consumer{Name: assembly.ConsumerVimReplies, Source: ledger, At: main}
	}
	return c
}

// Audit makes one audit of the databases of the settings and writes what it finds; the error says how much that is. The
// program may be running on them. The simulated VIMs of a program that runs cannot be asked: they are in its process.
func Audit(ctx context.Context, c *config.Config, w io.Writer, chain bool) (err error) {
	if err := c.Validate(); err != nil {
		return err
	}
	unreachable := map[string]string{}
	st, err := openStores(ctx, c, true)
	if vnfm.KindOf(err) == vnfm.NotFound {
		return err
	}
	if err != nil { // the program runs, or the folder is not there
		var open error
		if st, open = openUnlocked(ctx, c, true); open != nil {
			return errors.Join(err, open)
		}
		if c.Vim.Simulated && c.Vim.SimURL == "" {
			unreachable[sim.Type] = "it is simulated by the vnfmd that runs on " + c.Data + "; ask that one: vnfm audit"
		}
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	tracing, err := telemetry.NewTracing(ctx, "", 0, nodeName(c))
	if err != nil {
		return err
	}
	keys, err := lookingKeyring(c)
	if err != nil {
		return err
	}
	s := &Server{cfg: c, log: slog.New(slog.DiscardHandler), reg: prometheus.NewRegistry(), stores: st, keys: keys, tracing: tracing}
	p := &parts{main: &side{Side: &assembly.Side{Store: st.main}}}
	defer func() { err = errors.Join(err, p.close(), tracing.Stop(ctx)) }()
	simulate := s.buildSim
	if unreachable[sim.Type] != "" { // its journal is another process's
		simulate = func(*parts) error { return nil }
	}
	if err := s.buildVims(p, simulate); err != nil {
		return err
	}
	sources, err := viewSources()
	if err != nil {
		return err
	}
	r, err := audit.New(auditConfig(st, p, sources, unreachable, c.Vim.CallTimeout)).Audit(ctx, chain)
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	for _, f := range r.Findings {
		_, _ = fmt.Fprintf(w, "%s\n  do: %s\n", f, f.Do)
	}
	for _, u := range r.Unmade {
		_, _ = fmt.Fprintf(w, "not checked, %s: %s\n", u.Check, u.Reason)
	}
	_, _ = fmt.Fprintf(w, "%d events in %d streams, %d sagas under way, %d timers, %d resources at VIMs: %d findings\n",
		r.Events, r.Streams, r.Sagas, r.Timers, r.VimHeld, len(r.Findings))
	switch {
	case len(r.Findings) > 0:
		return fmt.Errorf("the audit found %d things that must not be", len(r.Findings))
	case len(r.Unmade) > 0:
		return errors.New("not all of the audit could be made")
	}
	return nil
}

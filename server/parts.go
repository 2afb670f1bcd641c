package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/intervention"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo/restclient"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/tail"
	"github.com/vnfm/vnfm/telemetry"
	"github.com/vnfm/vnfm/timer"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/helm"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/openstack"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vimmanager/gate"
	"github.com/vnfm/vnfm/vimregistry"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd/csar"
	"github.com/vnfm/vnfm/vnfpkg"
)

// The consumers; their cursors are named so.
const (
	consumerVim     = "vim-manager"
	consumerNfvo    = "nfvo-manager"
	consumerVnf     = "configuration"
	consumerReplies = "replies"
	// consumerVimReplies stands for consumerReplies where replies come from a database of the participants.
	consumerVimReplies = "vim-replies"
)

var allConsumers = []string{consumerVim, consumerNfvo, consumerVnf, consumerReplies, consumerVimReplies, consumerRelay, consumerVimRelay}

// parts is everything built, and the loops to run: committers write, owners keep leases, workers do the work.
type parts struct {
	main          *side // events, sagas, views
	ledger        *side // what the VIM manager and the NFVO manager keep; main, unless they have a database of their own
	lcm           *lcm.Service
	instances     *readmodel.Instances
	opoccs        *readmodel.OpOccs
	snapshots     readmodel.Snapshots
	replies       *inbox.Consumer
	packages      *vnfpkg.Service
	nfvo          *restclient.Client      // nil: our own policy grants
	onboarding    *nfvomanager.Onboarding // nil: packages are not the NFVO's
	vims          *vimregistry.Service
	gates         *gate.Gates
	drivers       map[string]vim.Driver                                 // by vimType
	sim           *sim.Sim                                              // nil when there is none in this process
	tap           func(connection string, kind vim.Kind, op string) int // what a simulator says of replies; nil without one
	configurer    configuration.Configurer                              // of the simulated VNFs; nil: there are none
	management    *management.Service
	interventions *intervention.Log
	tail          *tail.Watcher // for those who follow the main side's events
	denials       *access.Denials
	notify        *notify.Service
	collector     *telemetry.Collector
	committers    []func(context.Context) error
	owners        []func(context.Context) error
	workers       []func(context.Context) error
	closers       []func() error
}

// sides returns the one side there is, or both.
func (p *parts) sides() []*side {
	if p.ledger == p.main {
		return []*side{p.main}
	}
	return []*side{p.main, p.ledger}
}

// room says why nothing may be begun now.
func (p *parts) room() error {
	if b := p.main.backlog; b != nil {
		return b.room()
	}
	return nil
}

func (p *parts) close() error {
	var errs []error
	for _, c := range p.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// build makes every part, from the stores up.
func (s *Server) build(ctx context.Context) (*parts, error) {
	p := &parts{}
	observer := telemetry.NewCommitObserver(s.reg, s.tracing)
	var err error
	mainRoles, ledgerRoles := s.sideRoles()
	if p.main, err = s.newSide(ctx, "main", s.stores.main, mainRoles, observer); err != nil {
		return nil, err
	}
	p.ledger = p.main
	if s.stores.vims != s.stores.main {
		if p.ledger, err = s.newSide(ctx, "vim", s.stores.vims, ledgerRoles, observer); err != nil {
			return nil, err
		}
	}
	if err := s.buildVims(p, s.buildSim); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := s.buildUseCases(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if p.denials, err = s.newDenials(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	s.work(p, config.RoleAPI, p.denials.Run)
	if err := s.buildNfvo(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := s.buildParticipants(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := s.buildFollowers(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := s.buildNotifications(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	collector := telemetry.NewCollector(s.cfg.HTTP.ReadyTimeout, s.log)
	p.collector = collector
	for _, d := range p.sides() {
		if err := d.relays(s, p); err != nil {
			return nil, errors.Join(err, p.close())
		}
		if err := d.register(ctx, s.opts.Version); err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.committers = append(p.committers, d.committer.Run)
		p.owners = append(p.owners, d.leases.Run)
		p.workers = append(p.workers, d.bus.Run)
		s.work(p, config.RoleRelay, d.pruner(s).Run)
		if d.teller != nil {
			p.workers = append(p.workers, d.teller.Run)
		}
		for _, r := range d.readers {
			s.work(p, r.role, r.consumer.Run)
		}
		collector.Watch(d.gauges())
	}
	if err := s.reg.Register(collector); err != nil {
		return nil, errors.Join(fmt.Errorf("register metrics: %w", err), p.close())
	}
	s.work(p, config.RoleNfvo, p.packages.Processor().In(p.main.leases.Role(config.RoleNfvo)).Run)
	if s.audit, err = s.newAuditing(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.workers = append(p.workers, s.audit.run)
	if s.fake != nil {
		p.workers = append(p.workers, s.fake.Run)
	}
	if s.opts.Guide != nil {
		s.work(p, config.RoleAPI, s.guide)
	}
	return p, nil
}

// work adds loops that belong to a role, when this process has it.
func (s *Server) work(p *parts, role string, loops ...func(context.Context) error) {
	if s.cfg.Has(role) {
		p.workers = append(p.workers, loops...)
	}
}

// buildParticipants makes the VIM manager and the NFVO manager, and joins them with the sagas: commands go to them from
// the main side's outbox, replies come back from that of theirs.
func (s *Server) buildParticipants(p *parts) error {
	vimCfg, nfvoCfg := s.vimManager(p), s.nfvoManager(p)
	vimCfg.Ends, nfvoCfg.Ends = p.ends(), p.ends()
	vimWorker, nfvoWorker := vimmanager.NewWorker(vimCfg), nfvomanager.NewWorker(nfvoCfg)
	p.main.deliver(s, p.ledger, config.RoleVim, consumerVim, message.TopicVimCommands, vimmanager.NewIntake(vimCfg))
	p.main.deliver(s, p.ledger, config.RoleNfvo, consumerNfvo, message.TopicNfvoCommands, s.grantIntake())
	replies := consumerReplies
	if p.ledger != p.main { // a cursor over another outbox is another cursor
		replies = consumerVimReplies
	}
	p.replies = p.ledger.deliver(s, p.main, config.RoleOrchestrator, replies, message.TopicReplies, p.lcm.Runtime().Replies())
	p.ledger.followers = append(p.ledger.followers, vimWorker.OnCommit, nfvoWorker.OnCommit)
	s.work(p, config.RoleVim, vimWorker.Run)
	s.work(p, config.RoleNfvo, nfvoWorker.Run)
	if err := s.buildConfiguration(p); err != nil {
		return err
	}
	if p.onboarding != nil {
		s.work(p, config.RoleNfvo, p.onboarding.Run)
	}
	s.buildKeep(p)
	if s.cfg.Vim.SweepInterval > 0 {
		s.work(p, config.RoleVim, vimmanager.NewSweeper(vimCfg).Run)
	}
	compares, err := s.reconciler(p)
	if compares != nil {
		s.work(p, config.RoleVim, compares.Run)
	}
	return err
}

// ends makes the commits of what participants did. Where they share the database with the sagas, these handle the replies in
// the same commit.
func (p *parts) ends() eventstore.Doer {
	if p.ledger != p.main {
		return p.ledger.committer
	}
	return &inbox.Direct{
		Doer: p.main.committer, Consumer: consumerReplies, Topic: message.TopicReplies, Handler: p.lcm.Runtime().Replies(),
	}
}

// buildFollowers makes what follows the main side: timers and the log.
func (s *Server) buildFollowers(p *parts) error {
	d := p.main
	ticks := timer.New(timer.Config{
		Handlers: map[string]timer.Handler{saga.TimeoutOwner: p.lcm.Runtime().Timeouts()},
		Store:    d.store, Doer: d.committer, Epochs: d.leases.Role(config.RoleOrchestrator), Holds: p.replies.Holds, Logger: s.log,
	})
	lifecycle, err := newLifecycle(s.log, d.store, s.reg)
	if err != nil {
		return err
	}
	follower := projection.New(projection.Config{
		Follower: lifecycle, Store: d.store, Doer: d.committer, Epochs: d.leases.Role(config.RoleProjector), Gather: gatherLog, Logger: s.log,
	})
	p.tail = tail.New(tail.Config{Store: d.store, Logger: s.log})
	d.followers = append(d.followers, p.instances.OnCommit, p.opoccs.OnCommit, p.lcm.Runtime().OnCommit, ticks.OnCommit, follower.OnCommit, p.tail.OnCommit)
	d.hearers = append(d.hearers, ticks.Heard, follower.Heard, p.tail.Heard)
	s.work(p, config.RoleOrchestrator, ticks.Run)
	s.work(p, config.RoleProjector, follower.Run)
	s.work(p, config.RoleAPI, p.tail.Run)
	return nil
}

// gatherLog is how long events are gathered before they are told to the log and the metrics.
const gatherLog = 250 * time.Millisecond

// buildVims makes the drivers, that of the simulated VIMs by simulate, and the registry. It is kept in the main database,
// whoever reads it.
func (s *Server) buildVims(p *parts, simulate func(*parts) error) error {
	p.drivers = map[string]vim.Driver{
		kubernetes.Type: telemetry.NewDriver(s.reg, s.tracing, kubernetes.New(kubernetes.Config{Patience: s.cfg.Vim.PodPatience})),
		helm.Type: telemetry.NewDriver(s.reg, s.tracing, helm.New(helm.Config{
			Patience: s.cfg.Vim.PodPatience,
			Charts: func(ctx context.Context, packageID, path string, most int64) (map[string][]byte, error) {
				return p.packages.Tree(ctx, packageID, path, most) // there are packages once the server runs
			},
		})),
		openstack.Type: telemetry.NewDriver(s.reg, s.tracing, openstack.New(openstack.Config{})),
	}
	var builtIn []vim.Connection
	if s.cfg.Vim.Simulated {
		builtIn = sim.Connections()
		if err := simulate(p); err != nil {
			return err
		}
	}
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		return fmt.Errorf("register events: %w", err)
	}
	p.instances, p.opoccs, p.snapshots = readmodel.NewInstances(registry, 0), readmodel.NewOpOccs(registry, 0), readmodel.NewSnapshots(registry, 0)
	if p.interventions, err = intervention.New(p.main.committer); err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	p.management, err = management.New(management.Config{Store: p.main.store, Doer: p.main.committer, Keys: s.keys})
	if err != nil {
		return err
	}
	p.vims, err = vimregistry.New(vimregistry.Config{
		Store: p.live(), Doer: p.main.committer, Keys: s.keys, Drivers: p.drivers, BuiltIn: builtIn, Busy: s.busy,
		CheckTimeout: s.cfg.Vim.CallTimeout,
	})
	if err != nil {
		return err
	}
	p.gates, err = s.newGates(p)
	return err
}

// live reads the views as they are meant.
func (p *parts) live() readmodel.Live {
	return readmodel.Live{Reader: p.main.store, OpOccs: p.opoccs, Instances: p.instances}
}

// buildSim makes the driver of the simulated VIMs: of those in this process, or of another's.
func (s *Server) buildSim(p *parts) error {
	if url := s.cfg.Vim.SimURL; url != "" {
		elsewhere := remote.New(strings.TrimSuffix(url, "/"))
		p.closers = append(p.closers, elsewhere.Close)
		p.drivers[sim.Type] = telemetry.NewDriver(s.reg, s.tracing, elsewhere)
		p.tap, p.configurer = elsewhere.Replies, configurator.Simulated{One: elsewhere.Configure}
		return nil
	}
	here, err := sim.Open(sim.Config{Path: filepath.Join(s.cfg.Data, "sim.journal")})
	if err != nil {
		return fmt.Errorf("open the simulated VIM: %w", err)
	}
	p.sim, p.tap, p.configurer = here, here.Replies, configurator.Simulated{One: here.Configure}
	p.closers = append(p.closers, here.Close)
	p.drivers[sim.Type] = telemetry.NewDriver(s.reg, s.tracing, here)
	return nil
}

// vimManager returns the settings of the VIM manager's parts.
func (s *Server) vimManager(p *parts) vimmanager.Config {
	c := s.cfg.Vim
	return vimmanager.Config{
		Store: p.ledger.store, Doer: p.ledger.committer, Registry: p.vims, Drivers: p.drivers, Epochs: p.ledger.leases.Role(config.RoleVim),
		Logger: s.log, Context: s.tracing.Context, Open: vault.Reader{Store: p.main.store, Keys: s.keys}.Open,
		Attempt: c.CallTimeout, Quarantine: c.Quarantine, Build: c.BuildTimeout, PollFirst: c.PollInterval,
		PerConnection: c.Workers, Gates: p.gates, Retention: orEver(s.cfg.Keep.Ledger), Needed: s.needed(p), Again: again(s.cfg.Keep.Ledger), Removed: s.kept.ledger, Sweep: c.SweepInterval, Page: c.Page, Wanted: s.wanted, Tap: p.tap,
	}
}

// inPlace tells what a VIM of a type can change of a resource where it stands.
func (p *parts) inPlace(vimType string) vim.InPlace {
	if d := p.drivers[vimType]; d != nil {
		return d.InPlace()
	}
	return nil
}

// buildUseCases makes packages and life-cycle management.
func (s *Server) buildUseCases(p *parts) error {
	c, d := s.cfg, p.main
	roots, err := signatureRoots(c.Package.SignatureRoots)
	if err != nil {
		return err
	}
	p.packages, err = vnfpkg.New(vnfpkg.Config{
		Store: d.store, Doer: d.committer, Blobs: s.stores.blobs, Strict: c.Package.Strict, MaxContent: c.Package.MaxBytes, Logger: s.log,
		Limits: c.Package.Limits, MaxVnfcs: c.Max.VnfcsPerVnf, Timeout: c.Package.Timeout,
		Signatures: csar.Mode(c.Package.Signatures), Roots: roots, Keys: s.keys,
	})
	if err != nil {
		return err
	}
	out, err := s.egress(c.Package.FetchTimeout, c.Package.MaxBytes)
	if err != nil {
		return err
	}
	p.closers = append(p.closers, func() error { out.Close(); return nil })
	s.work(p, config.RoleNfvo, p.packages.Fetcher(vnfpkg.FetcherConfig{
		Client: out, Epochs: d.leases.Role(config.RoleNfvo), Parallel: c.Package.Fetches, Attempts: c.Package.FetchAttempts,
	}).Run)
	policies := map[vnf.Operation]saga.Policy{}
	for op, policy := range c.Operation.OnFailure {
		policies[vnf.Operation(op)] = saga.Policy(policy)
	}
	settings := lcm.Settings{
		Deadline: c.Operation.Deadline, StepTimeout: c.Operation.StepTimeout, Attempts: c.Operation.Attempts,
		Backoff: c.Operation.Backoff, GracefulTimeout: c.Operation.GracefulTimeout, GracefulLimit: c.Operation.GracefulLimit,
		Addresses: c.Operation.Addresses, Window: c.Operation.Window, Suspect: c.Operation.SyncSuspect,
		Limits: plan.Limits{Vnfcs: c.Max.VnfcsPerVnf, Resources: c.Max.ResourcesPerOperation, Snapshots: c.Max.SnapshotsPerVnf}, PlansAtOnce: c.Max.PlansAtOnce, OnFailure: policies, Batch: c.Operation.Batch, Beside: c.Operation.BlueGreen,
		Configures: p.configurer != nil, KeepLeftovers: c.Operation.Leftovers == "refuse", Take: vnf.Extensible(c.Operation.Undeclared == "accept"),
	}
	if c.Nfvo.URL != "" { // the NFVO manager tries again; a second attempt is for a reply that was lost
		settings.GrantTimeout, settings.GrantAttempts = c.Nfvo.GrantTimeout+c.Operation.StepTimeout, 2
	}
	p.lcm, err = lcm.New(lcm.Config{
		Doer: d.committer, Store: d.store, Instances: p.instances, OpOccs: p.opoccs, Snapshots: p.snapshots,
		Packages: packages{p.packages, p}, Connections: p.vims, InPlace: p.inPlace, Keys: s.keys, Settings: settings, Management: p.management,
		Inventory: vimmanager.NewInventory(s.vimManager(p)), Room: p.room,
	})
	return err
}

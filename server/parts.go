package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/intervention"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/nfvo/restclient"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/tail"
	"github.com/vnfm/vnfm/telemetry"
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

// allConsumers are those that read outboxes, in any shape of the program.
var allConsumers = []string{assembly.ConsumerVim, assembly.ConsumerNfvo, assembly.ConsumerVnf, assembly.ConsumerReplies, assembly.ConsumerVimReplies, consumerRelay, consumerVimRelay}

// parts is everything built, and the loops to run: committers write, owners keep leases, workers do the work.
type parts struct {
	main          *side // events, sagas, views
	ledger        *side // what the VIM manager and the NFVO manager keep; main, unless they have a database of their own
	lcm           *lcm.Service
	instances     *readmodel.Instances
	opoccs        *readmodel.OpOccs
	snapshots     readmodel.Snapshots
	node          *assembly.Node
	packages      *vnfpkg.Service
	nfvo          *restclient.Client      // nil: our own policy grants
	onboarding    *nfvomanager.Onboarding // nil: packages are not the NFVO's
	packed        lcm.SnapshotPackages    // the NFVO's; nil: there is no NFVO
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
	deliveries    *deliveries
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
	if err := s.buildNfvo(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := s.buildUseCases(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if p.denials, err = s.newDenials(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	s.work(p, lease.RoleAPI, p.denials.Run)
	s.buildOnboarding(p)
	if err := s.buildNotifications(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := s.join(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	collector := telemetry.NewCollector(s.cfg.HTTP.ReadyTimeout, s.log)
	p.collector = collector
	for _, d := range p.sides() {
		if err := d.relays(s, p); err != nil {
			return nil, errors.Join(err, p.close())
		}
		if err := d.Register(ctx, s.opts.Version, d.relay(), allConsumers); err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.committers = append(p.committers, d.committer.Run)
		p.owners = append(p.owners, d.Leases.Run)
		if d.teller != nil {
			p.workers = append(p.workers, d.teller.Run)
		}
		collector.Watch(d.gauges())
	}
	if err := s.reg.Register(collector); err != nil {
		return nil, errors.Join(fmt.Errorf("register metrics: %w", err), p.close())
	}
	if s.audit, err = s.newAuditing(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.workers = append(p.workers, s.audit.run)
	if s.fake != nil {
		p.workers = append(p.workers, s.fake.Run)
	}
	if s.opts.Guide != nil {
		s.work(p, lease.RoleAPI, s.guide)
	}
	return p, nil
}

// work adds loops that belong to a role, when this process has it.
func (s *Server) work(p *parts, role string, loops ...func(context.Context) error) {
	if s.cfg.Has(role) {
		p.workers = append(p.workers, loops...)
	}
}

// join joins the machinery, and adds its loops to those of this process.
func (s *Server) join(p *parts) error {
	vnfs, err := s.vnfs(p)
	if err != nil {
		return err
	}
	compare, err := s.reconciler(p)
	if err != nil {
		return err
	}
	lifecycle, err := newLifecycle(s.log, p.main.Store, s.reg)
	if err != nil {
		return err
	}
	p.node, err = assembly.New(assembly.Config{
		Main: p.main.Side, Ledger: p.ledger.Side, Runtime: p.lcm.Runtime(), Instances: p.instances, OpOccs: p.opoccs, Packages: p.packages, Notify: p.notify,
		Vims: s.vimManager(p), Nfvos: s.nfvoManager(p), Grant: s.grantIntake(), Vnfs: vnfs, Follower: lifecycle, Gather: gatherLog, Compare: compare,
		Sweep: s.cfg.Vim.SweepInterval > 0, KeepSagas: s.cfg.Keep.Sagas, Swept: func(n int) { s.kept.ledger(sagasKept, n) },
		Prune:   outbox.PrunerConfig{IdempotencyKeys: s.cfg.Idempotency.Keep, Commits: orEver(s.cfg.Keep.CommitIDs)},
		Senders: map[*assembly.Side]string{p.main.Side: p.main.relay(), p.ledger.Side: p.ledger.relay()}, Logger: s.log,
	})
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	for _, l := range p.node.Loops {
		if l.Role == "" || s.cfg.Has(l.Role) {
			p.workers = append(p.workers, l.Run)
		}
	}
	s.watchKept(p)
	p.tail = tail.New(tail.Config{Store: p.main.Store, Logger: s.log})
	p.main.Followers, p.main.Hearers = append(p.main.Followers, p.tail.OnCommit), append(p.main.Hearers, p.tail.Heard)
	s.work(p, lease.RoleAPI, p.tail.Run)
	if p.onboarding != nil {
		s.work(p, lease.RoleNfvo, p.onboarding.Run)
	}
	return s.watchNotifications(p)
}

// gatherLog is how long events are gathered before they are told to the log and the metrics.
const gatherLog = 250 * time.Millisecond

// buildVims makes the drivers, that of the simulated VIMs by simulate, and the registry. It is kept in the main database,
// whoever reads it.
func (s *Server) buildVims(p *parts, simulate func(*parts) error) error {
	p.drivers = map[string]vim.Driver{
		kubernetes.Type: telemetry.NewDriver(s.reg, s.tracing, kubernetes.New(kubernetes.Config{Patience: s.cfg.Vim.PodPatience, MaxAnswerBytes: s.cfg.Vim.AnswerBytes})),
		helm.Type: telemetry.NewDriver(s.reg, s.tracing, helm.New(helm.Config{
			Patience: s.cfg.Vim.PodPatience, MaxAnswerBytes: s.cfg.Vim.AnswerBytes,
			Charts: func(ctx context.Context, packageID, path string, most int64) (map[string][]byte, error) {
				return p.packages.Tree(ctx, packageID, path, most) // there are packages once the server runs
			},
		})),
		openstack.Type: telemetry.NewDriver(s.reg, s.tracing, openstack.New(openstack.Config{
			UploadStall: s.cfg.Vim.UploadStall, MaxAnswerBytes: s.cfg.Vim.AnswerBytes,
			Content: func(ctx context.Context, packageID, path string) (io.ReadCloser, error) {
				return p.packages.Open(ctx, packageID, path)
			},
		})),
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
	p.management, err = management.New(management.Config{Store: p.main.Store, Doer: p.main.committer, Keys: s.keys})
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
	return readmodel.Live{Reader: p.main.Store, OpOccs: p.opoccs, Instances: p.instances}
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
		Registry: p.vims, Drivers: p.drivers, Logger: s.log, Context: s.tracing.Context, Open: vault.Reader{Store: p.main.Store, Keys: s.keys}.Open,
		Attempt: c.CallTimeout, Quarantine: c.Quarantine, Build: c.BuildTimeout, PollFirst: c.PollInterval,
		PerConnection: c.Workers, Gates: p.gates, Retention: orEver(s.cfg.Keep.Ledger), Needed: p.needed, Again: again(s.cfg.Keep.Ledger), Removed: s.kept.ledger, Sweep: c.SweepInterval, Page: c.Page, Wanted: p.wanted, Tap: p.tap,
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
		Store: d.Store, Doer: d.committer, Blobs: s.stores.blobs, Strict: c.Package.Strict, MaxContent: c.Package.MaxBytes, Logger: s.log,
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
	s.work(p, lease.RoleNfvo, p.packages.Fetcher(vnfpkg.FetcherConfig{
		Client: out, Epochs: d.Leases.Role(lease.RoleNfvo), Parallel: c.Package.Fetches, Attempts: c.Package.FetchAttempts,
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
		Doer: d.committer, Store: d.Store, Instances: p.instances, OpOccs: p.opoccs, Snapshots: p.snapshots,
		Packages: s.forLCM(p), Connections: p.vims, InPlace: p.inPlace, Runs: vim.FormsOf(p.drivers), Keys: s.keys, Settings: settings, Management: p.management, SnapshotPackages: p.packed,
		Inventory: vimmanager.NewInventory(s.vimManager(p)), Room: p.room,
	})
	return err
}

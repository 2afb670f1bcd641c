package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/bus/embedded"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/inbox"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvomanager"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/projection"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/telemetry"
	"github.com/vnfm/vnfm/timer"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfpkg"
)

// The consumers; their cursors are named so.
const (
	consumerVim     = "vim-manager"
	consumerNfvo    = "nfvo-manager"
	consumerReplies = "replies"
)

// parts is everything built, and the loops to run: owners keep leases and tidy up, workers do the work.
type parts struct {
	committer *eventstore.Committer
	leases    *lease.Keeper
	lcm       *lcm.Service
	packages  *vnfpkg.Service
	vims      vims
	sim       *sim.Sim
	owners    []func(context.Context) error
	workers   []func(context.Context) error
	closers   []func() error
	// followers are told of commits so that they need not wait for their next poll. They are made of the committer,
	// so they come after it.
	followers []func(*eventstore.Commit)
}

// tell passes a commit on to the followers. There are none before the loops run.
func (p *parts) tell(c *eventstore.Commit) {
	for _, f := range p.followers {
		f(c)
	}
}

func (p *parts) close() error {
	var errs []error
	for _, c := range p.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// build makes every part, from the store up.
func (s *Server) build(ctx context.Context) (*parts, error) {
	c, store := s.cfg, s.stores.store
	p := &parts{}
	feed := outbox.NewFeed(store, 0)
	observer := telemetry.NewCommitObserver(s.reg, s.tracing)
	p.committer = eventstore.NewCommitter(store, eventstore.CommitterConfig{
		Committers: s.committers(), MaxBatch: c.Lane.Batch, Logger: s.log,
		OnCommit: []func(*eventstore.Commit){feed.OnCommit, observer.OnCommit, p.tell},
	})
	p.leases = lease.New(lease.Config{Store: store, Owner: s.owner(), TTL: c.Lane.Lease, Now: time.Now, Logger: s.log})
	if _, err := p.leases.RunOnce(ctx); err != nil { // so that the lanes are ours before the first request
		return nil, err
	}
	if err := s.buildVims(p); err != nil {
		return nil, err
	}
	if err := s.buildUseCases(p); err != nil {
		return nil, errors.Join(err, p.close())
	}
	ticks := timer.New(timer.Config{
		Handlers: map[string]timer.Handler{saga.TimeoutOwner: p.lcm.Runtime().Timeouts()},
		Store:    store, Doer: p.committer, Epochs: p.leases, Logger: s.log,
	})
	vimCfg := s.vimManager(p)
	nfvoCfg := nfvomanager.Config{
		Store: store, Doer: p.committer, Registry: p.vims, Drivers: p.vims.drivers, Epochs: p.leases, Logger: s.log,
		Attempt: c.Vim.CallTimeout,
	}
	b := embedded.New(embedded.Config{Source: feed, Logger: s.log})
	for _, in := range []struct {
		name, topic string
		handler     inbox.Handler
	}{
		{consumerVim, message.TopicVimCommands, vimmanager.NewIntake(vimCfg)},
		{consumerNfvo, message.TopicNfvoCommands, nfvomanager.Intake{}},
		{consumerReplies, message.TopicReplies, p.lcm.Runtime().Replies()},
	} {
		b.Subscribe(inbox.New(inbox.Config{
			Name: in.name, Handlers: map[string]inbox.Handler{in.topic: in.handler},
			Store: store, Doer: p.committer, Epochs: p.leases, Logger: s.log,
		}))
	}
	lifecycle, err := newLifecycle(s.log, s.reg)
	if err != nil {
		return nil, err
	}
	follower := projection.New(projection.Config{Follower: lifecycle, Store: store, Doer: p.committer, Epochs: p.leases, Logger: s.log})
	pruner := outbox.NewPruner(outbox.PrunerConfig{
		Store: store, Consumers: []string{consumerVim, consumerNfvo, consumerReplies}, IdempotencyKeys: c.Idempotency.Keep, Logger: s.log,
	})
	vimWorker, nfvoWorker := vimmanager.NewWorker(vimCfg), nfvomanager.NewWorker(nfvoCfg)
	p.followers = []func(*eventstore.Commit){ticks.OnCommit, vimWorker.OnCommit, nfvoWorker.OnCommit, follower.OnCommit}
	p.owners = []func(context.Context) error{p.leases.Run}
	p.workers = []func(context.Context) error{
		b.Run, ticks.Run, vimWorker.Run, nfvoWorker.Run, p.packages.Processor().Run, follower.Run, pruner.Run,
	}
	if c.Vim.SweepInterval > 0 {
		p.workers = append(p.workers, vimmanager.NewSweeper(vimCfg).Run)
	}
	return p, nil
}

func (s *Server) committers() int {
	if s.cfg.Lane.Committers > 0 {
		return s.cfg.Lane.Committers
	}
	if s.cfg.Database == "" {
		return 1
	}
	return 2
}

// buildVims makes the drivers and the registry.
func (s *Server) buildVims(p *parts) error {
	p.vims = vims{drivers: map[string]vim.Driver{}}
	if !s.cfg.Vim.Simulated {
		return nil
	}
	simulated, err := sim.Open(sim.Config{Path: filepath.Join(s.cfg.Data, "sim.journal")})
	if err != nil {
		return fmt.Errorf("open the simulated VIM: %w", err)
	}
	p.sim = simulated
	p.closers = append(p.closers, simulated.Close)
	p.vims.drivers[sim.Type] = telemetry.NewDriver(s.reg, simulated)
	p.vims.connections = sim.Connections()
	p.vims.standard = sim.Default
	return nil
}

// vimManager returns the settings of the VIM manager's parts.
func (s *Server) vimManager(p *parts) vimmanager.Config {
	c := s.cfg.Vim
	cfg := vimmanager.Config{
		Store: s.stores.store, Doer: p.committer, Registry: p.vims, Drivers: p.vims.drivers, Epochs: p.leases, Logger: s.log,
		Attempt: c.CallTimeout, Quarantine: c.Quarantine, Build: c.BuildTimeout, PollFirst: c.PollInterval,
		PerConnection: c.Workers, Sweep: c.SweepInterval, Wanted: s.wanted,
	}
	if p.sim != nil {
		cfg.Tap = p.sim.Replies
	}
	return cfg
}

// buildUseCases makes packages and life-cycle management.
func (s *Server) buildUseCases(p *parts) error {
	c, store := s.cfg, s.stores.store
	var err error
	p.packages, err = vnfpkg.New(vnfpkg.Config{
		Store: store, Doer: p.committer, Blobs: s.stores.blobs, Strict: c.Package.Strict, MaxContent: c.Package.MaxBytes, Logger: s.log,
	})
	if err != nil {
		return err
	}
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		return fmt.Errorf("register events: %w", err)
	}
	policies := map[vnf.Operation]saga.Policy{}
	for op, policy := range c.Operation.OnFailure {
		policies[vnf.Operation(op)] = saga.Policy(policy)
	}
	p.lcm, err = lcm.New(lcm.Config{
		Doer: p.committer, Store: store, Instances: readmodel.NewInstances(registry, 0), OpOccs: readmodel.NewOpOccs(registry, 0),
		Packages: packages{p.packages}, Connections: p.vims,
		Settings: lcm.Settings{
			Deadline: c.Operation.Deadline, StepTimeout: c.Operation.StepTimeout, Attempts: c.Operation.Attempts,
			Backoff: c.Operation.Backoff, GracefulTimeout: c.Operation.GracefulTimeout, OnFailure: policies,
		},
	})
	return err
}

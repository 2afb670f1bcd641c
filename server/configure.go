package server

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// simulated configures VNFs as the behaviour of the simulated VIMs says.
type simulated struct {
	configure func(ctx context.Context, conn vim.Connection, token string, computes []string) error
}

var _ configuration.Configurer = simulated{}

// Configure asks each VIM that has a machine of the VNF; the default one when none has.
func (s simulated) Configure(ctx context.Context, r configuration.Request) (configuration.Result, error) {
	machines := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(r.Computes)) {
		c := r.Computes[id]
		machines[c.Connection] = append(machines[c.Connection], c.ID)
	}
	if len(machines) == 0 {
		machines[sim.Default] = nil
	}
	for _, at := range slices.Sorted(maps.Keys(machines)) {
		err := s.configure(ctx, vim.Connection{ID: at, VimID: at, Type: sim.Type}, r.Token, machines[at])
		if err == nil {
			continue
		}
		e := &configuration.Error{Class: vim.ClassOf(err), Hint: err.Error(), Err: err}
		var of *vim.Error
		if errors.As(err, &of) {
			e.Hint = of.Hint
		}
		return configuration.Result{}, e
	}
	return configuration.Result{Ready: true}, nil
}

// buildConfiguration makes the participant that configures VNFs, where the site has something to do it.
func (s *Server) buildConfiguration(p *parts) {
	if p.configurer == nil {
		return
	}
	c := s.cfg.Vim
	cfg := configurator.Config{
		Store: p.ledger.store, Doer: p.ledger.committer, Ends: p.ends(), Epochs: p.ledger.leases, Configurer: p.configurer, Logger: s.log, Context: s.tracing.Context,
		Open:    vault.Reader{Store: p.main.store, Keys: s.keys}.Open,
		Attempt: c.CallTimeout, Limit: c.BuildTimeout, PollFirst: c.PollInterval, Parallel: c.Workers,
	}
	if p.tap != nil {
		cfg.Tap = func() int { return p.tap("", vim.Configuration, sim.OnReserve) }
	}
	worker := configurator.NewWorker(cfg)
	p.main.deliver(s, p.ledger, consumerVnf, message.TopicVnfCommands, configurator.Intake{})
	p.ledger.followers = append(p.ledger.followers, worker.OnCommit)
	p.workers = append(p.workers, worker.Run)
}

package server

import (
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// buildConfiguration makes the participant that configures VNFs, where the site has something to do it.
func (s *Server) buildConfiguration(p *parts) {
	if p.configurer == nil {
		return
	}
	c := s.cfg.Vim
	cfg := configurator.Config{
		Store: p.ledger.store, Doer: p.ledger.committer, Ends: p.ends(), Epochs: p.ledger.leases.Role(roleVim), Configurer: p.configurer, Logger: s.log, Context: s.tracing.Context,
		Open:    vault.Reader{Store: p.main.store, Keys: s.keys}.Open,
		Attempt: c.CallTimeout, Limit: c.BuildTimeout, PollFirst: c.PollInterval, Parallel: c.Workers,
	}
	if p.tap != nil {
		cfg.Tap = func() int { return p.tap("", vim.Configuration, sim.OnReserve) }
	}
	worker := configurator.NewWorker(cfg)
	p.main.deliver(s, p.ledger, roleVim, consumerVnf, message.TopicVnfCommands, configurator.Intake{})
	p.ledger.followers = append(p.ledger.followers, worker.OnCommit)
	p.workers = append(p.workers, worker.Run)
}

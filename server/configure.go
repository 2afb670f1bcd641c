package server

import (
	"context"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/configurator"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/management/restclient"
	"github.com/vnfm/vnfm/vault"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// vnfs returns the settings of the participant that configures VNFs and coordinates with them.
func (s *Server) vnfs(p *parts) (configurator.Config, error) {
	client, err := s.managementClient(p)
	if err != nil {
		return configurator.Config{}, err
	}
	c := s.cfg.Management
	cfg := configurator.Config{
		Configurer: configurer{called: client, simulated: p.configurer}, Coordinator: client, Context: s.tracing.Context,
		Open: vault.Reader{Store: p.main.Store, Keys: s.keys}.Open,
		// A configuration is read and modified in one attempt, and a token may have to be fetched first.
		Attempt: max(s.cfg.Vim.CallTimeout, 3*c.CallTimeout), Limit: c.Timeout, Coordination: s.cfg.Coordination.Timeout, PollFirst: s.cfg.Vim.PollInterval, Parallel: c.Workers,
		Retention: orEver(s.cfg.Keep.Ledger), Needed: p.needed, Again: again(s.cfg.Keep.Ledger), Removed: s.kept.ledger,
	}
	if p.tap != nil {
		cfg.Tap = func() int { return p.tap("", vim.Configuration, sim.OnReserve) }
	}
	return cfg, nil
}

// managementClient makes the client of VNFs and element managers. An administrator has chosen the addresses of connections, which may
// be anywhere; those of VNFs' connection points are chosen by others, and called as callbacks are.
func (s *Server) managementClient(p *parts) (*restclient.Client, error) {
	c := s.cfg.Management
	guarded, err := s.egressConfig(c.CallTimeout, c.MaxBody)
	if err != nil {
		return nil, err
	}
	chosen := guarded
	chosen.AllowLocal, chosen.AllowPlain, chosen.Deny, chosen.Ports = true, true, nil, nil
	anywhere, outside := egress.New(chosen), egress.New(guarded)
	p.closers = append(p.closers, func() error { anywhere.Close(); outside.Close(); return nil })
	return restclient.New(restclient.Config{Connections: p.management, Client: anywhere, Guarded: outside, BaseURL: s.baseURL()}), nil
}

// configurer configures who has an endpoint by calling it, and the simulated VNFs otherwise.
type configurer struct{ called, simulated configuration.Configurer }

// Configure implements configuration.Configurer.
func (c configurer) Configure(ctx context.Context, r configuration.Request) (configuration.Result, error) {
	switch {
	case r.Endpoint != nil:
		return c.called.Configure(ctx, r) //nolint:wrapcheck // has its class
	case c.simulated != nil:
		return c.simulated.Configure(ctx, r) //nolint:wrapcheck // has its class
	}
	return configuration.Result{Ready: true}, nil // planned when the site still had simulated VNFs
}

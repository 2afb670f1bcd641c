package configurator

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// Simulated configures VNFs as the behaviour of the simulated VIMs says.
type Simulated struct {
	// One configures what a VNF has at one VIM.
	One func(ctx context.Context, conn vim.Connection, token string, computes []string) error
}

var _ configuration.Configurer = Simulated{}

// Configure asks each VIM that has a machine of the VNF; the default one when none has.
func (s Simulated) Configure(ctx context.Context, r configuration.Request) (configuration.Result, error) {
	machines := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(r.Computes)) {
		c := r.Computes[id]
		machines[c.Connection] = append(machines[c.Connection], c.ID)
	}
	if len(machines) == 0 {
		machines[sim.Default] = nil
	}
	for _, at := range slices.Sorted(maps.Keys(machines)) {
		err := s.One(ctx, vim.Connection{ID: at, VimID: at, Type: sim.Type}, r.Token, machines[at])
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

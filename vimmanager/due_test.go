package vimmanager_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// asked counts how often the ids of the connections are asked for.
type asked struct {
	vim.Registry
	ids int
}

func (a *asked) IDs(ctx context.Context) ([]string, error) {
	a.ids++
	return a.Registry.IDs(ctx)
}

// A look for work costs one query however many connections there are; only a backlog makes it look at each, so that the other
// VIM's row, due after all of them, is found.
func TestABacklogHidesNoOtherConnectionsRows(t *testing.T) {
	w := newWorld(t, "")
	registry := &asked{Registry: w.cfg.Registry}
	w.cfg.Registry = registry
	w.restart()
	w.deliver(w.reserve("first", 1, network(500)))
	w.step()
	if registry.ids != 0 {
		t.Errorf("the ids were asked for %d times for one row", registry.ids)
	}
	var many []vim.Reserve
	for n := range 300 {
		many = append(many, network(n))
	}
	w.deliver(w.reserve("many", 1, many...))
	w.now = w.now.Add(time.Second)
	other := w.message("other", vim.TypeReserve, vim.ReserveResources{VnfID: vnf, Connection: sim.Second, Fence: 1, Resources: []vim.Reserve{network(999)}})
	w.deliver(other)
	for range 8 { // connections take turns
		w.step()
	}
	if !slices.Contains(w.replies(), "other SUCCEEDED") {
		t.Errorf("the replies are %v", w.replies())
	}
	if registry.ids == 0 {
		t.Error("no connection was looked at")
	}
}

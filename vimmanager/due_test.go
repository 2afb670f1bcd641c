package vimmanager_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/message"
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
	var many []message.Message
	for n := range 300 {
		many = append(many, w.reserve(fmt.Sprint("r", n), 1, network(n)))
	}
	w.deliver(many...)
	w.now = w.now.Add(time.Second)
	w.deliver(w.reserveAt(sim.Second, "other", 1, network(999)))
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

package vimmanager_test

import (
	"context"
	"testing"
	"time"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// dumb is a driver of a VIM that keeps no revisions: it tells 0, and the revision asked for where it sees that all of it stands.
type dumb struct{ *driver }

func (d dumb) untold(r vim.Resource, err error) (vim.Resource, error) {
	r.Revision = 0
	return r, err
}

func (d dumb) Start(ctx context.Context, c vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	return d.untold(d.driver.Start(ctx, c, r))
}

func (d dumb) Find(ctx context.Context, c vim.Connection, k vim.Kind, t vim.Token) (vim.Resource, error) {
	return d.untold(d.driver.Find(ctx, c, k, t))
}

func (d dumb) Poll(ctx context.Context, c vim.Connection, k vim.Kind, id string) (vim.Resource, error) {
	return d.untold(d.driver.Poll(ctx, c, k, id))
}

func (d dumb) List(ctx context.Context, c vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	page, err := d.driver.List(ctx, c, r)
	for i := range page.Resources {
		page.Resources[i].Revision = 0
	}
	return page, err
}

// A VIM that keeps no revisions: a change is asked for until it is said to stand, and the sweep does not forget what the ledger
// knows. Seen failing with a sweep that notes 0.
func TestChangesAtAVimThatKeepsNoRevisions(t *testing.T) {
	w := newWorld(t, `{"delay":"3s"}`)
	w.cfg.Drivers = map[string]vim.Driver{sim.Type: dumb{w.driver}}
	w.restart()
	w.deliver(w.reserve("r1", 1, vm(1)))
	w.run(10 * time.Second)
	w.deliver(w.change("c2", 1, vm(1), 2))
	w.run(20 * time.Second)
	w.wantReplies("r1 SUCCEEDED", "c2 SUCCEEDED")
	w.wantRevision(2)
	if w.sweepOnce() {
		t.Error("the sweep found something")
	}
	w.wantRevision(2)
	w.deliver(w.reserve("again", 1, vm(1)), w.change("lower", 1, vm(1), 1), w.change("c3", 1, vm(1), 3))
	w.run(20 * time.Second)
	w.wantReplies("r1 SUCCEEDED", "c2 SUCCEEDED", "again FAILED superseded", "lower FAILED permanent", "c3 SUCCEEDED")
	w.wantRevision(3)
}

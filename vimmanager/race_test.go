package vimmanager_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vimmanager"
)

// raced decides a work, lets another go first, and then does it: as when the commit lost the race for a row.
type raced struct {
	*world
	first func()
}

func (d *raced) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	if f := d.first; f != nil {
		d.first = nil
		l, err := d.store.Load(ctx, work.Load())
		if err != nil {
			return nil, err
		}
		if _, err := work.Decide(l); err != nil {
			return nil, err
		}
		f()
	}
	return d.doer.Do(ctx, work)
}

// A worker that lost the race for a row's intent calls no VIM: it has none. Found by the simulation (a task overtaken
// between what it read and what it wrote); seen failing with the intent of the first decision kept.
func TestAWorkerThatLostTheRaceForARowCallsNoVIM(t *testing.T) {
	w := newWorld(t, `{"rules":[{"on":"reserve","outcome":"permanent","times":1}]}`)
	w.deliver(w.reserve("r1", 1, network(1)))
	cfg := w.cfg
	cfg.Doer = &raced{world: w, first: func() { w.run(time.Second) }}
	if _, err := vimmanager.NewWorker(cfg).RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantReplies("r1 FAILED permanent")
	w.wantInventory()
	if !slices.Equal(w.driver.calls, []string{"find", "start"}) {
		t.Errorf("two workers at one row made the calls %v", w.driver.calls)
	}
}

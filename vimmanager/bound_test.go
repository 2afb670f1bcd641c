package vimmanager_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

// A participant that says that it is working on a command must come to an end with it: whatever a VIM does, who waits is told, and
// what may stand is taken care of. Seen failing with looks, clearings and deletions that go on for ever without a word.
func TestNoCommandWaitsForEver(t *testing.T) {
	t.Run("a VIM that cannot be asked what came of a start", func(t *testing.T) {
		w := newWorld(t, `{"rules":[{"on":"reserve","outcome":"lose-reply","times":1}]}`)
		w.cfg.Wanted = knows(func(vim.Token) bool { return false })
		w.restart()
		w.deliver(w.reserve("r1", 1, network(1)))
		w.step()
		w.behave(`{"rules":[{"on":"find","outcome":"transient"}]}`)
		w.run(10 * time.Minute)
		w.wantReplies()
		w.run(time.Minute)
		w.wantReplies("r1 FAILED unknown-outcome")
		if got := w.reason("r1"); !strings.Contains(got, "cannot be asked") {
			t.Errorf("the reason is %q", got)
		}
		w.behave(`{}`) // it is back; nobody wants what stands there
		w.run(time.Minute)
		w.wantInventory(network(1))
		w.sweepOnce()
		w.sweepOnce()
		w.run(time.Minute)
		w.wantReleased(network(1))
	})
	t.Run("and a release ends it at once", func(t *testing.T) {
		w := newWorld(t, `{"rules":[{"on":"reserve","outcome":"lose-reply","times":1}]}`)
		w.deliver(w.reserve("r1", 1, network(1)))
		w.step()
		w.behave(`{"rules":[{"on":"find","outcome":"transient"}]}`)
		w.run(11 * time.Minute)
		w.deliver(w.release("d1", network(1)))
		w.run(time.Minute)
		w.wantReplies("r1 FAILED unknown-outcome", "d1 SUCCEEDED")
		w.wantReleased(network(1))
	})
	t.Run("what failed and cannot be cleared away", func(t *testing.T) {
		w := newWorld(t, `{"delay":"23h"}`)
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(9 * time.Minute)
		w.behave(`{"delay":"23h","rules":[{"on":"release","outcome":"permanent"}]}`)
		w.run(3 * time.Minute)
		if got := w.state(network(1)); got != vimmanager.Clearing {
			t.Fatalf("the row is %s", got)
		}
		w.wantReplies()
		w.run(10 * time.Minute)
		w.wantReplies("r1 FAILED unknown-outcome")
		if got := w.reason("r1"); !strings.Contains(got, "not ready within") || !strings.Contains(got, "could not be cleared away") {
			t.Errorf("the reason is %q", got)
		}
		w.behave(`{}`)
		w.run(time.Minute)
		w.wantInventory()
		w.deliver(w.reserve("r2", 1, network(1)))
		w.run(time.Minute)
		w.wantInventory(network(1))
	})
	t.Run("a VIM that deletes for ever", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.behave(`{"delay":"23h"}`)
		w.deliver(w.release("d1", network(1)))
		w.run(11 * time.Minute)
		w.wantReplies("r1 SUCCEEDED", "d1 FAILED transient")
		w.now = w.now.Add(24 * time.Hour)
		w.deliver(w.release("d2", network(1)))
		w.run(time.Minute)
		w.wantReleased(network(1))
	})
}

// A call ends when the ledger has gone back behind it. Whether somebody wants what it made is for the records to say: it is not cleared
// away by itself, and the sweep releases it where they do not know it. Seen failing with what was made cleared away at once, also where
// the records have it.
func TestWhatALostLedgerDoesNotKnowIsTheRecordsToDecide(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		w := newWorld(t, "")
		w.cfg.Wanted = knows(func(vim.Token) bool { return wanted })
		w.restart()
		w.deliver(w.reserve("r1", 1, network(1)))
		w.driver.after = func(op string) {
			if op == "start" {
				w.driver.after = nil
				ref := eventstore.RecordRef{Table: eventstore.TableVimResources, ID: network(1).Token.String()}
				if _, err := w.doer.Do(t.Context(), &eventstore.Work{
					Keys: []string{"vnf"}, Load: func() eventstore.Load { return eventstore.Load{Records: []eventstore.RecordRef{ref}} },
					Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
						r := l.Records[ref]
						return &eventstore.Commit{Key: "vnf", Records: []eventstore.RecordWrite{{Record: *r, Expected: r.Version, Delete: true}}}, nil
					},
				}); err != nil {
					t.Error(err)
				}
			}
		}
		w.step()
		w.run(time.Minute)
		for range 2 {
			if have := w.vim.Inventory(); len(have) != 1 {
				t.Fatalf("wanted %v: the VIM has %v before the sweep", wanted, have)
			}
			w.sweepOnce()
		}
		w.run(time.Minute)
		if have := w.vim.Inventory(); len(have) == 1 != wanted {
			t.Errorf("wanted %v: the VIM has %v", wanted, have)
		}
	}
}

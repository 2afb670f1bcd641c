package vimmanager_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vimmanager"
)

// restoredWithWhatIsGone returns a world whose ledger, restored alone, has network 1 as ACTIVE, while the VIM has nothing.
func restoredWithWhatIsGone(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "")
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	restore := w.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources)
	w.deliver(w.release("d1", network(1)))
	w.run(time.Second)
	restore()
	if got := w.state(network(1)); got != vimmanager.Active || len(w.vim.Inventory()) != 0 {
		t.Fatalf("the ledger has it %s, the VIM has %v", got, w.vim.Inventory())
	}
	w.driver.calls = nil
	return w
}

// Found by seed 492 of the simulation: a ledger restored alone to an older point had as ACTIVE what was cleared away
// since, and a retry was answered with it without a look at the VIM. Seen failing with join settling an ACTIVE row.
func TestAReserveThatJoinsARowIsAnsweredWithWhatTheVimHas(t *testing.T) {
	t.Run("gone: it is made anew, as the new command says", func(t *testing.T) {
		w := restoredWithWhatIsGone(t)
		again := network(1)
		again.Spec.Name = "other"
		w.deliver(w.reserve("r2", 1, again))
		w.wantReplies("r1 SUCCEEDED", "d1 SUCCEEDED") // the consumer calls no VIM
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "d1 SUCCEEDED", "r2 SUCCEEDED")
		w.wantInventory(network(1))
		have := w.vim.Inventory()[0]
		if got := w.result(); got.ID != have.ID || have.Name != "other" {
			t.Errorf("answered with %+v; the VIM has %+v", got, have)
		}
		if want := []string{"find", "find", "start"}; !slices.Equal(w.driver.calls, want) {
			t.Errorf("calls %v, want %v", w.driver.calls, want)
		}
	})
	t.Run("gone, and the operation is over: nothing is made", func(t *testing.T) {
		w := restoredWithWhatIsGone(t)
		w.deliver(w.reserve("r2", 1, network(1)), w.reserve("newer", 2, network(2)))
		w.run(time.Second)
		w.wantInventory(network(2))
	})
	t.Run("a look that fails is repeated: what stands is not given up", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.behave(`{"rules":[{"on":"find","outcome":"transient","times":2},{"on":"find","outcome":"permanent","times":1}]}`)
		w.deliver(w.reserve("r2", 1, network(1)))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED")
		w.run(20 * time.Second)
		w.wantReplies("r1 SUCCEEDED", "r2 SUCCEEDED")
		w.wantInventory(network(1))
	})
	t.Run("the worker dies before or during the look", func(t *testing.T) {
		w := restoredWithWhatIsGone(t)
		w.deliver(w.reserve("r2", 1, network(1)))
		w.driver.before = func(string) { panic(died{}) }
		w.dies(func() { w.step() })
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "d1 SUCCEEDED", "r2 SUCCEEDED")
		w.wantInventory(network(1))
	})
	t.Run("a release that comes meanwhile wins, at once", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.deliver(w.reserve("r2", 1, network(1)))
		w.deliver(w.release("d1", network(1)))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "r2 CANCELLED", "d1 SUCCEEDED")
		w.wantInventory()
	})
}

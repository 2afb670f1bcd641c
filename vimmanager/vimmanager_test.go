package vimmanager_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

func TestReserveAndRelease(t *testing.T) {
	for name, behaviour := range map[string]string{"at once": `{}`, "with a delay": `{"delay":"3s"}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, behaviour)
			w.deliver(w.reserve("r1", 1, network(1)))
			w.wantReplies()
			w.run(20 * time.Second)
			w.wantReplies("r1 SUCCEEDED")
			if got := w.result(); got.Token != token(1) || !got.Ready || got.ID == "" || got.Revision != 1 {
				t.Errorf("reserved %+v", got)
			}
			w.wantInventory(network(1))
			w.deliver(w.release("d1", network(1)))
			w.run(20 * time.Second)
			w.wantReplies("r1 SUCCEEDED", "d1 SUCCEEDED")
			w.wantInventory()
			if w.sweepOnce() {
				t.Error("the sweep found something")
			}
		})
	}
}

// A command that comes again is carried out once; its sender, who has heard nothing, is told that it is worked on, and, once it
// is done, its reply again. Seen failing with the check for a command row removed from Decide: the reply comes by itself.
func TestACommandDeliveredTwiceHasOneEffect(t *testing.T) {
	w := newWorld(t, "")
	r := w.reserve("r1", 1, network(1))
	w.deliver(r, r)
	w.deliver(r)
	if got := w.working(); len(got) != 2 {
		t.Errorf("it was said to be worked on: %v, want twice", got)
	}
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED")
	first := w.result()
	w.driver.calls = nil
	w.deliver(r)
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED", "r1 SUCCEEDED")
	if again := w.result(); again.ID != first.ID || len(w.driver.calls) > 0 {
		t.Errorf("the reply again has %+v, had %+v; calls %v", again, first, w.driver.calls)
	}
	w.wantInventory(network(1))
}

func TestASecondAttemptJoinsTheRow(t *testing.T) {
	w := newWorld(t, `{"delay":"5s"}`)
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	w.deliver(w.reserve("r2", 1, network(1)))
	w.run(10 * time.Second)
	w.driver.calls = nil
	w.deliver(w.reserve("r3", 1, network(1)))
	w.wantReplies("r1 SUCCEEDED", "r2 SUCCEEDED")
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED", "r2 SUCCEEDED", "r3 SUCCEEDED")
	w.wantInventory(network(1))
	if !slices.Equal(w.driver.calls, []string{"find"}) {
		t.Errorf("a later attempt at what stands made the calls %v", w.driver.calls)
	}
}

// Seen failing with the case of a dead worker removed from look: the command fails where the worker died before the call.
func TestVIMManagerDiesBeforeDuringOrAfterADriverCall(t *testing.T) {
	atStart := func(op string) {
		if op == "start" {
			panic(died{})
		}
	}
	t.Run("before the intent", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.fault = failAt(memory.FaultCommit, 1)
		if _, err := w.worker.RunOnce(t.Context()); err == nil || len(w.driver.calls) != 0 {
			t.Fatalf("%v; calls %v without an intent", err, w.driver.calls)
		}
		w.restart()
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED")
		w.wantInventory(network(1))
	})
	t.Run("before the result", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.fault = failAt(memory.FaultCommit, 2)
		if _, err := w.worker.RunOnce(t.Context()); err == nil {
			t.Fatal("the result was committed")
		}
		id := w.vim.Inventory()[0].ID
		w.restart()
		w.run(10 * time.Second) // found at the first look, long before the call's deadline
		w.wantReplies("r1 SUCCEEDED")
		w.wantInventory(network(1))
		if got := w.vim.Inventory()[0].ID; got != id {
			t.Errorf("resource %s, was %s", got, id)
		}
	})
	for where, die := range map[string]func(*world){
		"before":          func(w *world) { w.driver.before = atStart },
		"during or after": func(w *world) { w.driver.after = atStart },
	} {
		t.Run(where, func(t *testing.T) {
			w := newWorld(t, "")
			w.deliver(w.reserve("r1", 1, network(1)))
			die(w)
			w.dies(func() { w.step() })
			if got := w.state(network(1)); got != vimmanager.Starting {
				t.Fatalf("the dead worker left the row %s", got)
			}
			stands := w.vim.Inventory()
			w.driver.calls = nil
			w.run(time.Minute)
			w.wantReplies("r1 SUCCEEDED")
			w.wantInventory(network(1))
			if len(stands) == 1 && w.vim.Inventory()[0].ID != stands[0].ID {
				t.Error("another resource than the dead worker's")
			}
			if i := slices.Index(w.driver.calls, "start"); i == 0 || len(stands) == 1 && i >= 0 {
				t.Errorf("calls %v: a start without a look, or of what is there", w.driver.calls)
			}
		})
	}
}

// failAt fails the n-th commit from now on at a point.
func failAt(point string, n int) func(string) error {
	return func(p string) error {
		if p == point {
			if n--; n == 0 {
				return errFault
			}
		}
		return nil
	}
}

// The committed change whose acknowledgement is lost, at every commit of a reserve and a release.
func TestAcknowledgementsLostAnywhere(t *testing.T) {
	for n := 1; n <= 8; n++ {
		for _, point := range []string{memory.FaultBegin, memory.FaultCommit, memory.FaultAcknowledge} {
			w := newWorld(t, `{"delay":"1s"}`)
			w.deliver(w.reserve("r1", 1, network(1)))
			w.fault = failAt(point, n)
			settle := func() {
				for range 90 {
					for did := true; did; {
						var err error
						if did, err = w.worker.RunOnce(t.Context()); err != nil {
							w.restart()
							break
						}
					}
					w.now = w.now.Add(time.Second)
				}
			}
			settle()
			w.wantReplies("r1 SUCCEEDED")
			w.wantInventory(network(1))
			fault := w.fault
			w.fault = nil
			w.deliver(w.release("d1", network(1)))
			w.fault = fault
			settle()
			w.wantReplies("r1 SUCCEEDED", "d1 SUCCEEDED")
			w.wantInventory()
			if t.Failed() {
				t.Fatalf("with fault %d at %s", n, point)
			}
		}
	}
}

// Seen failing with the quarantine left out of look, and out of release: the late create stands; and with the sweep's
// account of RELEASED rows removed, and of FAILED ones.
func TestTheDeadWorkersCreateLandsLaterStill(t *testing.T) {
	late := func(after string) string {
		return `{"rules":[{"on":"reserve","outcome":"late-effect","times":1,"after":"` + after + `"}]}`
	}
	t.Run("before the deadline: it is taken", func(t *testing.T) {
		w := newWorld(t, late("7s"))
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(30 * time.Second)
		w.wantReplies("r1 SUCCEEDED")
		w.wantInventory(network(1))
	})
	t.Run("in the quarantine: it is taken", func(t *testing.T) {
		w := newWorld(t, late("23s"))
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(40 * time.Second)
		w.wantReplies("r1 SUCCEEDED")
		w.wantInventory(network(1))
	})
	t.Run("after the quarantine: the next attempt takes it", func(t *testing.T) {
		w := newWorld(t, late("40s"))
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(39 * time.Second)
		w.wantReplies("r1 FAILED unknown-outcome")
		w.run(5 * time.Second)
		id := w.vim.Inventory()[0].ID
		w.deliver(w.reserve("r2", 1, network(1)))
		w.run(time.Second)
		w.wantReplies("r1 FAILED unknown-outcome", "r2 SUCCEEDED")
		w.wantInventory(network(1))
		if got := w.vim.Inventory()[0].ID; got != id {
			t.Errorf("allocated %s beside %s", got, id)
		}
	})
	t.Run("a release waits for the deadline and the quarantine", func(t *testing.T) {
		w := newWorld(t, late("22s"))
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.deliver(w.release("d1", network(1)))
		w.run(23 * time.Second)
		w.wantReplies("r1 CANCELLED") // the release is not believed done while the create may land
		w.run(5 * time.Second)
		w.wantReplies("r1 CANCELLED", "d1 SUCCEEDED")
		w.wantInventory()
	})
	t.Run("after the release: the sweep has it released", func(t *testing.T) {
		w := newWorld(t, late("2m"))
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.deliver(w.release("d1", network(1)))
		w.run(3 * time.Minute)
		w.wantReplies("r1 CANCELLED", "d1 SUCCEEDED")
		if n := len(w.vim.Inventory()); n != 1 {
			t.Fatalf("%d resources, want the late one", n)
		}
		if w.sweepOnce() {
			t.Error("released when seen once")
		}
		if !w.sweepOnce() {
			t.Error("not released when seen twice")
		}
		w.run(10 * time.Second)
		w.wantInventory()
		w.wantReplies("r1 CANCELLED", "d1 SUCCEEDED")
	})
	t.Run("after a failure: the sweep has it cleared, and the token can be asked for again", func(t *testing.T) {
		w := newWorld(t, late("2m"))
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(3 * time.Minute)
		w.sweepOnce()
		w.sweepOnce()
		w.run(10 * time.Second)
		w.wantInventory()
		w.deliver(w.reserve("r2", 1, network(1)))
		w.run(time.Second)
		w.wantReplies("r1 FAILED unknown-outcome", "r2 SUCCEEDED")
		w.wantInventory(network(1))
	})
}

// Seen failing with conclude's case for RELEASING removed: the row becomes ACTIVE again.
func TestAReleaseThatComesDuringTheStartWins(t *testing.T) {
	for outcome, behaviour := range map[string]string{
		"made":        `{}`,
		"refused":     `{"rules":[{"on":"reserve","outcome":"permanent","times":1}]}`,
		"not known":   `{"rules":[{"on":"reserve","outcome":"hang","times":1}]}`,
		"answer lost": `{"rules":[{"on":"reserve","outcome":"lose-reply","times":1}]}`,
	} {
		t.Run(outcome, func(t *testing.T) {
			w := newWorld(t, behaviour)
			w.deliver(w.reserve("r1", 1, network(1)))
			w.driver.before = func(op string) {
				if op == "start" {
					w.deliver(w.release("d1", network(1)))
				}
			}
			w.run(time.Minute)
			w.wantReplies("r1 CANCELLED", "d1 SUCCEEDED")
			w.wantInventory()
		})
	}
}

// The result of a Start whose row has meanwhile become a tombstone. Seen failing with conclude's case for RELEASED removed.
func TestAStartWhoseResultIsRefusedDeletesWhatItMade(t *testing.T) {
	w := newWorld(t, "")
	w.deliver(w.reserve("r1", 1, network(1)))
	other := vimmanager.NewWorker(w.cfg) // of a process that took the lane over
	w.driver.before = func(op string) {
		if op != "start" {
			return
		}
		w.driver.before = nil
		w.deliver(w.release("d1", network(1)))
		for range 60 {
			if _, err := other.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(time.Second)
		}
		w.wantReplies("r1 CANCELLED", "d1 SUCCEEDED")
	}
	w.run(time.Minute)
	w.run(time.Minute) // the first minute passed inside the call
	w.wantReplies("r1 CANCELLED", "d1 SUCCEEDED")
	w.wantInventory()
	if got := w.state(network(1)); got != vimmanager.Released {
		t.Errorf("the row is %s", got)
	}
}

// Seen failing with account's adoption removed: the sweep releases the VNF's own resources; and with Find removed from
// start: the calls show a start of what is there.
func TestVIMManagersDatabaseIsLostOrRestoredToAnOlderPoint(t *testing.T) {
	t.Run("lost: commands that come again find what is there", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		id := w.vim.Inventory()[0].ID
		w.loseLedger()
		w.driver.calls = nil
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED")
		w.wantInventory(network(1))
		if got := w.vim.Inventory()[0].ID; got != id || slices.Contains(w.driver.calls, "start") {
			t.Errorf("resource %s, was %s; calls %v", got, id, w.driver.calls)
		}
	})
	t.Run("lost: a release needs no row", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.loseLedger()
		w.deliver(w.release("d1", network(1)))
		w.run(time.Second)
		w.wantReplies("d1 SUCCEEDED")
		w.wantInventory()
	})
	t.Run("lost: the sweep rebuilds what the records know and releases the rest", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)), w.reserve("r2", 1, network(2)))
		w.run(time.Second)
		w.cfg.Wanted = knows(func(t vim.Token) bool { return t == token(1) })
		w.loseLedger()
		w.sweepOnce()
		w.sweepOnce()
		w.run(time.Second)
		w.wantInventory(network(1))
		w.wantReplies()
	})
}

// The ledger goes back to a point before the command while its Start is under way: what was made goes, and the next
// attempt at the token succeeds. Found by seed 566 of the simulation; seen failing with a tombstone left behind.
func TestALedgerRestoredDuringAStartLeavesTheTokenFree(t *testing.T) {
	w := newWorld(t, "")
	restore := w.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources)
	w.deliver(w.reserve("r1", 1, network(1)))
	w.driver.after = func(op string) {
		if op == "start" {
			w.driver.after = nil
			restore()
		}
	}
	w.run(30 * time.Second)
	w.wantInventory()
	w.deliver(w.reserve("r2", 1, network(1)))
	w.run(30 * time.Second)
	w.wantReplies("r2 SUCCEEDED")
	w.wantInventory(network(1))
}

// Seen failing with the tombstone's case removed from takeReserve.
func TestTimeoutFiredReleaseSentThenTheOldReserveIsDelivered(t *testing.T) {
	t.Run("the reserve was never seen", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.release("d1", network(1)))
		w.run(time.Second)
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Minute)
		w.wantReplies("d1 SUCCEEDED", "r1 CANCELLED")
		w.wantInventory()
	})
	t.Run("in the commit of the release", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.release("d1", network(1)), w.reserve("r1", 1, network(1)))
		w.run(time.Minute)
		w.wantReplies("r1 CANCELLED", "d1 SUCCEEDED")
		w.wantInventory()
	})
	t.Run("the reserve is waiting, building or done", func(t *testing.T) {
		for wait := range 6 {
			w := newWorld(t, `{"delay":"3s"}`)
			w.deliver(w.reserve("r1", 1, network(1)))
			w.run(time.Duration(wait) * time.Second)
			before := w.replies()
			w.deliver(w.release("d1", network(1)))
			w.deliver(w.reserve("r2", 1, network(1)))
			w.run(time.Minute)
			w.wantInventory()
			got := w.replies()
			if len(before) == 0 && !slices.Contains(got, "r1 CANCELLED") || !slices.Contains(got, "r2 CANCELLED") ||
				!slices.Contains(got, "d1 SUCCEEDED") || len(got) != 3 {
				t.Errorf("after %d s: replies %q", wait, got)
			}
		}
	})
	t.Run("the next generation is another allocation", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.release("d1", network(1)))
		again := network(1)
		again.Token.Generation++
		w.deliver(w.reserve("r2", 1, again))
		w.run(time.Second)
		w.wantInventory(again)
	})
}

func TestReleaseOfSomethingNeverAllocatedOrAlreadyReleased(t *testing.T) {
	w := newWorld(t, "")
	w.deliver(w.release("d1", network(1)))
	w.run(time.Second)
	w.deliver(w.release("d2", network(1)), w.release("d3", network(1)))
	w.run(time.Second)
	w.wantReplies("d1 SUCCEEDED", "d2 SUCCEEDED", "d3 SUCCEEDED")
	w.wantInventory()
}

// Found by torture: an operator's retry releases again what the first attempt has released meanwhile. The VIM refused
// that, the release failed, and the row was left RELEASING for ever. Seen failing with the VIM asked again.
func TestReleaseOfSomethingAlreadyReleasedAsksNoVim(t *testing.T) {
	w := newWorld(t, "")
	w.deliver(w.reserve("r", 1, network(1)))
	w.run(time.Second)
	w.deliver(w.release("d1", network(1)))
	w.run(time.Second)
	w.behave(`{"rules":[{"on":"release","outcome":"permanent"}]}`)
	w.deliver(w.release("d2", network(1)))
	w.run(time.Second)
	w.wantReplies("r SUCCEEDED", "d1 SUCCEEDED", "d2 SUCCEEDED")
	if got := w.state(network(1)); got != vimmanager.Released {
		t.Errorf("the row is %s", got)
	}
	w.wantInventory()
}

// Seen failing with the comparison of fences removed from takeReserve, and, for the row that waits, from start.
func TestAnOlderOperationsCommandArrivesAfterANewerOperationBegan(t *testing.T) {
	t.Run("it may not create", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("new", 2, network(2)))
		w.deliver(w.reserve("old", 1, network(1)))
		w.wantReplies("old FAILED superseded")
		w.run(time.Second)
		w.wantReplies("old FAILED superseded", "new SUCCEEDED")
		w.wantInventory(network(2))
	})
	t.Run("nor when it was waiting", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("old", 1, network(1)))
		w.deliver(w.reserve("new", 2, network(2)))
		w.run(time.Second)
		got := w.replies()
		slices.Sort(got)
		if !slices.Equal(got, []string{"new SUCCEEDED", "old FAILED superseded"}) {
			t.Errorf("replies %q", got)
		}
		w.wantInventory(network(2))
	})
	t.Run("its release is accepted", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("old", 1, network(1)))
		w.run(time.Second)
		w.deliver(w.reserve("new", 2, network(2)))
		w.deliver(w.release("undo", network(1)))
		w.run(time.Second)
		w.wantInventory(network(2))
	})
}

func TestFailuresAreAnsweredWithTheirClassAndLeaveNothing(t *testing.T) {
	for outcome, class := range map[string]message.Class{
		sim.Transient: message.Transient, sim.Permanent: message.Permanent, sim.Quota: message.Quota, sim.Hang: message.UnknownOutcome,
	} {
		t.Run(outcome, func(t *testing.T) {
			w := newWorld(t, `{"rules":[{"on":"reserve","outcome":"`+outcome+`","times":1}]}`)
			w.deliver(w.reserve("r1", 1, network(1)))
			w.run(time.Minute)
			w.wantReplies("r1 FAILED " + string(class))
			w.wantInventory()
			w.deliver(w.reserve("r2", 1, network(1)))
			w.run(time.Second)
			w.wantInventory(network(1))
		})
	}
	t.Run("lost answers are found", func(t *testing.T) {
		w := newWorld(t, `{"rules":[{"on":"reserve","outcome":"lose-reply","times":1}]}`)
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(10 * time.Second)
		w.wantReplies("r1 SUCCEEDED")
		w.wantInventory(network(1))
	})
	t.Run("a look that fails or hangs is no start", func(t *testing.T) {
		w := newWorld(t, `{"rules":[{"on":"find","outcome":"hang","times":1}]}`)
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.wantReplies("r1 FAILED unavailable")
		w.wantInventory()
	})
	t.Run("found failed after it was accepted", func(t *testing.T) {
		w := newWorld(t, "")
		group := vim.Reserve{Token: token(9), Kind: vim.ServerGroup, Spec: vim.Spec{ServerGroup: &vim.ServerGroupSpec{}}}
		w.deliver(w.reserve("g", 1, group))
		w.run(time.Second)
		var vms []vim.Reserve
		var msgs []message.Message
		for i := range 17 { // one more than there are hosts
			vm := vim.Reserve{Token: token(20 + i), Kind: vim.Compute, Spec: vim.Spec{Compute: &vim.ComputeSpec{
				Flavour: "m1.tiny", Image: "image-x", ServerGroup: []string{w.vim.Inventory()[0].ID},
			}}}
			if i < 16 {
				vms = append(vms, vm)
			}
			msgs = append(msgs, w.reserve("vm"+token(i).ID, 1, vm))
		}
		w.deliver(msgs[:16]...)
		w.run(time.Second)
		w.deliver(msgs[16])
		w.run(time.Second)
		got := w.replies()
		if last := got[len(got)-1]; last != "vm"+token(16).ID+" FAILED quota" {
			t.Errorf("last reply %q", last)
		}
		w.wantInventory(append(vms, group)...)
	})
	t.Run("a release that fails is answered; its tombstone stands", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.behave(`{"rules":[{"on":"release","outcome":"permanent","times":1},{"on":"release","outcome":"hang","times":1}]}`)
		w.deliver(w.release("d1", network(1)))
		w.run(time.Second)
		w.deliver(w.reserve("r2", 1, network(1)))
		w.deliver(w.release("d2", network(1)))
		w.run(time.Second)
		w.deliver(w.release("d3", network(1)))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "d1 FAILED permanent", "r2 CANCELLED", "d2 FAILED unknown-outcome", "d3 SUCCEEDED")
		w.wantInventory()
	})
	t.Run("a release nobody tries again is done by the sweep", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.reserve("r1", 1, network(1)))
		w.run(time.Second)
		w.behave(`{"rules":[{"on":"release","outcome":"permanent","times":1}]}`)
		w.deliver(w.release("d1", network(1)))
		w.run(time.Second)
		w.sweepOnce()
		w.sweepOnce()
		w.run(time.Second)
		w.wantInventory()
	})
}

package vimmanager_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

func TestCommandsThatMakeNoSenseAreRefused(t *testing.T) {
	w := newWorld(t, "")
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	port := missing(1)
	elsewhere, nowhere := w.reserveAt(sim.Second, "m4", 1, network(1)), w.reserveAt("vim-9", "m5", 1, network(5))
	gone := w.message("m6", vim.TypeReleaseResource, vim.Release{VnfID: vnf, Connection: "vim-9", Token: token(6)})
	w.deliver(w.message("m2", vim.TypeReserveResource, "x"), w.reserve("m3", 1, port), elsewhere)
	w.deliver(nowhere)
	w.run(time.Second)
	w.deliver(gone)
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED", "m2 FAILED permanent", "m3 FAILED permanent", "m4 FAILED permanent",
		"m5 FAILED permanent", "m6 FAILED permanent")
	w.wantInventory(network(1))
}

// A command of a newer program is neither refused nor taken: it is for a newer VIM manager. Seen failing with the refusal
// of types that are not known.
func TestACommandOfAnotherTypeIsLeftToAnotherProgram(t *testing.T) {
	w := newWorld(t, "")
	in := vimmanager.NewIntake(w.cfg)
	msgs := []message.Message{w.reserve("r1", 1, network(1)), w.message("m1", "vim.reserve-resource.v3", 1)}
	_, err := w.doer.Do(t.Context(), &eventstore.Work{
		Keys: []string{vnf}, Load: func() eventstore.Load { return in.Load(msgs) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			return c, in.Decide(l, msgs, c)
		},
	})
	if !errors.Is(err, vnfm.ErrUnknownVersion) {
		t.Fatal(err)
	}
	w.run(time.Second)
	w.wantReplies()
	w.wantInventory()
}

func TestTheSweepReportsWhatIsGone(t *testing.T) {
	w := newWorld(t, "")
	var gone []vim.Token
	w.cfg.Gone = func(_ string, r vim.Resource) { gone = append(gone, r.Token) }
	w.restart()
	config := vim.Reserve{Token: token(3), Kind: vim.Configuration, Spec: vim.Spec{Configuration: &vim.ConfigurationSpec{Action: "start"}}}
	w.deliver(w.reserve("r1", 1, network(1)), w.reserve("r2", 1, network(2)), w.reserve("r3", 1, config))
	w.run(time.Second)
	if w.sweepOnce() {
		t.Error("a sweep of what is as it should be found something")
	}
	if _, err := w.vim.Release(t.Context(), sim.Connections()[0], vim.Network, token(2)); err != nil {
		t.Fatal(err)
	}
	w.sweepOnce()
	if !slices.Equal(gone, []vim.Token{token(2)}) {
		t.Errorf("gone: %v", gone)
	}
}

func TestAResourceThatIsNeverReadyIsGivenUp(t *testing.T) {
	w := newWorld(t, `{"delay":"1h"}`)
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	w.behave(`{"delay":"0s"}`)
	w.run(11 * time.Minute)
	w.wantReplies("r1 FAILED transient")
	w.wantInventory()
}

// A release that clears a failed resource away is not answered; the next says that nothing stands. The first may still have its
// effect, as long as calls may take and the quarantine lasts, and must not have it on what is made next under the token. Seen failing (what was reserved is gone) with the second
// believed at once.
func TestAReleaseIsNotBelievedWhileAnEarlierOneIsUnanswered(t *testing.T) {
	unanswered := map[string]func(w *world){
		"no answer": func(w *world) {
			w.behave(`{"rules":[{"on":"release","outcome":"late-effect","times":1,"after":"24s"}]}`)
		},
		"the worker dies": func(w *world) {
			w.behave(`{"rules":[{"on":"release","outcome":"late-effect","times":1,"after":"24s"}]}`)
			w.driver.after = func(op string) {
				if op == "release" {
					w.driver.after = nil
					panic(died{})
				}
			}
		},
	}
	for name, silence := range unanswered {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, `{"delay":"1h"}`)
			w.deliver(w.reserve("r1", 1, network(1)))
			w.run(10*time.Minute - time.Second)
			silence(w)
			for range 200 { // until the resource is given up and cleared away
				w.anyhow(func() { w.step() })
				w.now = w.now.Add(100 * time.Millisecond)
			}
			w.deliver(w.reserve("r2", 1, network(1)))
			w.run(3 * time.Minute)
			w.wantReplies("r1 FAILED transient", "r2 SUCCEEDED")
			w.wantInventory(network(1))
		})
	}
}

func TestADuplicatedReplyIsSentTwice(t *testing.T) {
	w := newWorld(t, `{"rules":[{"on":"*","outcome":"duplicate-reply"}]}`)
	w.cfg.Tap = w.vim.Replies
	w.restart()
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	w.deliver(w.release("d1", network(1)))
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED", "r1 SUCCEEDED", "d1 SUCCEEDED", "d1 SUCCEEDED")
}

func TestOldCommandsAndTombstonesGo(t *testing.T) {
	w := newWorld(t, "")
	w.deliver(w.reserve("r1", 1, network(1)), w.reserve("r2", 1, network(2)), w.reserve("r3", 1, missing(3)))
	w.run(time.Second)
	w.deliver(w.release("d1", network(1)))
	w.run(time.Second)
	w.now = w.now.Add(8 * 24 * time.Hour)
	w.run(time.Second)
	var left []string
	for _, table := range []string{eventstore.TableVimCommands, eventstore.TableVimResources} {
		recs, err := w.store.Records(t.Context(), eventstore.RecordQuery{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			left = append(left, r.State)
		}
	}
	slices.Sort(left)
	if !slices.Equal(left, []string{vimmanager.Active, vimmanager.FenceState}) {
		t.Errorf("left: %v", left)
	}
	w.wantInventory(network(2))
}

// knows is an answer for Config.Wanted.
func knows(wanted func(vim.Token) bool) func(context.Context, []string) (map[string]func(vim.Token) bool, error) {
	return func(_ context.Context, vnfIDs []string) (map[string]func(vim.Token) bool, error) {
		out := map[string]func(vim.Token) bool{}
		for _, id := range vnfIDs {
			out[id] = wanted
		}
		return out, nil
	}
}

// The ledger goes back to a moment before a release and carries the reserve out once more; its reply is one that the saga
// has handled, and drops. Found by seed 99 of the simulation; seen failing with rows that are ACTIVE left alone.
func TestTheSweepReleasesWhatOnlyTheLedgerKnows(t *testing.T) {
	w := newWorld(t, "")
	known := false
	w.cfg.Wanted = knows(func(vim.Token) bool { return known })
	w.restart()
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	known = true
	for range 3 {
		w.sweepOnce()
		w.run(time.Second)
	}
	w.wantInventory(network(1))
	known = false
	w.sweepOnce() // an operation may end between two looks
	w.run(time.Second)
	w.wantInventory(network(1))
	w.sweepOnce()
	w.run(time.Second)
	w.wantInventory()
}

// The ledger goes back to a moment at which an attempt had failed; a later one did not, and the records have its resource.
// Found by the simulation; seen failing with the records asked only about tokens without a row.
func TestTheSweepLeavesWhatTheRecordsKnow(t *testing.T) {
	w := newWorld(t, `{"rules":[{"on":"reserve","outcome":"transient","times":1}]}`)
	known := true
	w.cfg.Wanted = knows(func(vim.Token) bool { return known })
	w.restart()
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	restore := w.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources)
	w.deliver(w.reserve("r2", 1, network(1)))
	w.run(time.Second)
	restore()
	for range 3 {
		w.sweepOnce()
		w.run(time.Second)
	}
	if n := len(w.vim.Inventory()); n != 1 {
		t.Errorf("the VIM has %d resources, the records 1", n)
	}
	known = false
	for range 3 {
		w.sweepOnce()
		w.run(time.Second)
	}
	if n := len(w.vim.Inventory()); n != 0 {
		t.Errorf("the VIM has %d resources that nothing knows", n)
	}
}

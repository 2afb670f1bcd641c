package vimmanager_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

// vm asks for a machine.
func vm(n int) vim.Reserve {
	return vim.Reserve{Token: token(n), Kind: vim.Compute, Spec: vmSpec(1)}
}

// vmSpec is what a machine is to be at a revision: each time another flavour, an image and metadata, so that half of a change
// is seen.
func vmSpec(revision int) vim.Spec {
	return vim.Spec{Name: "vm", Compute: &vim.ComputeSpec{
		Flavour: fmt.Sprint("m", revision), Image: fmt.Sprint("image-", revision), Metadata: map[string]string{"revision": fmt.Sprint(revision)},
	}}
}

func powered(p vim.Power) vim.Spec {
	s := vmSpec(1)
	s.Compute.Power = p
	return s
}

// change asks for a revision of what r is.
func (w *world) change(id string, fence int64, r vim.Reserve, revision int) message.Message {
	return w.changeTo(id, fence, r, revision, vmSpec(revision-1), vmSpec(revision), 0)
}

func (w *world) changeTo(id string, fence int64, r vim.Reserve, revision int, from, to vim.Spec, grace time.Duration) message.Message {
	w.t.Helper()
	return w.message(id, vim.TypeChangeResource, vim.Change{
		VnfID: vnf, Connection: sim.Default, Fence: fence, Token: r.Token, Kind: r.Kind, Revision: revision, From: from, To: to,
		GraceMs: grace.Milliseconds(),
	})
}

// newVM returns a world with a machine at revision 1.
func newVM(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "")
	w.deliver(w.reserve("r1", 1, vm(1)))
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED")
	w.driver.calls = nil
	return w
}

// wantRevision is invariant I2 with changes: the VIM has the machine whole at a revision, and the ledger says so.
func (w *world) wantRevision(revision int) {
	w.t.Helper()
	w.wantInventory(vm(1))
	have := w.vim.Inventory()[0]
	if have.Revision != revision || len(vim.Differences(have.Spec, vmSpec(revision))) > 0 {
		w.t.Errorf("the VIM has it at revision %d, which differs in %v from what was asked as %d", have.Revision, vim.Differences(have.Spec, vmSpec(revision)), revision)
	}
	if got := w.doc(vm(1)).Revision; got != revision {
		w.t.Errorf("the ledger has it at revision %d, want %d", got, revision)
	}
}

type rowDoc struct {
	Revision, Highest int
	Intent            *struct{ Deadline time.Time }
	Change            *struct{ GraceBy, By time.Time }
	Resource          *vim.Resource
}

func (w *world) doc(r vim.Reserve) (doc rowDoc) {
	w.t.Helper()
	ref := eventstore.RecordRef{Table: eventstore.TableVimResources, ID: r.Token.String()}
	l, err := w.store.Load(w.t.Context(), eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil || l.Records[ref] == nil {
		w.t.Fatalf("no row of %s: %v", r.Token, err)
	}
	if err := json.Unmarshal(l.Records[ref].Doc, &doc); err != nil {
		w.t.Fatal(err)
	}
	return doc
}

// reason returns why a command was not answered with success.
func (w *world) reason(id string) string { w.t.Helper(); return w.replied(id).Reason }

// replied is the reply to a command.
func (w *world) replied(id string) message.Reply {
	w.t.Helper()
	msgs, err := w.store.ReadOutbox(w.t.Context(), eventstore.LaneOf(vnf), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range msgs {
		if m.CausationID == id && m.Type == message.ReplyType {
			return decode(w.t, m.Data)
		}
	}
	return message.Reply{}
}

func TestAChange(t *testing.T) {
	for name, behaviour := range map[string]string{"at once": `{}`, "with a delay": `{"delay":"3s"}`} {
		t.Run(name, func(t *testing.T) {
			w := newVM(t)
			w.behave(behaviour)
			w.deliver(w.change("c2", 1, vm(1), 2))
			w.wantReplies("r1 SUCCEEDED")
			w.run(20 * time.Second)
			w.wantReplies("r1 SUCCEEDED", "c2 SUCCEEDED")
			if got := w.result(); got.Revision != 2 || !got.Ready || got.Token != token(1) || got.Power != vim.PowerOn {
				t.Errorf("the reply has %+v", got)
			}
			w.wantRevision(2)
			if !slices.Equal(w.driver.calls, []string{"find", "change"}) {
				t.Errorf("calls %v", w.driver.calls)
			}
			w.deliver(w.release("d1", vm(1)))
			w.run(20 * time.Second)
			w.wantReleased(vm(1))
		})
	}
}

// A change is delivered twice, late, after a higher one, or after a release: applied once; a lower revision does nothing, and a
// released token is cancelled. Seen failing with the comparison with Highest removed from takeChange, with the one of Find in
// change, and with the case of tombstones.
func TestAChangeDeliveredTwiceLateAfterAHigherOneOrAfterARelease(t *testing.T) {
	t.Run("the same message twice", func(t *testing.T) {
		w := newVM(t)
		c := w.change("c2", 1, vm(1), 2)
		w.deliver(c, c)
		w.run(time.Second)
		w.deliver(c)
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 SUCCEEDED", "c2 SUCCEEDED")
		w.wantRevision(2)
		if n := count(w.driver.calls, "change"); n != 1 || len(w.working()) != 1 {
			t.Errorf("%d changes, said to be worked on: %v", n, w.working())
		}
	})
	t.Run("equal revisions, one after the other", func(t *testing.T) {
		w := newVM(t)
		w.deliver(w.change("c2", 1, vm(1), 2), w.change("again", 1, vm(1), 2))
		w.run(time.Second)
		w.deliver(w.change("late", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 SUCCEEDED", "again SUCCEEDED", "late SUCCEEDED")
		w.wantRevision(2)
		if n := count(w.driver.calls, "change"); n != 2 { // the second finds that all of it stands
			t.Errorf("%d changes", n)
		}
	})
	t.Run("after a higher one", func(t *testing.T) {
		w := newVM(t)
		w.deliver(w.change("c3", 1, vm(1), 3))
		w.run(time.Second)
		w.driver.calls = nil
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c3 SUCCEEDED", "c2 FAILED superseded")
		w.wantRevision(3)
		if len(w.driver.calls) > 0 {
			t.Errorf("calls %v", w.driver.calls)
		}
	})
	t.Run("after a higher one that failed", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"rules":[{"on":"change","outcome":"permanent","times":1}]}`)
		w.deliver(w.change("c3", 1, vm(1), 3))
		w.run(time.Second)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c3 FAILED permanent", "c2 FAILED superseded")
		w.wantRevision(1)
	})
	t.Run("after a release", func(t *testing.T) {
		w := newVM(t)
		w.deliver(w.release("d1", vm(1)), w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.deliver(w.change("c3", 1, vm(1), 3))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 CANCELLED", "d1 SUCCEEDED", "c3 CANCELLED")
		w.wantReleased(vm(1))
	})
	t.Run("of an older operation", func(t *testing.T) {
		w := newVM(t)
		w.deliver(w.change("waits", 1, vm(1), 2))
		w.deliver(w.reserve("new", 2, network(2)))
		w.deliver(w.change("old", 1, vm(1), 3))
		w.run(time.Second)
		got := w.replies()
		slices.Sort(got)
		if !slices.Equal(got, []string{"new SUCCEEDED", "old FAILED superseded", "r1 SUCCEEDED", "waits FAILED superseded"}) {
			t.Errorf("replies %q", got)
		}
		if have := w.vim.Inventory()[0]; have.Revision != 1 {
			t.Errorf("the VIM has revision %d", have.Revision)
		}
	})
}

func count(calls []string, op string) (n int) {
	for _, c := range calls {
		if c == op {
			n++
		}
	}
	return n
}

// What was reserved and is past that is not reserved once more. Seen failing without the case of takeReserve: the reserve is
// answered with success.
func TestAReserveOfWhatStandsAtAHigherRevisionIsSuperseded(t *testing.T) {
	w := newVM(t)
	w.deliver(w.change("c2", 1, vm(1), 2))
	w.deliver(w.reserve("during", 1, vm(1)))
	w.run(time.Second)
	w.deliver(w.reserve("after", 1, vm(1)))
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED", "during FAILED superseded", "c2 SUCCEEDED", "after FAILED superseded")
	w.loseLedger()
	w.deliver(w.reserve("lost", 1, vm(1)))
	w.run(time.Second)
	w.wantReplies("lost FAILED superseded")
	w.wantRevision(2)
}

func TestAChangeOfWhatIsBeingBuiltWaits(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second} {
		w := newWorld(t, `{"delay":"5s"}`)
		w.deliver(w.reserve("r1", 1, vm(1)))
		w.run(wait)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		if slices.Contains(w.driver.calls, "change") {
			t.Error("changed before it stood")
		}
		w.run(30 * time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 SUCCEEDED")
		w.wantRevision(2)
	}
	w := newWorld(t, `{"delay":"5s","rules":[{"on":"reserve","outcome":"quota","times":1}]}`)
	w.deliver(w.reserve("r1", 1, vm(1)), w.change("c2", 1, vm(1), 2))
	w.run(time.Second)
	w.wantReplies("r1 FAILED quota", "c2 FAILED quota")
	w.wantInventory()
}

// The ledger was lost, or went back behind a change. Seen failing with change not looking first: the resource goes back.
func TestALedgerThatWentBackBehindAChange(t *testing.T) {
	t.Run("lost: what is there is changed, and taken back", func(t *testing.T) {
		w := newVM(t)
		w.loseLedger()
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("c2 SUCCEEDED")
		w.wantRevision(2)
		if !slices.Equal(w.driver.calls, []string{"find", "change"}) {
			t.Errorf("calls %v", w.driver.calls)
		}
	})
	t.Run("lost: the change stands already", func(t *testing.T) {
		w := newVM(t)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.loseLedger()
		w.driver.calls = nil
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("c2 SUCCEEDED")
		w.wantRevision(2)
		if !slices.Equal(w.driver.calls, []string{"find", "change"}) { // it finds that all of it stands
			t.Errorf("calls %v", w.driver.calls)
		}
	})
	t.Run("lost, and half of another change stands", func(t *testing.T) { // found by the explorer: revision 2 is shown, and not whole
		w := newVM(t)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.behave(`{"rules":[{"on":"change","outcome":"half","times":1}]}`)
		w.deliver(w.change("c3", 1, vm(1), 3))
		w.step()
		w.loseLedger()
		w.deliver(w.change("late", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("late SUCCEEDED")
		w.wantRevision(2)
	})
	t.Run("lost, and nothing is there", func(t *testing.T) {
		w := newWorld(t, "")
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("c2 FAILED not-found")
		w.wantInventory()
		w.deliver(w.reserve("r1", 1, vm(1)))
		w.run(time.Second)
		w.wantRevision(1)
	})
	t.Run("back, and a higher revision stands", func(t *testing.T) {
		w := newVM(t)
		restore := w.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.deliver(w.change("c3", 1, vm(1), 3))
		w.run(time.Second)
		restore()
		w.deliver(w.change("again", 1, vm(1), 2))
		w.run(time.Second)
		got := w.replies()
		if last := got[len(got)-1]; last != "again FAILED superseded" {
			t.Errorf("replies %q", got)
		}
		w.wantRevision(3)
	})
	t.Run("back: the sweep sees what stands, and a lower revision is refused without a look", func(t *testing.T) {
		w := newVM(t)
		restore := w.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources)
		w.deliver(w.change("c3", 1, vm(1), 3))
		w.run(time.Second)
		restore()
		if !w.sweepOnce() || w.sweepOnce() {
			t.Error("the sweep did nothing, or twice")
		}
		w.wantRevision(3)
		w.driver.calls = nil
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.wantReplies("r1 SUCCEEDED", "c3 SUCCEEDED", "c2 FAILED superseded")
	})
	t.Run("lost: the sweep rebuilds the row with its revision", func(t *testing.T) {
		w := newVM(t)
		w.deliver(w.change("c3", 1, vm(1), 3))
		w.run(time.Second)
		w.cfg.Wanted = knows(func(vim.Token) bool { return true })
		w.loseLedger()
		w.sweepOnce()
		w.wantRevision(3)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.wantReplies("c2 FAILED superseded")
	})
}

// The VIM manager dies in a change, at any call and any commit, or does not hear of a commit, and the call has its effect or
// not: the change stands, whole.
func TestTheVimManagerDiesInAChange(t *testing.T) {
	for _, where := range []string{"before find", "before change", "after change", memory.FaultBegin, memory.FaultCommit, memory.FaultAcknowledge} {
		for _, behaviour := range []string{`{}`, `{"delay":"3s"}`, `{"rules":[{"on":"change","outcome":"half","times":1}]}`} {
			for n := 1; n <= 4; n++ {
				w := newVM(t)
				w.behave(behaviour)
				w.deliver(w.change("c2", 1, vm(1), 2))
				left := n
				die := func(op, kind string) {
					if kind+" "+op == where {
						if left--; left == 0 {
							panic(died{})
						}
					}
				}
				w.driver.before, w.driver.after = func(op string) { die(op, "before") }, func(op string) { die(op, "after") }
				w.fault = failAt(where, n)
				for range 60 {
					for did := true; did; {
						did = false
						w.anyhow(func() {
							var err error
							if did, err = w.worker.RunOnce(t.Context()); err != nil {
								w.restart()
							}
						})
					}
					w.now = w.now.Add(time.Second)
				}
				w.wantReplies("r1 SUCCEEDED", "c2 SUCCEEDED")
				w.wantRevision(2)
				if t.Failed() {
					t.Fatalf("with a fault %s %d, and %s", where, n, behaviour)
				}
			}
		}
	}
}

// A change has its effect without an answer, later, twice, or by half. Seen failing with a look that takes what is Ready for
// changed: half of it stands.
func TestAChangeThatLandsLateTwiceOrByHalf(t *testing.T) {
	for name, c := range map[string]struct {
		rules string
		reply string
		calls int
	}{
		"the answer is lost":          {`{"on":"change","outcome":"lose-reply","times":1}`, "c2 SUCCEEDED", 2},
		"it lands late":               {`{"on":"change","outcome":"late-effect","times":1,"after":"7s"}`, "c2 SUCCEEDED", 2},
		"it lands after its deadline": {`{"on":"change","outcome":"late-effect","times":1,"after":"23s"}`, "c2 SUCCEEDED", 2},
		"it lands twice":              {`{"on":"change","outcome":"twice","times":1,"after":"7s"}`, "c2 SUCCEEDED", 2},
		"by half":                     {`{"on":"change","outcome":"half","times":1}`, "c2 SUCCEEDED", 2},
		"by half, more than once":     {`{"on":"change","outcome":"half","times":3}`, "c2 SUCCEEDED", 4},
		"it hangs":                    {`{"on":"change","outcome":"hang","times":1}`, "c2 SUCCEEDED", 2},
		"the look hangs":              {`{"on":"find","outcome":"hang","times":1}`, "c2 FAILED unavailable", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newVM(t)
			w.behave(`{"rules":[` + c.rules + `]}`)
			w.deliver(w.change("c2", 1, vm(1), 2))
			w.run(3 * time.Minute)
			w.wantReplies("r1 SUCCEEDED", c.reply)
			if n := count(w.driver.calls, "change"); n != c.calls {
				t.Errorf("%d changes, want %d", n, c.calls)
			}
			if strings.Contains(c.reply, "SUCCEEDED") {
				w.wantRevision(2)
			} else {
				w.wantRevision(1)
			}
		})
	}
	t.Run("never whole: it is given up", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"rules":[{"on":"change","outcome":"half"}]}`)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(15 * time.Minute)
		w.wantReplies("r1 SUCCEEDED", "c2 FAILED unknown-outcome")
		if got := w.reason("c2"); !strings.Contains(got, "what of the change was made is not known") || !w.replied("c2").Partly {
			t.Errorf("the reason is %q", got)
		}
		w.wantInventory(vm(1))
		w.behave(`{}`)
		w.deliver(w.change("back", 1, vm(1), 3))
		w.run(time.Minute)
		w.wantRevision(3)
	})
}

// A call of a change that was not answered may still land: what follows it waits for that. Seen failing without loosen: the
// resource is at revision 2, and at the VIM what was let go stands.
func TestWhatFollowsAChangeWaitsForItsCall(t *testing.T) {
	for _, outcome := range []string{"late-effect", "twice"} {
		for _, after := range []int{3, 19, 23} {
			rule := fmt.Sprintf(`{"rules":[{"on":"change","outcome":%q,"times":1,"after":"%ds"}]}`, outcome, after)
			for wait := range 26 {
				w := newVM(t)
				w.behave(rule)
				w.deliver(w.change("c2", 1, vm(1), 2))
				w.run(time.Duration(wait) * time.Second)
				w.deliver(w.change("c3", 1, vm(1), 3))
				w.run(2 * time.Minute)
				if got := w.replies(); len(got) != 3 || !slices.Contains(got, "c3 SUCCEEDED") {
					t.Errorf("replies %q", got)
				}
				w.wantRevision(3)
				if t.Failed() {
					t.Fatalf("%s after %d s, the next %d s later", outcome, after, wait)
				}
			}
		}
	}
	t.Run("a release", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"rules":[{"on":"change","outcome":"late-effect","times":1,"after":"22s"}]}`)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.deliver(w.release("d1", vm(1)))
		w.run(20 * time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 CANCELLED")
		w.run(10 * time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 CANCELLED", "d1 SUCCEEDED")
		w.wantReleased(vm(1))
	})
}

// Of changes under way the highest stands; the others are told so. Seen failing with changed not comparing the revisions.
func TestAChangeSupersedesTheOneUnderWay(t *testing.T) {
	t.Run("while it waits, is called or is made", func(t *testing.T) {
		for wait := range 5 {
			w := newVM(t)
			w.behave(`{"delay":"3s"}`)
			w.deliver(w.change("c2", 1, vm(1), 2))
			if wait > 0 {
				w.run(time.Duration(wait-1) * time.Second)
			}
			w.deliver(w.change("c3", 1, vm(1), 3))
			w.run(30 * time.Second)
			got := w.replies()
			if len(got) != 3 || !slices.Contains(got, "c3 SUCCEEDED") || wait < 3 && !slices.Contains(got, "c2 FAILED superseded") {
				t.Errorf("after %d s: replies %q", wait, got)
			}
			w.wantRevision(3)
		}
	})
	for _, outcome := range []string{"", "permanent", "hang", "lose-reply", "half"} {
		t.Run("during the call, which ends as "+outcome, func(t *testing.T) {
			w := newVM(t)
			if outcome != "" {
				w.behave(`{"rules":[{"on":"change","outcome":"` + outcome + `","times":1}]}`)
			}
			w.deliver(w.change("c2", 1, vm(1), 2))
			w.driver.before = func(op string) {
				if op == "change" {
					w.driver.before = nil
					w.deliver(w.change("c3", 1, vm(1), 3))
				}
			}
			w.run(time.Minute)
			w.wantReplies("r1 SUCCEEDED", "c2 FAILED superseded", "c3 SUCCEEDED")
			w.wantRevision(3)
		})
	}
}

func TestAReleaseThatComesDuringAChangeWins(t *testing.T) {
	for _, outcome := range []string{"", "permanent", "hang", "lose-reply", "half"} {
		w := newVM(t)
		if outcome != "" {
			w.behave(`{"rules":[{"on":"change","outcome":"` + outcome + `","times":1}]}`)
		}
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.driver.before = func(op string) {
			if op == "change" {
				w.driver.before = nil
				w.deliver(w.release("d1", vm(1)))
			}
		}
		w.run(time.Minute)
		w.wantReplies("r1 SUCCEEDED", "c2 CANCELLED", "d1 SUCCEEDED")
		w.wantReleased(vm(1))
	}
}

// A change that fails leaves the resource where it is and says where that is; the next revision decides.
func TestAChangeThatFailsLeavesTheResource(t *testing.T) {
	for outcome, class := range map[string]message.Class{sim.Transient: message.Transient, sim.Permanent: message.Permanent, sim.Quota: message.Quota} {
		t.Run(outcome, func(t *testing.T) {
			w := newVM(t)
			w.behave(`{"rules":[{"on":"change","outcome":"` + outcome + `","times":1}]}`)
			w.deliver(w.change("c2", 1, vm(1), 2))
			w.run(time.Second)
			w.wantReplies("r1 SUCCEEDED", "c2 FAILED "+string(class))
			w.wantRevision(1)
			w.deliver(w.change("again", 1, vm(1), 2))
			w.run(time.Second)
			w.wantRevision(2)
		})
	}
	t.Run("refused before it was called", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"rules":[{"on":"find","outcome":"transient","times":1}]}`)
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 FAILED transient")
		if got := w.reason("c2"); !strings.Contains(got, "it stands at revision 1") {
			t.Errorf("the reason is %q", got)
		}
	})
	t.Run("somebody deleted it", func(t *testing.T) {
		w := newVM(t)
		if _, err := w.vim.Release(t.Context(), sim.Connections()[0], vim.Compute, token(1)); err != nil {
			t.Fatal(err)
		}
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 FAILED not-found")
	})
	t.Run("its VIM is not configured any more", func(t *testing.T) {
		w := newVM(t)
		w.cfg.Registry = vim.Fixed{}
		w.restart()
		w.deliver(w.change("c2", 1, vm(1), 2))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "c2 FAILED permanent")
	})
}

// What makes no sense is refused and leaves no row.
func TestAChangeThatMakesNoSenseIsRefused(t *testing.T) {
	w := newVM(t)
	other := vm(1)
	other.Kind = vim.Volume
	elsewhere := w.changeTo("c3", 1, vm(1), 2, vmSpec(1), vmSpec(2), 0)
	elsewhere.Data = json.RawMessage(strings.Replace(string(elsewhere.Data), sim.Default, sim.Second, 1))
	w.deliver(w.change("c1", 1, vm(7), 1), w.change("c2", 1, other, 2), elsewhere)
	w.wantReplies("r1 SUCCEEDED", "c1 FAILED permanent", "c2 FAILED permanent", "c3 FAILED permanent")
	if got := w.state(vm(7)); got != "" {
		t.Errorf("a row %s was left", got)
	}
}

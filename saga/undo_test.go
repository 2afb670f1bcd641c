package saga_test

import (
	"encoding/json"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/saga"
)

// compensating returns a saga whose rooms r1 and r2 are being undone.
func compensating(t *testing.T) *play {
	t.Helper()
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.ok("left", "")
	p.ok("right", "")
	p.ok("room", "r1")
	p.ok("room", "r2")
	p.reply(p.take("paint", "", "do"), failed(message.Permanent))
	p.state(saga.Compensating)
	return p
}

// stuck returns a saga whose room r1 could not be undone.
func stuck(t *testing.T) *play {
	t.Helper()
	p := compensating(t)
	p.undone("room", "r2")
	p.reply(p.take("room", "r1", "undo"), failed(message.Permanent))
	p.state(saga.Stuck)
	return p
}

// design §4: "a compensation fails | retried with backoff; then STUCK". Seen failing with undoFailed() never retrying.
func TestCompensation_that_fails_is_retried_then_stuck(t *testing.T) {
	p := compensating(t)
	p.undone("room", "r2")
	for attempt := 1; attempt <= saga.DefaultUndo.Attempts; attempt++ {
		m := p.take("room", "r1", "undo")
		if m.ID != saga.CommandID(toyID, "room", "r1", "undo", attempt) {
			t.Fatalf("attempt %d has id %s", attempt, m.ID)
		}
		p.state(saga.Compensating)
		if attempt%2 == 0 {
			p.fire() // no reply
		} else {
			p.reply(m, failed(message.Unavailable))
		}
		if attempt < saga.DefaultUndo.Attempts {
			p.fire() // the backoff
		}
	}
	p.state(saga.Stuck)
	if !p.noted(saga.NoteItemStuck) {
		t.Fatal("no note of the stuck item")
	}
	if left := p.in.Standing(); len(left) != 4 || left[3].State != saga.ItemStuck && left[2].State != saga.ItemStuck {
		t.Fatalf("%d items stand", len(left)) // ask, two links, r1
	}
}

func TestStuck_waits_until_its_siblings_are_settled(t *testing.T) {
	p := compensating(t)
	p.reply(p.take("room", "r1", "undo"), failed(message.Permanent))
	p.state(saga.Compensating)
	p.undone("room", "r2")
	p.state(saga.Stuck)
}

// design §4: "operator: retry, skip with reason, mark done, each an audited event".
func TestStuck_item_is_retried_skipped_or_marked_done_by_an_operator(t *testing.T) {
	t.Run("retry", func(t *testing.T) {
		p := stuck(t)
		p.do(saga.Action{Kind: saga.RetryItem, Step: "room", Item: "r1"})
		p.state(saga.Compensating)
		p.undone("room", "r1")
		p.undone("left", "")
		p.undone("right", "")
		p.state(saga.Compensated)
	})
	for kind, note := range map[saga.ActionKind]saga.NoteKind{
		saga.SkipItem: saga.NoteItemSkipped, saga.MarkDone: saga.NoteItemUndone,
	} {
		t.Run(string(kind), func(t *testing.T) {
			p := stuck(t)
			err := p.input(saga.Action{Kind: kind, Step: "room", Item: "r1"})
			if vnfm.KindOf(err) != vnfm.Unprocessable {
				t.Fatalf("without a reason: %v", err)
			}
			p.notes = nil
			p.do(saga.Action{Kind: kind, Step: "room", Item: "r1", Reason: "removed by hand"})
			if len(p.notes) == 0 || p.notes[0].Kind != note || p.notes[0].Failure.Reason != "removed by hand" {
				t.Fatalf("notes %+v", p.notes)
			}
			p.undone("left", "")
			p.undone("right", "")
			p.state(saga.Compensated)
		})
	}
	t.Run("an item that is not stuck", func(t *testing.T) {
		p := stuck(t)
		if err := p.input(saga.Action{Kind: saga.RetryItem, Step: "room", Item: "r2"}); vnfm.KindOf(err) != vnfm.Conflict {
			t.Fatal(err)
		}
		if err := p.input(saga.Action{Kind: saga.RetryItem, Step: "roof"}); vnfm.KindOf(err) != vnfm.NotFound {
			t.Fatal(err)
		}
	})
}

// design §4: "Once undo has begun only rollback and fail are possible (409 for retry)".
// Seen failing with UndoBegun left out of the match in Allowed.
func TestUndo_begun_refuses_retry_but_not_rollback_and_fail(t *testing.T) {
	p := compensating(t)
	p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Forceful})
	p.state(saga.Held)
	if err := p.input(saga.Action{Kind: saga.Retrying}); vnfm.KindOf(err) != vnfm.Conflict {
		t.Fatalf("retry: %v", err)
	}
	p.sent = nil
	p.do(saga.Action{Kind: saga.RollBack})
	p.undone("room", "r1")
	p.undone("room", "r2")
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)

	p = stuck(t)
	if err := p.input(saga.Action{Kind: saga.Retrying}); vnfm.KindOf(err) != vnfm.Conflict {
		t.Fatalf("retry: %v", err)
	}
	p.do(saga.Action{Kind: saga.Fail})
	p.state(saga.Abandoned)
}

func TestRollback_of_a_stuck_saga_tries_its_items_again(t *testing.T) {
	p := stuck(t)
	p.do(saga.Action{Kind: saga.RollBack})
	p.state(saga.Compensating)
	p.undone("room", "r1")
	p.none2(t, 2)
}

// design §4: "cancel | GRACEFUL: no new commands, wait for running ones; then FAILED_TEMP and hold".
// Seen failing with cancel() settling at once in both modes.
func TestCancel_graceful_waits_for_running_commands_then_holds(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.reply(p.take("left", "", "do"), failed(message.Transient)) // a retry waits
	p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Graceful})
	p.state(saga.Settling)
	if p.in.CancelMode != saga.Graceful || !p.noted(saga.NoteCancelled) {
		t.Fatal("a pending cancel shows")
	}
	if err := p.input(saga.Action{Kind: saga.Cancel, Mode: saga.Graceful}); vnfm.KindOf(err) != vnfm.Conflict {
		t.Fatalf("a second cancel: %v", err)
	}
	p.ok("right", "")
	p.state(saga.Held) // not COMPENSATING: a cancel holds whatever the policy
	p.none("after a cancel")
	if p.in.CancelMode != "" || p.in.Cause == nil {
		t.Fatalf("cancel mode %q, cause %+v", p.in.CancelMode, p.in.Cause)
	}
	p.do(saga.Action{Kind: saga.Retrying})
	p.ok("left", "")
	p.none2(t, 2) // the rooms
}

// design §4: "cancel | FORCEFUL: cancel them; then FAILED_TEMP and hold".
func TestCancel_forceful_leaves_running_commands_unknown_and_holds(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Graceful})
	p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Forceful}) // the operator has waited long enough
	p.state(saga.Held)
	if s := p.item("left", "").State; s != saga.ItemUnknown {
		t.Fatalf("left is %s", s)
	}
	p.sent = nil
	p.do(saga.Action{Kind: saga.RollBack})
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)
}

func TestCancel_that_comes_too_late_leaves_the_saga_completed(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.ok("left", "")
	p.ok("right", "")
	p.ok("room", "r1")
	p.ok("room", "r2")
	p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Graceful})
	p.ok("paint", "")
	p.state(saga.Completed)
	if p.in.CancelMode != "" || p.in.Cause != nil {
		t.Fatal("a cancel that did not bite leaves no trace")
	}
}

func TestCancel_while_compensating_holds_when_outstanding_undos_are_settled(t *testing.T) {
	p := compensating(t)
	p.do(saga.Action{Kind: saga.Cancel, Mode: saga.Graceful})
	p.state(saga.Compensating)
	p.undone("room", "r1")
	p.undone("room", "r2")
	p.state(saga.Held)
	p.none("of the links after the cancel")
}

func TestCancel_needs_a_mode(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	if err := p.input(saga.Action{Kind: saga.Cancel, Mode: "SOON"}); vnfm.KindOf(err) != vnfm.Invalid {
		t.Fatal(err)
	}
}

// design §4: "reply delivered twice": a success by another attempt than the one that was DONE is a no-op.
func TestLate_success_of_an_item_done_by_another_attempt_does_nothing(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	first := p.take("ask", "", "do")
	p.fire()
	p.fire()
	p.ok("ask", "")
	notes := len(p.notes)
	p.reply(first, message.Reply{Outcome: message.Succeeded})
	if p.item("ask", "").State != saga.ItemDone || len(p.notes) != notes || len(p.clean) != 0 {
		t.Fatal("it did something")
	}
	if r := p.rows[first.ID]; r.State != saga.RowSucceeded {
		t.Fatalf("its row says %s", r.State)
	}
}

func TestLate_success_while_unknown_and_running_is_accepted(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	first := p.take("ask", "", "do")
	p.fire() // unknown, waiting for its retry
	p.reply(first, message.Reply{Outcome: message.Succeeded})
	p.none2(t, 2) // the links: the retry was cancelled
}

func TestLate_success_before_the_undo_was_sent_is_undone_with_its_result(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.ok("left", "")
	p.ok("right", "")
	p.reply(p.take("room", "r2", "do"), failed(message.Permanent))
	r1 := p.take("room", "r1", "do")
	p.reply(r1, failed(message.UnknownOutcome)) // no retry: settling
	p.state(saga.Compensating)
	p.reply(r1, message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`"late"`)})
	// The undo was out already: once it succeeded it is sent again, with the result.
	p.undone("room", "r1")
	undo := p.take("room", "r1", "undo")
	if want := `{"as":"late","made":{"room":1}}`; string(undo.Data) != want {
		t.Fatalf("undo data %s, want %s", undo.Data, want)
	}
	p.reply(undo, message.Reply{Outcome: message.Succeeded})
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)
}

// design §4: "success arrives after the saga gave up on the step, or after its end | the same commit starts a small
// cleanup saga that releases it". Seen failing with cleanup() doing nothing.
func TestLate_success_after_the_end_asks_for_a_cleanup(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	left := p.take("left", "", "do")
	for p.in.State == saga.Running || p.in.State == saga.Settling {
		p.fire() // nobody answers
	}
	for p.in.State == saga.Compensating {
		for len(p.sent) > 0 {
			m := p.sent[0]
			p.sent = p.sent[1:]
			if p.rows[m.ID].Direction == "undo" {
				p.reply(m, message.Reply{Outcome: message.Succeeded})
			}
		}
	}
	p.state(saga.Compensated)
	for range 2 { // and once more: the cleanup is asked for once
		p.reply(left, message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`"ghost"`)})
	}
	if len(p.clean) != 1 || p.clean[0].Command != left.ID || string(p.clean[0].Result) != `"ghost"` {
		t.Fatalf("cleanups %+v", p.clean)
	}
}

// A retry after a release is a new generation, and a success of the old one is released, never taken for the new one.
func TestLate_success_of_an_older_generation_is_cleaned_up(t *testing.T) {
	p := begin(t, toy(), saga.Hold)
	p.ok("ask", "")
	p.ok("right", "")
	left := p.take("left", "", "do")
	p.reply(left, failed(message.Permanent))
	p.state(saga.Held)
	p.reply(left, message.Reply{Outcome: message.Succeeded}) // it contradicts itself: cleaned up
	if len(p.clean) != 1 {
		t.Fatalf("%d cleanups", len(p.clean))
	}
	p.do(saga.Action{Kind: saga.Retrying})
	if g := p.item("left", "").Generation; g != 2 {
		t.Fatalf("generation %d after a release, want 2", g)
	}
}

// The same of an attempt that was never answered, while the next generation is made. Seen failing with the generation of a success
// not looked at: the old resource was taken for the new one.
func TestLate_success_of_an_unanswered_attempt_of_an_older_generation_is_cleaned_up(t *testing.T) {
	p := begin(t, toy(), saga.Hold)
	p.ok("ask", "")
	p.ok("right", "")
	first := p.take("left", "", "do")
	p.fire() // nobody answers
	p.fire()
	second := p.take("left", "", "do")
	p.reply(second, failed(message.Permanent))
	p.state(saga.Held)
	p.reply(second, message.Reply{Outcome: message.Succeeded}) // it contradicts itself: cleaned up
	p.do(saga.Action{Kind: saga.Retrying})
	p.reply(first, message.Reply{Outcome: message.Succeeded, Result: json.RawMessage(`"old"`)})
	r := p.item("left", "")
	if r.Generation != 2 || r.State != saga.ItemSent || len(p.clean) != 2 || string(p.clean[1].Result) != `"old"` {
		t.Fatalf("generation %d is %s, cleanups %+v", r.Generation, r.State, p.clean)
	}
}

// What nobody answered for may stand: it is unknown, not failed, and people are told so. Seen failing with silence taken for failure.
func TestSilence_leaves_an_item_unknown(t *testing.T) {
	p := begin(t, toy(), saga.Hold)
	p.ok("ask", "")
	p.ok("right", "")
	for p.in.State == saga.Running {
		p.fire()
	}
	p.state(saga.Held)
	if r := p.item("left", ""); r.State != saga.ItemUnknown {
		t.Fatalf("it is %s", r.State)
	}
}

func TestCancelled_counts_as_not_done(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.ok("right", "")
	p.reply(p.take("left", "", "do"), message.Reply{Outcome: message.Cancelled, Reason: "a release was there first"})
	p.state(saga.Compensating)
	p.undone("right", "")
	p.state(saga.Compensated)
}

// A failed item whose earlier attempt may stand is undone all the same.
// Seen failing with needsUndo() false for FAILED.
func TestFailed_item_with_an_unknown_attempt_is_undone(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	p.ok("right", "")
	p.take("left", "", "do")
	p.fire()
	p.fire()
	p.reply(p.take("left", "", "do"), failed(message.Permanent))
	p.state(saga.Compensating)
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)
}

// Seen failing with a timeout's token not looked at.
func TestStale_timeouts_and_foreign_replies_change_nothing(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	first, _ := p.in.NextTimer()
	p.fireOnce() // it is asked about
	second, _ := p.in.NextTimer()
	if first.Token == second.Token || first.Item != second.Item {
		t.Fatalf("%+v and %+v", first, second)
	}
	for _, i := range []saga.Input{
		saga.TimedOut{ID: "x", Token: 99},
		saga.TimedOut{ID: "x"},
		first,
		saga.ReplyReceived{Message: message.Message{CausationID: "not-mine"}, Reply: message.Reply{Outcome: message.Succeeded}},
		saga.Begin{},
	} {
		_, fx, err := saga.Advance(p.def, p.in, i, p.now)
		if err != nil || fx.Changed || len(fx.Send)+len(fx.Notes) != 0 {
			t.Errorf("%+v: %+v, %v", i, fx, err)
		}
	}
}

// A success that was taken is not taken again, under whatever id it comes: neither while its item is undone nor after that.
// Seen failing with the log of the item not looked at (a cleanup is asked for).
func TestSuccess_that_was_taken_is_not_taken_again(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	left := p.take("left", "", "do")
	p.reply(left, message.Reply{Outcome: message.Succeeded})
	p.reply(p.take("right", "", "do"), failed(message.Permanent))
	undo := p.take("left", "", "undo")
	again := func() {
		t.Helper()
		m := message.NewReply(left, "/toy", p.now, message.Reply{Outcome: message.Succeeded})
		m.ID = "another"
		_, fx, err := saga.Advance(p.def, p.in, saga.ReplyReceived{Message: m, Reply: message.Reply{Outcome: message.Succeeded}}, p.now)
		if err != nil || fx.Changed || len(fx.Cleanups)+len(fx.Send) > 0 {
			t.Fatalf("%+v, %v", fx, err)
		}
	}
	again()
	p.reply(undo, message.Reply{Outcome: message.Succeeded})
	p.state(saga.Compensated)
	again()
}

// What has failed and may be there by half is undone like a success, and is not tried again. Seen failing with the failure taken for nothing done: the
// other step alone is undone.
func TestPartly_failed_is_undone(t *testing.T) {
	p := begin(t, toy(), saga.Rollback)
	p.ok("ask", "")
	left, right := p.take("left", "", "do"), p.take("right", "", "do")
	p.reply(left, message.Reply{Outcome: message.Failed, Class: message.Permanent, Reason: "half of it", Partly: true})
	p.reply(right, message.Reply{Outcome: message.Succeeded})
	p.state(saga.Compensating)
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)
}

// Who may carry out later what it has refused is not believed: the refusal is undone like a success. Seen failing with a refusal taken
// for nothing done: the other step alone is undone.
func TestLasting_refusal_is_maybe_done(t *testing.T) {
	def := toy()
	for i := range def.Stages[1].Steps {
		def.Stages[1].Steps[i].Lasting = true
	}
	p := begin(t, def, saga.Rollback)
	p.ok("ask", "")
	left, right := p.take("left", "", "do"), p.take("right", "", "do")
	p.reply(left, failed(message.Permanent))
	p.reply(right, message.Reply{Outcome: message.Succeeded})
	p.state(saga.Compensating)
	p.undone("left", "")
	p.undone("right", "")
	p.state(saga.Compensated)
}

package saga

import (
	"slices"

	"github.com/vnfm/vnfm"
)

// The modes of Cancel.
const (
	Graceful = "GRACEFUL"
	Forceful = "FORCEFUL"
)

// act does what an operator asks.
func (t *turn) act(a Action) error {
	if err := Allowed(t.def, t.in, a.Kind); err != nil {
		return err
	}
	switch a.Kind {
	case Retrying:
		t.retry()
	case RollBack:
		t.rollBack()
	case Fail:
		t.in.State = Abandoned
		t.in.CancelMode = ""
	case Cancel:
		if err := t.cancel(a.Mode); err != nil {
			return err
		}
	case RetryItem, SkipItem, MarkDone:
		if err := t.stuckItem(a); err != nil {
			return err
		}
	}
	t.fx.Changed = true
	return nil
}

// retry goes on where the saga stopped: what failed or is unknown is sent again, with the next attempt number.
func (t *turn) retry() {
	in := t.in
	in.State, in.Cause, in.CancelMode = Running, nil, ""
	t.setDeadline()
	unplanned := map[string]bool{}
	in.Items = slices.DeleteFunc(in.Items, func(r *ItemRun) bool {
		if r.Stage == in.Stage && r.State == ItemFailed && r.Budget == 0 { // its step could not be planned
			unplanned[r.Step] = true
			return true
		}
		return false
	})
	for _, r := range in.Items {
		if r.Stage == in.Stage && (r.State == ItemFailed || r.State == ItemUnknown) {
			r.State = ItemPending
			r.Budget = r.Attempt + t.def.step(r.Step).Retry.attempts()
			r.Cause = nil
		}
	}
	if in.Stage < len(t.def.Stages) {
		for i := range t.def.Stages[in.Stage].Steps {
			if s := &t.def.Stages[in.Stage].Steps[i]; unplanned[s.ID] {
				if f := t.plan(in.Stage, s); f != nil {
					t.fail(f)
					return
				}
			}
		}
	}
	t.sendPending()
	t.forward()
}

// rollBack begins undoing, or goes on with it: items whose undo failed or was called off get a fresh budget.
func (t *turn) rollBack() {
	t.in.State = Compensating
	for _, r := range t.in.Items {
		r.UndoBudget = r.Undo + t.def.undo().attempts()
		if r.State == ItemStuck {
			t.tryAgain(r)
		}
	}
	t.backward()
}

// cancel stops the saga in the direction it moves. GRACEFUL waits for what is outstanding, FORCEFUL does not.
func (t *turn) cancel(mode string) error {
	in := t.in
	if mode != Graceful && mode != Forceful {
		return vnfm.Errorf(vnfm.Invalid, "the cancel mode is %s or %s, not %q", Graceful, Forceful, mode).At("/cancelMode")
	}
	if in.CancelMode == mode || in.CancelMode == Forceful {
		return vnfm.Errorf(vnfm.Conflict, "a %s cancel is pending", in.CancelMode)
	}
	in.CancelMode = mode
	t.note(Note{Kind: NoteCancelled, Failure: &Failure{Reason: mode}})
	if in.State == Compensating {
		for _, r := range in.Items {
			if r.State == ItemUndoing && (r.Waiting || mode == Forceful) {
				t.clearTimer(r)
				r.State = ItemUnknown
			}
		}
		t.backward()
		return nil
	}
	t.stop()
	for _, r := range in.Items {
		if r.State == ItemSent && mode == Forceful {
			t.clearTimer(r)
			r.State = ItemUnknown
			t.noteItem(NoteItemUnknown, r, &Failure{Step: r.Step, Item: r.Item, Reason: "cancelled"})
		}
	}
	t.settle()
	return nil
}

// stuckItem does what an operator decided about an item whose undo failed for good.
func (t *turn) stuckItem(a Action) error {
	i := slices.IndexFunc(t.in.Items, func(r *ItemRun) bool { return r.Step == a.Step && r.Item == a.Item })
	if i < 0 {
		return vnfm.Errorf(vnfm.NotFound, "the saga has no item %q of step %q", a.Item, a.Step)
	}
	r := t.in.Items[i]
	if r.State != ItemStuck {
		return vnfm.Errorf(vnfm.Conflict, "the item is %s, not %s", r.State, ItemStuck)
	}
	if a.Kind != RetryItem && a.Reason == "" {
		return vnfm.Errorf(vnfm.Unprocessable, "say why: a reason is required").At("/reason")
	}
	why := &Failure{Step: r.Step, Item: r.Item, Reason: a.Reason}
	switch a.Kind {
	case RetryItem:
		t.tryAgain(r)
		t.noteItem(NoteItemRetried, r, why)
	case SkipItem:
		r.State = ItemSkipped
		r.Released = true // given up on purpose: a rollback leaves it alone
		r.Cause = why
		t.noteItem(NoteItemSkipped, r, why)
	default:
		r.State = ItemUndone
		r.Released = true
		r.Cause = why
		t.noteItem(NoteItemUndone, r, why)
	}
	t.backward()
	return nil
}

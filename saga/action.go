package saga

import "github.com/vnfm/vnfm"

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

// retry goes on where the saga stopped: what failed or is unknown is sent again, with the next attempt number. Steps that
// could not be planned are planned again.
func (t *turn) retry() {
	in := t.in
	in.State, in.Cause, in.CancelMode = Running, nil, ""
	t.setDeadline()
	unplanned := t.forgetUnplanned()
	st := t.stageNow(in.Stage)
	for i := st.from; i < st.to; i++ {
		if s := in.Items[i].State; s == ItemFailed || s == ItemUnknown {
			r := t.edit(i)
			r.State = ItemPending
			r.Budget = r.Attempt + t.c.step(r).Retry.attempts()
			r.Cause = nil
		}
	}
	if in.Stage >= len(t.c.stages) {
		return
	}
	for i := range t.c.stages[in.Stage].Steps {
		if s := &t.c.stages[in.Stage].Steps[i]; unplanned[s.ID] {
			if f := t.plan(in.Stage, s); f != nil {
				t.fail(f)
				return
			}
		}
	}
}

// forgetUnplanned removes what stands for steps of the present stage that could not be planned, and returns their ids.
func (t *turn) forgetUnplanned() map[string]bool {
	unplanned := map[string]bool{}
	kept := make([]*ItemRun, 0, len(t.in.Items))
	for _, r := range t.in.Items {
		if r.Stage == t.in.Stage && r.State == ItemFailed && r.Budget == 0 {
			unplanned[r.Step] = true
			t.in.changed = append(t.in.changed, r.No)
		} else {
			kept = append(kept, r)
		}
	}
	if len(unplanned) > 0 {
		t.in.Items = kept
		t.in.index, t.in.tally = newIndex(kept), count(t.c, kept)
		st := t.in.tally.stage(t.in.Stage)
		if st.from == st.to {
			st.from, st.to = len(kept), len(kept)
		}
	}
	return unplanned
}

// rollBack begins undoing, or goes on with it: items whose undo failed or was called off get a fresh budget.
func (t *turn) rollBack() {
	t.in.State = Compensating
	for i, r := range t.in.Items {
		if r.State != ItemStuck && r.UndoBudget == 0 {
			continue
		}
		r = t.edit(i)
		r.UndoBudget = r.Undo + t.def.undo().attempts()
		if r.State == ItemStuck {
			t.tryAgain(r)
		}
	}
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
		for i, r := range in.Items {
			if r.State == ItemUndoing && (r.Waiting || mode == Forceful) {
				r = t.edit(i)
				t.clearTimer(r)
				r.State = ItemUnknown
			}
		}
		return nil
	}
	t.stop()
	for i, r := range in.Items {
		if r.State == ItemSent && mode == Forceful {
			r = t.edit(i)
			t.clearTimer(r)
			r.State = ItemUnknown
			t.noteItem(NoteItemUnknown, r, &Failure{Step: r.Step, Item: r.Item, Reason: "cancelled"})
		}
	}
	return nil
}

// stuckItem does what an operator decided about an item whose undo failed for good.
func (t *turn) stuckItem(a Action) error {
	i := t.in.place(a.Step, a.Item)
	if i < 0 {
		return vnfm.Errorf(vnfm.NotFound, "the saga has no item %q of step %q", a.Item, a.Step)
	}
	if s := t.in.Items[i].State; s != ItemStuck {
		return vnfm.Errorf(vnfm.Conflict, "the item is %s, not %s", s, ItemStuck)
	}
	if a.Kind != RetryItem && a.Reason == "" {
		return vnfm.Errorf(vnfm.Unprocessable, "say why: a reason is required").At("/reason")
	}
	r := t.edit(i)
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
	return nil
}

package saga

// backward undoes stage by stage, the last first; within a stage all at once. It sends what can be sent now and ends
// the saga when nothing is left, or waits for an operator when only stuck items are.
func (t *turn) backward() {
	if t.in.State != Compensating && t.in.State != Stuck {
		return
	}
	for stage := t.in.Stage; stage >= 0; stage-- {
		outstanding, stuck, left := t.undoStage(stage)
		switch {
		case outstanding:
			t.in.State = Compensating
			return
		case stuck:
			t.in.CancelMode = ""
			t.in.State = Stuck
			return
		case left: // a cancel keeps them from being sent
			t.in.CancelMode = ""
			t.in.State = Held
			return
		}
	}
	t.in.State = Compensated
	t.in.CancelMode = ""
	t.clearDeadline()
}

// undoStage sends the undos of one stage that were not sent, unless a cancel is pending.
func (t *turn) undoStage(stage int) (outstanding, stuck, left bool) {
	for _, r := range t.in.Items {
		if r.Stage != stage {
			continue
		}
		if r.needsUndo() {
			switch {
			case t.def.step(r.Step).UndoAs == "":
				t.setUndone(r)
			case t.in.CancelMode != "":
				left = true
			default:
				t.sendUndo(r)
			}
		}
		outstanding = outstanding || r.State == ItemUndoing
		stuck = stuck || r.State == ItemStuck
	}
	return outstanding, stuck, left
}

// needsUndo reports whether something of the item may stand and no undo of it is under way.
func (r *ItemRun) needsUndo() bool {
	switch r.State {
	case ItemDone, ItemUnknown, ItemSent:
		return true
	case ItemFailed, ItemPending, ItemSkipped:
		return !r.Released && r.mayStand()
	case ItemUndoing, ItemUndone, ItemStuck:
	}
	return false
}

// Standing returns the items of which something may stand: what a saga that was abandoned left behind.
func (in *Instance) Standing() []*ItemRun {
	var left []*ItemRun
	for _, r := range in.Items {
		if r.needsUndo() || r.State == ItemUndoing || r.State == ItemStuck {
			left = append(left, r)
		}
	}
	return left
}

// undone handles the success of an undo attempt, the newest or an older one.
func (t *turn) undone(r *ItemRun, snd Sending) {
	calledOff := t.in.Undone && (r.State == ItemUnknown || r.State == ItemDone) // by a cancel
	if t.in.State.Final() || snd.Seq == 0 || !calledOff && r.State != ItemUndoing && r.State != ItemStuck {
		return
	}
	if snd.Seq <= r.Late {
		// The item succeeded after this undo was sent; only one sent since then is known to have met the success.
		if newest := r.open(r.Command); newest == nil && r.State == ItemUndoing && !r.Waiting {
			t.again(r)
		}
		t.proceed()
		return
	}
	t.clearTimer(r)
	t.setUndone(r)
	t.proceed()
}

// again undoes an item once more, with the result it has by now.
func (t *turn) again(r *ItemRun) {
	t.clearTimer(r)
	if t.in.CancelMode != "" {
		r.State = ItemUnknown
		return
	}
	t.sendUndo(r)
}

func (t *turn) setUndone(r *ItemRun) {
	r.State = ItemUndone
	r.Released = true
	r.Cause = nil
	t.noteItem(NoteItemUndone, r, nil)
}

// undoFailed decides what follows a failed or unanswered undo.
func (t *turn) undoFailed(r *ItemRun, f *Failure) {
	t.clearTimer(r)
	r.Cause = f
	retry := t.def.undo()
	switch {
	case !retry.retries(f.Class):
		t.stuck(r, f)
	case t.in.CancelMode != "":
		r.State = ItemUnknown
		t.noteItem(NoteItemUnknown, r, f)
	case r.Undo < r.UndoBudget:
		t.retryLater(r, retry, r.Undo-(r.UndoBudget-retry.attempts()), t.commandID(r, DirectionUndo, r.Undo+1))
		t.noteItem(NoteItemRetried, r, f)
	default:
		t.stuck(r, f)
	}
}

func (t *turn) stuck(r *ItemRun, f *Failure) {
	t.clearTimer(r)
	r.State, r.Cause = ItemStuck, f
	t.noteItem(NoteItemStuck, r, f)
}

// tryAgain gives a stuck item, or one whose undo was called off, a fresh budget of undo attempts.
func (t *turn) tryAgain(r *ItemRun) {
	r.UndoBudget = r.Undo + t.def.undo().attempts()
	r.Cause = nil
	t.sendUndo(r)
}

package saga

import "encoding/json"

// backward undoes stage by stage, the last first; within a stage all at once. It sends what there is room for and ends
// the saga when nothing is left, or waits for an operator when only stuck items are.
func (t *turn) backward() {
	for stage := t.in.Stage; stage >= 0; stage-- {
		st := t.undoStage(stage)
		switch {
		case st.undoing > 0:
			t.in.State = Compensating
			return
		case st.stuck > 0:
			t.in.CancelMode = ""
			t.in.State = Stuck
			return
		case st.needUndo > 0: // a cancel keeps them from being sent
			t.in.CancelMode = ""
			t.in.State = Held
			return
		}
	}
	t.in.State = Compensated
	t.in.CancelMode = ""
	t.clearDeadline()
}

// undoStage sends the undos of one stage that were not sent, as far as there is room, unless a cancel is pending.
func (t *turn) undoStage(stage int) stageTally {
	st := t.stageNow(stage)
	if st.forgotten > 0 {
		for i := st.from; i < st.to; i++ {
			if r := t.in.Items[i]; r.needsUndo() && t.c.step(r).UndoAs == "" {
				t.setUndone(t.edit(i), nil)
			}
		}
	}
	if st.needUndo > 0 && t.in.CancelMode == "" {
		t.undoReady(stage)
	}
	return t.stageNow(stage)
}

func (t *turn) undoReady(stage int) {
	st := t.in.tally.stage(stage)
	for i := range st.groups {
		g := &st.groups[i]
		room := t.room(stage, g)
		for room > 0 && g.nextUndo < st.to {
			r := t.in.Items[g.nextUndo]
			g.nextUndo++
			if t.c.group(r) != g.name || !r.needsUndo() {
				continue
			}
			r = t.edit(g.nextUndo - 1)
			t.sendUndo(r)
			if r.State == ItemUndoing {
				room--
			}
		}
	}
}

// undone handles the success of an undo attempt, the newest or an older one, and reports whether the item keeps its result.
func (t *turn) undone(r *ItemRun, snd Sending, result json.RawMessage) bool {
	calledOff := t.in.Undone && (r.State == ItemUnknown || r.State == ItemDone) // by a cancel, or not sent again yet
	if t.in.State.Final() || snd.Seq == 0 || !calledOff && r.State != ItemUndoing && r.State != ItemStuck {
		return false
	}
	if snd.Seq <= r.Late {
		// The item succeeded after this undo was sent; only one sent since then is known to have met the success.
		if newest := r.open(r.Command); newest == nil && r.State == ItemUndoing && !r.Waiting {
			t.again(r)
		}
		return false
	}
	t.clearTimer(r)
	t.setUndone(r, result)
	return true
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

func (t *turn) setUndone(r *ItemRun, result json.RawMessage) {
	r.State = ItemUndone
	r.Released = true
	r.Cause = nil
	if len(result) > 0 {
		r.UndoResult, r.undone = result, &memo{}
	}
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

// tryAgain has a stuck item undone again, with a fresh budget of attempts, when there is room.
func (t *turn) tryAgain(r *ItemRun) {
	r.UndoBudget = r.Undo + t.def.undo().attempts()
	r.Cause = nil
	r.State = ItemUnknown
}

package saga

import (
	"encoding/json"
	"slices"

	"github.com/vnfm/vnfm/message"
)

// reply handles a participant's answer. The command it answers may be the newest of its item, an older one that was
// given up, or one answered before.
func (t *turn) reply(i ReplyReceived) {
	r, snd, wasOpen := t.find(i.Message.CausationID)
	if r == nil {
		return // not a command of this saga
	}
	t.fx.Changed = true
	rep := i.Reply
	f := &Failure{Step: r.Step, Item: r.Item, Class: rep.Class, Reason: rep.Reason}
	unknown := rep.Outcome == message.Failed && rep.Class == message.UnknownOutcome
	if rep.Outcome == message.Cancelled {
		f.Class = message.Permanent
		if f.Reason == "" {
			f.Reason = "cancelled by the participant"
		}
	}
	if wasOpen {
		switch {
		case rep.Outcome == message.Succeeded:
			t.row(r, snd, RowSucceeded, rep.Result, nil)
		case rep.Outcome == message.Cancelled:
			t.row(r, snd, RowCancelled, rep.Result, f)
		case unknown:
			t.row(r, snd, RowUnknown, rep.Result, f)
		default:
			t.row(r, snd, RowFailed, rep.Result, f)
		}
		if !unknown {
			r.close(snd.Command)
		}
	}
	switch {
	case snd.Undo && rep.Outcome == message.Succeeded:
		t.undone(r, snd)
	case snd.Undo:
		if r.State == ItemUndoing && !r.Waiting && r.Command == snd.Command {
			t.undoFailed(r, f)
			t.backward()
		}
	case rep.Outcome == message.Succeeded:
		t.succeeded(r, snd, rep.Result)
	default:
		t.refused(r, snd, f, unknown)
	}
}

// find returns the item a command belongs to. A command that is no longer open is found by deriving the ids of all
// attempts made.
func (t *turn) find(command string) (*ItemRun, Sending, bool) {
	for _, r := range t.in.Items {
		if s := r.open(command); s != nil {
			return r, *s, true
		}
	}
	for _, r := range t.in.Items {
		for n := r.Attempt; n > 0; n-- {
			if t.commandID(r, DirectionDo, n) == command {
				return r, Sending{Command: command, Attempt: n, Generation: r.Generation}, false
			}
		}
		for n := r.Undo; n > 0; n-- {
			if t.commandID(r, DirectionUndo, n) == command {
				return r, Sending{Command: command, Undo: true, Attempt: n, Generation: r.Generation}, false
			}
		}
	}
	return nil, Sending{}, false
}

// succeeded handles a success of a Do command, in time or late.
func (t *turn) succeeded(r *ItemRun, snd Sending, result json.RawMessage) {
	if r.State == ItemDone && snd.Generation == r.Generation {
		return // by another attempt; the resource is the same
	}
	if t.in.State.Final() || snd.Generation != r.Generation {
		t.cleanup(r, snd, result)
		return
	}
	if t.in.Undone {
		r.Late = t.in.Seq // undos sent until now may not have met it
	}
	switch r.State {
	case ItemSent, ItemUnknown, ItemPending:
		t.clearTimer(r)
		r.State, r.Result, r.Cause = ItemDone, result, nil
		t.noteItem(NoteItemDone, r, nil)
		t.proceed()
	case ItemFailed:
		// Open attempts besides a failed one count as maybe done, and this one was: to be kept or undone with the rest.
		if snd.Seq == 0 {
			t.cleanup(r, snd, result)
			return
		}
		r.State, r.Result = ItemDone, result
		t.noteItem(NoteItemDone, r, nil)
		t.proceed()
	case ItemUndoing, ItemStuck:
		r.Result = result
	default: // skipped, undone: given up
		t.cleanup(r, snd, result)
	}
}

// refused handles a failure of a Do command: the participant says that nothing stands of it, or that it does not know.
func (t *turn) refused(r *ItemRun, snd Sending, f *Failure, unknown bool) {
	newest := r.Command == snd.Command
	switch {
	case r.State == ItemSent && newest:
		t.attemptFailed(r, f, unknown)
	case r.State == ItemUnknown && !unknown && r.Waiting:
		// It timed out and waits to be tried again; now its failure is known.
		if newest && !t.def.step(r.Step).Retry.retries(f.Class) {
			t.clearTimer(r)
			r.State, r.Cause = ItemFailed, f
			t.itemFailed(r, t.def.step(r.Step), f)
		} else if !r.mayStand() {
			r.State = ItemPending
		}
	case r.State == ItemUnknown && !unknown && !t.in.Undone && !r.mayStand():
		r.State, r.Cause = ItemFailed, f
		t.noteItem(NoteItemFailed, r, f)
		t.proceed()
	}
}

// cleanup asks for a saga that releases what a late success left, once per command.
func (t *turn) cleanup(r *ItemRun, snd Sending, result json.RawMessage) {
	if slices.Contains(t.in.Cleanups, snd.Command) {
		return
	}
	t.in.Cleanups = append(t.in.Cleanups, snd.Command)
	sent := *r
	sent.Generation, sent.Attempt = snd.Generation, snd.Attempt
	data, err := t.def.step(r.Step).data(t.in, &sent)
	if err != nil {
		data = r.Data // it was sent once, so its data was good; a definition that changed its mind gets the plan's
	}
	if snd.Generation == r.Generation {
		r.Released = true
	}
	t.fx.Cleanups = append(t.fx.Cleanups, Cleanup{Command: snd.Command, Step: r.Step, Item: r.Item, Data: data, Result: result})
}

// proceed goes on after an item changed, in the direction the saga moves.
func (t *turn) proceed() {
	switch t.in.State {
	case Running:
		t.forward()
	case Settling:
		t.settle()
	case Compensating, Stuck:
		t.backward()
	}
}

package saga

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
)

// reply handles a participant's answer. The command it answers may be the newest of its item, an older one that was
// given up, or one answered before.
func (t *turn) reply(i ReplyReceived) {
	r, snd, wasOpen := t.find(i.Message.CausationID)
	rep := i.Reply
	if r == nil || !wasOpen && !t.late(r, snd, rep.Outcome) {
		return // not a command of this saga, or answered before
	}
	t.fx.Changed = true
	r = t.edit(t.in.place(r.Step, r.Item))
	f := &Failure{Step: r.Step, Item: r.Item, Class: rep.Class, Reason: rep.Reason, Result: rep.Result}
	unknown := rep.Outcome == message.Failed && (rep.Class == message.UnknownOutcome || rep.Partly || !snd.Undo && t.c.step(r).Lasting)
	if rep.Outcome == message.Cancelled {
		f.Class = message.Permanent
		if f.Reason == "" {
			f.Reason = "cancelled by the participant"
		}
	}
	if wasOpen && !unknown {
		r.close(snd.Command)
	}
	kept := false
	switch {
	case snd.Undo && rep.Outcome == message.Succeeded:
		kept = t.undone(r, snd, rep.Result)
	case snd.Undo:
		if r.State == ItemUndoing && !r.Waiting && r.Command == snd.Command {
			t.undoFailed(r, f)
		}
	case rep.Outcome == message.Succeeded:
		kept = t.succeeded(r, snd, rep.Result)
	default:
		t.refused(r, snd, f, unknown)
	}
	if !wasOpen {
		return
	}
	snd.Replied, snd.Result = t.now, rep.Result
	if kept {
		snd.Result = nil // the item has it
	}
	switch {
	case rep.Outcome == message.Succeeded:
		t.outcome(r, snd, RowSucceeded, nil)
	case rep.Outcome == message.Cancelled:
		t.outcome(r, snd, RowCancelled, f)
	case unknown:
		snd.Replied = time.Time{}
		t.outcome(r, snd, RowUnknown, f)
	default:
		t.outcome(r, snd, RowFailed, f)
	}
}

// late reports whether the answer to a command that was answered before says something new: that it succeeded after all, and
// nothing is known to stand of it.
func (t *turn) late(r *ItemRun, snd Sending, outcome message.Outcome) bool {
	return outcome == message.Succeeded && !snd.Undo && r.State != ItemDone && !slices.Contains(t.in.Cleanups, snd.Command) &&
		!slices.ContainsFunc(r.Log, func(s Sending) bool { return s.Command == snd.Command && s.State == RowSucceeded })
}

// find returns the item a command belongs to, what the command was, and whether it is still open.
func (t *turn) find(command string) (*ItemRun, Sending, bool) {
	i, s := t.in.kept.command(t.in, command)
	if i < 0 {
		return nil, Sending{}, false
	}
	r := t.in.Items[i]
	if open := r.open(command); open != nil {
		return r, *open, true
	}
	return r, Sending{Command: command, Undo: s.undo, Attempt: s.attempt, Generation: r.Generation}, false
}

// working handles a participant's word that it has not finished a command: its silence begins anew. The word counts only for
// the newest command of an item, while it is waited for. What it knows so far is noted.
func (t *turn) working(m message.Message) {
	command := m.CausationID
	i, _ := t.in.kept.command(t.in, command)
	if i < 0 {
		return
	}
	r := t.in.Items[i]
	s := t.c.step(r)
	if r.open(command) != nil && !t.in.State.Final() && len(m.Data) > 0 && string(m.Data) != "{}" {
		t.fx.Changed = true
		t.note(Note{Kind: NoteItemWorking, Step: r.Step, Item: r.Item, Result: m.Data})
	}
	if r.Command != command || r.Waiting || r.State != ItemSent && r.State != ItemUndoing || s.limit(t.in) > 0 {
		return
	}
	t.fx.Changed = true
	if t.in.State == Settling { // it has failed, or its time is over: nothing is waited for any longer than silence would be
		return
	}
	t.listen(t.edit(i), s)
}

// succeeded handles a success of a Do command, in time or late, and reports whether the item keeps the result.
func (t *turn) succeeded(r *ItemRun, snd Sending, result json.RawMessage) bool {
	if r.State == ItemDone && snd.Generation == r.Generation {
		return false // by another attempt; the resource is the same
	}
	if t.in.State.Final() || snd.Generation != r.Generation {
		t.cleanup(r, snd, result)
		return false
	}
	if t.in.Undone {
		r.Late = t.in.Seq // undos sent until now may not have met it
	}
	switch r.State {
	case ItemSent, ItemUnknown, ItemPending:
		t.clearTimer(r)
		r.State, r.Cause = ItemDone, nil
		r.setResult(result)
		t.noteItem(NoteItemDone, r, nil)
	case ItemFailed:
		// Open attempts besides a failed one count as maybe done, and this one was: to be kept or undone with the rest.
		if snd.Seq == 0 {
			t.cleanup(r, snd, result)
			return false
		}
		r.State = ItemDone
		r.setResult(result)
		t.noteItem(NoteItemDone, r, nil)
	case ItemUndoing, ItemStuck:
		r.setResult(result)
	default: // skipped, undone: given up
		t.cleanup(r, snd, result)
		return false
	}
	return true
}

// refused handles a failure of a Do command: the participant says that nothing stands of it, or that it does not know.
func (t *turn) refused(r *ItemRun, snd Sending, f *Failure, unknown bool) {
	newest := r.Command == snd.Command
	switch {
	case r.State == ItemSent && newest:
		t.attemptFailed(r, f, unknown)
	case r.State == ItemUnknown && !unknown && r.Waiting:
		// It timed out and waits to be tried again; now its failure is known.
		if newest && !t.c.step(r).Retry.retries(f.Class) {
			t.clearTimer(r)
			r.State, r.Cause = ItemFailed, f
			t.itemFailed(r, t.c.step(r), f)
		} else if !r.mayStand() {
			r.State = ItemPending
		}
	case r.State == ItemUnknown && !unknown && !t.in.Undone && !r.mayStand():
		r.State, r.Cause = ItemFailed, f
		t.noteItem(NoteItemFailed, r, f)
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
	data, err := t.c.step(r).data(t.in, &sent)
	if err != nil {
		data = r.Data // it was sent once, so its data was good; a definition that changed its mind gets the plan's
	}
	if snd.Generation == r.Generation {
		r.Released = true
	}
	t.fx.Cleanups = append(t.fx.Cleanups, Cleanup{Command: snd.Command, Step: r.Step, Item: r.Item, Data: data, Result: result})
}

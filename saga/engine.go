package saga

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
)

// The directions of a command.
const (
	DirectionDo   = "do"
	DirectionUndo = "undo"
)

// The states of a step row.
const (
	RowSent      = "SENT"
	RowSucceeded = "SUCCEEDED"
	RowFailed    = "FAILED"
	RowCancelled = "CANCELLED"
	RowUnknown   = "UNKNOWN" // no reply in time, or an unknown outcome
)

// Input is what can move a saga: Begin, ReplyReceived, TimedOut or Action.
type Input interface{ input() }

// Begin starts a saga: its instance has no state yet.
type Begin struct{ Cause string }

// ReplyReceived is a participant's answer to a command of the saga.
type ReplyReceived struct {
	Message message.Message
	Reply   message.Reply
}

// TimedOut is a due timer of the saga (Instance.NextTimer). ID is unlike any other's, for causation.
type TimedOut struct {
	ID    string
	Name  string
	Token int64
}

func (Begin) input()         {}
func (ReplyReceived) input() {}
func (TimedOut) input()      {}
func (Action) input()        {}

// Effects is what one input asks for beside the changed instance, whose timers may be others than before; all of it
// belongs into one commit.
type Effects struct {
	Send     []message.Message
	Steps    []eventstore.StepRow
	Notes    []Note
	Cleanups []Cleanup
	// Changed is false when the input was stale or a duplicate and the instance need not be written.
	Changed bool
}

// Cleanup is a success that came after the saga gave up on the item: something stands that nobody will undo.
type Cleanup struct {
	Command string // id of the command that succeeded
	Step    string
	Item    string
	Data    json.RawMessage // the data the command was sent with
	Result  json.RawMessage
}

// turn is one call of Advance.
type turn struct {
	def   *Definition
	in    *Instance
	now   time.Time
	cause string
	fx    *Effects
}

// Advance computes what one input does to a saga. It is pure: the instance given is not changed, and equal arguments
// give equal answers. Stale and doubled inputs change nothing. Only an Action can fail: Conflict when the saga's state
// does not allow it, NotFound when the definition knows no rollback or the item does not exist, Unprocessable when its
// reason is missing.
func Advance(def *Definition, old *Instance, input Input, now time.Time) (*Instance, *Effects, error) {
	t := &turn{def: def, in: old.clone(), now: now, fx: &Effects{}}
	switch i := input.(type) {
	case Begin:
		t.cause = i.Cause
		t.begin()
	case ReplyReceived:
		t.cause = i.Message.ID
		t.reply(i)
	case TimedOut:
		t.cause = i.ID
		t.timeout(i.Token)
	case Action:
		t.cause = i.Cause
		if err := t.act(i); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, vnfm.Errorf(vnfm.Internal, "saga %s: unknown input %T", old.ID, input)
	}
	return t.in, t.fx, nil
}

func (t *turn) begin() {
	if t.in.State != "" {
		return
	}
	t.fx.Changed = true
	t.in.State = Running
	t.in.Started = t.now
	t.setDeadline()
	t.beginStage(0)
	t.forward()
}

// forward goes on to the next stage as long as the present one is done, and completes the saga after the last.
func (t *turn) forward() {
	for t.in.State == Running {
		for _, r := range t.in.Items {
			if r.Stage == t.in.Stage && r.State != ItemDone && r.State != ItemSkipped {
				return
			}
		}
		if t.in.Stage+1 >= len(t.def.Stages) {
			t.complete()
			return
		}
		t.beginStage(t.in.Stage + 1)
	}
}

func (t *turn) complete() {
	t.in.State = Completed
	t.in.Cause = nil
	t.in.CancelMode = ""
	t.clearDeadline()
}

// beginStage plans all steps of a stage, then sends their commands. When one cannot be planned none is sent.
func (t *turn) beginStage(n int) {
	t.in.Stage = n
	if n >= len(t.def.Stages) {
		return // a definition without stages
	}
	stage := &t.def.Stages[n]
	t.note(Note{Kind: NoteStageBegun, Stage: stage.ID})
	var failed *Failure
	for i := range stage.Steps {
		if f := t.plan(n, &stage.Steps[i]); f != nil && failed == nil {
			failed = f
		}
	}
	if failed != nil {
		t.fail(failed)
		return
	}
	t.sendPending()
}

// plan makes the items of one step. A step that cannot be planned becomes one failed item.
func (t *turn) plan(stage int, s *Step) *Failure {
	items := []Item{{Data: t.in.Data}}
	if s.Items != nil {
		var err error
		if items, err = s.Items(t.in); err != nil {
			f := &Failure{Step: s.ID, Class: message.Permanent, Reason: err.Error()}
			r := &ItemRun{Step: s.ID, Stage: stage, State: ItemFailed, Generation: 1, Cause: f}
			t.in.Items = append(t.in.Items, r)
			if s.Optional {
				t.skip(r, f)
				return nil
			}
			t.noteItem(NoteItemFailed, r, f)
			return f
		}
	}
	for _, it := range items {
		t.in.Items = append(t.in.Items, &ItemRun{
			Step: s.ID, Item: it.ID, Stage: stage, State: ItemPending, Generation: 1,
			Budget: s.Retry.attempts(), UndoBudget: t.def.undo().attempts(), Data: it.Data,
		})
	}
	return nil
}

// sendPending sends every item of the present stage that was never sent or is to be sent again.
func (t *turn) sendPending() {
	for _, r := range t.in.Items {
		if t.in.State != Running {
			return
		}
		if r.Stage == t.in.Stage && r.State == ItemPending && !r.Waiting {
			t.send(r)
		}
	}
}

// attemptFailed decides what follows a failed attempt: another one, or the end of the item. unknown says that the
// attempt may have had its effect all the same.
func (t *turn) attemptFailed(r *ItemRun, f *Failure, unknown bool) {
	s := t.def.step(r.Step)
	t.clearTimer(r)
	r.Cause = f
	r.State = ItemFailed
	if unknown {
		r.State = ItemUnknown
		t.noteItem(NoteItemUnknown, r, f)
	}
	if t.in.State == Running && s.Retry.retries(f.Class) && r.Attempt < r.Budget {
		r.State = ItemPending
		if r.mayStand() {
			r.State = ItemUnknown
		}
		t.retryLater(r, s.Retry, r.Attempt-(r.Budget-s.Retry.attempts()), t.commandID(r, DirectionDo, r.Attempt+1))
		t.noteItem(NoteItemRetried, r, f)
		return
	}
	t.itemFailed(r, s, f)
}

// itemFailed ends an item that failed for good.
func (t *turn) itemFailed(r *ItemRun, s *Step, f *Failure) {
	if r.State == ItemFailed {
		t.noteItem(NoteItemFailed, r, f)
	}
	switch {
	case t.in.State == Running && s.Optional:
		t.skip(r, f)
		t.forward()
	case t.in.State == Running:
		t.fail(f)
	case t.in.State == Settling:
		t.settle()
	}
}

func (t *turn) skip(r *ItemRun, f *Failure) {
	t.clearTimer(r)
	r.State = ItemSkipped
	t.noteItem(NoteItemSkipped, r, f)
}

// fail ends the way forward: nothing more is sent, retries are dropped, outstanding commands are waited for.
func (t *turn) fail(cause *Failure) {
	if t.in.Cause == nil {
		t.in.Cause = cause
	}
	t.stop()
	t.settle()
}

// stop drops every retry that waits and the deadline, and begins settling.
func (t *turn) stop() {
	t.in.State = Settling
	t.clearDeadline()
	for _, r := range t.in.Items {
		if !r.Waiting {
			continue
		}
		t.clearTimer(r)
		if r.State == ItemPending {
			r.State = ItemFailed
			t.noteItem(NoteItemFailed, r, r.Cause)
		}
	}
}

// settle decides what follows once no command is outstanding.
func (t *turn) settle() {
	finished := t.in.Stage+1 >= len(t.def.Stages)
	for _, r := range t.in.Items {
		if r.State == ItemSent {
			return
		}
		if r.Stage == t.in.Stage && r.State != ItemDone && r.State != ItemSkipped {
			finished = false
		}
	}
	cancelled := t.in.CancelMode != ""
	if cancelled && finished && t.in.Cause == nil {
		t.complete() // the last commands were done before the cancel bit
		return
	}
	if t.in.Cause == nil {
		t.in.Cause = &Failure{Reason: "cancelled (" + t.in.CancelMode + ")"}
	}
	t.in.CancelMode = ""
	switch {
	case !t.begunForReal():
		t.in.State = Compensating
	case t.in.Policy == GiveUp:
		t.in.State = Abandoned
		return
	case cancelled || t.in.Policy != Rollback || !t.def.Rollbackable:
		t.in.State = Held
		return
	default:
		t.in.State = Compensating
	}
	t.backward()
}

// begunForReal reports whether a command was ever sent whose failure does not mean that nothing was begun.
func (t *turn) begunForReal() bool {
	return slices.ContainsFunc(t.in.Items, func(r *ItemRun) bool { return r.EverSent && !t.def.step(r.Step).Rejects })
}

// timeout handles a due timeout; one that was replaced or cancelled is known by its token.
func (t *turn) timeout(token int64) {
	if token == t.in.DeadlineTimer && token != 0 {
		t.fx.Changed = true
		t.in.DeadlineTimer = 0
		if t.in.State == Running {
			t.fail(&Failure{Class: message.UnknownOutcome, Reason: fmt.Sprintf("not finished within %s", t.def.deadline())})
		}
		return
	}
	for _, r := range t.in.Items {
		if token == 0 || r.Timer != token {
			continue
		}
		t.fx.Changed = true
		r.Timer = 0
		if r.Waiting {
			r.Waiting = false
			if r.State == ItemUndoing {
				t.sendUndo(r)
				t.backward()
			} else {
				t.send(r)
			}
			return
		}
		t.noReply(r)
		return
	}
}

// noReply handles the timeout of an attempt: its effect may or may not stand.
func (t *turn) noReply(r *ItemRun) {
	s := t.def.step(r.Step)
	f := &Failure{Step: r.Step, Item: r.Item, Class: message.UnknownOutcome,
		Reason: fmt.Sprintf("no reply within %s", s.timeout(t.in))}
	if snd := r.open(r.Command); snd != nil {
		t.row(r, *snd, RowUnknown, nil, f)
	}
	switch r.State {
	case ItemSent:
		t.attemptFailed(r, f, true)
	case ItemUndoing:
		t.undoFailed(r, f)
		t.backward()
	}
}

func (t *turn) note(n Note) { t.fx.Notes = append(t.fx.Notes, n) }

func (t *turn) noteItem(kind NoteKind, r *ItemRun, f *Failure) {
	n := Note{Kind: kind, Stage: t.def.Stages[r.Stage].ID, Step: r.Step, Item: r.Item, Failure: f}
	if kind == NoteItemDone {
		n.Result = r.Result
	}
	t.note(n)
}

// clone copies what Advance changes; raw messages and failures are never changed in place.
func (in *Instance) clone() *Instance {
	c := *in
	c.Cleanups = slices.Clone(in.Cleanups)
	c.Items = make([]*ItemRun, len(in.Items))
	for i, r := range in.Items {
		rc := *r
		rc.Open = slices.Clone(r.Open)
		c.Items[i] = &rc
	}
	return &c
}

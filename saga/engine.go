package saga

import (
	"encoding/json"
	"fmt"
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

// Input is what can move a saga: Begin, ReplyReceived, StillWorking, TimedOut or Action.
type Input interface{ input() }

// Begin starts a saga: its instance has no state yet.
type Begin struct{ Cause string }

// ReplyReceived is a participant's answer to a command of the saga.
type ReplyReceived struct {
	Message message.Message
	Reply   message.Reply
}

// StillWorking is a participant's word that it has a command of the saga, and has not finished it.
type StillWorking struct{ Message message.Message }

// TimedOut is a due timer of the saga (Instance.NextTimer). ID is unlike any other's, for causation. Step and Item name the
// item whose timer it is; Step is "" for the deadline's.
type TimedOut struct {
	ID         string
	Name       string
	Token      int64
	Step, Item string
}

func (Begin) input()         {}
func (ReplyReceived) input() {}
func (StillWorking) input()  {}
func (TimedOut) input()      {}
func (Action) input()        {}

// Effects is what one input asks for beside the changed instance, whose timers may be others than before; all of it
// belongs into one commit.
type Effects struct {
	Send     []message.Message
	Steps    []eventstore.StepRow
	Notes    []Note
	Cleanups []Cleanup
	// Items are those of the instance that the input changed or planned.
	Items []*ItemRun
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
	def    *Definition
	c      *compiled
	in     *Instance
	now    time.Time
	cause  string
	fx     *Effects
	edited []edited
}

// Advance computes what one input does to a saga. It is pure: the instance given is not changed, and equal arguments
// give equal answers. Stale and doubled inputs change nothing. It costs as much as the input changes, however many items the
// saga has. An Action fails with Conflict when the saga's state does not allow it, NotFound when the saga cannot be rolled
// back or the item does not exist, Unprocessable when its reason is missing; any input with Internal when the stages of a
// saga that has begun cannot be made.
func Advance(def *Definition, old *Instance, input Input, now time.Time) (*Instance, *Effects, error) {
	return advance(def, old.clone(), input, now)
}

// advance is Advance for an instance that it may change.
func advance(def *Definition, in *Instance, input Input, now time.Time) (*Instance, *Effects, error) {
	t := &turn{def: def, in: in, now: now, fx: &Effects{}}
	t.c = t.in.kept.stagesOf(def, t.in)
	if _, begins := input.(Begin); t.c.err != nil && !begins && !in.State.Final() {
		return nil, nil, vnfm.Wrap(vnfm.Internal, t.c.err, "make the stages of saga %s", in.ID)
	}
	t.number()
	if t.in.tally == nil {
		t.in.tally = count(t.c, t.in.Items)
	}
	if err := t.take(input); err != nil {
		return nil, nil, err
	}
	if t.fx.Changed {
		t.proceed()
	}
	t.finish()
	return t.in, t.fx, nil
}

// take does what an input says by itself; what follows from it is proceed's.
func (t *turn) take(input Input) error {
	switch i := input.(type) {
	case Begin:
		t.cause = i.Cause
		t.begin()
	case ReplyReceived:
		t.cause = i.Message.ID
		t.reply(i)
	case StillWorking:
		t.cause = i.Message.ID
		t.working(i.Message)
	case TimedOut:
		t.cause = i.ID
		t.timeout(i)
	case Action:
		t.cause = i.Cause
		return t.act(i)
	default:
		return vnfm.Errorf(vnfm.Internal, "saga %s: unknown input %T", t.in.ID, input)
	}
	return nil
}

// number numbers the items of a saga that was stored before items had numbers.
func (t *turn) number() {
	if len(t.in.Items) == 0 || t.in.Items[0].No > 0 {
		return
	}
	for i, r := range t.in.Items {
		c := *r
		c.No = i + 1
		t.in.Items[i] = &c
	}
	t.in.Planned = len(t.in.Items)
}

// finish makes what the turn changed what nobody may change any more.
func (t *turn) finish() {
	t.recount()
	for _, e := range t.edited {
		e.r.fresh = false
		t.in.changed = append(t.in.changed, e.r.No)
		t.fx.Items = append(t.fx.Items, e.r)
	}
	for _, st := range t.in.tally.stages {
		st.fresh = false
	}
}

func (t *turn) begin() {
	if t.in.State != "" {
		return
	}
	t.fx.Changed = true
	t.in.State = Running
	t.in.Started = t.now
	t.setDeadline()
	if t.c.err != nil {
		t.fail(&Failure{Class: message.Permanent, Reason: t.c.err.Error()})
		return
	}
	t.beginStage(0)
}

// proceed goes on, in the direction the saga moves, until it has to wait, or has ended.
func (t *turn) proceed() {
	for again := true; again; {
		switch t.in.State {
		case Running:
			again = t.forward()
		case Settling:
			again = t.settle()
		case Compensating, Stuck:
			t.backward()
			again = false
		default:
			again = false
		}
	}
}

// forward sends what the present stage has room for. When the stage is done it begins the next one, or completes the saga
// after the last. It reports whether there is more to do.
func (t *turn) forward() bool {
	if t.stageNow(t.in.Stage).unfinished == 0 {
		if t.in.Stage+1 >= len(t.c.stages) {
			t.complete()
			return false
		}
		t.beginStage(t.in.Stage + 1)
		return true
	}
	t.sendReady()
	return t.in.State != Running || t.stageNow(t.in.Stage).unfinished == 0
}

func (t *turn) complete() {
	t.in.State = Completed
	t.in.Cause = nil
	t.in.CancelMode = ""
	t.clearDeadline()
}

// beginStage plans all steps of a stage. When one cannot be planned nothing of the stage is sent.
func (t *turn) beginStage(n int) {
	t.in.Stage = n
	if n >= len(t.c.stages) {
		return // a definition without stages
	}
	stage := &t.c.stages[n]
	t.note(Note{Kind: NoteStageBegun, Stage: stage.ID})
	st := t.in.tally.stage(n)
	st.from, st.to = len(t.in.Items), len(t.in.Items)
	var failed *Failure
	for i := range stage.Steps {
		if f := t.plan(n, &stage.Steps[i]); f != nil && failed == nil {
			failed = f
		}
	}
	if failed != nil {
		t.fail(failed)
	}
}

// plan makes the items of one step. A step that cannot be planned becomes one failed item.
func (t *turn) plan(stage int, s *Step) *Failure {
	items, err := t.itemsOf(s)
	if err != nil {
		f := &Failure{Step: s.ID, Class: message.Permanent, Reason: err.Error()}
		r := &ItemRun{Step: s.ID, Stage: stage, State: ItemFailed, Generation: 1, Cause: f}
		if t.in.place(s.ID, "") >= 0 {
			r.Item = t.c.stages[stage].ID
		}
		t.add(r)
		if s.Optional {
			t.skip(r, f)
			return nil
		}
		t.noteItem(NoteItemFailed, r, f)
		return f
	}
	runs := make([]*ItemRun, len(items))
	for i, it := range items {
		runs[i] = &ItemRun{
			Step: s.ID, Item: it.ID, Group: it.Group, Stage: stage, State: ItemPending, Generation: max(it.Generation, 1),
			Budget: s.Retry.attempts(), Data: it.Data,
		}
	}
	t.add(runs...)
	return nil
}

// itemsOf lists the items of a step that are new to the saga.
func (t *turn) itemsOf(s *Step) ([]Item, error) {
	if s.Items == nil {
		return []Item{{}}, t.unplanned(s, "")
	}
	items, err := s.Items(t.in)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		if seen[it.ID] {
			return nil, fmt.Errorf("the item %q of step %s is planned twice", it.ID, s.ID)
		}
		if seen[it.ID] = true; len(it.Data) > 0 && !json.Valid(it.Data) {
			return nil, fmt.Errorf("the data of item %q of step %s is no JSON", it.ID, s.ID)
		}
		if err := t.unplanned(s, it.ID); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (t *turn) unplanned(s *Step, item string) error {
	if t.in.place(s.ID, item) >= 0 {
		return fmt.Errorf("the item %q of step %s was planned in an earlier stage", item, s.ID)
	}
	return nil
}

// add adds items of the stage that begins.
func (t *turn) add(runs ...*ItemRun) {
	known := len(t.in.Items)
	for i, r := range runs {
		t.in.Planned++
		r.No, r.fresh = t.in.Planned, true
		t.edited = append(t.edited, edited{r: r, place: known + i})
	}
	t.in.Items = append(t.in.Items, runs...)
	t.in.index = t.in.index.grown(t.in.Items, known)
	if len(runs) > 0 {
		t.in.tally.stage(runs[0].Stage).to = len(t.in.Items)
	}
}

// sendReady sends the items of the present stage that were never sent or are to be sent again, as far as there is room.
func (t *turn) sendReady() {
	t.recount()
	st := t.in.tally.stage(t.in.Stage)
	for i := range st.groups {
		g := &st.groups[i]
		room := t.room(t.in.Stage, g)
		for room > 0 && g.next < st.to && t.in.State == Running {
			r := t.in.Items[g.next]
			g.next++
			if t.c.group(r) == g.name && r.State == ItemPending && !r.Waiting {
				if r = t.edit(g.next - 1); t.send(r) {
					room--
				}
			}
		}
	}
}

// room returns how many more commands of a group may be under way.
func (t *turn) room(stage int, g *groupTally) int {
	if window := t.c.stages[stage].Window; window > 0 {
		return window - g.busy
	}
	return len(t.in.Items)
}

// attemptFailed decides what follows a failed attempt: another one, or the end of the item. unknown says that the
// attempt may have had its effect all the same.
func (t *turn) attemptFailed(r *ItemRun, f *Failure, unknown bool) {
	s := t.c.step(r)
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
	case t.in.State == Running:
		t.fail(f)
	}
}

func (t *turn) skip(r *ItemRun, f *Failure) {
	t.clearTimer(r)
	r.State = ItemSkipped
	t.noteItem(NoteItemSkipped, r, f)
}

// fail ends the way forward: nothing more is sent, retries are dropped, outstanding commands are waited for.
func (t *turn) fail(cause *Failure) {
	t.in.Cause = cause
	t.stop()
}

// stop drops every retry that waits and the deadline, and begins settling.
func (t *turn) stop() {
	t.in.State = Settling
	t.clearDeadline()
	for i, r := range t.in.Items {
		if !r.Waiting {
			continue
		}
		r = t.edit(i)
		t.clearTimer(r)
		if r.State == ItemPending {
			r.State = ItemFailed
			t.noteItem(NoteItemFailed, r, r.Cause)
		}
	}
}

// settle decides what follows once no command is outstanding. It reports whether there is more to do.
func (t *turn) settle() bool {
	t.recount()
	if t.in.tally.sent > 0 {
		return false
	}
	cancelled := t.in.CancelMode != ""
	finished := t.in.Stage+1 >= len(t.c.stages) && t.stageNow(t.in.Stage).unfinished == 0
	if cancelled && finished && t.in.Cause == nil {
		t.complete() // the last commands were done before the cancel bit
		return false
	}
	if t.in.Cause == nil {
		t.in.Cause = &Failure{Reason: "cancelled (" + t.in.CancelMode + ")"}
	}
	t.in.CancelMode = ""
	switch {
	case t.in.tally.begun == 0:
		t.in.State = Compensating
	case t.in.Policy == GiveUp:
		t.in.State = Abandoned
	case cancelled || t.in.Policy != Rollback || !t.def.rollbackable(t.in):
		t.in.State = Held
	default:
		t.in.State = Compensating
	}
	return t.in.State == Compensating
}

func (t *turn) note(n Note) { t.fx.Notes = append(t.fx.Notes, n) }

func (t *turn) noteItem(kind NoteKind, r *ItemRun, f *Failure) {
	n := Note{Kind: kind, Step: r.Step, Item: r.Item, Failure: f}
	if r.Stage < len(t.c.stages) {
		n.Stage = t.c.stages[r.Stage].ID
	}
	switch kind {
	case NoteItemDone:
		n.Result = r.Result
	case NoteItemUndone:
		n.Result = r.UndoResult
	default:
	}
	t.note(n)
}

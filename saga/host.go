package saga

import (
	"encoding/json"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Host is the owner of the sagas' meaning. The runtime calls it inside Decide, so it must be pure but for the commit it
// adds to.
type Host interface {
	// Load says what Turn needs of a saga beside the saga itself: the streams of its aggregates.
	Load(sagaID, key string) eventstore.Load
	// Turn is told what one input did to a saga, after the engine has advanced it, and adds events and views to the
	// commit. One commit may hold several turns: what an earlier one added is in c and must be seen (aggregate.Read
	// and Append do). A cleanup saga begins with a turn of its own, with its own id: Load was not asked for it, so what
	// it concerns is found by Parent and CorrelationID. An error refuses the input: nothing is written.
	Turn(l *eventstore.Loaded, t *Turn, c *eventstore.Commit) error
	// Cleanup returns the definition type and version and the data of a saga that releases what one late success left:
	// the step, the data its command was sent with, and its result. ok is false when there is nothing to release.
	Cleanup(in *Instance, step string, data, result json.RawMessage) (defType string, defVersion int, d json.RawMessage, ok bool)
}

// Turn is what one input did to one saga.
type Turn struct {
	Instance *Instance
	From     State // before the input; "" when the saga began in this commit
	Now      time.Time
	// Cause is the id of the message, timeout or request that was the input; Actor who asked ("vnfm" for the program
	// itself).
	Cause, Actor string
	Notes        []Note
	// Items are those of the instance that the input changed or planned, in the order they were first touched.
	Items []*ItemRun
}

// NoteKind says what a Note reports.
type NoteKind string

// The kinds of notes.
const (
	NoteStageBegun  NoteKind = "stage-begun"
	NoteItemDone    NoteKind = "item-done"
	NoteItemFailed  NoteKind = "item-failed" // for good
	NoteItemUnknown NoteKind = "item-unknown"
	NoteItemSkipped NoteKind = "item-skipped" // a warning
	NoteItemUndone  NoteKind = "item-undone"
	NoteItemStuck   NoteKind = "item-stuck"
	NoteItemRetried NoteKind = "item-retried" // will be tried again by itself
	NoteItemWorking NoteKind = "item-working" // its participant says in Result what it knows so far
	NoteCleanup     NoteKind = "cleanup"      // a cleanup saga was started; Item is its id
	NoteCancelled   NoteKind = "cancel-pending"
)

// Note is one thing that happened in a turn, in order.
type Note struct {
	Kind    NoteKind
	Stage   string
	Step    string
	Item    string
	Result  json.RawMessage
	Failure *Failure
}

// Action is what an operator asks of a saga.
type Action struct {
	Kind   ActionKind
	Mode   string // Cancel: GRACEFUL or FORCEFUL
	Step   string // RetryItem, SkipItem, MarkDone: the stuck item
	Item   string
	Reason string // SkipItem, MarkDone: why; kept
	Actor  string
	Cause  string // id of the request
}

// ActionKind is a kind of Action.
type ActionKind string

// The actions. The first four are about the saga, the others about one item that is stuck.
const (
	Retrying  ActionKind = "retry"
	RollBack  ActionKind = "rollback"
	Fail      ActionKind = "fail"
	Cancel    ActionKind = "cancel"
	RetryItem ActionKind = "retry-item"
	SkipItem  ActionKind = "skip-item"
	MarkDone  ActionKind = "mark-done"
)

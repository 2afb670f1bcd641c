package saga

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
)

// State is the state of a saga.
type State string

// The states; see the package comment.
const (
	Running      State = "RUNNING"
	Settling     State = "SETTLING"
	Held         State = "HELD"
	Compensating State = "COMPENSATING"
	Stuck        State = "STUCK"
	Completed    State = "COMPLETED"
	Compensated  State = "COMPENSATED"
	Abandoned    State = "ABANDONED"
)

// The states, those of sagas that have not ended first.
var (
	Unfinished = []State{Running, Settling, Held, Compensating, Stuck}
	States     = slices.Concat(Unfinished, []State{Completed, Compensated, Abandoned})
)

// Final reports whether no input can move the saga any more (a late success still starts a cleanup saga).
func (s State) Final() bool { return s == Completed || s == Compensated || s == Abandoned }

// ItemState is the state of one item of a step.
type ItemState string

// The states of an item. Sent to Done is the way forward; Done, Failed and Unknown may then be Undoing to Undone.
const (
	ItemPending ItemState = "PENDING" // not sent, or waiting for its next attempt
	ItemSent    ItemState = "SENT"
	ItemDone    ItemState = "DONE"
	ItemFailed  ItemState = "FAILED"  // the participant said so: nothing stands
	ItemUnknown ItemState = "UNKNOWN" // timed out, or an unknown outcome: something may stand
	ItemSkipped ItemState = "SKIPPED" // optional and failed, or skipped by an operator
	ItemUndoing ItemState = "UNDOING"
	ItemUndone  ItemState = "UNDONE"
	ItemStuck   ItemState = "STUCK" // its undo failed for good
)

// Instance is one run of a definition. It is stored as a small row (all but Data and Items), the data, which is written
// once, and a row for each item. Whoever gets one must not change it, nor its items.
type Instance struct {
	ID            string          `json:"id,omitempty"`
	Type          string          `json:"type,omitempty"`
	DefVersion    int             `json:"defVersion,omitempty"`
	Key           string          `json:"key,omitempty"`
	Parent        string          `json:"parent,omitempty"`
	CorrelationID string          `json:"correlationId,omitempty"` // the operation occurrence; a cleanup saga has its parent's
	State         State           `json:"state,omitempty"`
	Policy        Policy          `json:"policy"`
	Stage         int             `json:"stage,omitempty"`   // index into the saga's stages
	Data          json.RawMessage `json:"data,omitempty"`    // the definition's own; fixed at Begin
	Items         []*ItemRun      `json:"items,omitempty"`   // of every stage begun, in order of planning
	Planned       int             `json:"planned,omitempty"` // items so far: the number of the newest
	Form          int             `json:"form,omitempty"`    // how it is stored: formWhole, formParts
	Seq           int             `json:"seq"`               // commands sent so far
	Cause         *Failure        `json:"cause,omitempty"`
	CancelMode    string          `json:"cancelMode,omitempty"` // while a cancel is pending: GRACEFUL or FORCEFUL
	Undone        bool            `json:"undoBegun,omitempty"`  // once undo has begun only rollback and fail are possible
	Tokens        int64           `json:"tokens"`               // counts timers set, to tell one from an older one
	Traceparent   string          `json:"traceparent,omitempty"`
	Started       time.Time       `json:"started"`
	Deadline      time.Time       `json:"deadline"`
	DeadlineTimer int64           `json:"deadlineTimer,omitempty"` // token of the deadline's timer; 0: not set
	Wake          time.Time       `json:"wake,omitzero"`           // due of the timeout stored for the saga, if any
	Cleanups      []string        `json:"cleanups,omitempty"`      // commands whose late success a cleanup saga releases
	Version       int64           `json:"-"`                       // of the stored row

	kept    *kept     // what was made of it, for all instances that come of each other
	index   *index    // finds its items
	tally   *tally    // what its items count to; nil: not counted yet
	changed []int     // numbers of the items that differ from those stored at Version
	written time.Time // when its row was, at Version
	known   int       // items up to this number have rows of their own
	sooner  bool      // a timer was set that is due before Wake
	row     int       // bytes of its row, as stored
	size    int       // bytes of all of it, as stored
}

// ItemRun is one item's history within an instance.
type ItemRun struct {
	No         int             `json:"no,omitempty"` // in order of planning, from 1
	Step       string          `json:"step"`
	Item       string          `json:"item,omitempty"`
	Group      string          `json:"group,omitempty"`
	Stage      int             `json:"stage"`
	State      ItemState       `json:"state"`
	Generation int             `json:"generation"`           // raised by a deliberate retry after a release
	Attempt    int             `json:"attempt,omitempty"`    // of Do commands, never reset
	Budget     int             `json:"budget,omitempty"`     // attempt number at which the retry budget ends; 0: the item could not be planned
	Undo       int             `json:"undo,omitempty"`       // attempts of Undo commands, never reset
	UndoBudget int             `json:"undoBudget,omitempty"` // 0: not undone yet
	Command    string          `json:"command,omitempty"`    // id of the newest command, do or undo
	EverSent   bool            `json:"everSent,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`       // Item.Data
	Result     json.RawMessage `json:"result,omitempty"`     // of the success
	UndoResult json.RawMessage `json:"undoResult,omitempty"` // of the undo that succeeded
	Cause      *Failure        `json:"cause,omitempty"`
	Due        time.Time       `json:"due,omitzero"`       // when the participant is asked, the attempt given up, or the next one made
	Waiting    bool            `json:"waiting,omitempty"`  // Due is that of the next attempt
	Asked      bool            `json:"asked,omitempty"`    // the participant was asked about the newest command, and has not answered
	Timer      int64           `json:"timer,omitempty"`    // token of the timer set for Due; 0: none
	Open       []Sending       `json:"open,omitempty"`     // commands whose outcome is not known, the oldest first
	Log        []Sending       `json:"log,omitempty"`      // commands that were answered, in the order of their answers
	Late       int             `json:"late,omitempty"`     // Seq at a success that came once undoing had begun
	Released   bool            `json:"released,omitempty"` // undone or being cleaned up: sending it again needs a new generation

	fresh  bool  // made by the turn that is going on, which may change it
	size   int   // in bytes, as stored
	result *memo // Result, decoded
	undone *memo // UndoResult, decoded
}

// Sending is one command of an item: one that was answered (Log), or one whose outcome is not known, since there is no reply
// yet, no reply came in time, or the reply said so.
type Sending struct {
	Command    string    `json:"command"`
	Undo       bool      `json:"undo,omitempty"`
	Attempt    int       `json:"attempt"`
	Generation int       `json:"generation"`
	Seq        int       `json:"seq"`
	Sent       time.Time `json:"sent"`
	Cause      string    `json:"cause,omitempty"` // the command's causation id; kept while it is open

	State   string          `json:"state,omitempty"` // Row…; "": there is no reply yet
	Replied time.Time       `json:"replied,omitzero"`
	Class   message.Class   `json:"class,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"` // of the reply, where the item does not keep it
}

// Failure says why something failed.
type Failure struct {
	Step   string        `json:"step,omitempty"`
	Item   string        `json:"item,omitempty"`
	Class  message.Class `json:"class"`
	Reason string        `json:"reason"`
	// Result is what the participant said beside, for the host.
	Result json.RawMessage `json:"result,omitempty"`
}

// Item returns an item, nil when it is not planned (yet).
func (in *Instance) Item(step, item string) *ItemRun {
	if i := in.place(step, item); i >= 0 {
		return in.Items[i]
	}
	return nil
}

// Result returns the result of an item that is done, nil when it is not.
func (in *Instance) Result(step, item string) json.RawMessage {
	if r := in.Item(step, item); r != nil && r.State == ItemDone {
		return r.Result
	}
	return nil
}

// place returns where an item is among the items, -1 when it is not there.
func (in *Instance) place(step, item string) int {
	if in.index != nil {
		return in.index.place(in.Items, step, item)
	}
	return slices.IndexFunc(in.Items, func(r *ItemRun) bool { return r.Step == step && r.Item == item })
}

// placeOf returns where the item of a number is among the items, or would be.
func (in *Instance) placeOf(no int) (int, bool) {
	return slices.BinarySearchFunc(in.Items, no, func(r *ItemRun, no int) int { return r.No - no })
}

// clone returns a copy that a turn may change: the items are shared until they are edited, and so are raw messages and
// failures, which are never changed in place.
func (in *Instance) clone() *Instance {
	c := in.successor()
	c.Items = slices.Clone(in.Items)
	c.changed = slices.Clip(in.changed)
	if c.tally != nil {
		c.tally = c.tally.clone()
	}
	return c
}

// successor is clone for an instance that nobody looks at any more, which gives away its list of items.
func (in *Instance) successor() *Instance {
	c := *in
	c.Cleanups = slices.Clip(in.Cleanups)
	if c.kept == nil {
		c.kept = &kept{}
	}
	if c.index == nil {
		c.index = newIndex(c.Items)
	}
	return &c
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

// mayStand reports whether an effect of the item's Do commands of this generation may stand.
func (r *ItemRun) mayStand() bool {
	return r.State == ItemDone || slices.ContainsFunc(r.Open, func(s Sending) bool {
		return !s.Undo && s.Generation == r.Generation
	})
}

// open returns the sending of a command that is still open, nil when there is none.
func (r *ItemRun) open(command string) *Sending {
	if i := slices.IndexFunc(r.Open, func(s Sending) bool { return s.Command == command }); i >= 0 {
		return &r.Open[i]
	}
	return nil
}

// awaits reports whether a command is open: it was sent, and its outcome is not known.
func (in *Instance) awaits(command string) bool {
	own := in.successor()
	i, _ := own.kept.command(own, command)
	return i >= 0 && own.Items[i].open(command) != nil
}

// close takes a command whose outcome is known from those that are open.
func (r *ItemRun) close(command string) {
	r.Open = slices.DeleteFunc(r.Open, func(s Sending) bool { return s.Command == command })
}

func (r *ItemRun) setResult(result json.RawMessage) {
	r.Result, r.result = result, &memo{}
}

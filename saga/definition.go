package saga

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/vnfm/vnfm/message"
)

// Definition is one version of one kind of saga, as data. A running saga is pinned to (Type, Version): a new program
// compiles in every version that may still be running. Stages run one after the other, the steps and items of a stage
// at once. The functions are pure: the same instance gives the same answer.
type Definition struct {
	Type    string
	Version int
	Stages  []Stage
	// Deadline bounds the whole saga from its start to its end or its first failure; 0 means one hour.
	Deadline time.Duration
	// Rollbackable is false where undoing makes no sense (terminate): policy and operators cannot compensate it.
	Rollbackable bool
	// Undo is the retry policy of undo commands; its zero value is DefaultUndo.
	Undo Retry
}

// Stage is a set of steps that run at once; the next stage starts when all of them are done.
type Stage struct {
	ID    string
	Steps []Step
}

// Step is one kind of command within a stage.
type Step struct {
	ID     string // stable for ever; part of every command id
	Topic  string // where Do and Undo commands go
	Do     string // message type of the command
	UndoAs string // message type of the compensating command; "" when there is nothing to undo
	// Timeout bounds one attempt, from sending to reply; 0 means two minutes. An attempt that timed out is maybe done.
	Timeout time.Duration
	// TimeoutOf, when set, gives the timeout per instance (a graceful termination's comes from the request).
	TimeoutOf func(in *Instance) time.Duration
	Retry     Retry
	// Items lists the commands of this step, when its stage begins. nil: one command, with the instance's data.
	// An error is a defect of the plan: the step fails for good with its text.
	Items func(in *Instance) ([]Item, error)
	// UndoData builds the compensating command's data from the data the item was sent with and, when there is one, its
	// result. nil: the data it was sent with.
	UndoData func(in *Instance, data, result json.RawMessage) (json.RawMessage, error)
	// DataFor builds the data an item is sent with, for each Do and, before UndoData, for each Undo: the place to put in
	// the item's generation. nil: the item's data as planned. An error fails the item for good.
	DataFor func(in *Instance, run *ItemRun) (json.RawMessage, error)
	// Optional: when the step fails for good or times out, the saga goes on, with a warning.
	Optional bool
	// Rejects: a failure of this step means that nothing was begun (a refused grant); the saga ends COMPENSATED at once
	// when no other command was ever sent, whatever the policy.
	Rejects bool
}

// Item is one command of a step.
type Item struct {
	ID   string // "" for the only one; for resources the planned resource's id
	Data json.RawMessage
}

// Retry says how often and when a command is sent again. Attempts count from 1 and are never reset by it; an
// operator's retry grants a fresh budget.
type Retry struct {
	Attempts int             // in all; 0 means 5
	Backoff  time.Duration   // before the second attempt, doubled for each next; 0 means one second
	Max      time.Duration   // longest backoff; 0 means one minute
	Classes  []message.Class // retried; nil means transient, unavailable, unknown-outcome (and timeouts)
}

// DefaultUndo is the retry policy of compensations: many, and slower.
var DefaultUndo = Retry{Attempts: 8, Backoff: time.Second, Max: time.Minute}

// Policy says what happens by itself once a saga has failed and settled.
type Policy string

// The policies.
const (
	Rollback Policy = "rollback" // compensate at once
	Hold     Policy = "hold"     // wait for an operator
	GiveUp   Policy = "give-up"  // end ABANDONED: for a saga that no operator decides about
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

// Instance is one run of a definition. It is stored as JSON in saga_instances.data.
type Instance struct {
	ID            string          `json:"id"`
	Type          string          `json:"type"`
	DefVersion    int             `json:"defVersion"`
	Key           string          `json:"key"`
	Parent        string          `json:"parent,omitempty"`
	CorrelationID string          `json:"correlationId"` // the operation occurrence; a cleanup saga has its parent's
	State         State           `json:"state"`
	Policy        Policy          `json:"policy"`
	Stage         int             `json:"stage"` // index into the definition's stages
	Data          json.RawMessage `json:"data"`  // the definition's own; fixed at Begin
	Items         []*ItemRun      `json:"items"` // of every stage begun, in order of planning
	Seq           int             `json:"seq"`   // commands sent so far
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
}

// ItemRun is one item's history within an instance.
type ItemRun struct {
	Step       string          `json:"step"`
	Item       string          `json:"item,omitempty"`
	Stage      int             `json:"stage"`
	State      ItemState       `json:"state"`
	Generation int             `json:"generation"` // raised by a deliberate retry after a release
	Attempt    int             `json:"attempt"`    // of Do commands, never reset
	Budget     int             `json:"budget"`     // attempt number at which the retry budget ends
	Undo       int             `json:"undo"`       // attempts of Undo commands, never reset
	UndoBudget int             `json:"undoBudget"`
	Command    string          `json:"command,omitempty"` // id of the newest command, do or undo
	EverSent   bool            `json:"everSent"`
	Data       json.RawMessage `json:"data"`
	Result     json.RawMessage `json:"result,omitempty"`
	Cause      *Failure        `json:"cause,omitempty"`
	Due        time.Time       `json:"due,omitzero"`       // of the next attempt or of the reply's timeout
	Waiting    bool            `json:"waiting,omitempty"`  // Due is that of the next attempt
	Timer      int64           `json:"timer,omitempty"`    // token of the timer set for Due; 0: none
	Open       []Sending       `json:"open,omitempty"`     // commands whose outcome is not known, the oldest first
	Late       int             `json:"late,omitempty"`     // Seq at a success that came once undoing had begun
	Released   bool            `json:"released,omitempty"` // undone or being cleaned up: sending it again needs a new generation
}

// Sending is one command of an item whose outcome is not known: no reply yet, timed out, or an unknown outcome.
type Sending struct {
	Command    string    `json:"command"`
	Undo       bool      `json:"undo,omitempty"`
	Attempt    int       `json:"attempt"`
	Generation int       `json:"generation"`
	Seq        int       `json:"seq"`
	Sent       time.Time `json:"sent"`
}

// Failure says why something failed.
type Failure struct {
	Step   string        `json:"step,omitempty"`
	Item   string        `json:"item,omitempty"`
	Class  message.Class `json:"class"`
	Reason string        `json:"reason"`
}

// Result returns the result of an item that is done, nil when it is not.
func (in *Instance) Result(step, item string) json.RawMessage {
	for _, r := range in.Items {
		if r.Step == step && r.Item == item && r.State == ItemDone {
			return r.Result
		}
	}
	return nil
}

package saga

import "github.com/vnfm/vnfm"

// The states of an LCM operation occurrence (SOL003 v3.7.1 §5.6.2.2), as strings: saga knows no VNF, but its states
// and these move together.
const (
	OpStarting    = "STARTING"
	OpProcessing  = "PROCESSING"
	OpCompleted   = "COMPLETED"
	OpFailedTemp  = "FAILED_TEMP"
	OpFailed      = "FAILED"
	OpRollingBack = "ROLLING_BACK"
	OpRolledBack  = "ROLLED_BACK"
)

// Rule is one line of the table operation state × saga state × {retry, rollback, fail, cancel}: the state the saga
// moves to at once, "" where the task is refused with Conflict. What follows a move by itself (SETTLING to HELD when
// nothing is outstanding, COMPENSATING to COMPENSATED when nothing is left) may happen in the same turn.
type Rule struct {
	Op        string
	Saga      State
	UndoBegun bool // an undo command was sent
	Retry     State
	RollBack  State // NotFound instead when the definition cannot be rolled back
	Fail      State
	Cancel    State
}

// Rules is the table. Pairs that it does not name do not exist: an operation and its saga move in one commit.
//
//nolint:gochecknoglobals // data
var Rules = []Rule{
	{Op: OpStarting, Saga: Running, Cancel: Settling}, // to COMPENSATED: nothing was begun
	{Op: OpStarting, Saga: Settling, Cancel: Settling},
	{Op: OpProcessing, Saga: Running, Cancel: Settling},
	{Op: OpProcessing, Saga: Settling, Cancel: Settling},
	{Op: OpFailedTemp, Saga: Held, Retry: Running, RollBack: Compensating, Fail: Abandoned},
	{Op: OpFailedTemp, Saga: Held, UndoBegun: true, RollBack: Compensating, Fail: Abandoned},
	{Op: OpFailedTemp, Saga: Stuck, UndoBegun: true, RollBack: Compensating, Fail: Abandoned},
	{Op: OpRollingBack, Saga: Compensating, UndoBegun: true, Cancel: Compensating}, // to HELD or STUCK
	{Op: OpCompleted, Saga: Completed},
	{Op: OpRolledBack, Saga: Compensated},
	{Op: OpRolledBack, Saga: Compensated, UndoBegun: true},
	{Op: OpFailed, Saga: Abandoned},
	{Op: OpFailed, Saga: Abandoned, UndoBegun: true},
}

// OpState returns the operation state that goes with a saga state. begun says that a command was sent that does more
// than ask (a stage after the grant).
func OpState(s State, begun bool) string {
	for _, r := range Rules {
		if r.Saga == s && (r.Op != OpStarting || !begun) {
			return r.Op
		}
	}
	return ""
}

// Allowed says whether an action is possible in the state a saga is in: Conflict when not, NotFound for the rollback
// of a saga that cannot be rolled back.
func Allowed(def *Definition, in *Instance, kind ActionKind) error {
	if kind == RollBack && !def.Rollbackable {
		return vnfm.Errorf(vnfm.NotFound, "a %s cannot be rolled back", def.Type)
	}
	for _, r := range Rules {
		if r.Saga != in.State || r.UndoBegun != in.Undone {
			continue
		}
		var next State
		switch kind {
		case Retrying:
			next = r.Retry
		case RollBack:
			next = r.RollBack
		case Fail:
			next = r.Fail
		case Cancel:
			next = r.Cancel
		case RetryItem, SkipItem, MarkDone:
			if in.State == Stuck || in.State == Compensating {
				return nil // the item's own state decides
			}
		}
		if next != "" {
			return nil
		}
	}
	if kind == Retrying && in.Undone {
		return vnfm.Errorf(vnfm.Conflict, "the saga is %s and undoing has begun: only rollback and fail are possible", in.State)
	}
	return vnfm.Errorf(vnfm.Conflict, "%s is not possible while the saga is %s", kind, in.State)
}

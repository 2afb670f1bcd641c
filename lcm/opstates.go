package lcm

import (
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// OpRule is one line of the table operation state × saga state × {retry, rollback, fail, cancel} (SOL003 v3.7.1 §5.6.2.2,
// §5.4.14 ff.): the state the saga moves to at once, "" where the task is refused with Conflict. What follows a move by
// itself (SETTLING to HELD when nothing is outstanding, COMPENSATING to COMPENSATED when nothing is left) may happen in the
// same turn.
type OpRule struct {
	Op        vnf.OpState
	Saga      saga.State
	UndoBegun bool // an undo command was sent
	Retry     saga.State
	RollBack  saga.State // NotFound instead when the saga cannot be rolled back
	Fail      saga.State
	Cancel    saga.State
}

// OpRules is the table. Pairs that it does not name do not exist: an operation and its saga move in one commit.
//
//nolint:gochecknoglobals // data
var OpRules = []OpRule{
	{Op: vnf.Starting, Saga: saga.Running, Cancel: saga.Settling}, // to COMPENSATED: nothing was begun
	{Op: vnf.Starting, Saga: saga.Settling, Cancel: saga.Settling},
	{Op: vnf.Processing, Saga: saga.Running, Cancel: saga.Settling},
	{Op: vnf.Processing, Saga: saga.Settling, Cancel: saga.Settling},
	{Op: vnf.FailedTemp, Saga: saga.Held, Retry: saga.Running, RollBack: saga.Compensating, Fail: saga.Abandoned},
	{Op: vnf.FailedTemp, Saga: saga.Held, UndoBegun: true, RollBack: saga.Compensating, Fail: saga.Abandoned},
	{Op: vnf.FailedTemp, Saga: saga.Stuck, UndoBegun: true, RollBack: saga.Compensating, Fail: saga.Abandoned},
	{Op: vnf.RollingBack, Saga: saga.Compensating, UndoBegun: true, Cancel: saga.Compensating}, // to HELD or STUCK
	{Op: vnf.Completed, Saga: saga.Completed},
	{Op: vnf.RolledBack, Saga: saga.Compensated},
	{Op: vnf.RolledBack, Saga: saga.Compensated, UndoBegun: true},
	{Op: vnf.Failed, Saga: saga.Abandoned},
	{Op: vnf.Failed, Saga: saga.Abandoned, UndoBegun: true},
}

// opState returns the operation state that goes with a saga state. begun says that a command was sent that does more
// than ask (a stage after the grant).
func opState(s saga.State, begun bool) vnf.OpState {
	for _, r := range OpRules {
		if r.Saga == s && (r.Op != vnf.Starting || !begun) {
			return r.Op
		}
	}
	return ""
}

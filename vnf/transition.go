package vnf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm"
)

//go:generate go test -run TestOpStatesPage -update .

// Trigger is what moves an operation occurrence: an error-handling task of SOL003, or a cause inside the VNFM.
type Trigger string

// The triggers. The first four are the error-handling tasks (SOL003 v3.7.1 §5.4.14 to §5.4.17), asked for by a client or
// by policy.
const (
	TriggerRetry    Trigger = "retry"
	TriggerRollback Trigger = "rollback"
	TriggerFail     Trigger = "fail"
	TriggerCancel   Trigger = "cancel" // asked for; it takes effect as failed, stuck or refused

	TriggerGranted Trigger = "granted" // the grant was given
	TriggerRefused Trigger = "refused" // the grant was refused, or it failed or was cancelled before anything was changed
	TriggerDone    Trigger = "done"    // all steps are done
	TriggerFailed  Trigger = "failed"  // a step failed for good, the deadline passed, or a cancel took effect
	TriggerUndone  Trigger = "undone"  // all that was begun is undone
	TriggerStuck   Trigger = "stuck"   // an undo failed for good, or a cancel of the rollback took effect
)

// OpStates lists the states; Triggers lists the triggers: both in the order of a reader's interest.
func OpStates() []OpState {
	return []OpState{Starting, Processing, Completed, FailedTemp, RollingBack, RolledBack, Failed}
}

// Triggers lists the triggers.
func Triggers() []Trigger {
	return []Trigger{
		TriggerGranted, TriggerRefused, TriggerDone, TriggerFailed, TriggerUndone, TriggerStuck,
		TriggerRetry, TriggerRollback, TriggerFail, TriggerCancel,
	}
}

// Transition is one arrow of the state machine.
type Transition struct {
	From OpState
	On   Trigger
	To   OpState
}

// Transitions is the state machine of an operation occurrence (SOL003 v3.7.1 §5.6.2.2). A pair of state and trigger that
// is not here is refused with Conflict. Beside the table two rules hold: an operation that cannot be undone (terminate,
// scale in) has no rollback at all, and once an undo has begun there is no way forward any more, so no retry.
//
//	STARTING      accepted; waits for the grant. Nothing is changed: what ends it here leaves no trace.
//	PROCESSING    resources are being changed. MODIFY_INFO, which needs no grant, begins here.
//	COMPLETED     final: the instance shows the result.
//	FAILED_TEMP   waits for retry, rollback or fail, of an operator or by policy. The instance stays held.
//	ROLLING_BACK  what was begun is being undone.
//	ROLLED_BACK   final: no trace is left.
//	FAILED        final: given up; the instance lists what is left.
//
//nolint:gochecknoglobals // data
var Transitions = []Transition{
	{Starting, TriggerGranted, Processing},
	{Starting, TriggerRefused, RolledBack},
	{Starting, TriggerCancel, Starting},
	{Processing, TriggerDone, Completed},
	{Processing, TriggerFailed, FailedTemp},
	{Processing, TriggerCancel, Processing},
	{FailedTemp, TriggerRetry, Processing},
	{FailedTemp, TriggerRollback, RollingBack},
	{FailedTemp, TriggerFail, Failed},
	{RollingBack, TriggerUndone, RolledBack},
	{RollingBack, TriggerStuck, FailedTemp},
	{RollingBack, TriggerCancel, RollingBack},
}

// Next returns the state a trigger leads to, Conflict when it does not apply.
func Next(from OpState, on Trigger) (OpState, error) {
	var possible []string
	for _, t := range Transitions {
		if t.From == from && t.On == on {
			return t.To, nil
		}
		if t.On == on {
			possible = append(possible, string(t.From))
		}
	}
	return "", vnfm.Errorf(vnfm.Conflict, "%s is not possible: the operation occurrence is %s, not %s", on, from, strings.Join(possible, " or "))
}

// Path returns the triggers that lead from one state to another in the fewest steps, without a cancel; nil when the
// states are equal. Whoever saw only the end of several moves (a failure that policy answered at once with a rollback)
// records all of them.
func Path(from, to OpState) ([]Trigger, error) {
	if from == to {
		return nil, nil
	}
	type node struct {
		state OpState
		path  []Trigger
	}
	seen := []OpState{from}
	for queue := []node{{state: from}}; len(queue) > 0; queue = queue[1:] {
		for _, t := range Transitions {
			if t.From != queue[0].state || slices.Contains(seen, t.To) {
				continue
			}
			path := append(slices.Clone(queue[0].path), t.On)
			if t.To == to {
				return path, nil
			}
			seen = append(seen, t.To)
			queue = append(queue, node{t.To, path})
		}
	}
	return nil, fmt.Errorf("no way leads from %s to %s", from, to)
}

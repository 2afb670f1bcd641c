package saga

import (
	"slices"

	"github.com/vnfm/vnfm"
)

// allowed lists what an operator may do with a saga in each state that waits for one, or that can be cancelled. What is not
// listed is refused with Conflict. Items that are stuck are decided about while it is COMPENSATING or STUCK.
//
//nolint:gochecknoglobals // data
var allowed = []struct {
	state   State
	undone  bool // an undo command was sent
	actions []ActionKind
}{
	{Running, false, []ActionKind{Cancel}},
	{Settling, false, []ActionKind{Cancel}},
	{Held, false, []ActionKind{Retrying, RollBack, Fail}},
	{Held, true, []ActionKind{RollBack, Fail}},
	{Stuck, true, []ActionKind{RollBack, Fail, RetryItem, SkipItem, MarkDone}},
	{Compensating, true, []ActionKind{Cancel, RetryItem, SkipItem, MarkDone}},
}

// Allowed says whether an action is possible in the state a saga is in: Conflict when not, NotFound for the rollback
// of a saga that cannot be rolled back.
func Allowed(def *Definition, in *Instance, kind ActionKind) error {
	if kind == RollBack && !def.rollbackable(in) {
		return vnfm.Errorf(vnfm.NotFound, "a %s cannot be rolled back", def.Type)
	}
	for _, a := range allowed {
		if a.state == in.State && a.undone == in.Undone && slices.Contains(a.actions, kind) {
			return nil
		}
	}
	if kind == Retrying && in.Undone {
		return vnfm.Errorf(vnfm.Conflict, "the saga is %s and undoing has begun: only rollback and fail are possible", in.State)
	}
	return vnfm.Errorf(vnfm.Conflict, "%s is not possible while the saga is %s", kind, in.State)
}

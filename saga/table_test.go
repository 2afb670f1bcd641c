package saga_test

import (
	"slices"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/saga"
)

// What an operator may do in each state of a saga, whole: what is not listed is refused with Conflict.
// Seen failing with any one action added to, or taken from, the table.
func TestAllowed_whole(t *testing.T) {
	type in struct {
		state  saga.State
		undone bool
	}
	item := []saga.ActionKind{saga.RetryItem, saga.SkipItem, saga.MarkDone}
	want := map[in][]saga.ActionKind{
		{saga.Running, false}:     {saga.Cancel},
		{saga.Settling, false}:    {saga.Cancel},
		{saga.Held, false}:        {saga.Retrying, saga.RollBack, saga.Fail},
		{saga.Held, true}:         {saga.RollBack, saga.Fail},
		{saga.Stuck, true}:        slices.Concat([]saga.ActionKind{saga.RollBack, saga.Fail}, item),
		{saga.Compensating, true}: slices.Concat([]saga.ActionKind{saga.Cancel}, item),
	}
	all := slices.Concat([]saga.ActionKind{saga.Retrying, saga.RollBack, saga.Fail, saga.Cancel}, item)
	def := toy()
	forGood := toy()
	forGood.Rollbackable = func(in *saga.Instance) bool { return in.ID == "other" }
	for _, state := range saga.States {
		for _, undone := range []bool{false, true} {
			for _, action := range all {
				err := saga.Allowed(def, &saga.Instance{State: state, Undone: undone}, action)
				ok := slices.Contains(want[in{state, undone}], action)
				if ok != (err == nil) || !ok && vnfm.KindOf(err) != vnfm.Conflict {
					t.Errorf("%s (undo begun %v) × %s: %v", state, undone, action, err)
				}
				if action != saga.RollBack {
					continue
				}
				if err := saga.Allowed(forGood, &saga.Instance{ID: "this", State: state, Undone: undone}, action); vnfm.KindOf(err) != vnfm.NotFound {
					t.Errorf("%s: rollback of what cannot be rolled back: %v", state, err)
				}
				if err := saga.Allowed(forGood, &saga.Instance{ID: "other", State: state, Undone: undone}, action); ok != (err == nil) {
					t.Errorf("%s: rollback of another saga of the definition: %v", state, err)
				}
			}
		}
	}
}

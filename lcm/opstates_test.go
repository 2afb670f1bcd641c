package lcm_test

import (
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// The table operation state × saga state × {retry, rollback, fail, cancel}, whole: what is not listed is refused with
// Conflict. Seen failing with any one cell of lcm.OpRules changed.
func TestTable_whole(t *testing.T) {
	type cell struct {
		op     vnf.OpState
		saga   saga.State
		undone bool
		action saga.ActionKind
	}
	allowed := map[cell]saga.State{
		{"STARTING", saga.Running, false, saga.Cancel}:         saga.Settling,
		{"STARTING", saga.Settling, false, saga.Cancel}:        saga.Settling,
		{"PROCESSING", saga.Running, false, saga.Cancel}:       saga.Settling,
		{"PROCESSING", saga.Settling, false, saga.Cancel}:      saga.Settling,
		{"FAILED_TEMP", saga.Held, false, saga.Retrying}:       saga.Running,
		{"FAILED_TEMP", saga.Held, false, saga.RollBack}:       saga.Compensating,
		{"FAILED_TEMP", saga.Held, false, saga.Fail}:           saga.Abandoned,
		{"FAILED_TEMP", saga.Held, true, saga.RollBack}:        saga.Compensating,
		{"FAILED_TEMP", saga.Held, true, saga.Fail}:            saga.Abandoned,
		{"FAILED_TEMP", saga.Stuck, true, saga.RollBack}:       saga.Compensating,
		{"FAILED_TEMP", saga.Stuck, true, saga.Fail}:           saga.Abandoned,
		{"ROLLING_BACK", saga.Compensating, true, saga.Cancel}: saga.Compensating,
	}
	exist := map[vnf.OpState][]saga.State{
		"STARTING":     {saga.Running, saga.Settling},
		"PROCESSING":   {saga.Running, saga.Settling},
		"FAILED_TEMP":  {saga.Held, saga.Stuck},
		"ROLLING_BACK": {saga.Compensating},
		"COMPLETED":    {saga.Completed},
		"ROLLED_BACK":  {saga.Compensated},
		"FAILED":       {saga.Abandoned},
	}
	ops := []vnf.OpState{"STARTING", "PROCESSING", "COMPLETED", "FAILED_TEMP", "FAILED", "ROLLING_BACK", "ROLLED_BACK"}
	states := []saga.State{
		saga.Running, saga.Settling, saga.Held, saga.Compensating, saga.Stuck, saga.Completed, saga.Compensated, saga.Abandoned,
	}
	actions := []saga.ActionKind{saga.Retrying, saga.RollBack, saga.Fail, saga.Cancel}
	def := &saga.Definition{Type: "any", Version: 1, Rollbackable: saga.Always}
	for _, op := range ops {
		for _, state := range states {
			for _, undone := range []bool{false, true} {
				rule := ruleOf(op, state, undone)
				if rule == nil {
					continue
				}
				if !contains(exist[op], state) {
					t.Errorf("%s × %s: the table names a pair that cannot be", op, state)
				}
				for _, action := range actions {
					want, ok := allowed[cell{op, state, undone, action}]
					got := map[saga.ActionKind]saga.State{
						saga.Retrying: rule.Retry, saga.RollBack: rule.RollBack, saga.Fail: rule.Fail, saga.Cancel: rule.Cancel,
					}[action]
					if got != want {
						t.Errorf("%s × %s (undo begun %v) × %s: to %q, want %q", op, state, undone, action, got, want)
					}
					err := saga.Allowed(def, &saga.Instance{State: state, Undone: undone}, action)
					if ok != (err == nil) || !ok && vnfm.KindOf(err) != vnfm.Conflict {
						t.Errorf("%s × %s (undo begun %v) × %s: %v", op, state, undone, action, err)
					}
				}
			}
		}
	}
	for op, list := range exist {
		for _, state := range list {
			if ruleOf(op, state, false) == nil && ruleOf(op, state, true) == nil {
				t.Errorf("%s × %s is missing", op, state)
			}
			if got := lcm.OpState(state, op != "STARTING"); got != op {
				t.Errorf("OpState(%s): %s, want %s", state, got, op)
			}
		}
	}
}

func ruleOf(op vnf.OpState, s saga.State, undone bool) *lcm.OpRule {
	for i, r := range lcm.OpRules {
		if r.Op == op && r.Saga == s && r.UndoBegun == undone {
			return &lcm.OpRules[i]
		}
	}
	return nil
}

func contains(list []saga.State, s saga.State) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

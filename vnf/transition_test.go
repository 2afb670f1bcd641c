package vnf_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/vnf"
)

var update = flag.Bool("update", false, "write the generated pages and golden files")

// TestEveryPairOfStateAndTrigger asserts the answer of the state machine for each state and each trigger, by this table
// of its own. "" is Conflict. Seen failing with the line {RollingBack, TriggerStuck, FailedTemp} changed.
func TestEveryPairOfStateAndTrigger(t *testing.T) {
	const no = vnf.OpState("")
	triggers := []vnf.Trigger{
		vnf.TriggerGranted, vnf.TriggerRefused, vnf.TriggerDone, vnf.TriggerFailed, vnf.TriggerUndone, vnf.TriggerStuck,
		vnf.TriggerRetry, vnf.TriggerRollback, vnf.TriggerFail, vnf.TriggerCancel,
	}
	want := map[vnf.OpState][]vnf.OpState{ //      granted refused done failed undone stuck retry rollback fail cancel
		vnf.Starting:    {vnf.Processing, vnf.RolledBack, no, no, no, no, no, no, no, vnf.Starting},
		vnf.Processing:  {no, no, vnf.Completed, vnf.FailedTemp, no, no, no, no, no, vnf.Processing},
		vnf.Completed:   {no, no, no, no, no, no, no, no, no, no},
		vnf.FailedTemp:  {no, no, no, no, no, no, vnf.Processing, vnf.RollingBack, vnf.Failed, no},
		vnf.RollingBack: {no, no, no, no, vnf.RolledBack, vnf.FailedTemp, no, no, no, vnf.RollingBack},
		vnf.RolledBack:  {no, no, no, no, no, no, no, no, no, no},
		vnf.Failed:      {no, no, no, no, no, no, no, no, no, no},
	}
	if !slices.Equal(triggers, vnf.Triggers()) || len(want) != len(vnf.OpStates()) {
		t.Fatal("the table of this test is not whole")
	}
	for _, from := range vnf.OpStates() {
		for i, on := range triggers {
			got, err := vnf.Next(from, on)
			if got != want[from][i] || (err != nil) != (got == no) || err != nil && vnfm.KindOf(err) != vnfm.Conflict {
				t.Errorf("%s in %s: got %q, %v; want %q", on, from, got, err, want[from][i])
			}
		}
	}
	const says = "cancel is not possible: the operation occurrence is COMPLETED, not STARTING or PROCESSING or ROLLING_BACK"
	if _, err := vnf.Next(vnf.Completed, vnf.TriggerCancel); err == nil || err.Error() != says {
		t.Errorf("a refusal does not say when it would be possible: %v", err)
	}
	for _, tr := range vnf.Transitions {
		if tr.From.Final() {
			t.Errorf("%s is final and has %s", tr.From, tr.On)
		}
	}
}

// TestErrorHandlingInEveryState asserts what a client may ask for, in every state, for both kinds of operation, before
// and after an undo has begun.
func TestErrorHandlingInEveryState(t *testing.T) {
	tasks := []vnf.Trigger{vnf.TriggerRetry, vnf.TriggerRollback, vnf.TriggerFail, vnf.TriggerCancel}
	for _, state := range vnf.OpStates() {
		for _, irreversible := range []bool{false, true} {
			for _, undoBegun := range []bool{false, true} {
				for _, task := range tasks {
					o := &vnf.OpOcc{ID: "o", Version: 1, State: state, Irreversible: irreversible, UndoBegun: undoBegun, Operation: "X"}
					events, err := o.Process(vnf.HandleError{Task: task, Mode: "GRACEFUL"})
					want := vnfm.Conflict
					switch {
					case task == vnf.TriggerRollback && irreversible:
						want = vnfm.NotFound
					case task == vnf.TriggerCancel && (state == vnf.Starting || state == vnf.Processing || state == vnf.RollingBack):
						want = ""
					case task != vnf.TriggerCancel && state == vnf.FailedTemp && (task != vnf.TriggerRetry || !undoBegun):
						want = ""
					}
					if vnfm.KindOf(err) != want {
						t.Errorf("%s in %s (irreversible %v, undo begun %v): %v, want %q", task, state, irreversible, undoBegun, err, want)
					}
					if cancelled := len(events) == 1 && events[0].EventType() == "opocc.cancel-requested"; cancelled != (want == "" && task == vnf.TriggerCancel) {
						t.Errorf("%s in %s: events %v", task, state, events)
					}
				}
			}
		}
	}
}

// TestEveryReachableStateIsReachedByEvents folds the events of every path and compares the state.
func TestEveryReachableStateIsReachedByEvents(t *testing.T) {
	for _, from := range vnf.OpStates() {
		for _, to := range vnf.OpStates() {
			path, err := vnf.Path(from, to)
			o := &vnf.OpOcc{ID: "o", Version: 1, State: from}
			events, perr := o.Process(vnf.Advance{To: to})
			if (err != nil) != (perr != nil) {
				t.Errorf("%s to %s: %v, %v", from, to, err, perr)
				continue
			}
			if err != nil {
				if vnfm.KindOf(perr) != vnfm.Conflict {
					t.Errorf("%s to %s: %v", from, to, perr)
				}
				continue
			}
			if len(events) != len(path) {
				t.Errorf("%s to %s: %d events for %v", from, to, len(events), path)
			}
			for i, e := range events {
				want, err := vnf.Next(o.State, path[i])
				if err != nil {
					t.Fatal(err)
				}
				o.Apply(e, now)
				if o.State != want {
					t.Errorf("%s (%s) leads from %s to %s, want %s", e.EventType(), path[i], from, o.State, want)
				}
			}
			if o.State != to {
				t.Errorf("%s to %s ends in %s", from, to, o.State)
			}
		}
	}
}

// TestOpStatesPage keeps docs/reference/opstates.md what the table says; -update writes it.
func TestOpStatesPage(t *testing.T) {
	golden(t, filepath.Join("..", "docs", "reference", "opstates.md"), opStatesPage())
}

func opStatesPage() string {
	var b strings.Builder
	b.WriteString("# The states of an operation occurrence\n\n")
	b.WriteString("Generated from `vnf.Transitions` by `go generate ./vnf`; do not edit.\n\n")
	b.WriteString("A state and a trigger without an arrow are refused with 409. A terminate and a scale in have no rollback (404); once an\n")
	b.WriteString("undo has begun only rollback and fail are possible. After a failure the policy may ask for a rollback at once.\n\n")
	b.WriteString("```mermaid\nstateDiagram-v2\n  [*] --> STARTING\n  [*] --> PROCESSING: MODIFY_INFO\n")
	for _, tr := range vnf.Transitions {
		fmt.Fprintf(&b, "  %s --> %s: %s\n", tr.From, tr.To, tr.On)
	}
	for _, s := range vnf.OpStates() {
		if s.Final() {
			fmt.Fprintf(&b, "  %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n\n| state |")
	for _, on := range vnf.Triggers() {
		fmt.Fprintf(&b, " %s |", on)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(vnf.Triggers())) + "\n")
	for _, s := range vnf.OpStates() {
		fmt.Fprintf(&b, "| %s |", s)
		for _, on := range vnf.Triggers() {
			to, err := vnf.Next(s, on)
			if err != nil {
				to = "–"
			}
			fmt.Fprintf(&b, " %s |", to)
		}
		b.WriteString("\n")
	}
	beginnings(&b)
	return b.String()
}

// beginnings tells what each state of an instance answers to what is asked of it, by asking it.
func beginnings(b *strings.Builder) {
	b.WriteString("\n# In which state of a VNF what may begin\n\n")
	b.WriteString("409 says in which state it could begin, or which operation is not finished. One operation at a time holds a VNF, a failed one (FAILED_TEMP)\n")
	b.WriteString("until it is retried, rolled back or given up. What its VNFD does not support is 404 for a VNF that could begin it otherwise: SCALE and\n")
	b.WriteString("SCALE_TO_LEVEL of a flavour without aspects, CHANGE_FLAVOUR where there is no other flavour (SOL003 v3.7.1 §5.4.5, §5.4.6, §5.4.7). To ask for the\n")
	b.WriteString("operational state that it has completes at once. SYNC is the repair of `vnfm vnf sync`, shown as HEAL.\n\n")
	free := vnf.Instance{ID: "v", Version: 1, State: vnf.NotInstantiated}
	started, stopped := free, free
	started.State, started.Info = vnf.Instantiated, &vnf.InstantiatedInfo{VnfState: "STARTED"}
	stopped.State, stopped.Info = vnf.Instantiated, &vnf.InstantiatedInfo{VnfState: "STOPPED"}
	left := free
	left.Leftovers = []vnf.Resource{{ID: "r"}}
	cleaned := left
	cleaned.Cleanup = "s"
	heldNot, held := free, started
	heldNot.Operation, held.Operation = "o", "o"
	gone := free
	gone.Deleted = true
	states := []struct {
		name string
		in   vnf.Instance
	}{
		{"NOT_INSTANTIATED", free}, {"with leftovers", left}, {"being cleaned up", cleaned}, {"held by an operation", heldNot},
		{"INSTANTIATED, STARTED", started}, {"INSTANTIATED, STOPPED", stopped}, {"INSTANTIATED, held by an operation", held}, {"deleted", gone},
	}
	b.WriteString("| |")
	for _, s := range states {
		fmt.Fprintf(b, " %s |", s.name)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(states)) + "\n")
	row := func(name string, command vnf.InstanceCommand) {
		fmt.Fprintf(b, "| %s |", name)
		for _, s := range states {
			in := s.in
			switch _, err := in.Process(command); vnfm.KindOf(err) {
			case "":
				b.WriteString(" yes |")
			case vnfm.NotFound:
				b.WriteString(" 404 |")
			default:
				b.WriteString(" 409 |")
			}
		}
		b.WriteString("\n")
	}
	for _, op := range vnf.Operations() {
		row(string(op), vnf.BeginOperation{OpID: "n", Operation: op})
		if op == vnf.OpHeal {
			row("SYNC", vnf.BeginOperation{OpID: "n", Operation: op})
		}
	}
	row("delete", vnf.DeleteInstance{})
	row("cleanup", vnf.BeginCleanup{Saga: "n"})
	b.WriteString("\nTo delete a VNF of which only leftovers remain begins their clean-up, and is 204 once they are gone (`operation-leftovers`).\n")
}

// golden compares a file with what it should hold, or writes it.
func golden(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the code says; run go generate ./vnf", path)
	}
}

package show

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// Glance is a VNF in few words, with what is wrong or under way.
type Glance struct {
	sol.VnfSummary
	Operation    *sol.OpOrigin // under way, or waiting for people; nil: none
	StuckCleanup bool
}

// notes are what is wrong, and what is under way, the worst first.
func (g *Glance) notes() (wrong, moving []string) {
	if o := g.Operation; o != nil {
		switch o.OperationState {
		case "FAILED_TEMP":
			wrong = append(wrong, o.Operation+" FAILED_TEMP")
		case "ROLLING_BACK":
			wrong = append(wrong, fmt.Sprintf("%s rolling back %d/%d", o.Operation, o.Undone, o.Resources))
		default:
			moving = append(moving, fmt.Sprintf("%s %d/%d", o.Operation, o.Done, o.Resources))
		}
	}
	switch {
	case g.StuckCleanup:
		wrong = append(wrong, "cleanup STUCK")
	case g.CleanupUnderWay != "":
		moving = append(moving, "cleanup")
	}
	if g.Leftovers > 0 {
		wrong = append(wrong, fmt.Sprintf("%d left behind", g.Leftovers))
	}
	if d := Drifted(g.Drift); d != "" {
		wrong = append(wrong, d)
	}
	return wrong, moving
}

// Drifted tells in few words what differs of a VNF from its records; "" of nothing.
func Drifted(d *sol.VnfDrift) string {
	if d == nil {
		return ""
	}
	return strings.Join(counted(map[string]int{"missing": d.Missing, "changed": d.Changed, "orphaned": d.Orphaned, "unsure": d.Unsure}, d.State == "SUSPECT", d.RepairGivenUp), ", ")
}

// counted tells how many resources differ, by the type of the difference.
func counted(n map[string]int, suspect, givenUp bool) (parts []string) {
	for _, what := range []string{"missing", "changed", "orphaned", "unsure"} {
		if n[what] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[what], what))
		}
	}
	if suspect {
		parts = append(parts, "VIM suspect")
	}
	if givenUp {
		parts = append(parts, "repair given up")
	}
	return parts
}

// Differs tells what differs of a VNF from its records.
func Differs(to io.Writer, id string, d *sol.VnfDrift) {
	if d == nil {
		return
	}
	w := screen.Of(to)
	w.Heading("Differs from its records since " + w.Stamp(d.Since) + " (vnfm vnf drift " + id + ")")
	w.Line(Drifted(d) + ", at " + strings.Join(d.VimConnectionIds, ", "))
}

// Trouble says that something is wrong.
func (g *Glance) Trouble() bool {
	wrong, _ := g.notes()
	return len(wrong) > 0
}

// Status tells what is wrong or under way.
func (g *Glance) Status() screen.Alarm {
	wrong, moving := g.notes()
	return screen.Alarm{Text: strings.Join(append(wrong, moving...), ", "), Bad: len(wrong) > 0}
}

// NewestOperation tells of the newest operation of a VNF.
func NewestOperation(to io.Writer, o *sol.OpOrigin) {
	w := screen.Of(to)
	title := "Newest operation"
	if o.EndTime.IsZero() {
		title = "Operation under way (vnfm op watch " + o.VnfLcmOpOccId + ")"
	}
	if o.OperationState == "FAILED_TEMP" {
		title = "Operation that waits for a decision (vnfm op show " + o.VnfLcmOpOccId + ")"
	}
	w.Heading(title)
	w.Table([]string{"OPERATION", "STATE", "DONE", "STARTED", "BY", "ERROR"}, [][]string{{
		o.Operation, screen.Colour(o.OperationState), fmt.Sprintf("%d/%d", o.Done, o.Resources), w.Stamp(o.StartTime), o.StartedBy, o.Reason,
	}})
}

// lastEvents is how many events LastEvents shows.
const lastEvents = 5

// LastEvents prints the last of some events of a VNF, without those of the progress of operations.
func LastEvents(to io.Writer, id string, events []sol.VnfEvent) {
	w := screen.Of(to)
	events = slices.DeleteFunc(slices.Clone(events), func(e sol.VnfEvent) bool { return slices.Contains(Minor, e.Type) })
	if len(events) == 0 {
		return
	}
	w.Heading("Last events (vnfm vnf history " + id + ")")
	for _, e := range events[max(0, len(events)-lastEvents):] {
		w.Wrapped(w.Stamp(e.Time)+"  ", What(&e))
	}
}

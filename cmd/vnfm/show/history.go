package show

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

func Moment(to io.Writer, m *sol.Moment, deleted bool) {
	w := screen.Of(to)
	head := fmt.Sprintf("#%d of %d", m.Version, m.Newest)
	if deleted {
		head += screen.Bad.Render("  DELETED") + ", as it was last"
	}
	_, _ = fmt.Fprintf(w, "%s  %s\n", screen.Bold.Render(head), w.Stamp(m.Time))
	w.Fields("made so by", strings.Join(NonEmpty(m.Event, m.Actor, m.Command), ", "), "correlation", m.CorrelationId, "because of", m.CausationId)
	_, _ = fmt.Fprintln(w)
}

func NonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// Minor are the events that a history leaves out unless all are asked for.
var Minor = []string{"opocc.progressed", "opocc.resource-reserved", "opocc.resource-released", "opocc.resource-undone"}

// History prints events as a timeline: when, how long after the one before, what, who, and why. Versions are of
// the stream: #2 the resource's own, op 1a2b3c4d #3 those of an operation.
func History(to io.Writer, events []sol.VnfEvent) {
	w := screen.Of(to)
	barWidth := 12 // of the longest time between two events
	if w.Terminal && w.Width < 120 {
		barWidth = 5
	}
	longest, who, of := time.Duration(0), len("WHO"), len("VERSION")
	for i, e := range events {
		who, of = max(who, min(len(e.Actor), 16)), max(of, len(versionOf(&e)))
		if i > 0 {
			longest = max(longest, e.Time.Sub(events[i-1].Time))
		}
	}
	// where there is no room for what happened, how long it took goes first
	columns := 12 + 2 + 8 + 1 + barWidth + 1 + of + 2 + who + 2
	if !w.Room(columns) {
		columns, barWidth = columns-barWidth, 0
	}
	afterWidth := 8
	if !w.Room(columns) {
		afterWidth = 0
	}
	w.Line(screen.Bold.Render(fmt.Sprintf("%-12s  %-*.*s %-*s %-*s  %-*s  %s", "WHEN ("+w.ZoneName()+")", afterWidth, afterWidth, "AFTER", barWidth, "", of, "VERSION", who, "WHO", "WHAT AND WHY")))
	day := ""
	for i, e := range events {
		if d := e.Time.In(w.Local()).Format("2006-01-02"); d != day {
			day = d
			w.Line(screen.Faint.Render(d))
		}
		after, bar := "", 0
		if i > 0 {
			gap := e.Time.Sub(events[i-1].Time)
			if gap >= time.Millisecond {
				after = "+" + screen.Elapsed(events[i-1].Time, e.Time)
			}
			if longest > 0 {
				bar = int(int64(gap) * int64(barWidth) / int64(longest))
			}
		}
		w.Wrapped(fmt.Sprintf("%-12s  %-*.*s %s%s %-*s  %-*s  ", e.Time.In(w.Local()).Format("15:04:05.000"), afterWidth, afterWidth, after, screen.Faint.Render(strings.Repeat("━", bar)),
			strings.Repeat(" ", barWidth-bar), of, versionOf(&e), who, screen.Cut(e.Actor, 16)), What(&e))
	}
}

// versionOf is the place of an event in its stream, with the operation it is of.
func versionOf(e *sol.VnfEvent) string {
	version := "#" + strconv.FormatInt(e.Version, 10)
	if op, ok := strings.CutPrefix(e.Stream, "opocc-"); ok {
		return "op " + op[:min(8, len(op))] + " " + version
	}
	return version
}

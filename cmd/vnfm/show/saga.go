package show

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// Saga prints a saga as a timeline: a bar for each command sent, under the stage it belongs to, on one axis of time
// from the saga's beginning to its last change. names are of items, by id.
func Saga(to io.Writer, g *sol.Saga, names map[string]string, indent string) {
	w := screen.Of(to)
	flags := ""
	if g.UndoBegun {
		flags += ", undo begun"
	}
	if g.CancelMode != "" {
		flags += ", " + g.CancelMode + " cancel pending"
	}
	w.Line(fmt.Sprintf("%s%s %s v%d  %s (%s%s)", indent, screen.Bold.Render("saga "+g.Id), g.Type, g.Definition, screen.Colour(g.State), g.Policy, flags))
	w.Wrapped(indent, fmt.Sprintf("started %s, last changed %s, after %s", w.Stamp(g.Started), w.Stamp(g.Updated), screen.Elapsed(g.Started, g.Updated)))
	if g.Parent != "" {
		w.Line(indent + "cleans up after saga " + g.Parent)
	}
	if !g.NextTimeout.IsZero() {
		w.Line(fmt.Sprintf("%s%s %s%s; deadline %s", indent, screen.Moving.Render("next timeout"), w.Stamp(g.NextTimeout), timeoutOf(g.TimeoutOf, names), w.Stamp(g.Deadline)))
	}
	if g.Cause != nil {
		w.Line(fmt.Sprintf("%s%s %s", indent, screen.Bad.Render("cause:"), failureText(g.Cause, names)))
	}
	axis := newAxis(w, g, names, len(indent))
	for _, stage := range g.Stages {
		w.Line(fmt.Sprintf("%s%s", indent, screen.Bold.Render(fmt.Sprintf("stage %d: %s", stage.Index+1, steps(stage)))))
		for i := range stage.Items {
			axis.item(g, &stage.Items[i], names, indent)
		}
	}
	if len(g.Stages) > 0 {
		w.Line(fmt.Sprintf("%s%s", indent, screen.Faint.Render(axis.scale())))
	}
	for i := range g.Cleanups {
		_, _ = fmt.Fprintf(w, "%scleanup:\n", indent)
		Saga(w, &g.Cleanups[i], names, indent+"  ")
	}
}

func timeoutOf(t *sol.SagaTimeout, names map[string]string) string {
	if t == nil {
		return ""
	}
	what := strings.Join(NonEmpty(t.Step, itemName(t.Item, names)), " ")
	switch t.Kind {
	case sol.TimeoutAttempt:
		return ": the answer to " + what
	case sol.TimeoutBackoff:
		return ": the next attempt of " + what
	}
	return ": the deadline"
}

func itemName(id string, names map[string]string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}

// axis is the time of a saga over the columns of a line.
type axis struct {
	w      *screen.Screen
	from   time.Time
	length time.Duration
	label  int // columns of what is before the bar
	bar    int
}

func newAxis(w *screen.Screen, g *sol.Saga, names map[string]string, indent int) *axis {
	a := &axis{w: w, from: g.Started, length: g.Updated.Sub(g.Started)}
	for _, t := range g.Attempts {
		a.length = max(a.length, t.Sent.Sub(g.Started), t.Replied.Sub(g.Started))
		a.label = max(a.label, lipgloss.Width(attemptLabel(&t, names)))
	}
	a.length = max(a.length, time.Millisecond)
	width := w.Width
	if !w.Terminal || width == 0 {
		width = 120
	}
	a.label = min(a.label, max(24, width/3))
	a.bar = min(max(width-indent-a.label-40, 10), 60)
	return a
}

// Decisions are the command lines that decide about a stuck item.
func Decisions(saga string, item *sol.SagaItem) []string {
	line := "vnfm op resolve " + saga + " --step " + item.Step
	if item.Item != "" {
		line += " --item " + item.Item
	}
	return []string{
		line + " --decision retry-item", line + " --decision skip-item --reason 'it may stay'", line + " --decision mark-done --reason 'it is gone'",
	}
}

// Stuck prints an item that waits for a decision, with the lines that decide.
func Stuck(w io.Writer, saga string, item *sol.SagaItem, names map[string]string) {
	_, _ = fmt.Fprintln(w, screen.Bold.Render(strings.Join(NonEmpty(item.Step, itemName(item.Item, names)), " ")))
	if item.Cause != nil {
		_, _ = fmt.Fprintln(w, "  "+failureText(item.Cause, names))
	}
	decisions(w, saga, item, "  ")
}

// decisions prints the lines that decide about a stuck item. They are to be pasted, and never cut.
func decisions(w io.Writer, saga string, item *sol.SagaItem, indent string) {
	_, _ = fmt.Fprintf(w, "%s%s its undo failed for good; decide with one of\n", indent, screen.Bad.Render("STUCK:"))
	for _, line := range Decisions(saga, item) {
		_, _ = fmt.Fprintf(w, "%s  %s\n", indent, line)
	}
}

func attemptLabel(t *sol.SagaAttempt, names map[string]string) string {
	what := "do"
	if t.Direction == "undo" {
		what = "undo"
	}
	return strings.Join(NonEmpty(t.Step, itemName(t.Item, names), what, fmt.Sprintf("#%d", t.Attempt)), " ")
}

// scale is the line below the bars.
func (a *axis) scale() string {
	end := screen.Elapsed(a.from, a.from.Add(a.length))
	return strings.Repeat(" ", a.label+4) + "0" + strings.Repeat("─", max(a.bar-1-len(end), 1)) + end
}

// item prints what became of an item: a line for each command, and for one that was never sent a line of its own.
func (a *axis) item(g *sol.Saga, item *sol.SagaItem, names map[string]string, indent string) {
	w := a.w
	sent := slices.DeleteFunc(slices.Clone(g.Attempts), func(t sol.SagaAttempt) bool { return t.Step != item.Step || t.Item != item.Item })
	if len(sent) == 0 {
		w.Line(fmt.Sprintf("%s  %s %s  %s", indent, screen.Faint.Render("·"), screen.Pad(strings.Join(NonEmpty(item.Step, itemName(item.Item, names)), " "), a.label), screen.Colour(item.State)))
	}
	for i := range sent {
		t := &sent[i]
		mark, style := attemptMark(t)
		line := fmt.Sprintf("%s  %s %s%s %-7s %s", indent, style.Render(mark), screen.Pad(screen.Cut(attemptLabel(t, names), a.label), a.label), a.draw(g, t, style),
			screen.Elapsed(t.Sent, t.Replied), screen.Colour(t.State))
		reason := strings.Join(NonEmpty(t.Class, t.Reason), ": ")
		if a.w.Terminal && lipgloss.Width(line)+2+lipgloss.Width(reason) > a.w.Width { // below, rather than cut off
			w.Line(line)
			if reason != "" {
				w.Wrapped(indent+"      ", style.Render(reason))
			}
			continue
		}
		w.Line(line + "  " + reason)
	}
	if len(sent) > 0 && item.Cause != nil && sent[len(sent)-1].Reason != item.Cause.Reason {
		w.Line(fmt.Sprintf("%s    %s  %s", indent, screen.Pad("", a.label), failureText(item.Cause, names)))
	}
	if item.State == "STUCK" {
		decisions(w, g.Id, item, indent+"    ")
	}
	if !item.Due.IsZero() && g.TimeoutOf != nil {
		w.Line(fmt.Sprintf("%s    %s %s", indent, screen.Pad("", a.label), screen.Faint.Render("due "+w.Stamp(item.Due))))
	}
}

func attemptMark(t *sol.SagaAttempt) (string, lipgloss.Style) {
	switch {
	case t.State == "SUCCEEDED" && t.Direction == "undo":
		return "↺", screen.Moving
	case t.State == "SUCCEEDED":
		return "✓", screen.Good
	case t.Replied.IsZero() && (t.State == "SENT" || t.State == "RUNNING"):
		return "▸", screen.Moving
	}
	return "✗", screen.Bad
}

// draw is the bar of one attempt: from when it was sent to its answer; one that waits goes on to the last change.
func (a *axis) draw(g *sol.Saga, t *sol.SagaAttempt, style lipgloss.Style) string {
	end := t.Replied
	if end.IsZero() {
		end = g.Updated
	}
	at := func(when time.Time) int {
		return min(max(int(int64(when.Sub(a.from))*int64(a.bar)/int64(a.length)), 0), a.bar)
	}
	from := min(at(t.Sent), a.bar-1)
	to := min(max(at(end), from+1), a.bar)
	block := "█"
	if t.Direction == "undo" {
		block = "▒"
	}
	return screen.Faint.Render(" "+strings.Repeat("·", from)) + style.Render(strings.Repeat(block, to-from)) + screen.Faint.Render(strings.Repeat("·", a.bar-to))
}

// steps names the steps of a stage, each once.
func steps(stage sol.SagaStage) string {
	var names []string
	for _, item := range stage.Items {
		if len(names) == 0 || names[len(names)-1] != item.Step {
			names = append(names, item.Step)
		}
	}
	return strings.Join(names, ", ")
}

func failureText(f *sol.SagaFailure, names map[string]string) string {
	where := strings.TrimSpace(f.Step + " " + itemName(f.Item, names))
	if where != "" {
		where += ": "
	}
	if f.Class != "" { // an operator's reason has none
		where += f.Class + ": "
	}
	return where + f.Reason
}

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/vnfm/vnfm/sol"
)

// printSaga prints a saga as a timeline: a bar for each command sent, under the stage it belongs to, on one axis of time
// from the saga's beginning to its last change. names are of items, by id.
func (s *session) printSaga(w io.Writer, g *sol.Saga, names map[string]string, indent string) {
	flags := ""
	if g.UndoBegun {
		flags += ", undo begun"
	}
	if g.CancelMode != "" {
		flags += ", " + g.CancelMode + " cancel pending"
	}
	s.line(w, fmt.Sprintf("%s%s %s v%d  %s (%s%s)", indent, bold.Render("saga "+g.Id), g.Type, g.Definition, state(g.State), g.Policy, flags))
	s.line(w, fmt.Sprintf("%sstarted %s, last changed %s, after %s", indent, stamp(g.Started), stamp(g.Updated), elapsed(g.Started, g.Updated)))
	if g.Parent != "" {
		s.line(w, indent+"cleans up after saga "+g.Parent)
	}
	if !g.NextTimeout.IsZero() {
		s.line(w, fmt.Sprintf("%s%s %s%s; deadline %s", indent, moving.Render("next timeout"), stamp(g.NextTimeout), timeoutOf(g.TimeoutOf, names), stamp(g.Deadline)))
	}
	if g.Cause != nil {
		s.line(w, fmt.Sprintf("%s%s %s", indent, bad.Render("cause:"), failureText(g.Cause, names)))
	}
	axis := newAxis(s, g, names, len(indent))
	for _, stage := range g.Stages {
		s.line(w, fmt.Sprintf("%s%s", indent, bold.Render(fmt.Sprintf("stage %d: %s", stage.Index+1, steps(stage)))))
		for i := range stage.Items {
			axis.item(w, g, &stage.Items[i], names, indent)
		}
	}
	if len(g.Stages) > 0 {
		s.line(w, fmt.Sprintf("%s%s", indent, faint.Render(axis.scale())))
	}
	for i := range g.Cleanups {
		_, _ = fmt.Fprintf(w, "%scleanup:\n", indent)
		s.printSaga(w, &g.Cleanups[i], names, indent+"  ")
	}
}

func timeoutOf(t *sol.SagaTimeout, names map[string]string) string {
	if t == nil {
		return ""
	}
	what := strings.Join(nonEmpty(t.Step, itemName(t.Item, names)), " ")
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
	s      *session
	from   time.Time
	length time.Duration
	label  int // columns of what is before the bar
	bar    int
}

func newAxis(s *session, g *sol.Saga, names map[string]string, indent int) *axis {
	a := &axis{s: s, from: g.Started, length: g.Updated.Sub(g.Started)}
	for _, t := range g.Attempts {
		a.length = max(a.length, t.Sent.Sub(g.Started), t.Replied.Sub(g.Started))
		a.label = max(a.label, lipgloss.Width(attemptLabel(&t, names)))
	}
	a.length = max(a.length, time.Millisecond)
	width := s.width
	if !s.terminal || width == 0 {
		width = 120
	}
	a.label = min(a.label, max(24, width/3))
	a.bar = min(max(width-indent-a.label-40, 10), 60)
	return a
}

func attemptLabel(t *sol.SagaAttempt, names map[string]string) string {
	what := "do"
	if t.Direction == "undo" {
		what = "undo"
	}
	return strings.Join(nonEmpty(cmp.Or(itemName(t.Item, names), t.Step), what, fmt.Sprintf("#%d", t.Attempt)), " ")
}

// scale is the line below the bars.
func (a *axis) scale() string {
	end := elapsed(a.from, a.from.Add(a.length))
	return strings.Repeat(" ", a.label+4) + "0" + strings.Repeat("─", max(a.bar-1-len(end), 1)) + end
}

// item prints what became of an item: a line for each command, and for one that was never sent a line of its own.
func (a *axis) item(w io.Writer, g *sol.Saga, item *sol.SagaItem, names map[string]string, indent string) {
	sent := slices.DeleteFunc(slices.Clone(g.Attempts), func(t sol.SagaAttempt) bool { return t.Step != item.Step || t.Item != item.Item })
	if len(sent) == 0 {
		a.s.line(w, fmt.Sprintf("%s  %s %s  %s", indent, faint.Render("·"), pad(itemName(item.Item, names), a.label), state(item.State)))
	}
	for i := range sent {
		t := &sent[i]
		mark, style := attemptMark(t)
		line := fmt.Sprintf("%s  %s %s%s %-7s %s", indent, style.Render(mark), pad(cut(attemptLabel(t, names), a.label), a.label), a.draw(g, t, style),
			elapsed(t.Sent, t.Replied), state(t.State))
		reason := strings.Join(nonEmpty(t.Class, t.Reason), ": ")
		if a.s.terminal && lipgloss.Width(line)+2+lipgloss.Width(reason) > a.s.width { // below, rather than cut off
			a.s.line(w, line)
			if reason != "" {
				a.s.wrapped(w, indent+"      ", style.Render(reason))
			}
			continue
		}
		a.s.line(w, line+"  "+reason)
	}
	if len(sent) > 0 && item.Cause != nil && sent[len(sent)-1].Reason != item.Cause.Reason {
		a.s.line(w, fmt.Sprintf("%s    %s  %s", indent, pad("", a.label), failureText(item.Cause, names)))
	}
	if item.State == "STUCK" { // what an operator needs to decide about it
		a.s.wrapped(w, indent+"    ", fmt.Sprintf("STUCK: vnfm op resolve %s --step %s --item %s --decision retry-item|skip-item|mark-done", g.Id, item.Step, item.Item))
	}
	if !item.Due.IsZero() && g.TimeoutOf != nil {
		a.s.line(w, fmt.Sprintf("%s    %s %s", indent, pad("", a.label), faint.Render("due "+stamp(item.Due))))
	}
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-lipgloss.Width(text)))
}

func attemptMark(t *sol.SagaAttempt) (string, lipgloss.Style) {
	switch {
	case t.State == "SUCCEEDED" && t.Direction == "undo":
		return "↺", moving
	case t.State == "SUCCEEDED":
		return "✓", good
	case t.Replied.IsZero() && (t.State == "SENT" || t.State == "RUNNING"):
		return "▸", moving
	}
	return "✗", bad
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
	return faint.Render(" "+strings.Repeat("·", from)) + style.Render(strings.Repeat(block, to-from)) + faint.Render(strings.Repeat("·", a.bar-to))
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

func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

// printSaga prints a saga as a tree: stages, their items, and under each every command sent. names are of items, by id.
func printSaga(w io.Writer, g *sol.Saga, names map[string]string, indent string) {
	flags := ""
	if g.UndoBegun {
		flags += ", undo begun"
	}
	if g.CancelMode != "" {
		flags += ", " + g.CancelMode + " cancel pending"
	}
	_, _ = fmt.Fprintf(w, "%s%s %s v%d  %s (%s%s)\n", indent, bold.Render("saga "+g.Id), g.Type, g.Definition, state(g.State), g.Policy, flags)
	_, _ = fmt.Fprintf(w, "%sstarted %s, updated %s after %s\n", indent, stamp(g.Started), stamp(g.Updated), elapsed(g.Started, g.Updated))
	if !g.NextTimeout.IsZero() {
		_, _ = fmt.Fprintf(w, "%snext timeout %s, deadline %s\n", indent, stamp(g.NextTimeout), stamp(g.Deadline))
	}
	if g.Cause != nil {
		_, _ = fmt.Fprintf(w, "%s%s %s\n", indent, bad.Render("cause:"), failureText(g.Cause))
	}
	for i, stage := range g.Stages {
		branch, below := "├─ ", "│  "
		if i == len(g.Stages)-1 {
			branch, below = "└─ ", "   "
		}
		_, _ = fmt.Fprintf(w, "%s%sstage %d: %s\n", indent, branch, stage.Index+1, steps(stage))
		for j := range stage.Items {
			printItem(w, g, &stage.Items[j], names, indent+below, j == len(stage.Items)-1)
		}
	}
	for i := range g.Cleanups {
		_, _ = fmt.Fprintf(w, "%scleanup:\n", indent)
		printSaga(w, &g.Cleanups[i], names, indent+"  ")
	}
}

func printItem(w io.Writer, g *sol.Saga, item *sol.SagaItem, names map[string]string, indent string, last bool) {
	branch, below := "├─ ", "│  "
	if last {
		branch, below = "└─ ", "   "
	}
	line := item.Step
	if name := names[item.Item]; name != "" {
		line += " " + name
	}
	if item.Item != "" {
		line += " " + faint.Render(item.Item)
	}
	line += "  " + state(item.State)
	if item.Generation > 1 {
		line += fmt.Sprintf(" generation %d", item.Generation)
	}
	if item.Cause != nil {
		line += "  " + failureText(item.Cause)
	}
	_, _ = fmt.Fprintf(w, "%s%s%s\n", indent, branch, line)
	for _, a := range g.Attempts {
		if a.Step != item.Step || a.Item != item.Item {
			continue
		}
		what := fmt.Sprintf("%s #%d", a.Direction, a.Attempt)
		if a.Direction == "undo" {
			what = fmt.Sprintf("compensate #%d", a.Attempt)
		}
		line := fmt.Sprintf("%-14s %s  sent %s", what, state(a.State), a.Sent.UTC().Format("15:04:05.000"))
		if took := elapsed(a.Sent, a.Replied); took != "" {
			line += ", answered after " + took
		}
		if a.Reason != "" {
			line += "  " + strings.TrimSpace(a.Class+" "+a.Reason)
		}
		if result := compact(a.Result); result != "" {
			line += "\n" + indent + below + "                 " + faint.Render(cut(result, 160))
		}
		_, _ = fmt.Fprintf(w, "%s%s%s\n", indent, below, line)
	}
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

func failureText(f *sol.SagaFailure) string {
	where := strings.TrimSpace(f.Step + " " + f.Item)
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

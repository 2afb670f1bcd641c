package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/vnfm/vnfm/sol"
)

// begun reports an operation that has begun: its id at once, or how it ends.
func (s *session) begun(id string, noWait bool) error { return s.ended(id, noWait, "COMPLETED") }

// watch shows an operation until it ends; any end but COMPLETED is a failure.
func (s *session) watch(id string) error { return s.ended(id, false, "COMPLETED") }

// ended shows an operation until it ends, and fails when it ends in a state that is not wanted.
func (s *session) ended(id string, noWait bool, want ...string) error {
	if noWait {
		return s.show(map[string]string{"vnfLcmOpOccId": id}, func(w io.Writer) {
			_, _ = fmt.Fprintf(w, "operation %s (vnfm op watch %s)\n", id, id)
		})
	}
	view := watcher{s: s, seen: map[string]sol.ResourceProgress{}}
	p, err := s.WaitOp(s.ctx, id, s.poll, view.look)
	if s.ctx.Err() != nil {
		return &failed{"no longer watching; the operation goes on: vnfm op watch " + id}
	}
	if err != nil {
		return fmt.Errorf("operation %s: %w", id, err)
	}
	if s.form != "table" {
		o, err := s.Op(s.ctx, id)
		if err != nil {
			return err //nolint:wrapcheck // of the client
		}
		if err := s.show(o, nil); err != nil {
			return err
		}
	}
	if slices.Contains(want, p.OperationState) {
		return nil
	}
	text := "the operation is " + p.OperationState
	if p.OperationState == "FAILED_TEMP" {
		text += fmt.Sprintf("; vnfm op show %s says what is possible", id)
	}
	return &failed{text}
}

// watcher shows what an operation does: redrawn in place on a terminal, as lines of what changed elsewhere. Other forms
// of output than a table are silent until the end.
type watcher struct {
	s     *session
	seen  map[string]sol.ResourceProgress
	state string
	lines int // drawn, on a terminal
}

func (v *watcher) look(p *sol.OpProgress) {
	switch {
	case v.s.form != "table":
	case v.s.terminal:
		v.draw(p)
	default:
		v.log(p)
	}
}

// log prints a line for each change since the last look, in the order in which they happened.
func (v *watcher) log(p *sol.OpProgress) {
	type change struct {
		at   time.Time
		text string
	}
	var changes []change
	for _, r := range p.Resources {
		was, known := v.seen[r.Step+r.Id]
		if r.State == "PENDING" && !known || known && was.State == r.State && was.Attempt == r.Attempt {
			continue
		}
		v.seen[r.Step+r.Id] = r
		at := r.Ended
		switch {
		case r.State == "UNDOING": // Began and Ended are of its making
			at = p.Now
		case at.IsZero():
			at = r.Began
		}
		line := fmt.Sprintf("%s %-13s %s %s", sign(r.Step), r.Kind, r.Name, state(r.State))
		if r.Attempt > 1 {
			line += fmt.Sprintf(" (attempt %d)", r.Attempt)
		}
		if took := elapsed(r.Began, r.Ended); took != "" && r.State == "DONE" {
			line += " in " + took
		}
		if r.Reason != "" {
			line += ": " + r.Reason
		}
		changes = append(changes, change{at, line})
	}
	if v.state == "" {
		_, _ = fmt.Fprintf(v.s.out, "%s operation %s on VNF %s\n", p.Operation, p.VnfLcmOpOccId, p.VnfInstanceId)
	}
	if v.state != p.OperationState {
		v.state = p.OperationState
		line := state(p.OperationState)
		if p.Error != nil {
			line += ": " + p.Error.Detail
		}
		changes = append(changes, change{p.StateEnteredTime, line})
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	for _, c := range changes {
		if c.at.IsZero() {
			c.at = p.Now
		}
		_, _ = fmt.Fprintf(v.s.out, "%7.1fs %s\n", c.at.Sub(p.StartTime).Seconds(), c.text)
	}
	if p.Final {
		for _, warning := range p.Warnings {
			_, _ = fmt.Fprintln(v.s.out, "warning:", warning)
		}
	}
}

// draw shows the operation in place of what was drawn before: as much as fits, and at its end all of it.
func (v *watcher) draw(p *sol.OpProgress) {
	var b strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.lines)
	}
	lines := v.render(p)
	v.lines = len(lines)
	for _, line := range lines {
		if v.s.width > 0 && !p.Final {
			line = lipgloss.NewStyle().MaxWidth(v.s.width).Render(line)
		}
		b.WriteString(line + "\n")
	}
	_, _ = io.WriteString(v.s.out, b.String())
}

func (v *watcher) render(p *sol.OpProgress) []string {
	end := p.Now
	if !p.EndTime.IsZero() {
		end = p.EndTime
	}
	done, active := 0, []string{}
	var rest []string
	for _, r := range p.Resources {
		line := v.line(p, &r)
		switch r.State {
		case "DONE", "UNDONE":
			done++
			rest = append(rest, line)
		case "PENDING":
			rest = append(rest, line)
		default:
			active = append(active, line)
		}
	}
	lines := []string{fmt.Sprintf("%s %s  %s  %d/%d  %s", bold.Render(p.Operation), faint.Render(p.VnfLcmOpOccId),
		state(p.OperationState), done, len(p.Resources), elapsed(p.StartTime, end))}
	all := make([]string, 0, len(p.Resources))
	for _, r := range p.Resources {
		all = append(all, v.line(p, &r))
	}
	if room := v.s.height - 4; v.s.height > 0 && len(all) > room && !p.Final { // what moves is more telling than what is done
		all = append(active, rest...)
		hidden := len(all) - max(room, 1)
		all = append(all[:max(room, 1)], faint.Render(fmt.Sprintf("  … and %d more", hidden)))
	}
	lines = append(lines, all...)
	if p.Error != nil {
		lines = append(lines, bad.Render(p.Error.Detail))
	}
	if p.Final {
		for _, warning := range p.Warnings {
			lines = append(lines, moving.Render("warning: ")+warning)
		}
	}
	return lines
}

func (v *watcher) line(p *sol.OpProgress, r *sol.ResourceProgress) string {
	mark := map[string]string{
		"PENDING": faint.Render("·"), "RUNNING": moving.Render("▸"), "DONE": good.Render("✓"), "FAILED": bad.Render("✗"),
		"UNDOING": moving.Render("◂"), "UNDONE": faint.Render("↺"),
	}[r.State]
	end := r.Ended
	if end.IsZero() {
		end = p.Now
	}
	line := fmt.Sprintf("  %s %s %-13s %-32s %s %s", mark, sign(r.Step), r.Kind, r.Name, state(r.State), elapsed(r.Began, end))
	if r.Attempt > 1 {
		line += fmt.Sprintf("  attempt %d", r.Attempt)
	}
	if r.Reason != "" {
		line += "  " + faint.Render(r.Reason)
	}
	return line
}

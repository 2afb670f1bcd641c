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

// Watcher shows what an operation does: redrawn in place on a terminal, as lines of what changed elsewhere. Other forms
// of output than a table are silent until the end.
type Watcher struct {
	Screen *screen.Screen
	seen   map[string]sol.ResourceProgress
	state  string
	lines  int // drawn, on a terminal
}

// Look shows how an operation stands.
func (v *Watcher) Look(p *sol.OpProgress) {
	switch {
	case !v.Screen.Form.ForPeople():
	case v.Screen.Terminal && !v.Screen.Plain:
		v.draw(p)
	default:
		v.log(p)
	}
}

// Lost says that the server is away; what it says of the operation later is drawn below.
func (v *Watcher) Lost(err error) {
	_, _ = fmt.Fprintln(v.Screen.Err, screen.Faint.Render("waiting for the server: "+err.Error()))
	v.lines = 0
}

// log prints a line for each change since the last look, in the order in which they happened.
func (v *Watcher) log(p *sol.OpProgress) {
	type change struct {
		at   time.Time
		text string
	}
	if v.seen == nil {
		v.seen = map[string]sol.ResourceProgress{}
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
		line := fmt.Sprintf("%s %-13s %s %s", sign(r.Step), r.Kind, r.Name, screen.Colour(r.State))
		if r.Attempt > 1 {
			line += fmt.Sprintf(" (attempt %d)", r.Attempt)
		}
		if took := screen.Elapsed(r.Began, r.Ended); took != "" && r.State == "DONE" {
			line += " in " + took
		}
		if r.Reason != "" {
			line += ": " + r.Reason
		}
		changes = append(changes, change{at, line})
	}
	out := v.Screen.Out
	if v.state == "" {
		_, _ = fmt.Fprintf(out, "%s operation %s on VNF %s\n", p.Operation, p.VnfLcmOpOccId, p.VnfInstanceId)
	}
	if v.state != p.OperationState {
		v.state = p.OperationState
		line := screen.Colour(p.OperationState)
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
		_, _ = fmt.Fprintf(out, "%7.1fs %s\n", c.at.Sub(p.StartTime).Seconds(), c.text)
	}
	if p.Final {
		for _, warning := range once(p.Warnings) {
			_, _ = fmt.Fprintln(out, "warning:", warning)
		}
	}
}

// once returns texts in their order, each one time, with how often it was there.
func once(all []string) []string {
	var out []string
	times := map[string]int{}
	for _, text := range all {
		if times[text]++; times[text] == 1 {
			out = append(out, text)
		}
	}
	for i, text := range out {
		if n := times[text]; n > 1 {
			out[i] = fmt.Sprintf("%s (%d times)", text, n)
		}
	}
	return out
}

// draw shows the operation in place of what was drawn before: as much as fits, and at its end all of it.
func (v *Watcher) draw(p *sol.OpProgress) {
	var b strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.lines)
	}
	lines := v.render(p)
	v.lines = len(lines)
	for _, line := range lines {
		if v.Screen.Width > 0 && !p.Final {
			line = lipgloss.NewStyle().MaxWidth(v.Screen.Width).Render(line)
		}
		b.WriteString(line + "\n")
	}
	_, _ = io.WriteString(v.Screen.Out, b.String())
}

// slim is the width below which lines begin with what matters first.
const slim = 80

func (v *Watcher) render(p *sol.OpProgress) []string {
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
	id := p.VnfLcmOpOccId
	if v.slim() {
		id = screen.Short(id)
	}
	lines := []string{fmt.Sprintf("%s %s  %s  %d/%d  %s", screen.Bold.Render(p.Operation), screen.Faint.Render(id),
		screen.Colour(p.OperationState), done, len(p.Resources), screen.Elapsed(p.StartTime, end))}
	all := make([]string, 0, len(p.Resources))
	for _, r := range p.Resources {
		all = append(all, v.line(p, &r))
	}
	if room := v.Screen.Height - 4; v.Screen.Height > 0 && len(all) > room && !p.Final { // what moves is more telling than what is done
		all = append(active, rest...)
		hidden := len(all) - max(room, 1)
		all = append(all[:max(room, 1)], screen.Faint.Render(fmt.Sprintf("  … and %d more", hidden)))
	}
	lines = append(lines, all...)
	if p.Error != nil {
		lines = append(lines, v.Screen.Folded("", screen.Bad.Render(p.Error.Detail))...)
	}
	if p.Final {
		for _, warning := range once(p.Warnings) {
			lines = append(lines, v.Screen.Folded(screen.Moving.Render("warning: "), warning)...)
		}
	}
	return lines
}

func (v *Watcher) slim() bool {
	return v.Screen.Terminal && v.Screen.Width > 0 && v.Screen.Width < slim
}

// line is one resource. On a narrow terminal its state and time come first, and its name is cut in the middle.
func (v *Watcher) line(p *sol.OpProgress, r *sol.ResourceProgress) string {
	mark := map[string]string{
		"PENDING": screen.Faint.Render("·"), "RUNNING": screen.Moving.Render("▸"), "DONE": screen.Good.Render("✓"), "FAILED": screen.Bad.Render("✗"),
		"UNDOING": screen.Moving.Render("◂"), "UNDONE": screen.Faint.Render("↺"),
	}[r.State]
	end := r.Ended
	if end.IsZero() {
		end = p.Now
	}
	took := screen.Elapsed(r.Began, end)
	var line string
	if v.slim() {
		head := fmt.Sprintf("%s %s %s %6s ", mark, sign(r.Step), screen.Pad(screen.Colour(r.State), 7), took)
		kind := screen.Cut(r.Kind, 8)
		line = head + screen.CutMiddle(r.Name, max(v.Screen.Width-lipgloss.Width(head)-len(kind)-1, 8)) + " " + screen.Faint.Render(kind)
	} else {
		line = fmt.Sprintf("  %s %s %-13s %-32s %s %s", mark, sign(r.Step), r.Kind, r.Name, screen.Colour(r.State), took)
	}
	if r.Attempt > 1 {
		line += fmt.Sprintf("  attempt %d", r.Attempt)
	}
	if r.Reason != "" {
		line += "  " + screen.Faint.Render(r.Reason)
	}
	return line
}

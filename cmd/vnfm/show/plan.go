package show

import (
	"fmt"
	"io"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

// sign stands for what is done to a resource. A step of a plan or of an operation's progress has the name of its action; older
// operations have names that begin so, or that of the kind they make.
func sign(step string) string {
	switch {
	case step == string(sol.ActionReplace):
		return screen.Bad.Render("-") + "/" + screen.Good.Render("+")
	case step == string(sol.ActionChange), step == "try-change", step == "stop":
		return screen.Moving.Render("~")
	case strings.HasPrefix(step, string(sol.ActionRelease)):
		return screen.Bad.Render("-")
	case step == string(sol.ActionConfigure), step == string(sol.ActionCoordinate), step == "configuration":
		return screen.Faint.Render(">")
	}
	return screen.Good.Render("+")
}

// Plan prints a line for each step, grouped by stage, then how many do what, and what to mind.
func Plan(w io.Writer, p *sol.Plan) {
	_, _ = fmt.Fprintf(w, "%s VNF %s: nothing is begun\n", screen.Bold.Render(string(p.Operation)), p.VnfInstanceId)
	kind, name := 0, 0
	for _, s := range p.Steps {
		kind, name = max(kind, len(s.Kind)), max(name, len(s.Name))
	}
	stage := ""
	for _, s := range p.Steps {
		if s.Stage != stage {
			stage = s.Stage
			screen.Of(w).Heading(stage)
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s%s %-*s  %-*s  %s", padding(s.Action), sign(string(s.Action)), kind, s.Kind, name, s.Name, more(&s)), " "))
	}
	c := p.Counts
	_, _ = fmt.Fprintf(w, "\n%s %d to create, %d to change, %d to replace, %d to release\n", screen.Bold.Render("Plan:"), c.Create, c.Change, c.Replace, c.Release)
	end := "a failure waits for an operator"
	switch {
	case p.Policy == "rollback":
		end = "a failure is rolled back"
	case !p.Reversible:
		end += ", and cannot be rolled back"
	}
	_, _ = fmt.Fprintf(w, "%s %s\n", screen.Bold.Render("Policy:"), end)
	for _, warning := range once(p.Warnings) {
		screen.Of(w).Warning(warning)
	}
}

// padding puts signs of one and of three characters below each other.
func padding(a sol.PlanAction) string {
	if a == sol.ActionReplace {
		return ""
	}
	return "  "
}

// more is what else there is to say of a step: its template and VIM where it has them, and why.
func more(s *sol.PlanStep) string {
	var out []string
	if s.ResourceTemplateId != "" {
		out = append(out, s.ResourceTemplateId)
	}
	if s.VimConnectionId != "" {
		out = append(out, "at "+s.VimConnectionId)
	}
	if len(s.Why) > 0 {
		out = append(out, "("+strings.Join(s.Why, ", ")+")")
	}
	if s.NextStage != "" {
		out = append(out, "until "+s.NextStage)
	}
	if s.Optional {
		out = append(out, "a failure is a warning only")
	}
	return strings.Join(out, "  ")
}

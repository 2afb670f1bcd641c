package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/sol"
)

// historyArgs select a part of the past.
type historyArgs struct {
	At   string   `help:"Show what it was at a version or time in place of its history." placeholder:"WHEN"`
	From string   `help:"Events from this version or time on." placeholder:"WHEN"`
	To   string   `help:"Events up to this version or time." placeholder:"WHEN"`
	Type []string `help:"Events of these types only; opocc.* means all that begin so." placeholder:"TYPE"`
	All  bool     `help:"Every event, also those of the progress of operations."`
}

type diffArgs struct {
	From string `help:"Version or time; default: the first." placeholder:"WHEN"`
	To   string `help:"Version or time; default: the newest." placeholder:"WHEN"`
}

type vnfHistory struct {
	Vnf string `arg:"" help:"Id or name; a deleted instance by its id only."`
	historyArgs
}

func (c *vnfHistory) Run(s *session) error {
	id, err := s.orID(c.Vnf, s.vnfID)
	if err != nil {
		return err
	}
	if c.At == "" {
		return s.history(client.KindVnf, id, &c.historyArgs)
	}
	v, err := s.VnfAt(s.ctx, id, when(c.At))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) {
		printMoment(w, &v.Moment, v.Deleted)
		printVnf(w, &v.VnfInstance)
		fields(w, "under way", v.Operation, "cleaning up", v.Cleanup)
		printLeftovers(w, id, v.Leftovers)
	})
}

type opHistory struct {
	opArg
	historyArgs
}

func (c *opHistory) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	if c.At == "" {
		c.All = true
		return s.history(client.KindOp, id, &c.historyArgs)
	}
	o, err := s.OpAt(s.ctx, id, when(c.At))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(o, func(w io.Writer) {
		printMoment(w, &o.Moment, false)
		printOp(w, &operation{VnfLcmOpOcc: o.VnfLcmOpOcc})
		var rows [][]string
		for _, r := range o.Resources {
			rows = append(rows, []string{r.Kind, r.Name, state(r.State), strconv.Itoa(r.Attempt), elapsed(r.Began, r.Ended), r.Reason})
		}
		heading(w, "Progress")
		table(w, []string{"KIND", "NAME", "STATE", "ATTEMPT", "TOOK", "REASON"}, rows)
	})
}

type packageHistory struct {
	Package string `arg:"" help:"Id, vnfdId or product name; a deleted package by its id only."`
	historyArgs
}

func (c *packageHistory) Run(s *session) error {
	id, err := s.orID(c.Package, s.packageID)
	if err != nil {
		return err
	}
	if c.At == "" {
		return s.history(client.KindPackage, id, &c.historyArgs)
	}
	p, err := s.PackageAt(s.ctx, id, when(c.At))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(p, func(w io.Writer) {
		printMoment(w, &p.Moment, p.Deleted)
		printPackage(w, &p.VnfPkgInfo)
	})
}

// orID finds what a word means; a whole id stands for itself, since what it names may be deleted.
func (s *session) orID(word string, find func(string) (string, error)) (string, error) {
	if isID(word) {
		return word, nil
	}
	return find(word)
}

type vnfDiff struct {
	Vnf string `arg:"" help:"Id or name; a deleted instance by its id only."`
	diffArgs
}

func (c *vnfDiff) Run(s *session) error {
	id, err := s.orID(c.Vnf, s.vnfID)
	if err != nil {
		return err
	}
	return s.diff(client.KindVnf, id, &c.diffArgs)
}

type opDiff struct {
	opArg
	diffArgs
}

func (c *opDiff) Run(s *session) error {
	id, err := s.opID(c.Op)
	if err != nil {
		return err
	}
	return s.diff(client.KindOp, id, &c.diffArgs)
}

// when turns what people write into what the server reads: 10m is ten minutes ago, and a time as this program prints it
// means the end of its last millisecond, so that what happened in it counts.
func when(text string) string {
	if _, err := time.ParseDuration(text); err == nil && text[0] >= '0' && text[0] <= '9' && text != "0" {
		return "-" + text
	}
	for _, layout := range []string{"2006-01-02 15:04:05.000", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if strings.Contains(text, ".") {
			t = t.Add(time.Millisecond - time.Microsecond)
		}
		return t.Format(time.RFC3339Nano)
	}
	return text
}

func (s *session) diff(kind client.Kind, id string, a *diffArgs) error {
	d, err := s.Diff(s.ctx, kind, id, when(a.From), when(a.To))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(d, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s #%d  %s  %s\n", bad.Render("---"), d.From.Version, stamp(d.From.Time), d.From.Event)
		_, _ = fmt.Fprintf(w, "%s #%d  %s  %s\n", good.Render("+++"), d.To.Version, stamp(d.To.Time), d.To.Event)
		if len(d.Changes) == 0 {
			_, _ = fmt.Fprintln(w, faint.Render("no difference"))
		}
		for _, c := range d.Changes {
			from, to := compact(c.From), compact(c.To)
			switch c.Op {
			case "added":
				s.line(w, good.Render("+ "+c.Path)+"  "+to)
			case "removed":
				s.line(w, bad.Render("- "+c.Path)+"  "+from)
			default:
				s.line(w, moving.Render("~ "+c.Path)+"  "+from+faint.Render(" → ")+to)
			}
		}
	})
}

// line prints a line as wide as the terminal is; whole where there is none.
func (s *session) line(w io.Writer, text string) {
	if s.terminal && s.width > 0 && lipgloss.Width(text) > s.width {
		text = lipgloss.NewStyle().MaxWidth(s.width-1).Render(text) + "…"
	}
	_, _ = fmt.Fprintln(w, strings.TrimRight(text, " "))
}

func printMoment(w io.Writer, m *sol.Moment, deleted bool) {
	head := fmt.Sprintf("#%d of %d", m.Version, m.Newest)
	if deleted {
		head += bad.Render("  DELETED") + ", as it was last"
	}
	_, _ = fmt.Fprintf(w, "%s  %s\n", bold.Render(head), stamp(m.Time))
	fields(w, "made so by", strings.Join(nonEmpty(m.Event, m.Actor, m.Command), ", "), "correlation", m.CorrelationId, "because of", m.CausationId)
	_, _ = fmt.Fprintln(w)
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// minor are the events that a history leaves out unless all are asked for.
var minor = []string{"opocc.progressed", "opocc.resource-reserved", "opocc.resource-released", "opocc.resource-undone"}

func (s *session) history(kind client.Kind, id string, a *historyArgs) error {
	events, err := s.History(s.ctx, kind, id, client.EventQuery{Since: when(a.From), Until: when(a.To), Types: a.Type})
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(events, func(w io.Writer) {
		shown := events
		if !a.All && len(a.Type) == 0 {
			shown = slices.DeleteFunc(slices.Clone(events), func(e sol.VnfEvent) bool { return slices.Contains(minor, e.Type) })
		}
		if len(shown) == 0 {
			_, _ = fmt.Fprintln(w, faint.Render("nothing happened"))
			return
		}
		s.printHistory(w, shown)
		if n := len(events) - len(shown); n > 0 {
			_, _ = fmt.Fprintln(w, faint.Render(fmt.Sprintf("%d events of the progress of operations are left out; --all shows them", n)))
		}
	})
}

// printHistory prints events as a timeline: when, how long after the one before, what, who, and why. Versions are of
// the stream: #2 the resource's own, op 1a2b3c4d #3 those of an operation.
func (s *session) printHistory(w io.Writer, events []sol.VnfEvent) {
	barWidth := 12 // of the longest time between two events
	if s.terminal && s.width < 120 {
		barWidth = 5
	}
	longest, who, of := time.Duration(0), len("WHO"), len("VERSION")
	for i, e := range events {
		who, of = max(who, min(len(e.Actor), 16)), max(of, len(versionOf(&e)))
		if i > 0 {
			longest = max(longest, e.Time.Sub(events[i-1].Time))
		}
	}
	s.line(w, bold.Render(fmt.Sprintf("%-12s  %-8s %-*s %-*s  %-*s  %s", "WHEN (UTC)", "AFTER", barWidth, "", of, "VERSION", who, "WHO", "WHAT AND WHY")))
	day := ""
	for i, e := range events {
		if d := e.Time.UTC().Format("2006-01-02"); d != day {
			day = d
			s.line(w, faint.Render(d))
		}
		after, bar := "", 0
		if i > 0 {
			gap := e.Time.Sub(events[i-1].Time)
			if gap >= time.Millisecond {
				after = "+" + elapsed(events[i-1].Time, e.Time)
			}
			if longest > 0 {
				bar = int(int64(gap) * int64(barWidth) / int64(longest))
			}
		}
		s.wrapped(w, fmt.Sprintf("%-12s  %-8s %s%s %-*s  %-*s  ", e.Time.UTC().Format("15:04:05.000"), after, faint.Render(strings.Repeat("━", bar)),
			strings.Repeat(" ", barWidth-bar), of, versionOf(&e), who, cut(e.Actor, 16)), what(&e))
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

// wrapped prints a text behind columns; what does not fit on a terminal's line goes on below, in the same column.
func (s *session) wrapped(w io.Writer, columns, text string) {
	room := s.width - lipgloss.Width(columns)
	if !s.terminal || room < 30 {
		s.line(w, columns+text)
		return
	}
	below := strings.Repeat(" ", lipgloss.Width(columns))
	for i, part := range strings.Split(lipgloss.NewStyle().Width(room).Render(text), "\n") {
		if i > 0 {
			columns = below
		}
		s.line(w, columns+strings.TrimRight(part, " "))
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/cmd/vnfm/show"
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
	Vnf string `arg:"" help:"Id or name; a deleted instance by its id only." predictor:"vnf"`
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
	v, err := s.VnfAt(s.ctx, id, s.when(c.At))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(v, func(w io.Writer) {
		show.Moment(w, &v.Moment, v.Deleted)
		show.Vnf(w, &v.VnfInstance)
		screen.Of(w).Fields("under way", v.Operation, "cleaning up", v.Cleanup)
		show.Leftovers(w, id, v.Leftovers)
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
	o, err := s.OpAt(s.ctx, id, s.when(c.At))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(o, func(w io.Writer) {
		show.Moment(w, &o.Moment, false)
		show.Op(w, &show.Operation{VnfLcmOpOcc: o.VnfLcmOpOcc})
		var rows [][]string
		for _, r := range o.Resources {
			rows = append(rows, []string{r.Kind, r.Name, screen.Colour(r.State), strconv.Itoa(r.Attempt), screen.Elapsed(r.Began, r.Ended), r.Reason})
		}
		screen.Of(w).Heading("Progress")
		screen.Of(w).Table([]string{"KIND", "NAME", "STATE", "ATTEMPT", "TOOK", "REASON"}, rows)
	})
}

type packageHistory struct {
	Package string `arg:"" help:"Id, vnfdId or product name; a deleted package by its id only." predictor:"package"`
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
	p, err := s.PackageAt(s.ctx, id, s.when(c.At))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(p, func(w io.Writer) {
		show.Moment(w, &p.Moment, p.Deleted)
		show.Package(w, &p.VnfPkgInfo)
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
	Vnf string `arg:"" help:"Id or name; a deleted instance by its id only." predictor:"vnf"`
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

// when turns what people write into what the server reads: 10m is ten minutes ago, and a time as this program prints it is of the zone
// in which it does.
func (s *session) when(text string) string {
	if _, err := time.ParseDuration(text); err == nil && text[0] >= '0' && text[0] <= '9' && text != "0" {
		return "-" + text
	}
	if t, ok := s.ParseTime(text); ok {
		return t.UTC().Format(time.RFC3339Nano)
	}
	return text
}

func (s *session) diff(kind client.Kind, id string, a *diffArgs) error {
	d, err := s.Diff(s.ctx, kind, id, s.when(a.From), s.when(a.To))
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(d, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s #%d  %s  %s\n", screen.Bad.Render("---"), d.From.Version, screen.Of(w).Stamp(d.From.Time), d.From.Event)
		_, _ = fmt.Fprintf(w, "%s #%d  %s  %s\n", screen.Good.Render("+++"), d.To.Version, screen.Of(w).Stamp(d.To.Time), d.To.Event)
		if len(d.Changes) == 0 {
			_, _ = fmt.Fprintln(w, screen.Faint.Render("no difference"))
		}
		for _, c := range d.Changes {
			switch c.Op {
			case "added":
				subtree(c.Path, c.To, func(path, text string) { screen.Of(w).Wrapped(screen.Good.Render("+ "+path)+"  ", text) })
			case "removed":
				subtree(c.Path, c.From, func(path, text string) { screen.Of(w).Wrapped(screen.Bad.Render("- "+path)+"  ", text) })
			default:
				screen.Of(w).Wrapped(screen.Moving.Render("~ "+c.Path)+"  ", screen.Compact(c.From)+screen.Faint.Render(" → ")+screen.Compact(c.To))
			}
		}
	})
}

func (s *session) history(kind client.Kind, id string, a *historyArgs) error {
	events, err := s.History(s.ctx, kind, id, client.EventQuery{Since: s.when(a.From), Until: s.when(a.To), Types: a.Type})
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(events, func(w io.Writer) {
		shown := events
		if !a.All && len(a.Type) == 0 {
			shown = slices.DeleteFunc(slices.Clone(events), func(e sol.VnfEvent) bool { return slices.Contains(show.Minor, e.Type) })
		}
		if len(shown) == 0 {
			_, _ = fmt.Fprintln(w, screen.Faint.Render("nothing happened"))
			return
		}
		show.History(w, shown)
		if n := len(events) - len(shown); n > 0 {
			screen.Of(w).Wrapped("", screen.Faint.Render(fmt.Sprintf("%d events of the progress of operations are left out; --all shows them", n)))
		}
	})
}

// subtree hands out the leaves of what was added or removed, each with its path.
func subtree(path string, raw json.RawMessage, each func(path, text string)) {
	var members map[string]json.RawMessage
	var elements []json.RawMessage
	switch {
	case json.Unmarshal(raw, &members) == nil && len(members) > 0:
		for _, name := range slices.Sorted(maps.Keys(members)) {
			subtree(path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), members[name], each)
		}
	case json.Unmarshal(raw, &elements) == nil && len(elements) > 0:
		for i := range elements {
			subtree(path+"/"+strconv.Itoa(i), elements[i], each)
		}
	default:
		each(path, screen.Compact(raw))
	}
}

type eventsCmd struct {
	Tail eventsTail `cmd:"" help:"Follow what happens, as it happens; goes on where it was when the server restarts."`
}

type eventsTail struct {
	Vnf   string   `help:"Of this VNF and its operations only: id or name." placeholder:"VNF" predictor:"vnf"`
	Type  []string `help:"Events of these types only; opocc.* means all that begin so." placeholder:"TYPE"`
	Since string   `help:"Begin with what happened since then: a time, or how long ago." placeholder:"WHEN"`
	Limit int      `help:"End after so many events; 0: never." placeholder:"N"`
}

func (c *eventsTail) Run(s *session) error {
	q := client.EventQuery{Since: s.when(c.Since), Types: c.Type}
	if c.Vnf != "" {
		id, err := s.orID(c.Vnf, s.vnfID)
		if err != nil {
			return err
		}
		q.Vnf = id
	}
	if s.Form.ForPeople() {
		s.Line(screen.Bold.Render(fmt.Sprintf("%-23s  %-18s  %-10s  %s", "WHEN ("+s.ZoneName()+")", "OF", "WHO", "WHAT AND WHY")))
	}
	n := 0
	enough := &failed{"enough"}
	err := s.Tail(s.ctx, q, func(e sol.VnfEvent) error {
		if err := s.tell(&e); err != nil {
			return err
		}
		if n++; n == c.Limit {
			return enough
		}
		return nil
	}, func(err error) {
		_, _ = fmt.Fprintln(s.Err, screen.Faint.Render("waiting for the server: "+err.Error()))
	})
	if err == error(enough) { //nolint:errorlint // this very one
		return nil
	}
	return err //nolint:wrapcheck // of the client
}

// tell prints one event: a line of the table, a line of JSON, or a YAML document.
func (s *session) tell(e *sol.VnfEvent) error {
	switch {
	case s.Form.JSON(): // a line for each
		b, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = fmt.Fprintf(s.Out, "%s\n", b)
		return err //nolint:wrapcheck // of standard output
	case s.Form.YAML():
		if _, err := fmt.Fprintln(s.Out, "---"); err != nil {
			return err //nolint:wrapcheck // of standard output
		}
		return s.show(e, nil)
	case !s.Form.ForPeople():
		return s.show(e, nil)
	}
	kind, id, _ := strings.Cut(e.Stream, "-")
	of := fmt.Sprintf("%s %s #%d", strings.TrimSuffix(kind, "occ"), id[:min(8, len(id))], e.Version)
	s.Wrapped(fmt.Sprintf("%s  %-18s  %-10s  ", s.Stamp(e.Time), of, screen.Cut(e.Actor, 10)), show.What(e))
	return nil
}

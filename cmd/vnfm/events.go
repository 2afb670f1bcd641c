package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/sol"
)

type eventsCmd struct {
	Tail eventsTail `cmd:"" help:"Follow what happens, as it happens; goes on where it was when the server restarts."`
}

type eventsTail struct {
	Vnf   string   `help:"Of this VNF and its operations only: id or name." placeholder:"VNF"`
	Type  []string `help:"Events of these types only; opocc.* means all that begin so." placeholder:"TYPE"`
	Since string   `help:"Begin with what happened since then: a time, or how long ago." placeholder:"WHEN"`
	Limit int      `help:"End after so many events; 0: never." placeholder:"N"`
}

func (c *eventsTail) Run(s *session) error {
	q := client.EventQuery{Since: when(c.Since), Types: c.Type}
	if c.Vnf != "" {
		id, err := s.orID(c.Vnf, s.vnfID)
		if err != nil {
			return err
		}
		q.Vnf = id
	}
	if s.form == "table" {
		s.line(s.out, bold.Render(fmt.Sprintf("%-23s  %-18s  %-10s  %s", "WHEN (UTC)", "OF", "WHO", "WHAT AND WHY")))
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
	}, func(err error) { _, _ = fmt.Fprintln(s.err, faint.Render("waiting for the server: "+err.Error())) })
	if err == error(enough) { //nolint:errorlint // this very one
		return nil
	}
	return err //nolint:wrapcheck // of the client
}

// tell prints one event: a line of the table, a line of JSON, or a YAML document.
func (s *session) tell(e *sol.VnfEvent) error {
	switch s.form {
	case "json":
		b, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = fmt.Fprintf(s.out, "%s\n", b)
		return err //nolint:wrapcheck // of standard output
	case "yaml":
		if _, err := fmt.Fprintln(s.out, "---"); err != nil {
			return err //nolint:wrapcheck // of standard output
		}
		return s.show(e, nil)
	}
	kind, id, _ := strings.Cut(e.Stream, "-")
	of := fmt.Sprintf("%s %s #%d", strings.TrimSuffix(kind, "occ"), id[:min(8, len(id))], e.Version)
	s.wrapped(s.out, fmt.Sprintf("%s  %-18s  %-10s  ", stamp(e.Time), of, cut(e.Actor, 10)), what(e))
	return nil
}

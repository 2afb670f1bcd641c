package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type simCmd struct {
	Inventory simInventory `cmd:"" help:"List what the simulated VIMs hold for VNFs."`
	Behaviour simBehaviour `cmd:"" help:"Show or replace how the simulated VIMs behave."`
	Tamper    simTamper    `cmd:"" help:"Change something at a simulated VIM behind the VNFM's back."`
}

type simInventory struct {
	Vnf string `help:"Of this VNF only: id or name." placeholder:"VNF"`
}

func (c *simInventory) Run(s *session) error {
	all, err := s.SimInventory(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if c.Vnf != "" {
		id, err := s.vnfID(c.Vnf)
		if err != nil {
			return err
		}
		kept := all[:0]
		for _, r := range all {
			if r.Owner == id {
				kept = append(kept, r)
			}
		}
		all = kept
	}
	return s.show(all, func(w io.Writer) {
		var rows [][]string
		for _, r := range all {
			rows = append(rows, []string{r.Vim, r.Kind, r.Id, r.Name, state(r.State), r.Owner, r.Token})
		}
		table(w, []string{"VIM", "KIND", "ID", "NAME", "STATE", "OWNER", "TOKEN"}, rows)
	})
}

type simTamper struct {
	Vim    string `arg:"" help:"The VIM, as in the inventory."`
	ID     string `arg:"" help:"The VIM's id of the resource."`
	Gone   bool   `help:"The VIM forgets it." xor:"what" required:""`
	Change string `help:"How it stands from now on, as a JSON merge patch of its specification." placeholder:"JSON" xor:"what" required:""`
}

func (c *simTamper) Run(s *session) error {
	if c.Change != "" && !json.Valid([]byte(c.Change)) {
		return usagef("the change is not JSON")
	}
	request := sol.SimTamper{Vim: c.Vim, Id: c.ID, Gone: c.Gone}
	if c.Change != "" {
		request.Change = json.RawMessage(c.Change)
	}
	return s.SimTamper(s.ctx, request) //nolint:wrapcheck // of the client
}

type simBehaviour struct {
	Set  string `help:"Replace it by this JSON; - reads it from standard input." placeholder:"JSON" xor:"source"`
	File string `help:"Replace it by the JSON in this file." type:"existingfile" xor:"source"`
}

func (c *simBehaviour) Run(s *session) error {
	wanted := []byte(c.Set)
	var err error
	switch {
	case c.Set == "-":
		wanted, err = io.ReadAll(s.in)
	case c.File != "":
		wanted, err = os.ReadFile(c.File)
	}
	if err != nil {
		return usagef("%v", err)
	}
	var behaviour json.RawMessage
	if len(wanted) > 0 {
		if !json.Valid(wanted) {
			return usagef("the behaviour is not JSON")
		}
		behaviour, err = s.SetSimBehaviour(s.ctx, wanted)
	} else {
		behaviour, err = s.SimBehaviour(s.ctx)
	}
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(behaviour, func(w io.Writer) { printBehaviour(w, behaviour) })
}

func printBehaviour(w io.Writer, raw json.RawMessage) {
	var b struct {
		Seed  int64  `json:"seed"`
		Delay string `json:"delay"`
		Rules []struct {
			On, Outcome, After string
			Times              int
		} `json:"rules"`
	}
	if json.Unmarshal(raw, &b) != nil {
		_, _ = fmt.Fprintln(w, string(raw))
		return
	}
	fields(w, "seed", strconv.FormatInt(b.Seed, 10), "delay", b.Delay)
	var rows [][]string
	for _, r := range b.Rules {
		times := "always"
		if r.Times > 0 {
			times = strconv.Itoa(r.Times)
		}
		rows = append(rows, []string{r.On, r.Outcome, times, r.After})
	}
	heading(w, "Rules")
	table(w, []string{"ON", "OUTCOME", "TIMES", "AFTER"}, rows)
}

type auditCmd struct {
	All     auditAll     `cmd:"" default:"withargs" help:"Look at the running system for what must never be: in the events, the sagas, the timers, the cursors, and between the records and the VIMs. Exit 1 when something is found."`
	Verify  auditVerify  `cmd:"" help:"Check the hash chains and the order of all events."`
	Denials auditDenials `cmd:"" help:"List what callers were denied in the last week, counted by caller, route and minute; the newest last."`
}

type auditAll struct {
	Chain bool `default:"true" negatable:"" help:"Walk all events, too."`
}

func (c *auditAll) Run(s *session) error {
	r, err := s.Audit(s.ctx, c.Chain)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if err := s.show(r, func(w io.Writer) {
		verdict := good.Render("nothing is wrong")
		if !r.Ok {
			verdict = bad.Render(strconv.Itoa(len(r.Findings)) + " findings")
		}
		_, _ = fmt.Fprintf(w, "%d events, %d sagas under way, %d timers, %d resources at VIMs: %s\n", r.Looked.Events, r.Looked.Sagas, r.Looked.Timers, r.Looked.VimResources, verdict)
		for _, f := range r.Findings {
			_, _ = fmt.Fprintf(w, "\n%s: %s\n", bad.Render(f.Check), f.Where)
			if f.VnfInstanceId != "" {
				_, _ = fmt.Fprintf(w, "  VNF    %s\n", f.VnfInstanceId)
			}
			_, _ = fmt.Fprintf(w, "  since  %s\n  what   %s\n  do     %s\n", stamp(f.Since), f.What, f.Do)
		}
		for _, u := range r.Unmade {
			_, _ = fmt.Fprintf(w, "not checked, %s: %s\n", u.Check, u.Reason)
		}
	}); err != nil {
		return err
	}
	switch {
	case !r.Ok:
		return &failed{"the audit found what must not be"}
	case !r.Complete:
		return &failed{"not all of the audit could be made"}
	}
	return nil
}

type auditDenials struct{}

func (auditDenials) Run(s *session) error {
	all, err := s.Denials(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(all, func(w io.Writer) {
		var rows [][]string
		for _, d := range all {
			rows = append(rows, []string{
				stamp(d.Last), strconv.Itoa(d.Count), strconv.Itoa(d.Status), d.Caller, d.Role, d.Address, d.Method, d.Route, d.Detail,
			})
		}
		table(w, []string{"LAST", "TIMES", "STATUS", "CALLER", "ROLE", "FROM", "METHOD", "ROUTE", "WHY"}, rows)
	})
}

type auditVerify struct{}

func (c *auditVerify) Run(s *session) error {
	audit, err := s.Verify(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if err := s.show(audit, func(w io.Writer) {
		verdict := good.Render("intact")
		if !audit.Ok {
			verdict = bad.Render(strconv.Itoa(audit.Found) + " problems")
		}
		_, _ = fmt.Fprintf(w, "%d events in %d streams, %d messages: %s\n", audit.Events, audit.Streams, audit.Messages, verdict)
		for _, p := range audit.Problems {
			if p.Stream != "" {
				_, _ = fmt.Fprintf(w, "  %s version %d: %s\n", p.Stream, p.Version, p.Text)
				continue
			}
			_, _ = fmt.Fprintf(w, "  lane %d offset %d: %s\n", p.Lane, p.Offset, p.Text)
		}
	}); err != nil {
		return err
	}
	if !audit.Ok {
		return &failed{"the record of events is not intact"}
	}
	return nil
}

type parkedCmd struct {
	List  parkedList  `cmd:"" help:"List them, in the order they are to be handled."`
	Show  parkedShow  `cmd:"" help:"Show one, with what it says."`
	Retry parkedRetry `cmd:"" aliases:"redrive" help:"Have one handled again, with those of its VNF behind it, in order."`
	Skip  parkedSkip  `cmd:"" help:"Give one up: it is never handled, those of its VNF behind it are."`
}

type parkedList struct{}

func (parkedList) Run(s *session) error {
	all, err := s.Parked(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(all, func(w io.Writer) {
		var rows [][]string
		for _, m := range all {
			rows = append(rows, []string{m.Id, m.Consumer, m.Key, m.Type, stamp(m.At), m.Reason})
		}
		table(w, []string{"ID", "CONSUMER", "VNF", "TYPE", "PARKED", "REASON"}, rows)
	})
}

type parkedShow struct {
	ID string `arg:"" help:"Id of the message."`
}

func (c *parkedShow) Run(s *session) error {
	m, err := s.ParkedMessage(s.ctx, c.ID)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(m, func(w io.Writer) {
		table(w, []string{"ID", "CONSUMER", "VNF", "TYPE", "OPERATION", "PARKED", "REASON"}, [][]string{
			{m.Id, m.Consumer, m.Key, m.Type, m.CorrelationId, stamp(m.At), m.Reason},
		})
		_, _ = fmt.Fprintf(w, "%s\n", m.Data)
	})
}

type parkedSkip struct {
	ID     string `arg:"" help:"Id of the message."`
	Reason string `required:"" help:"Why; it is kept with your name."`
}

func (c *parkedSkip) Run(s *session) error {
	n, err := s.SkipParked(s.ctx, c.ID, c.Reason)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(sol.Redriven{Handled: n}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "given up; %d behind it handled\n", n) })
}

type parkedRetry struct {
	ID string `arg:"" help:"Id of the message."`
}

func (c *parkedRetry) Run(s *session) error {
	n, err := s.Redrive(s.ctx, c.ID)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(sol.Redriven{Handled: n}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%d handled\n", n) })
}

type clusterCmd struct {
	Status clusterStatus `cmd:"" help:"Show the nodes, who has how many lanes of which role, how far consumers are behind, what is parked and which timers are due."`
}

type clusterStatus struct{}

func (clusterStatus) Run(s *session) error {
	c, err := s.Cluster(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(c, func(w io.Writer) {
		names := map[string]string{"": bad.Render("nobody")}
		var rows [][]string
		for _, n := range c.Nodes {
			names[n.Id] = n.Name
			state, until := good.Render(string(n.State)), ""
			if n.Until != nil {
				state, until = string(n.State), stamp(*n.Until)
			}
			rows = append(rows, []string{n.Name, state, n.Version, stamp(n.Since), until, n.Url, strings.Join(n.Roles, ",")})
		}
		table(w, []string{"NODE", "STATE", "VERSION", "SINCE", "UNTIL", "URL", "ROLES"}, rows)
		rows = nil
		for _, l := range c.Lanes {
			rows = append(rows, []string{l.Role, l.Database, names[l.NodeId], strconv.Itoa(l.Count)})
		}
		_, _ = fmt.Fprintln(w)
		table(w, []string{"ROLE", "DATABASE", "NODE", "LANES"}, rows)
		rows = nil
		for _, k := range c.Consumers {
			rows = append(rows, []string{k.Name, k.Topic, strconv.Itoa(k.WaitingLanes), oldest(k), strconv.Itoa(k.Parked)})
		}
		_, _ = fmt.Fprintln(w)
		table(w, []string{"CONSUMER", "TOPIC", "LANES WAITING", "OLDEST", "PARKED"}, rows)
		_, _ = fmt.Fprintf(w, "\n%d timers are due.\n", c.TimersDue)
	})
}

// oldest says how old the oldest message is that waits for a consumer.
func oldest(c sol.ClusterConsumer) string {
	if c.WaitingLanes == 0 {
		return "-"
	}
	return strconv.FormatFloat(c.OldestSeconds, 'f', 1, 64) + "s"
}

// uiCmd opens the console.
type uiCmd struct {
	Vnf   string `arg:"" optional:"" help:"The page of this VNF: id or name."`
	Print bool   `help:"Only print the address."`
}

func (c *uiCmd) Run(s *session) error {
	at := strings.TrimSuffix(s.server, "/") + "/ui/"
	if c.Vnf != "" {
		id, err := s.vnfID(c.Vnf)
		if err != nil {
			return err
		}
		at += "vnfs/" + id
	}
	if _, err := fmt.Fprintln(s.out, at); err != nil || c.Print {
		return err //nolint:wrapcheck // of standard output
	}
	name, args := opener(runtime.GOOS)
	if err := exec.CommandContext(s.ctx, name, append(args, at)...).Run(); err != nil { //nolint:gosec // our own words and the server's address
		return fmt.Errorf("no browser could be opened (%s: %w): open the address yourself", name, err)
	}
	return nil
}

// opener is the program that opens an address in the user's browser.
func opener(system string) (name string, args []string) {
	switch system {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	return "xdg-open", nil
}

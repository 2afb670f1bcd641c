package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/cmd/vnfm/screen"
	"github.com/vnfm/vnfm/sol"
)

type simCmd struct {
	Inventory simInventory `cmd:"" help:"List what the simulated VIMs hold for VNFs."`
	Behaviour simBehaviour `cmd:"" help:"Show or replace how the simulated VIMs behave."`
	Tamper    simTamper    `cmd:"" help:"Change something at a simulated VIM behind the VNFM's back."`
}

type simInventory struct {
	listing
	Vnf string `help:"Of this VNF only: id or name." placeholder:"VNF" predictor:"vnf"`
}

var simInventoryColumns = []screen.Column[sol.SimResource]{
	{Head: "ID", Of: func(v *sol.SimResource) any { return v.Id }},
	{Head: "VIM", Of: func(v *sol.SimResource) any { return v.Vim }},
	{Head: "KIND", Of: func(v *sol.SimResource) any { return v.Kind }},
	{Head: "NAME", Of: func(v *sol.SimResource) any { return screen.Name(v.Name) }},
	{Head: "STATE", Of: func(v *sol.SimResource) any { return screen.State(v.State) }},
	{Head: "OWNER", Of: func(v *sol.SimResource) any { return v.Owner }, Drop: 1},
	{Head: "TOKEN", Of: func(v *sol.SimResource) any { return v.Token }, Drop: 2},
}

func (c *simInventory) Run(s *session) error {
	owner := ""
	if c.Vnf != "" {
		id, err := s.vnfID(c.Vnf)
		if err != nil {
			return err
		}
		owner = id
	}
	return list(s, &c.listing, simInventoryColumns, func() ([]sol.SimResource, error) {
		all, err := s.SimInventory(s.ctx)
		return slices.DeleteFunc(all, func(r sol.SimResource) bool { return owner != "" && r.Owner != owner }), err //nolint:wrapcheck // of the client
	})
}

type simTamper struct {
	Vim    string `arg:"" help:"The VIM, as in the inventory." predictor:"vim"`
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
	screen.Of(w).Fields("seed", strconv.FormatInt(b.Seed, 10), "delay", b.Delay)
	var rows [][]string
	for _, r := range b.Rules {
		times := "always"
		if r.Times > 0 {
			times = strconv.Itoa(r.Times)
		}
		rows = append(rows, []string{r.On, r.Outcome, times, r.After})
	}
	screen.Of(w).Heading("Rules")
	screen.Of(w).Table([]string{"ON", "OUTCOME", "TIMES", "AFTER"}, rows)
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
		verdict := screen.Good.Render("nothing is wrong")
		if !r.Ok {
			verdict = screen.Bad.Render(strconv.Itoa(len(r.Findings)) + " findings")
		}
		_, _ = fmt.Fprintf(w, "%d events, %d sagas under way, %d timers, %d resources at VIMs: %s\n", r.Looked.Events, r.Looked.Sagas, r.Looked.Timers, r.Looked.VimResources, verdict)
		for _, f := range r.Findings {
			_, _ = fmt.Fprintf(w, "\n%s: %s\n", screen.Bad.Render(f.Check), f.Where)
			if f.VnfInstanceId != "" {
				_, _ = fmt.Fprintf(w, "  VNF    %s\n", f.VnfInstanceId)
			}
			_, _ = fmt.Fprintf(w, "  since  %s\n  what   %s\n  do     %s\n", screen.Of(w).Stamp(f.Since), f.What, f.Do)
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

type auditDenials struct{ listing }

var auditDenialsColumns = []screen.Column[sol.Denial]{
	{Head: "LAST", Of: func(v *sol.Denial) any { return v.Last }},
	{Head: "TIMES", Of: func(v *sol.Denial) any { return v.Count }},
	{Head: "STATUS", Of: func(v *sol.Denial) any { return v.Status }},
	{Head: "CALLER", Of: func(v *sol.Denial) any { return v.Caller }},
	{Head: "ROLE", Of: func(v *sol.Denial) any { return v.Role }, Drop: 2},
	{Head: "FROM", Of: func(v *sol.Denial) any { return v.Address }, Drop: 3},
	{Head: "METHOD", Of: func(v *sol.Denial) any { return v.Method }, Drop: 1},
	{Head: "ROUTE", Of: func(v *sol.Denial) any { return v.Route }},
	{Head: "WHY", Of: func(v *sol.Denial) any { return v.Detail }},
}

func (c *auditDenials) Run(s *session) error {
	return list(s, &c.listing, auditDenialsColumns, func() ([]sol.Denial, error) { return s.Denials(s.ctx) })
}

type auditVerify struct{}

func (c *auditVerify) Run(s *session) error {
	audit, err := s.Verify(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if err := s.show(audit, func(w io.Writer) {
		verdict := screen.Good.Render("intact")
		if !audit.Ok {
			verdict = screen.Bad.Render(strconv.Itoa(audit.Found) + " problems")
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

type parkedList struct{ listing }

var parkedColumns = []screen.Column[sol.ParkedMessage]{
	{Head: "ID", Of: func(v *sol.ParkedMessage) any { return v.Id }},
	{Head: "CONSUMER", Of: func(v *sol.ParkedMessage) any { return v.Consumer }, Drop: 2},
	{Head: "VNF", Of: func(v *sol.ParkedMessage) any { return v.Key }},
	{Head: "TYPE", Of: func(v *sol.ParkedMessage) any { return v.Type }},
	{Head: "PARKED", Of: func(v *sol.ParkedMessage) any { return v.At }, Drop: 1},
	{Head: "REASON", Of: func(v *sol.ParkedMessage) any { return v.Reason }},
}

func (c *parkedList) Run(s *session) error {
	return list(s, &c.listing, parkedColumns, func() ([]sol.ParkedMessage, error) { return s.Parked(s.ctx) })
}

type parkedShow struct {
	ID string `arg:"" help:"Id of the message." predictor:"parked"`
}

func (c *parkedShow) Run(s *session) error {
	id, err := s.parkedID(c.ID)
	if err != nil {
		return err
	}
	m, err := s.ParkedMessage(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(m, func(w io.Writer) {
		screen.Of(w).Table([]string{"ID", "CONSUMER", "VNF", "TYPE", "OPERATION", "PARKED", "REASON"}, [][]string{
			{m.Id, m.Consumer, m.Key, m.Type, m.CorrelationId, screen.Of(w).Stamp(m.At), m.Reason},
		})
		_, _ = fmt.Fprintf(w, "%s\n", m.Data)
	})
}

type parkedSkip struct {
	ID     string `arg:"" help:"Id of the message." predictor:"parked"`
	Reason string `required:"" help:"Why; it is kept with your name."`
	sure
}

func (c *parkedSkip) Run(s *session) error {
	id, err := s.parkedID(c.ID)
	if err != nil {
		return err
	}
	if err := s.confirm(c.sure, "Give up message "+id+" for good?"); err != nil {
		return err
	}
	n, err := s.SkipParked(s.ctx, id, c.Reason)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(sol.Redriven{Handled: n}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "given up; %d behind it handled\n", n) })
}

type parkedRetry struct {
	ID string `arg:"" help:"Id of the message." predictor:"parked"`
}

func (c *parkedRetry) Run(s *session) error {
	id, err := s.parkedID(c.ID)
	if err != nil {
		return err
	}
	n, err := s.Redrive(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(sol.Redriven{Handled: n}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%d handled\n", n) })
}

type clusterCmd struct {
	LogLevel clusterLogLevel `cmd:"" help:"Show or change from which level on the node that answers logs: debug, info, warn or error. Each node has a log of its own: name one by --server."`
	Status   clusterStatus   `cmd:"" help:"Show the nodes, who has how many lanes of which role, how far consumers are behind, what is parked and which timers are due."`
}

type clusterStatus struct{}

func (clusterStatus) Run(s *session) error {
	c, err := s.Cluster(s.ctx)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(c, func(w io.Writer) {
		names := map[string]string{"": screen.Bad.Render("nobody")}
		var rows [][]string
		for _, n := range c.Nodes {
			names[n.Id] = n.Name
			state, until := screen.Good.Render(string(n.State)), ""
			if n.Until != nil {
				state, until = string(n.State), screen.Of(w).Stamp(*n.Until)
			}
			rows = append(rows, []string{n.Name, state, n.Version, screen.Of(w).Stamp(n.Since), until, n.Url, strings.Join(n.Roles, ",")})
		}
		screen.Of(w).Table([]string{"NODE", "STATE", "VERSION", "SINCE", "UNTIL", "URL", "ROLES"}, rows)
		rows = nil
		for _, l := range c.Lanes {
			rows = append(rows, []string{l.Role, l.Database, names[l.NodeId], strconv.Itoa(l.Count)})
		}
		_, _ = fmt.Fprintln(w)
		screen.Of(w).Table([]string{"ROLE", "DATABASE", "NODE", "LANES"}, rows)
		rows = nil
		for _, k := range c.Consumers {
			rows = append(rows, []string{k.Name, k.Topic, strconv.Itoa(k.WaitingLanes), oldest(k), strconv.Itoa(k.Parked)})
		}
		_, _ = fmt.Fprintln(w)
		screen.Of(w).Table([]string{"CONSUMER", "TOPIC", "LANES WAITING", "OLDEST", "PARKED"}, rows)
		_, _ = fmt.Fprintf(w, "\n%d timers are due.\n", c.TimersDue)
	})
}

type clusterLogLevel struct {
	Level string        `arg:"" optional:"" help:"The new level; without it the level is shown." predictor:"level"`
	For   time.Duration `help:"For how long, in whole seconds; then it is as the settings say. 0: until the settings are read again (systemctl reload vnfmd), or the node starts." placeholder:"DURATION"`
}

func (c *clusterLogLevel) Run(s *session) error {
	set := func() (*sol.LogLevel, error) { return s.LogLevel(s.ctx) }
	switch {
	case c.Level != "" && !slices.Contains(sol.LogLevels, c.Level):
		return usagef("%q is no level: one of %s", c.Level, strings.Join(sol.LogLevels, ", "))
	case c.Level != "" && c.For > 0 && c.For < time.Second || c.For < 0:
		return usagef("--for: at least a second")
	case c.Level != "":
		set = func() (*sol.LogLevel, error) { return s.SetLogLevel(s.ctx, c.Level, c.For) }
	case c.For != 0:
		return usagef("--for: say which level, too")
	}
	l, err := set()
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(l, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s logs from %s on", l.Node, l.Level)
		if l.By != "" {
			_, _ = fmt.Fprintf(w, ", by %s", l.By)
		}
		if l.Until != nil {
			_, _ = fmt.Fprintf(w, ", until %s", screen.Of(w).Stamp(*l.Until))
		}
		if l.Level != l.Setting {
			_, _ = fmt.Fprintf(w, "; its settings say %s", l.Setting)
		}
		_, _ = fmt.Fprintln(w)
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
	Vnf   string `arg:"" optional:"" help:"The page of this VNF: id or name." predictor:"vnf"`
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
	if _, err := fmt.Fprintln(s.Out, at); err != nil || c.Print {
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

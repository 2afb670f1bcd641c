package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

type vnfDrift struct {
	Vnf string `arg:"" help:"Id or name."`
}

func (c *vnfDrift) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	d, err := s.Drift(s.ctx, id)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(d, func(w io.Writer) { printDrift(w, d) })
}

type vnfSync struct {
	Vnf     string `arg:"" help:"Id or name."`
	Repair  bool   `help:"Make the VNF what its records say: what is missing is made again, what changed is changed back, what is orphaned is released."`
	Confirm bool   `help:"Repair even where a VIM shows much less than the records say: the rest is lost."`
	begin
}

func (c *vnfSync) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	request := sol.SyncRequest{Repair: c.Repair, Confirmed: c.Confirm}
	if c.DryRun {
		request.Repair = true
		return s.planned(id, sol.PlanSync, request)
	}
	op, d, err := s.Sync(s.ctx, id, request)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if op == "" {
		return s.show(d, func(w io.Writer) { printDrift(w, d) })
	}
	return s.begun(op, c.NoWait)
}

// printDrift prints a line for each VIM connection, then a line for each resource that differs, with its fields below it.
func printDrift(w io.Writer, d *sol.Drift) {
	for _, v := range d.Vims {
		said := fmt.Sprintf("%d of %d resources are there", v.Found, v.Recorded)
		switch {
		case v.Error != "":
			said = bad.Render(v.Error)
		case v.Suspect:
			said += bad.Render(" (suspect: a repair is to be confirmed)")
		}
		_, _ = fmt.Fprintln(w, bold.Render(v.VimConnectionId), said)
	}
	if d.OperationUnderWay != "" {
		_, _ = fmt.Fprintf(w, "operation %s is under way: some of what differs may be its work\n", d.OperationUnderWay)
	}
	if d.InSync {
		_, _ = fmt.Fprintln(w, good.Render("nothing differs from the records"))
		return
	}
	var rows [][]string
	for _, x := range d.Differences {
		about := x.Kept
		if x.Type == sol.DifferenceOrphaned {
			about = "generation " + strconv.Itoa(x.Generation)
		}
		rows = append(rows, []string{string(x.Type), x.Kind, x.Name, x.VimConnectionId, x.ResourceId, strings.Join(x.VnfcInfoIds, " "), about})
		for _, f := range x.Fields {
			rows = append(rows, []string{"", "", faint.Render(f.Attribute), "", fmt.Sprintf("%s, recorded: %s", text(f.Found), text(f.Recorded)), "", ""})
		}
	}
	table(w, []string{"DIFFERENCE", "KIND", "NAME", "VIM", "VIM ID", "VNFC", ""}, rows)
}

func text(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

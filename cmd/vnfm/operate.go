package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vnfm/vnfm/sol"
)

// begin is the flags of every command that begins an operation.
type begin struct {
	DryRun bool `help:"Show what would be done, and begin nothing."`
	NoWait bool `help:"Return when the operation has begun."`
}

// start begins an operation and shows it until it ends, or shows what it would do.
func start[R any](
	s *session, c begin, id string, operation sol.PlannedOperation, request R, begin func(ctx context.Context, id string, r R) (string, error),
) error {
	if c.DryRun {
		return s.planned(id, operation, request)
	}
	op, err := begin(s.ctx, id, request)
	if err != nil {
		return err
	}
	return s.begun(op, c.NoWait)
}

type vnfTerminate struct {
	Vnf      string   `arg:"" help:"Id or name."`
	Graceful graceful `help:"Stop the VNF before its resources are released; with a time, wait no longer than that." placeholder:"TIME"`
	begin
}

func (c *vnfTerminate) Run(s *session) error {
	request := sol.TerminateVnfRequest{TerminationType: sol.TerminateForceful, GracefulTerminationTimeout: c.Graceful.seconds()}
	if c.Graceful.set {
		request.TerminationType = sol.TerminateGraceful
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanTerminate, request, s.Terminate)
}

type vnfOperate struct {
	Vnf      string   `arg:"" help:"Id or name."`
	To       string   `required:"" enum:"STARTED,STOPPED" help:"State to bring it to: ${enum}." placeholder:"STATE"`
	Graceful graceful `help:"Let the guests stop by themselves; with a time, turn off after it what has not stopped." placeholder:"TIME"`
	Vnfc     []string `help:"Only this VNFC, by the id in its vnfcInfo, repeatable; default: all." placeholder:"ID"`
	Param    []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfOperate) Run(s *session) error {
	request := sol.OperateVnfRequest{
		VnfcInstanceId: c.Vnfc, ChangeStateTo: sol.OperationalStates(c.To), GracefulStopTimeout: c.Graceful.seconds(),
	}
	if c.Graceful.set {
		if request.ChangeStateTo != sol.Stopped {
			return usagef("--graceful is for --to %s", sol.Stopped)
		}
		request.StopType = sol.StopGraceful
	}
	var err error
	if request.AdditionalParams, err = pairs("param", c.Param); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanOperate, request, s.Operate)
}

type vnfHeal struct {
	Vnf   string   `arg:"" help:"Id or name."`
	Vnfc  []string `help:"Only this VNFC, by the id in its vnfcInfo, repeatable; default: the whole VNF." placeholder:"ID"`
	All   bool     `help:"Make volumes again, too. What is on them is lost."`
	Cause string   `help:"Why, for whoever reads of it later." placeholder:"TEXT"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	begin
}

func (c *vnfHeal) Run(s *session) error {
	request := sol.HealVnfRequest{VnfcInstanceId: c.Vnfc, Cause: c.Cause}
	var err error
	if request.AdditionalParams, err = pairs("param", c.Param); err != nil {
		return err
	}
	if c.All {
		if request.AdditionalParams == nil {
			request.AdditionalParams = sol.KeyValuePairs{}
		}
		request.AdditionalParams["all"] = json.RawMessage("true")
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanHeal, request, s.Heal)
}

// drifts returns what differs of VNFs from their records, by VNF, as the last comparisons found it; nothing where the caller may not ask.
func (s *session) drifts(filter string) map[string]*sol.VnfDrift {
	all, err := s.Summaries(s.ctx, filter)
	if err != nil {
		return nil
	}
	out := map[string]*sol.VnfDrift{}
	for i := range all {
		out[all[i].Id] = all[i].Drift
	}
	return out
}

// drifted tells in few words what differs of a VNF; "" of nothing.
func drifted(d *sol.VnfDrift) string {
	if d == nil {
		return ""
	}
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{{d.Missing, "missing"}, {d.Changed, "changed"}, {d.Orphaned, "orphaned"}, {d.Unsure, "unsure"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	if d.State == "SUSPECT" {
		parts = append(parts, "VIM suspect")
	}
	if d.RepairGivenUp {
		parts = append(parts, "repair given up")
	}
	return bad.Render(strings.Join(parts, ", "))
}

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
			rows = append(rows, []string{"", "", faint.Render(f.Attribute), "", fmt.Sprintf("%s, recorded: %s", orNone(f.Found), orNone(f.Recorded)), "", ""})
		}
	}
	table(w, []string{"DIFFERENCE", "KIND", "NAME", "VIM", "VIM ID", "VNFC", ""}, rows)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// scaling is the flags of the commands that scale a VNF.
type scaling struct {
	Vnf   string   `arg:"" help:"Id or name."`
	Vnfc  []string `help:"Remove this VNFC before others, by the id in its vnfcInfo, repeatable; default: the newest." placeholder:"ID"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE"`
}

// params is the parameters of the request, with the VNFCs to be removed among them.
func (c *scaling) params() (sol.KeyValuePairs, error) {
	params, err := pairs("param", c.Param)
	if err != nil || len(c.Vnfc) == 0 {
		return params, err
	}
	if params == nil {
		params = sol.KeyValuePairs{}
	}
	ids, err := json.Marshal(c.Vnfc)
	if err != nil {
		return nil, usagef("--vnfc %q: %v", c.Vnfc, err)
	}
	params["vnfcInstanceId"] = ids
	return params, nil
}

type vnfScale struct {
	scaling
	Out   string `xor:"way" required:"" help:"Scale this aspect out: add VNFCs." placeholder:"ASPECT"`
	In    string `xor:"way" required:"" help:"Scale this aspect in: remove VNFCs." placeholder:"ASPECT"`
	Steps int    `default:"1" help:"Number of steps."`
	begin
}

func (c *vnfScale) Run(s *session) error {
	request := sol.ScaleVnfRequest{Type: sol.ScaleOut, AspectId: c.Out}
	if c.In != "" {
		request.Type, request.AspectId = sol.ScaleIn, c.In
	}
	if c.Steps != 1 {
		request.NumberOfSteps = &c.Steps
	}
	var err error
	if request.AdditionalParams, err = c.params(); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanScale, request, s.Scale)
}

type vnfScaleTo struct {
	scaling
	Level  string         `xor:"target" required:"" help:"Instantiation level of the flavour." placeholder:"LEVEL"`
	Aspect map[string]int `xor:"target" required:"" help:"Scale level of an aspect, repeatable." placeholder:"ASPECT=LEVEL"`
	begin
}

func (c *vnfScaleTo) Run(s *session) error {
	request := sol.ScaleVnfToLevelRequest{InstantiationLevelId: c.Level}
	for _, aspect := range slices.Sorted(maps.Keys(c.Aspect)) {
		request.ScaleInfo = append(request.ScaleInfo, sol.ScaleInfo{AspectId: aspect, ScaleLevel: c.Aspect[aspect]})
	}
	var err error
	if request.AdditionalParams, err = c.params(); err != nil {
		return err
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanScaleToLevel, request, s.ScaleToLevel)
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/cmd/vnfm/show"
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

// startMany begins an operation on several VNFs, then shows each until it ends.
func startMany[R any](
	s *session, c begin, all []ref, operation sol.PlannedOperation, request R, begin func(ctx context.Context, id string, r R) (string, error),
) error {
	if len(all) == 1 || c.DryRun || c.NoWait {
		return each(s, all, ref.label, func(v ref) error { return start(s, c, v.id, operation, request, begin) })
	}
	type one struct{ id, name string }
	var begun []one
	first := each(s, all, ref.label, func(v ref) error {
		id, err := begin(s.ctx, v.id, request)
		if err == nil {
			begun = append(begun, one{id, v.label()})
		}
		return err
	})
	second := each(s, begun, func(o one) string { return o.name }, func(o one) error { return s.watch(o.id) })
	if first != nil {
		return first
	}
	return second
}

type vnfTerminate struct {
	vnfs
	Graceful graceful `help:"Stop the VNF before its resources are released, which is what happens without a flag; with a time, wait no longer than that." placeholder:"TIME" xor:"way"`
	Forceful bool     `help:"Release its resources at once." xor:"way"`
	sure
	fileRequest
	begin
}

// Help is examples.
func (*vnfTerminate) Help() string {
	return `Examples:
  vnfm vnf terminate fw1
  vnfm vnf terminate fw1 fw2 --forceful --yes
  vnfm vnf terminate fw1 --graceful=30s --dry-run
  vnfm vnf terminate --all --match "(cont,vnfInstanceName,test)" --yes`
}

func (c *vnfTerminate) Run(s *session) error {
	request := sol.TerminateVnfRequest{TerminationType: sol.TerminateGraceful}
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	if c.Graceful.set {
		request.TerminationType, request.GracefulTerminationTimeout = sol.TerminateGraceful, c.Graceful.seconds()
	}
	if c.Forceful {
		request.TerminationType = sol.TerminateForceful
	}
	all, err := c.chosen(s)
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := s.confirmAll(c.sure, c.All, "Terminate", "VNF", labels(all)); err != nil {
			return err
		}
	}
	return startMany(s, c.begin, all, sol.PlanTerminate, request, s.Terminate)
}

type vnfOperate struct {
	vnfs
	To       string   `enum:"STARTED,STOPPED," default:"" help:"State to bring it to: STARTED or STOPPED; needed without --file." placeholder:"STATE"`
	Graceful graceful `help:"Let the guests stop by themselves; with a time, turn off after it what has not stopped." placeholder:"TIME"`
	Vnfc     []string `help:"Only this VNFC, repeatable: its id as vnf show has it, that of its machine, or the beginning of one; or a VDU that has one VNFC. Default: all." placeholder:"ID"`
	Param    []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	fileRequest
	begin
}

// Help is examples.
func (*vnfOperate) Help() string {
	return `Examples:
  vnfm vnf operate fw1 --to STOPPED --graceful=60s
  vnfm vnf operate fw1 fw2 --to STARTED`
}

func (c *vnfOperate) Run(s *session) error {
	var request sol.OperateVnfRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	request.ChangeStateTo = cmp.Or(sol.OperationalStates(c.To), request.ChangeStateTo)
	if request.ChangeStateTo == "" {
		return usagef("--to says which state it is to have: STARTED or STOPPED")
	}
	if c.Graceful.set {
		if request.ChangeStateTo != sol.Stopped {
			return usagef("--graceful is for --to %s", sol.Stopped)
		}
		request.StopType, request.GracefulStopTimeout = sol.StopGraceful, c.Graceful.seconds()
	}
	if err := given(&request.AdditionalParams, c.Param); err != nil {
		return err
	}
	all, err := c.chosen(s)
	if err != nil {
		return err
	}
	if len(c.Vnfc) > 0 {
		if request.VnfcInstanceId, err = s.vnfcIDs(all, c.Vnfc); err != nil {
			return err
		}
	}
	return startMany(s, c.begin, all, sol.PlanOperate, request, s.Operate)
}

type vnfHeal struct {
	Vnf   []string `arg:"" help:"Ids or names." predictor:"vnf"`
	Vnfc  []string `help:"Only this VNFC, repeatable: its id as vnf show has it, that of its machine, or the beginning of one; or a VDU that has one VNFC. Default: the whole VNF." placeholder:"ID"`
	All   bool     `help:"Make volumes again, too. What is on them is lost."`
	Cause string   `help:"Why, for whoever reads of it later." placeholder:"TEXT"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE" secret:""`
	sure
	fileRequest
	begin
}

// Help is examples.
func (*vnfHeal) Help() string {
	return `Examples:
  vnfm vnf heal fw1 --dry-run
  vnfm vnf heal fw1 --vnfc 9f1c0d5e-6a55-5d0c-8f0e-2f1c6f1f7b11 --cause "does not answer"
  vnfm vnf heal fw1 fw2 --all --yes`
}

func (c *vnfHeal) Run(s *session) error {
	var request sol.HealVnfRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	request.Cause = cmp.Or(c.Cause, request.Cause)
	if err := given(&request.AdditionalParams, c.Param); err != nil {
		return err
	}
	if c.All {
		if request.AdditionalParams == nil {
			request.AdditionalParams = sol.KeyValuePairs{}
		}
		request.AdditionalParams["all"] = json.RawMessage("true")
	}
	all, err := (&vnfs{Vnf: c.Vnf}).chosen(s)
	if err != nil {
		return err
	}
	if len(c.Vnfc) > 0 {
		if request.VnfcInstanceId, err = s.vnfcIDs(all, c.Vnfc); err != nil {
			return err
		}
	}
	if c.All && !c.DryRun {
		if err := s.confirmAll(c.sure, false, "What is on the volumes is lost. Heal", "VNF", labels(all)); err != nil {
			return err
		}
	}
	return startMany(s, c.begin, all, sol.PlanHeal, request, s.Heal)
}

type vnfSync struct {
	Vnf     string `arg:"" help:"Id or name." predictor:"vnf"`
	Repair  bool   `help:"Make the VNF what its records say: what is missing is made again, what changed is changed back, what is orphaned is released."`
	Confirm bool   `help:"Repair even where a VIM shows much less than the records say: the rest is lost."`
	sure
	fileRequest
	begin
}

// Help is examples.
func (*vnfSync) Help() string {
	return `Examples:
  vnfm vnf sync fw1 --dry-run
  vnfm vnf sync fw1 --repair`
}

func (c *vnfSync) Run(s *session) error {
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	var request sol.SyncRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	request.Repair, request.Confirmed = request.Repair || c.Repair, request.Confirmed || c.Confirm
	if c.DryRun {
		request.Repair = true
		return s.planned(id, sol.PlanSync, request)
	}
	if request.Repair && request.Confirmed {
		if err := s.confirm(c.sure, "What the VIM does not show is lost. Repair VNF "+c.Vnf+"?"); err != nil {
			return err
		}
	}
	op, d, err := s.Sync(s.ctx, id, request)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	if op == "" {
		return s.show(d, func(w io.Writer) { show.Drift(w, d) })
	}
	return s.begun(op, c.NoWait)
}

// scaling is the flags of the commands that scale a VNF.
type scaling struct {
	Vnf   string   `arg:"" help:"Id or name." predictor:"vnf"`
	Vnfc  []string `help:"Remove this VNFC before others, repeatable: its id as vnf show has it, that of its machine, or the beginning of one. Default: the newest." placeholder:"ID"`
	Param []string `sep:"none" help:"Additional parameter, repeatable; the value is JSON or a string." placeholder:"KEY=VALUE"`
}

// add puts what the flags say into the parameters of a request about a VNF, with the VNFCs to be removed among them.
func (c *scaling) add(s *session, id string, to *sol.KeyValuePairs) error {
	if err := given(to, c.Param); err != nil || len(c.Vnfc) == 0 {
		return err
	}
	vnfcs, err := s.vnfcIDs([]ref{{id: id}}, c.Vnfc)
	if err != nil {
		return err
	}
	if *to == nil {
		*to = sol.KeyValuePairs{}
	}
	(*to)["vnfcInstanceId"] = encoded(vnfcs)
	return nil
}

// given puts the parameters of flags over those of a request.
func given(to *sol.KeyValuePairs, flags []string) error {
	params, err := pairs("param", flags)
	if err != nil || params == nil {
		return err
	}
	if *to == nil {
		*to = sol.KeyValuePairs{}
	}
	maps.Copy(*to, params)
	return nil
}

type vnfScale struct {
	scaling
	Out   string `xor:"way" help:"Scale this aspect out: add VNFCs." placeholder:"ASPECT"`
	In    string `xor:"way" help:"Scale this aspect in: remove VNFCs." placeholder:"ASPECT"`
	Steps int    `default:"1" help:"Number of steps."`
	fileRequest
	begin
}

// Help is examples.
func (*vnfScale) Help() string {
	return `Examples:
  vnfm vnf scale fw1 --out throughput --dry-run
  vnfm vnf scale fw1 --out throughput --steps 2
  vnfm vnf scale fw1 --in sessions`
}

func (c *vnfScale) Run(s *session) error {
	var request sol.ScaleVnfRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	switch {
	case c.Out != "":
		request.Type, request.AspectId = sol.ScaleOut, c.Out
	case c.In != "":
		request.Type, request.AspectId = sol.ScaleIn, c.In
	case c.File == "":
		return usagef("--out or --in says which aspect is scaled, and which way; vnfm package show tells the aspects")
	}
	if c.Steps != 1 {
		request.NumberOfSteps = &c.Steps
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	if err := c.add(s, id, &request.AdditionalParams); err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanScale, request, s.Scale)
}

type vnfScaleTo struct {
	scaling
	Level  string         `xor:"target" help:"Instantiation level of the flavour." placeholder:"LEVEL"`
	Aspect map[string]int `xor:"target" help:"Scale level of an aspect, repeatable." placeholder:"ASPECT=LEVEL"`
	fileRequest
	begin
}

// Help is examples.
func (*vnfScaleTo) Help() string {
	return `Examples:
  vnfm vnf scale-to fw1 --level busy
  vnfm vnf scale-to fw1 --aspect sessions=0 --aspect throughput=1`
}

func (c *vnfScaleTo) Run(s *session) error {
	var request sol.ScaleVnfToLevelRequest
	if _, err := c.into(s, &request); err != nil {
		return err
	}
	if c.Level == "" && len(c.Aspect) == 0 && c.File == "" {
		return usagef("--level or --aspect says what it is scaled to; vnfm package show tells levels and aspects")
	}
	request.InstantiationLevelId = cmp.Or(c.Level, request.InstantiationLevelId)
	for _, aspect := range slices.Sorted(maps.Keys(c.Aspect)) {
		request.ScaleInfo = append(request.ScaleInfo, sol.ScaleInfo{AspectId: aspect, ScaleLevel: c.Aspect[aspect]})
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	if err := c.add(s, id, &request.AdditionalParams); err != nil {
		return err
	}
	return start(s, c.begin, id, sol.PlanScaleToLevel, request, s.ScaleToLevel)
}

// planned shows what an operation would do.
func (s *session) planned(id string, operation sol.PlannedOperation, request any) error {
	p, err := s.Plan(s.ctx, id, operation, request)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.show(p, func(w io.Writer) { show.Plan(w, p) })
}

type vnfModify struct {
	Vnf         string   `arg:"" help:"Id or name." predictor:"vnf"`
	Name        *string  `help:"New name; empty removes it." placeholder:"NAME"`
	Description *string  `help:"New description; empty removes it." placeholder:"TEXT"`
	Vnfd        string   `help:"Package that differs in software images only: vnfdId, package id or product name." placeholder:"VNFD" predictor:"package"`
	Metadata    []string `sep:"none" help:"Metadata, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE"`
	Extension   []string `sep:"none" help:"Extension the VNFD declares, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE" secret:""`
	Property    []string `sep:"none" help:"Configurable property the VNFD declares, repeatable; the value is JSON or a string, null removes." placeholder:"KEY=VALUE" secret:""`
	Vim         string   `help:"vimConnectionInfo as JSON from this file, - for standard input: by connection id a merge patch over what the VNF has, null removes." placeholder:"FILE" predictor:"file"`
	fileRequest
	NoWait bool `help:"Return when the operation has begun."`
}

// Help is examples.
func (*vnfModify) Help() string {
	return `Examples:
  vnfm vnf modify fw1 --name edge-fw --metadata site=ulm
  vnfm vnf modify fw1 --property ntp=10.0.0.1 --extension tier=gold`
}

func (c *vnfModify) Run(s *session) error {
	var r sol.VnfInfoModificationRequest
	if _, err := c.into(s, &r); err != nil {
		return err
	}
	for _, text := range []struct {
		to   *json.RawMessage
		flag *string
	}{{&r.VnfInstanceName, c.Name}, {&r.VnfInstanceDescription, c.Description}} {
		if text.flag != nil {
			*text.to = textPatch(text.flag)
		}
	}
	for _, part := range []struct {
		flag string
		args []string
		to   *sol.KeyValuePairs
	}{{"metadata", c.Metadata, &r.Metadata}, {"extension", c.Extension, &r.Extensions}, {"property", c.Property, &r.VnfConfigurableProperties}} {
		values, err := pairs(part.flag, part.args)
		if err != nil {
			return err
		}
		if values != nil {
			*part.to = values
		}
	}
	if c.Vim != "" {
		b, err := os.ReadFile(c.Vim)
		if c.Vim == "-" {
			b, err = io.ReadAll(s.in)
		}
		if err != nil {
			return usagef("%v", err)
		}
		if json.Unmarshal(b, &r.VimConnectionInfo) != nil {
			return usagef("%s is no JSON object", c.Vim)
		}
	}
	if c.Vnfd != "" {
		id, err := s.vnfdID(c.Vnfd)
		if err != nil {
			return err
		}
		r.VnfdId = encoded(id)
	}
	if string(encoded(r)) == "{}" {
		return usagef("nothing is to be changed")
	}
	id, err := s.vnfID(c.Vnf)
	if err != nil {
		return err
	}
	op, err := s.ModifyVnf(s.ctx, id, r)
	if err != nil {
		return err //nolint:wrapcheck // of the client
	}
	return s.begun(op, c.NoWait)
}

// textPatch is a text of a merge patch: absent, removed or set.
func textPatch(v *string) json.RawMessage {
	switch {
	case v == nil:
		return nil
	case *v == "":
		return json.RawMessage("null")
	}
	return encoded(*v)
}

// pairs reads repeated KEY=VALUE flags.
func pairs(flag string, args []string) (sol.KeyValuePairs, error) {
	var out sol.KeyValuePairs
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, usagef("--%s %q is not KEY=VALUE", flag, arg)
		}
		if out == nil {
			out = sol.KeyValuePairs{}
		}
		out[key] = jsonOrString(value)
	}
	return out, nil
}

// ended shows an operation until it ends, and fails when it ends in a state that is not wanted.
func (s *session) ended(id string, noWait bool, want ...string) error {
	if noWait {
		return s.show(map[string]string{"vnfLcmOpOccId": id}, func(w io.Writer) {
			_, _ = fmt.Fprintf(w, "operation %s (vnfm op watch %s)\n", id, id)
		})
	}
	view := show.Watcher{Screen: s.Screen}
	lost := s.Lost
	s.Lost = view.Lost
	defer func() { s.Lost = lost }()
	p, err := s.WaitOp(s.ctx, id, s.poll, view.Look)
	if s.ctx.Err() != nil {
		return &interrupted{how: "no longer watching; the operation goes on: vnfm op watch " + id, cause: context.Cause(s.ctx)}
	}
	if err != nil {
		return fmt.Errorf("operation %s: %w", id, err)
	}
	if !s.Form.ForPeople() {
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

// begun reports an operation that has begun: its id at once, or how it ends.
func (s *session) begun(id string, noWait bool) error { return s.ended(id, noWait, "COMPLETED") }

// watch shows an operation until it ends; any end but COMPLETED is a failure.
func (s *session) watch(id string) error { return s.ended(id, false, "COMPLETED") }

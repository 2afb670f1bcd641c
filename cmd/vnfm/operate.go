package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

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

package main

import (
	"context"

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

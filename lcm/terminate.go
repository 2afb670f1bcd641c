package lcm

import (
	"context"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfd"
)

// The ways to terminate and to stop (SOL003 v3.7.1 §5.5.2.8 and §5.5.2.9).
const (
	graceful = "GRACEFUL"
	forceful = "FORCEFUL"
)

// Terminate implements API: the plan is from what the VNF has to nothing.
func (s *Service) Terminate(ctx context.Context, vnfID string, r Terminate, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.termination(&r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanTerminate implements API.
func (s *Service) PlanTerminate(ctx context.Context, vnfID string, r Terminate) (*Preview, error) {
	o, err := s.termination(&r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) termination(r *Terminate) (*wish, error) {
	switch {
	case r.Type != graceful && r.Type != forceful:
		return nil, vnfm.Errorf(vnfm.Invalid, "terminationType is %s or %s, not %q", forceful, graceful, r.Type).At("/terminationType")
	case r.Type == forceful && r.GracefulTimeout != 0:
		return nil, vnfm.Errorf(vnfm.Invalid, "gracefulTerminationTimeout goes with %s only", graceful).At("/gracefulTerminationTimeout")
	}
	if err := s.withinGrace(r.GracefulTimeout, "gracefulTerminationTimeout"); err != nil {
		return nil, err
	}
	return &wish{
		command: "lcm.terminate", operation: vnf.OpTerminate, params: r.Params, forceful: r.Type == forceful,
		plan: func(b *beginning) error { return s.planTerminate(b, r) },
	}, nil
}

func (s *Service) planTerminate(b *beginning, r *Terminate) error {
	about := b.about(vnf.OpTerminate)
	if err := b.check(about.ParamsSchema, r.AdditionalParams); err != nil {
		return err
	}
	have, err := holding(b.vnf, true)
	if err != nil {
		return err
	}
	b.data.Grant = nfvo.GrantRequest{AdditionalParams: b.seal(r.AdditionalParams, about.ParamsSchema)}
	var o plan.Options
	if r.Type == graceful {
		b.data.GraceMs = s.grace(r.GracefulTimeout, about).Milliseconds()
		if stop := powered(have[:len(b.vnf.Resources)], nil, vim.PowerOff); len(stop) > 0 { // what was left over is no part of the VNF
			o.Ways = []plan.Way{{Name: "stop", Resources: stop, Optional: true}}
		}
	}
	return b.want(have, &plan.Wanted{Name: nameOf(b.vnf)}, o)
}

// landTerminate makes the instance consist of nothing.
func landTerminate(_ *Service, _ *vnf.Instance, d *planData, _ *plan.Outcome) (vnf.InstanceCommand, error) {
	released := make([]string, len(d.Plan.Held))
	for i := range d.Plan.Held {
		released[i] = d.Plan.Held[i].Token().ID
	}
	return vnf.CompleteTerminate{OpID: d.OpID, Released: released}, nil
}

// powered returns the computes among resources that are to be turned on or off, in that form: those named, all when none is.
func powered(have []plan.Resource, ids map[string]bool, power vim.Power) []plan.Resource {
	var out []plan.Resource
	for _, r := range have {
		if r.Kind != vim.Compute || r.At == nil || r.At.ID == "" || len(ids) > 0 && !ids[r.ID] {
			continue
		}
		c := vim.ComputeSpec{}
		if r.Spec.Compute != nil {
			c = *r.Spec.Compute
		}
		if c.Power == power || c.Power == "" && power == vim.PowerOn { // the plan sees to what is not known to be so
			continue
		}
		c.Power = power
		r.Spec.Compute = &c
		out = append(out, r)
	}
	return out
}

// grace is how long guests may take to stop by themselves: as the request says, else the site, within what the descriptor allows.
func (s *Service) grace(seconds int, about vnfd.Operation) time.Duration {
	d := s.cfg.Settings.GracefulTimeout
	if seconds > 0 {
		d = time.Duration(seconds) * time.Second
	}
	if limit := time.Duration(about.MaxGracefulTimeout) * time.Second; limit > 0 && d > limit {
		d = limit
	}
	return d
}

// withinGrace refuses a time that is none, or longer than the site allows.
func (s *Service) withinGrace(seconds int, attribute string) error {
	limit := int64(s.cfg.Settings.GracefulLimit / time.Second)
	switch {
	case seconds < 0:
		return vnfm.Errorf(vnfm.Invalid, "a timeout is not negative").At("/" + attribute)
	case int64(seconds) > limit:
		return vnfm.Errorf(vnfm.Unprocessable, "%s is at most %d seconds here (operation-graceful-limit), not %d", attribute, limit, seconds).At("/" + attribute)
	}
	return nil
}

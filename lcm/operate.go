package lcm

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// The operational states of a VNF (SOL003 v3.7.1 §5.5.4.2).
const (
	started = "STARTED"
	stopped = "STOPPED"
)

// Operate implements API: the plan is from what the VNF has to the same with the power of its computes on or off.
func (s *Service) Operate(ctx context.Context, vnfID string, r Operate, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.operation(&r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanOperate implements API.
func (s *Service) PlanOperate(ctx context.Context, vnfID string, r Operate) (*Preview, error) {
	o, err := s.operation(&r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) operation(r *Operate) (*wish, error) {
	switch {
	case r.To != started && r.To != stopped:
		return nil, vnfm.Errorf(vnfm.Invalid, "changeStateTo is %s or %s, not %q", started, stopped, r.To).At("/changeStateTo")
	case r.To == started && r.StopType != "":
		return nil, vnfm.Errorf(vnfm.Invalid, "stopType goes with %s only", stopped).At("/stopType")
	case r.StopType != "" && r.StopType != graceful && r.StopType != forceful:
		return nil, vnfm.Errorf(vnfm.Invalid, "stopType is %s or %s, not %q", forceful, graceful, r.StopType).At("/stopType")
	case r.GracefulTimeout != 0 && r.StopType != graceful:
		return nil, vnfm.Errorf(vnfm.Invalid, "gracefulStopTimeout goes with %s only", graceful).At("/gracefulStopTimeout")
	}
	if err := s.withinGrace(r.GracefulTimeout, "gracefulStopTimeout"); err != nil {
		return nil, err
	}
	return &wish{
		command: "lcm.operate", operation: vnf.OpOperate, params: r.Params,
		plan: func(b *beginning) error { return s.planOperate(b, r) },
	}, nil
}

func (s *Service) planOperate(b *beginning, r *Operate) error {
	about := b.about(vnf.OpOperate)
	if err := b.check(about.ParamsSchema, r.AdditionalParams); err != nil {
		return err
	}
	if err := b.hasVnfcs(r.Vnfcs); err != nil {
		return err
	}
	ids := map[string]bool{}
	for _, id := range r.Vnfcs {
		ids[id] = true
	}
	if c := slices.IndexFunc(b.vnf.Info.Vnfcs, func(c vnf.Vnfc) bool { return c.UnitID != "" && (len(ids) == 0 || ids[c.ID]) }); c >= 0 && r.To == stopped {
		return vnfm.Errorf(vnfm.Conflict, "the VNF has containers (%s), and pods cannot be stopped: scale in, or terminate the VNF", b.vnf.Info.Vnfcs[c].VduID)
	}
	of, err := b.part(r.Vnfcs)
	if err != nil {
		return err
	}
	have, err := holding(of, false)
	if err != nil {
		return err
	}
	want, err := plan.Of(of, have)
	if err != nil {
		return err
	}
	power := map[string]vim.Power{started: vim.PowerOn, stopped: vim.PowerOff}[r.To]
	for _, to := range powered(have, ids, power) {
		want.Put(to)
	}
	b.data.VnfState = r.To
	if r.StopType == graceful {
		b.data.GraceMs = s.grace(r.GracefulTimeout, about).Milliseconds()
	}
	b.data.Grant = nfvo.GrantRequest{FlavourID: b.vnf.Info.FlavourID, AdditionalParams: b.seal(r.AdditionalParams, about.ParamsSchema)}
	b.data.Reversible = true
	b.policy = s.policy(vnf.OpOperate, b.flavour())
	if err := b.want(have, want, plan.Options{InPlace: b.inPlace}); err != nil {
		return err
	}
	b.warnOfReplacements("turn on or off")
	return nil
}

// warnOfReplacements tells of machines that are made anew since their VIM cannot do something to those that stand.
func (b *beginning) warnOfReplacements(cannot string) {
	at := map[string]int{}
	for _, s := range b.data.Plan.Steps() {
		if from := b.data.Plan.From(s); s.Action == plan.Create && s.Replaces && from != nil && from.Kind == vim.Compute {
			at[from.At.Connection]++
		}
	}
	for _, connection := range slices.Sorted(maps.Keys(at)) {
		b.data.Plan.Want.Warnings = append(b.data.Plan.Want.Warnings, fmt.Sprintf(
			"%d machines are made anew, as the VIM connection %s cannot %s what stands: what they hold in memory and on disks of their own is lost, and guests are not asked to stop",
			at[connection], connection, cannot))
	}
}

// landOperate puts the computes into the state that was asked for; the VNF is stopped when all of them are. Pods run as long as they are there.
func landOperate(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	changed, err := changedBy(d, o)
	if err != nil {
		return nil, err
	}
	about := map[string]bool{}
	for _, r := range o.Want().Resources {
		about[r.ID] = true
	}
	off, on := powers(o.Want().Resources)
	for i := range v.Resources { // those that the operation was not about
		if r := &v.Resources[i]; !about[r.ID] && vim.Kind(r.Kind) == vim.Compute {
			off, on = off || r.Off, on || !r.Off
		}
	}
	for _, c := range v.Info.Vnfcs {
		on = on || c.UnitID != ""
	}
	state := d.VnfState
	switch {
	case on:
		state = started
	case off || state == "":
		state = stopped
	}
	return vnf.CompleteOperate{Landed: vnf.InstanceOperated{OpID: d.OpID, VnfState: state, Changed: changed}}, nil
}

// powers reports whether there are computes among resources that are to be off, and such that are to be on.
func powers(resources []plan.Resource) (off, on bool) {
	for i := range resources {
		if c := resources[i].Spec.Compute; c != nil {
			off, on = off || c.Off(), on || !c.Off()
		}
	}
	return off, on
}

// changedBy is the records of the resources that a plan that landed has changed in place.
func changedBy(d *planData, o *plan.Outcome) ([]vnf.Resource, error) {
	resources, err := records(o)
	if err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for _, s := range d.Plan.Steps() {
		changed[s.ID] = true
	}
	return slices.DeleteFunc(resources, func(r vnf.Resource) bool { return !changed[r.ID] }), nil
}

package lcm

import (
	"context"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vnf"
)

// ChangeExtConn implements API: the plan gives the external connection points that are named other ports, or these other networks and
// addresses.
func (s *Service) ChangeExtConn(ctx context.Context, vnfID string, r ChangeExtConn, by request.Info) (*vnf.OpOcc, error) {
	o, err := s.connecting(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, vnfID, o, by)
}

// PlanChangeExtConn implements API.
func (s *Service) PlanChangeExtConn(ctx context.Context, vnfID string, r ChangeExtConn) (*Preview, error) {
	o, err := s.connecting(ctx, vnfID, &r)
	if err != nil {
		return nil, err
	}
	return s.preview(ctx, vnfID, o)
}

func (s *Service) connecting(ctx context.Context, vnfID string, r *ChangeExtConn) (*wish, error) {
	if len(r.ExtLinks) == 0 {
		return nil, vnfm.Errorf(vnfm.Invalid, "extVirtualLinks names at least one link to connect to").At("/extVirtualLinks")
	}
	if err := s.checkAddresses(r.ExtLinks); err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeExtConn, err)
	}
	own, usual, named, err := s.connect(ctx, vnfID, r.ExtLinks, nil, r.Connections)
	if err != nil {
		return nil, s.orEarlier(ctx, vnfID, vnf.OpChangeExtConn, err)
	}
	return &wish{
		command: "lcm.change-ext-conn", operation: vnf.OpChangeExtConn, params: r.Params, own: own, places: besides(usual, named),
		plan: func(b *beginning) error { return s.planChangeExtConn(b, r) },
	}, nil
}

// orEarlier is what keeps an instance from an operation, that there is none first of all, in place of what is wrong with the request:
// a client hears of the state of a resource before it hears of its words about it.
func (s *Service) orEarlier(ctx context.Context, vnfID string, op vnf.Operation, err error) error {
	v, missing := s.instance(ctx, vnfID)
	if missing != nil {
		return missing
	}
	if _, held := v.Process(vnf.BeginOperation{OpID: vnfID, Operation: op}); held != nil {
		return held
	}
	return err
}

func (s *Service) planChangeExtConn(b *beginning, r *ChangeExtConn) error {
	f := b.flavour()
	if f == nil {
		return vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", b.vnf.Info.FlavourID)
	}
	schema := f.Operations[string(vnf.OpChangeExtConn)].ParamsSchema
	if err := b.check(schema, r.AdditionalParams); err != nil {
		return err
	}
	of, err := plan.Part(b.vnf, plan.Reached(b.vnf, r.ExtLinks))
	if err != nil {
		return err
	}
	have, err := holding(of, false)
	if err != nil {
		return err
	}
	held, want, err := plan.Connect(&plan.Connecting{Op: b.data.OpID, Name: nameOf(b.vnf), Vnf: of, Flavour: f, Links: r.ExtLinks}, have)
	if err != nil {
		return err
	}
	b.data.Grant = nfvo.GrantRequest{DefaultConnection: usual(b.vnf), AdditionalParams: b.seal(r.AdditionalParams, schema)}
	b.data.Reversible = true
	b.policy = s.policy(vnf.OpChangeExtConn, f)
	err = b.want(held, want, plan.Options{
		InPlace: b.inPlace, Rules: func(again map[string]bool) []plan.Rule { return plan.Rules(b.vnf, f, want, again) },
	})
	if err != nil {
		return err
	}
	b.warnOfReplacements("attach ports to, or detach them from,")
	return nil
}

// landConnect puts the connection points where they are now.
func landConnect(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	parts, err := partsOf(d, o)
	if err != nil {
		return nil, err
	}
	return vnf.CompleteConnect{Landed: vnf.InstanceConnected{
		OpID: d.OpID, Connectivity: *o.Connectivity(v, nil), Resources: parts.made, Changed: parts.changed, Released: parts.released,
		Connections: connections(v, parts.standing(), o.Grant()),
	}}, nil
}

// parts is what a plan that landed has made of the resources of an instance.
type parts struct {
	made, changed []vnf.Resource
	released      []string // planned resource ids
}

// standing is what was made, and what was made again or changed.
func (p *parts) standing() []vnf.Resource {
	return append(append([]vnf.Resource{}, p.made...), p.changed...)
}

// partsOf tells what was made, changed and released.
func partsOf(d *planData, o *plan.Outcome) (*parts, error) {
	all, err := records(o)
	if err != nil {
		return nil, err
	}
	out, touched, left := &parts{}, map[string]bool{}, map[string]bool{}
	for _, s := range d.Plan.Steps() {
		touched[s.ID] = true
	}
	for _, r := range all {
		left[r.ID] = true
		switch _, held := d.Plan.Has(r.ID); {
		case !held:
			out.made = append(out.made, r)
		case touched[r.ID]:
			out.changed = append(out.changed, r)
		}
	}
	for _, r := range d.Plan.Held {
		if !left[r.ID] {
			out.released = append(out.released, r.ID)
		}
	}
	return out, nil
}

// connectedSoFar is how far an operation that was given up got with the external connection points of VNFCs: those count whose machine
// has its new ports, and those whose ports have all changed where no machine had to. nil when the operation is about nothing of these.
func connectedSoFar(in *saga.Instance, v *vnf.Instance, d *planData, o *plan.Outcome) *vnf.Connectivity {
	if d.Operation != vnf.OpChangeExtConn || v.Info == nil {
		return nil
	}
	state := map[string]bool{} // done, by resource
	for i := range d.Plan.Stages {
		st := &d.Plan.Stages[i]
		for _, s := range o.Steps(st) {
			if s.Action == plan.Release {
				continue
			}
			run := in.Item(stepOf(st, s), itemOf(s))
			state[s.ID] = run != nil && run.State == saga.ItemDone
		}
	}
	return o.Connectivity(v, func(vnfc string) bool {
		if done, has := state[vnfc]; has {
			return done
		}
		any, all := false, true
		for _, port := range o.Ports(vnfc) {
			if done, has := state[port]; has {
				any, all = true, all && done
			}
		}
		return any && all
	})
}

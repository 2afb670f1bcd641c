package lcm

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// paramAll is the member of additionalParams that asks for new volumes, too. It is the VNFM's own; the schema of the VNFD does not
// have to know it.
const paramAll = "all"

// Heal implements API: the plan replaces the computes, and what of the rest is gone, by a look at the VIMs.
func (s *Service) Heal(ctx context.Context, vnfID string, r Heal, by request.Info) (*vnf.OpOcc, error) {
	return s.begin(ctx, vnfID, s.healing(&r), by)
}

// PlanHeal implements API.
func (s *Service) PlanHeal(ctx context.Context, vnfID string, r Heal) (*Preview, error) {
	return s.preview(ctx, vnfID, s.healing(&r))
}

func (s *Service) healing(r *Heal) *wish {
	return &wish{
		command: "lcm.heal", operation: vnf.OpHeal, params: r.Params, looks: true,
		plan: func(b *beginning) error { return s.planHeal(b, r) },
	}
}

// missing asks the VIMs what they do not have of an instance's resources. What its VIM connection does not say, nobody knows: then
// nothing is begun.
func (s *Service) missing(ctx context.Context, v *vnf.Instance) (map[vim.Token]bool, error) {
	out := map[vim.Token]bool{}
	if s.cfg.Inventory == nil {
		return out, nil
	}
	at := map[string]map[vim.Token]vim.Kind{}
	for i := range v.Resources {
		r := &v.Resources[i]
		if at[r.Connection] == nil {
			at[r.Connection] = map[vim.Token]vim.Kind{}
		}
		at[r.Connection][vim.Token{ID: r.ID, Generation: r.Generation}] = vim.Kind(r.Kind)
	}
	for _, connection := range slices.Sorted(maps.Keys(at)) {
		missing, err := s.cfg.Inventory.Missing(ctx, v.ID, connection, at[connection])
		if err != nil {
			return nil, err
		}
		for _, t := range missing {
			out[t] = true
		}
	}
	return out, nil
}

// allOf takes the wish for new volumes out of a request's parameters.
func allOf(params json.RawMessage) (rest json.RawMessage, all bool, err error) {
	rest, err = takenOut(params, paramAll, &all, "true or false: whether volumes are made again, too, without what is on them")
	return rest, all, err
}

func (s *Service) planHeal(b *beginning, r *Heal) error {
	f := b.flavour()
	if f == nil {
		return vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", b.vnf.Info.FlavourID)
	}
	params, all, err := allOf(r.AdditionalParams)
	if err != nil {
		return err
	}
	schema := f.Operations[string(vnf.OpHeal)].ParamsSchema
	if err := b.check(schema, params); err != nil {
		return err
	}
	if err := b.hasVnfcs(r.Vnfcs); err != nil {
		return err
	}
	have, err := holding(b.vnf, false)
	if err != nil {
		return err
	}
	want, undoable, err := plan.Heal(&plan.Healing{Vnf: b.vnf, Flavour: f, Vnfcs: r.Vnfcs, All: all, Missing: b.missing}, have)
	if err != nil {
		return err
	}
	b.data.Grant = nfvo.GrantRequest{
		FlavourID: f.ID, DefaultConnection: usual(b.vnf), AdditionalParams: b.seal(r.AdditionalParams, schema),
	}
	if b.data.Cause, b.data.Reversible = r.Cause, undoable; undoable {
		b.policy = s.policy(vnf.OpHeal, f)
	}
	return b.want(have, want, plan.Options{InPlace: b.inPlace})
}

// landHeal puts what was made again in place of what it was.
func landHeal(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	parts, err := partsOf(d, o)
	if err != nil {
		return nil, err
	}
	return vnf.CompleteHeal{Landed: vnf.InstanceHealed{
		OpID: d.OpID, Cause: d.Cause, Changed: parts.changed, Resources: parts.made, Released: parts.released,
		Connections: connections(v, parts.standing(), o.Grant()),
	}}, nil
}

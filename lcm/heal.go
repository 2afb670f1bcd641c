package lcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm/drift"
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
		command: "lcm.heal", operation: vnf.OpHeal, params: r.Params, looks: true, at: r.Vnfcs,
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

// allOf reads the wish for new volumes in a request's parameters.
func allOf(params json.RawMessage) (all bool, err error) {
	err = own(params, paramAll, &all, "true or false: whether volumes are made again, too, without what is on them")
	return all, err
}

func (s *Service) planHeal(b *beginning, r *Heal) error {
	f := b.flavour()
	if f == nil {
		return vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", b.vnf.Info.FlavourID)
	}
	all, err := allOf(r.AdditionalParams)
	if err != nil {
		return err
	}
	schema := f.Operations[string(vnf.OpHeal)].ParamsSchema
	if err := b.check(schema, r.AdditionalParams, paramAll); err != nil {
		return err
	}
	if err := b.hasVnfcs(r.Vnfcs); err != nil {
		return err
	}
	about, err := b.part(r.Vnfcs)
	if err != nil {
		return err
	}
	have, err := holding(about, false)
	if err != nil {
		return err
	}
	want, undoable, err := plan.Heal(&plan.Healing{Vnf: about, Whole: b.vnf, Flavour: f, Vnfcs: r.Vnfcs, All: all, Missing: b.missing}, have)
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

// part is what an operation on some VNFCs has to look at; of none named, the whole VNF.
func (b *beginning) part(vnfcs []string) (*vnf.Instance, error) {
	if len(vnfcs) == 0 {
		return b.vnf, nil
	}
	return plan.Part(b.vnf, vnfcs)
}

// landHeal puts what was made again in place of what it was.
func landHeal(_ *Service, v *vnf.Instance, d *planData, o *plan.Outcome) (vnf.InstanceCommand, error) {
	parts, err := partsOf(d, o)
	if err != nil {
		return nil, err
	}
	return vnf.CompleteHeal{Landed: vnf.InstanceHealed{
		OpID: d.OpID, Cause: d.Cause, Changed: parts.changed, Resources: parts.made, Released: parts.released,
		Connections: connections(v, parts.standing(), o.Grant()), Synced: d.Syncs,
	}}, nil
}

// causeSync is the cause of the HEAL that a repair is shown as.
const causeSync = "sync: what differs from the records is repaired"

// errInSync says that there is nothing to repair.
var errInSync = errors.New("nothing that can be repaired differs from the records")

// Drift implements API.
func (s *Service) Drift(ctx context.Context, vnfID string) (*Drift, error) {
	v, err := s.instance(ctx, vnfID)
	if err != nil {
		return nil, err
	}
	f, err := s.compare(ctx, v)
	if err != nil {
		return nil, err
	}
	return &f.Report, nil
}

// compare looks at the VIMs that an instance uses, and compares.
func (s *Service) compare(ctx context.Context, v *vnf.Instance) (*drift.Found, error) {
	if s.cfg.Inventory == nil {
		return nil, vnfm.Errorf(vnfm.Unavailable, "the VIMs cannot be looked at here")
	}
	at := drift.Wanted(v)
	var seen []drift.Seen
	for _, connection := range slices.Sorted(maps.Keys(at)) {
		look, err := s.cfg.Inventory.Look(ctx, v.ID, connection, at[connection])
		seen = append(seen, drift.Seen{Connection: connection, Look: look, Err: err})
	}
	return drift.Compare(v, seen, s.inPlace(ctx, v), s.cfg.Settings.Suspect)
}

// Sync implements API: one look at the VIMs is compared, planned and answered.
func (s *Service) Sync(ctx context.Context, vnfID string, r Sync, by request.Info) (*Drift, *vnf.OpOcc, error) {
	if !r.Repair {
		d, err := s.Drift(ctx, vnfID)
		return d, nil, err
	}
	var seen *drift.Found
	op, err := s.begin(ctx, vnfID, s.syncing(&r, func(l *drift.Found) { seen = l }), by)
	switch {
	case errors.Is(err, errInSync):
		seen.Report.Operation = "" // what was to hold it did not begin
		return &seen.Report, nil, nil
	case err != nil:
		return nil, nil, err
	}
	return nil, op, nil
}

// RepairDrift begins to repair what differs of a VNF by itself: nobody asked. confirmed says that a VIM which shows much less than the
// records say is to be believed. It returns the id of the operation occurrence, "" when there was nothing to repair; errors are those of Sync.
func (s *Service) RepairDrift(ctx context.Context, vnfID string, confirmed bool) (string, error) {
	_, op, err := s.Sync(ctx, vnfID, Sync{Repair: true, Confirmed: confirmed}, request.Info{Actor: reconciler, Automatic: true})
	if err != nil || op == nil {
		return "", err
	}
	return op.ID, nil
}

// reconciler is the actor of what the program does by itself about what differs.
const reconciler = "vnfm"

// NoteDrift takes note of what a comparison with a VIM has found, and reports whether it was news. Returns NotFound.
func (s *Service) NoteDrift(ctx context.Context, vnfID string, n vnf.NoteDrift) (noted bool, err error) {
	err = s.do(ctx, &eventstore.Work{
		Keys: []string{vnfID},
		Load: func() eventstore.Load { return s.cfg.Instances.Load(vnfID) },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			x := &change{s: s, l: l, c: &eventstore.Commit{}, meta: eventstore.Metadata{Command: "lcm.note-drift", Actor: reconciler}}
			v, err := x.instance(vnfID)
			if err != nil {
				return nil, err
			}
			before := v.Version
			if err := x.onInstance(v, vnfID, n); err != nil {
				return nil, err
			}
			if noted = v.Version > before; !noted {
				return nil, nil
			}
			return x.c, nil
		},
	})
	return noted, err
}

// PlanSync implements API. A plan without steps says that there is nothing to repair.
func (s *Service) PlanSync(ctx context.Context, vnfID string, r Sync) (*Preview, error) {
	return s.preview(ctx, vnfID, s.syncing(&r, nil))
}

// syncing is the repair of what differs; saw is told what the VIMs showed, and has nothing planned when nothing differs.
func (s *Service) syncing(r *Sync, saw func(*drift.Found)) *wish {
	return &wish{
		command: "lcm.sync", operation: vnf.OpHeal, params: paramsOfSync(r), compares: true,
		plan: func(b *beginning) error {
			if saw != nil {
				saw(b.look)
			}
			return s.planSync(b, r, saw != nil)
		},
	}
}

// paramsOfSync are the operationParams of a repair, in the form of those of the HEAL that it is shown as (HealVnfRequest).
func paramsOfSync(r *Sync) json.RawMessage {
	params := map[string]any{"sync": true}
	if r.Confirmed {
		params["confirmed"] = true
	}
	return encode(map[string]any{"cause": causeSync, "additionalParams": params})
}

func (s *Service) planSync(b *beginning, r *Sync, begins bool) error {
	f := b.flavour()
	if f == nil {
		return vnfm.Errorf(vnfm.Conflict, "the VNFD has no deployment flavour %q any more", b.vnf.Info.FlavourID)
	}
	if err := believed(b.look, r.Confirmed, s.cfg.Settings.Suspect); err != nil {
		return err
	}
	have, err := holding(b.vnf, false)
	if err != nil {
		return err
	}
	x, err := plan.Sync(&plan.Syncing{
		Vnf: b.vnf, Flavour: f, Missing: b.look.Missing, Drift: b.look.Changed, InPlace: b.inPlace, Strays: b.look.Strays,
	}, have)
	if err != nil {
		return err
	}
	for _, d := range b.look.Report.Differences {
		if d.Kept != "" {
			x.Want.Warnings = append(x.Want.Warnings, fmt.Sprintf("the %s %s stays as it is: %s", d.Kind, d.Name, d.Kept))
		}
	}
	b.data.Grant, b.data.Syncs = nfvo.GrantRequest{FlavourID: f.ID, DefaultConnection: usual(b.vnf)}, true
	if b.data.Cause, b.data.Reversible = causeSync, x.Undoable; x.Undoable {
		b.policy = s.policy(vnf.OpHeal, f)
	}
	err = b.want(x.Have, x.Want, plan.Options{InPlace: b.inPlace, Rules: func(again map[string]bool) []plan.Rule {
		return plan.Rules(b.vnf, f, x.Want, again)
	}})
	if err == nil && begins && len(b.data.Plan.Steps()) == 0 {
		return errInSync
	}
	return err
}

// believed refuses to repair by what a VIM shows that cannot be looked at, and, unless it is confirmed, by one that shows much less
// than the records say: its failure would look like the loss of everything.
func believed(f *drift.Found, confirmed bool, percent int) error {
	for _, at := range f.Report.Looks {
		if at.Err != nil {
			return at.Err
		}
		if at.Suspect && !confirmed {
			return vnfm.Errorf(vnfm.Conflict,
				"the VIM connection %s shows %d of the VNF's %d resources there, more than %d %% are missing: that may be the VIM's own failure, so nothing was begun. "+
					"If they are lost, confirm it (confirmed: true; vnfm vnf sync --repair --confirm); the limit is the setting operation-sync-suspect",
				at.Connection, at.Found, at.Recorded, percent)
		}
	}
	return nil
}

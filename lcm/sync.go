package lcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vnf"
)

// causeSync is the cause of the HEAL that a repair is shown as.
const causeSync = "sync: what differs from the records is repaired"

// errInSync says that there is nothing to repair.
var errInSync = errors.New("nothing that can be repaired differs from the records")

// Sync implements API: one look at the VIMs is compared, planned and answered.
func (s *Service) Sync(ctx context.Context, vnfID string, r Sync, by request.Info) (*Drift, *vnf.OpOcc, error) {
	if !r.Repair {
		d, err := s.Drift(ctx, vnfID)
		return d, nil, err
	}
	var seen *look
	op, err := s.begin(ctx, vnfID, s.syncing(&r, func(l *look) { seen = l }), by)
	switch {
	case errors.Is(err, errInSync):
		seen.drift.Operation = "" // what was to hold it did not begin
		return &seen.drift, nil, nil
	case err != nil:
		return nil, nil, err
	}
	return nil, op, nil
}

// PlanSync implements API. A plan without steps says that there is nothing to repair.
func (s *Service) PlanSync(ctx context.Context, vnfID string, r Sync) (*Preview, error) {
	return s.preview(ctx, vnfID, s.syncing(&r, nil))
}

// syncing is the repair of what differs; saw is told what the VIMs showed, and has nothing planned when nothing differs.
func (s *Service) syncing(r *Sync, saw func(*look)) *wish {
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
	if err := b.look.believed(r.Confirmed, s.cfg.Settings.Suspect); err != nil {
		return err
	}
	have, err := holding(b.vnf, false)
	if err != nil {
		return err
	}
	x, err := plan.Sync(&plan.Syncing{
		Vnf: b.vnf, Flavour: f, Missing: b.look.missing, Drift: b.look.changed, Strays: b.look.strays,
	}, have)
	if err != nil {
		return err
	}
	for _, d := range b.look.drift.Differences {
		if d.Kept != "" {
			x.Want.Warnings = append(x.Want.Warnings, fmt.Sprintf("the %s %s stays as it is: %s", d.Kind, d.Name, d.Kept))
		}
	}
	b.data.Grant = nfvo.GrantRequest{FlavourID: f.ID, DefaultConnection: usual(b.vnf)}
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
func (l *look) believed(confirmed bool, percent int) error {
	for _, at := range l.drift.Looks {
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

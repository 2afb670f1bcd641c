package own

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// drift serves what differs of a VNF from its records: /vnfm/v1/vnf_instances/{id}/drift.
func (a *API) drift(c *rest.Call) (*rest.Answer, error) {
	d, err := a.LCM.Drift(c.Ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(DriftOf(d)), nil
}

// sync serves the same and, by wish, its repair: /vnfm/v1/vnf_instances/{id}/sync. The answer is 202 with the operation occurrence
// where one begins; else 200 with what differs.
func (a *API) sync(c *rest.Call) (*rest.Answer, error) {
	var body sol.SyncRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	var seen *lcm.Drift
	return rest.Effect(c, func(by request.Info) (op *vnf.OpOcc, err error) {
		by.Automatic = by.Automatic || body.IsAutomaticInvocation
		seen, op, err = a.LCM.Sync(c.Ctx, c.ID, syncCommand(body), by)
		return op, err
	}, func(op *vnf.OpOcc) *rest.Answer {
		if op == nil {
			return rest.Respond(http.StatusOK).JSON(DriftOf(seen)).Idle()
		}
		return rest.Respond(http.StatusAccepted).Location(vnflcm.OpOccURI(c.Base, op.ID))
	})
}

func syncCommand(body sol.SyncRequest) lcm.Sync {
	return lcm.Sync{Repair: body.Repair, Confirmed: body.Confirmed}
}

// SyncCommand reads a SyncRequest. What is wrong with it is Invalid, and names the attribute.
func SyncCommand(raw []byte) (*lcm.Sync, error) {
	var body sol.SyncRequest
	if err := decode.Into(raw, &body); err != nil {
		return nil, err
	}
	command := syncCommand(body)
	return &command, nil
}

// DriftOf shows what differs.
func DriftOf(d *lcm.Drift) *sol.Drift {
	out := &sol.Drift{
		VnfInstanceId: d.VnfID, OperationUnderWay: d.Operation, InSync: len(d.Differences) == 0, Differences: []sol.DriftedResource{}, Vims: []sol.VimLook{},
	}
	for _, x := range d.Differences {
		one := sol.DriftedResource{
			Type: sol.DifferenceType(x.Type), Id: x.ID, Generation: x.Generation, Kind: string(x.Kind), Name: x.Name, ResourceTemplateId: x.Template,
			VnfcInfoIds: x.Vnfcs, VimConnectionId: x.Connection, ResourceId: x.VimID, Kept: x.Kept,
		}
		if x.Kind == vim.Compute || x.Kind == vim.Unit {
			one.VduId = x.Template
		}
		for _, f := range x.Fields {
			one.Fields = append(one.Fields, sol.DifferingField{Attribute: string(f.Attribute), Recorded: f.Recorded, Found: f.Found, By: f.By})
		}
		out.Differences = append(out.Differences, one)
	}
	for _, l := range d.Looks {
		one := sol.VimLook{VimConnectionId: l.Connection, Recorded: l.Recorded, Found: l.Found, Suspect: l.Suspect}
		if l.Err != nil {
			out.InSync, one.Error = false, textOf(l.Err)
		}
		out.Vims = append(out.Vims, one)
	}
	return out
}

// textOf is what a caller may know of an error.
func textOf(err error) string {
	var known *vnfm.Error
	if errors.As(err, &known) {
		return known.Detail
	}
	return "the VIM could not be looked at"
}

// planSync plans a repair. Its plan says SYNC, though the operation is shown as HEAL.
func (a *API) planSync(c *rest.Call, request json.RawMessage) (*lcm.Preview, error) {
	p, err := planned(c, request, SyncCommand, a.LCM.PlanSync)
	if err != nil {
		return nil, err
	}
	p.Operation = vnf.Operation(sol.PlanSync)
	return p, nil
}

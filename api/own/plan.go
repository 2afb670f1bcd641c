package own

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/lcm/plan"
	"github.com/vnfm/vnfm/nfvo/restclient"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim"
)

// inRequest is where a plan's body has the body of its operation.
const inRequest = "/request"

// plan serves the dry run of an operation: /vnfm/v1/vnf_instances/{id}/plan. It refuses what the operation would refuse, and
// has no effect, so that an Idempotency-Key has nothing to keep.
func (a *API) plan(c *rest.Call) (*rest.Answer, error) {
	var body sol.PlanRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	preview, err := a.preview(c, body.Operation, body.Request)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(PlanOf(preview, c.ID, c.Base)), nil
}

// preview plans an operation by its own request.
func (a *API) preview(c *rest.Call, operation sol.PlannedOperation, request json.RawMessage) (*lcm.Preview, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(request, &members) != nil {
		return nil, decode.Wrong(inRequest, "must be an object")
	}
	switch operation {
	case sol.PlanInstantiate:
		return planned(c, request, vnflcm.InstantiateCommand, a.LCM.PlanInstantiate)
	case sol.PlanTerminate:
		return planned(c, request, vnflcm.TerminateCommand, a.LCM.PlanTerminate)
	case sol.PlanOperate:
		return planned(c, request, vnflcm.OperateCommand, a.LCM.PlanOperate)
	case sol.PlanScale:
		return planned(c, request, vnflcm.ScaleCommand, a.LCM.PlanScale)
	case sol.PlanScaleToLevel:
		return planned(c, request, vnflcm.ScaleToLevelCommand, a.LCM.PlanScaleToLevel)
	case sol.PlanHeal:
		return planned(c, request, vnflcm.HealCommand, a.LCM.PlanHeal)
	case sol.PlanSync:
		return a.planSync(c, request)
	case sol.PlanChangeExtConn:
		return planned(c, request, vnflcm.ChangeExtConnCommand, a.LCM.PlanChangeExtConn)
	case sol.PlanChangeFlavour:
		return planned(c, request, vnflcm.ChangeFlavourCommand, a.LCM.PlanChangeFlavour)
	case sol.PlanChangeVnfPkg:
		return planned(c, request, vnflcm.ChangeVnfPkgCommand, a.LCM.PlanChangeVnfPkg)
	case sol.PlanCreateSnapshot:
		return planned(c, request, vnflcm.CreateSnapshotCommand, a.LCM.PlanCreateSnapshot)
	case sol.PlanRevertToSnapshot:
		return planned(c, request, vnflcm.RevertToSnapshotCommand, a.LCM.PlanRevertToSnapshot)
	}
	return nil, vnfm.Errorf(vnfm.Internal, "no one plans %s", operation)
}

// planned reads the command as the operation's own task does, and plans it. What is wrong is told as there, below inRequest.
func planned[T any](
	c *rest.Call, request json.RawMessage, read func(raw []byte) (*T, error), plan func(context.Context, string, T) (*lcm.Preview, error),
) (*lcm.Preview, error) {
	command, err := read(request)
	if err != nil {
		return nil, below(err)
	}
	preview, err := plan(c.Ctx, c.ID, *command)
	if err != nil {
		return nil, below(err)
	}
	return preview, nil
}

// below returns an error about an attribute of the operation's request as one about the body that has it.
func below(err error) error {
	var known *vnfm.Error
	if !errors.As(err, &known) || known.Attribute == "" {
		return err
	}
	out := known.At(inRequest + known.Attribute)
	if strings.HasPrefix(out.Detail, known.Attribute[1:]+" ") { // it begins with the attribute's name
		out.Detail = out.Attribute[1:] + out.Detail[len(known.Attribute)-1:]
	}
	out.Err = err
	return out
}

// PlanOf shows what an operation would do. The two halves of a replacement are one step, where the first of them is.
func PlanOf(p *lcm.Preview, vnfID, base string) *sol.Plan {
	out := &sol.Plan{
		VnfInstanceId: vnfID, Operation: sol.PlannedOperation(p.Operation), Steps: []sol.PlanStep{}, Policy: string(p.Policy),
		Reversible: p.Reversible, GrantRequest: restclient.Request(&p.Grant, base), Warnings: []string{},
	}
	out.Warnings = append(out.Warnings, p.Warnings...)
	out.GrantRequest.AdditionalParams = maskedParams(out.GrantRequest.AdditionalParams)
	replaced := map[string]int{}
	for _, s := range p.Steps {
		step := planStep(s)
		if s.Replaces {
			if first, ok := replaced[s.ID]; ok {
				if s.Stage != out.Steps[first].Stage {
					out.Steps[first].NextStage = s.Stage
				}
				continue
			}
			replaced[s.ID], step.Action = len(out.Steps), sol.ActionReplace
		}
		switch step.Action {
		case sol.ActionCreate:
			out.Counts.Create++
		case sol.ActionChange:
			out.Counts.Change++
		case sol.ActionReplace:
			out.Counts.Replace++
		case sol.ActionRelease:
			out.Counts.Release++
		case sol.ActionConfigure, sol.ActionCoordinate: // of no resource
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

func planStep(s lcm.PreviewStep) sol.PlanStep {
	out := sol.PlanStep{
		Stage: s.Stage, Action: sol.PlanAction(s.Action), Id: s.ID, Kind: s.Kind, Name: s.Name, ResourceTemplateId: s.Template,
		VimConnectionId: s.Connection, Optional: s.Optional,
	}
	if s.Kind == "coordination" {
		out.Action = sol.ActionCoordinate
	}
	switch vim.Kind(s.Kind) {
	case vim.Compute, vim.Unit:
		out.VduId = s.Template
	case vim.Configuration:
		if s.Action == plan.Create {
			out.Action = sol.ActionConfigure
		}
	default:
	}
	for _, why := range s.Why {
		out.Why = append(out.Why, string(why))
	}
	return out
}

package own

import (
	"fmt"
	"net/http"

	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

func (a *API) cleanup(c *rest.Call) (*rest.Answer, error) {
	return rest.Effect(c, func(by request.Info) (string, error) {
		return a.LCM.Cleanup(c.Ctx, c.ID, by)
	}, func(id string) *rest.Answer {
		return rest.Respond(http.StatusAccepted).JSON(sol.Cleanup{SagaId: id}).Location(c.Base + "/vnfm/v1/sagas/" + id)
	})
}

func (a *API) progress(c *rest.Call) (*rest.Answer, error) {
	var op vnf.OpOcc
	v, err := c.View(readmodel.KindOpOcc, c.ID, vnflcm.OpOccWord, &op)
	if err != nil {
		return nil, err
	}
	now, err := c.Server.Views.Now(c.Ctx)
	if err != nil {
		return nil, fmt.Errorf("read the store's clock: %w", err)
	}
	out := vnflcm.OpProgress(&op)
	out.Now = now
	return rest.Respond(http.StatusOK).JSON(out).ETag(v.Revision), nil
}

// leftovers lists what failed operations of a VNF left at VIMs.
func (a *API) leftovers(c *rest.Call) (*rest.Answer, error) {
	var v vnf.Instance
	if _, err := c.View(readmodel.KindVnf, c.ID, vnflcm.VnfWord, &v); err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(LeftoversOf(&v)), nil
}

func LeftoversOf(v *vnf.Instance) []sol.Leftover {
	out := []sol.Leftover{}
	for _, r := range v.Leftovers {
		out = append(out, sol.Leftover{
			Id: r.ID, Generation: r.Generation, Kind: r.Kind, Name: r.Name, VimConnectionId: r.Connection, ResourceId: r.VimID,
		})
	}
	return out
}

// resolve serves an operator's decision about one stuck item: /vnfm/v1/vnf_lcm_op_occs/{id}/resolve.
func (a *API) resolve(c *rest.Call) (*rest.Answer, error) {
	var body sol.ResolveRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Resolve(c.Ctx, c.ID, saga.Action{
			Kind: saga.ActionKind(body.Decision), Step: body.Step, Item: body.Item, Reason: body.Reason,
		}, by)
	}, vnflcm.Started(c))
}

package api

import (
	"context"
	"net/http"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

const opOccWord = "LCM operation occurrence"

func (a *api) listOpOccs(c *call) (*answer, error) {
	return list(c, &vnfLcmOpOccs, each(func(op *vnf.OpOcc) *sol.VnfLcmOpOcc { return vnfLcmOpOcc(op, c.base) }))
}

func (a *api) showOpOcc(c *call) (*answer, error) {
	var op vnf.OpOcc
	v, err := c.view(readmodel.KindOpOcc, c.id, opOccWord, &op)
	if err != nil {
		return nil, err
	}
	return respond(http.StatusOK).json(vnfLcmOpOcc(&op, c.base)).etag(v.Revision), nil
}

// task serves an error-handling task that answers 202. The Location is the occurrence: the specification has none here,
// and it helps whoever follows links.
func (a *api) task(do func(lcm.API, context.Context, string, request.Info) (*vnf.OpOcc, error)) handler {
	return func(c *call) (*answer, error) {
		return effect(c, func(by request.Info) (*vnf.OpOcc, error) {
			return do(a.LCM, c.ctx, c.id, by)
		}, c.started)
	}
}

func (a *api) fail(c *call) (*answer, error) {
	return effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Fail(c.ctx, c.id, by)
	}, func(op *vnf.OpOcc) *answer {
		return respond(http.StatusOK).json(vnfLcmOpOcc(op, c.base)).etag(op.Version)
	})
}

// resolve serves an operator's decision about one stuck item: /vnfm/v1/vnf_lcm_op_occs/{id}/resolve.
func (a *api) resolve(c *call) (*answer, error) {
	var body sol.ResolveRequest
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Resolve(c.ctx, c.id, saga.Action{
			Kind: saga.ActionKind(body.Decision), Step: body.Step, Item: body.Item, Reason: body.Reason,
		}, by)
	}, c.started)
}

func (a *api) cancel(c *call) (*answer, error) {
	var body sol.CancelMode
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Cancel(c.ctx, c.id, string(body.CancelMode), by)
	}, c.started)
}

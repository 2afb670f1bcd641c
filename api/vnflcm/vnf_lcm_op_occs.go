package vnflcm

import (
	"context"
	"net/http"

	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

const OpOccWord = "LCM operation occurrence"

func (a *API) listOpOccs(c *rest.Call) (*rest.Answer, error) {
	return rest.List(c, &vnfLcmOpOccs, rest.Each(func(op *vnf.OpOcc) *sol.VnfLcmOpOcc { return VnfLcmOpOcc(op, c.Base) }))
}

func (a *API) showOpOcc(c *rest.Call) (*rest.Answer, error) {
	var op vnf.OpOcc
	v, err := c.View(readmodel.KindOpOcc, c.ID, OpOccWord, &op)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(VnfLcmOpOcc(&op, c.Base)).ETag(v.Revision), nil
}

// task serves an error-handling task that answers 202. The Location is the occurrence: the specification has none here,
// and it helps whoever follows links.
func (a *API) task(do func(lcm.API, context.Context, string, request.Info) (*vnf.OpOcc, error)) rest.Handler {
	return func(c *rest.Call) (*rest.Answer, error) {
		return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
			return do(a.LCM, c.Ctx, c.ID, by)
		}, Started(c))
	}
}

func (a *API) fail(c *rest.Call) (*rest.Answer, error) {
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Fail(c.Ctx, c.ID, by)
	}, func(op *vnf.OpOcc) *rest.Answer {
		return rest.Respond(http.StatusOK).JSON(VnfLcmOpOcc(op, c.Base)).ETag(op.Version)
	})
}

func (a *API) cancel(c *rest.Call) (*rest.Answer, error) {
	var body sol.CancelMode
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Cancel(c.Ctx, c.ID, string(body.CancelMode), by)
	}, Started(c))
}

package api

import (
	"net/http"

	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

const vnfWord = "VNF instance"

func vnfURI(base, id string) string { return base + "/vnflcm/v2/vnf_instances/" + id }

func opOccURI(base, id string) string { return base + "/vnflcm/v2/vnf_lcm_op_occs/" + id }

func (a *api) createVnf(c *call) (*answer, error) {
	var body sol.CreateVnfRequest
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	command := lcm.CreateVnf{
		VnfdID: body.VnfdId, Name: body.VnfInstanceName, Description: body.VnfInstanceDescription, Metadata: body.Metadata,
	}
	return effect(c, func(by request.Info) (*vnf.Instance, error) {
		return a.LCM.CreateVnf(c.ctx, command, by)
	}, func(in *vnf.Instance) *answer {
		return respond(http.StatusCreated).json(vnfInstance(in, c.base)).location(vnfURI(c.base, in.ID)).etag(in.Version)
	})
}

func (a *api) listVnfs(c *call) (*answer, error) {
	return list(c, &vnfInstances, each(func(in *vnf.Instance) *sol.VnfInstance { return vnfInstance(in, c.base) }))
}

func (a *api) showVnf(c *call) (*answer, error) {
	var in vnf.Instance
	v, err := c.view(readmodel.KindVnf, c.id, vnfWord, &in)
	if err != nil {
		return nil, err
	}
	return respond(http.StatusOK).json(vnfInstance(&in, c.base)).etag(v.Revision), nil
}

// vnfToChange reads the instance that the request changes, and holds its If-Match against it.
func (c *call) vnfToChange() (*vnf.Instance, error) {
	var in vnf.Instance
	v, err := c.view(readmodel.KindVnf, c.id, vnfWord, &in)
	if err != nil {
		return nil, err
	}
	return &in, c.ifMatch(v.Revision)
}

func (a *api) deleteVnf(c *call) (*answer, error) {
	if _, err := c.vnfToChange(); err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (any, error) {
		return nil, a.LCM.DeleteVnf(c.ctx, c.id, by)
	}, func(any) *answer { return respond(http.StatusNoContent) })
}

// started answers the request that began an operation.
func (c *call) started(op *vnf.OpOcc) *answer {
	return respond(http.StatusAccepted).location(opOccURI(c.base, op.ID))
}

func (a *api) instantiate(c *call) (*answer, error) {
	var body sol.InstantiateVnfRequest
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	command, err := instantiateCommand(&body, c.body)
	if err != nil {
		return nil, err
	}
	return effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Instantiate(c.ctx, c.id, *command, by)
	}, c.started)
}

func (a *api) terminate(c *call) (*answer, error) {
	var body sol.TerminateVnfRequest
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	command := lcm.Terminate{Type: string(body.TerminationType), Params: secret.Masked(c.body)}
	if t := body.GracefulTerminationTimeout; t != nil {
		const at = "/gracefulTerminationTimeout"
		if body.TerminationType != sol.TerminateGraceful {
			return nil, wrong(at, "is for GRACEFUL termination only")
		}
		if *t < 0 {
			return nil, wrong(at, "must not be negative")
		}
		command.GracefulTimeout = *t
	}
	if body.AdditionalParams != nil {
		command.AdditionalParams = encode(body.AdditionalParams)
	}
	return effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Terminate(c.ctx, c.id, command, by)
	}, c.started)
}

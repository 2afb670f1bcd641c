package vnflcm

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnfpkgm"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// API is the resources of SOL003's VNF lifecycle management.
type API struct {
	LCM      lcm.API
	Packages vnfpkgm.Packages // names the packages of modifications by clients of SOL003 v2.6.1
	// Subscriptions are the use cases of subscriptions; nil: their resources are 404.
	Subscriptions *notify.Service
	// DeleteWait is how long a request to delete a VNF waits for the release of what a failed operation left.
	DeleteWait time.Duration
}

const VnfWord = "VNF instance"

func VnfURI(base, id string) string { return base + "/vnflcm/v2/vnf_instances/" + id }

func OpOccURI(base, id string) string { return base + "/vnflcm/v2/vnf_lcm_op_occs/" + id }

func (a *API) createVnf(c *rest.Call) (*rest.Answer, error) {
	var body sol.CreateVnfRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	command := lcm.CreateVnf{
		VnfdID: body.VnfdId, Name: body.VnfInstanceName, Description: body.VnfInstanceDescription, Metadata: body.Metadata,
	}
	return rest.Effect(c, func(by request.Info) (*vnf.Instance, error) {
		return a.LCM.CreateVnf(c.Ctx, command, by)
	}, func(in *vnf.Instance) *rest.Answer {
		return rest.Respond(http.StatusCreated).JSON(VnfInstance(in, c.Base)).Location(VnfURI(c.Base, in.ID)).ETag(in.Version)
	})
}

func (a *API) listVnfs(c *rest.Call) (*rest.Answer, error) {
	return rest.List(c, &vnfInstances, rest.Each(func(in *vnf.Instance) *sol.VnfInstance { return VnfInstance(in, c.Base) }))
}

func (a *API) showVnf(c *rest.Call) (*rest.Answer, error) {
	var in vnf.Instance
	v, err := c.View(readmodel.KindVnf, c.ID, VnfWord, &in)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(VnfInstance(&in, c.Base)).ETag(v.Revision), nil
}

// vnfToChange reads the instance that the request changes, and holds its If-Match against it.
func vnfToChange(c *rest.Call) (*vnf.Instance, error) {
	var in vnf.Instance
	v, err := c.View(readmodel.KindVnf, c.ID, VnfWord, &in)
	if err != nil {
		return nil, err
	}
	return &in, c.IfMatch(v.Revision)
}

func (a *API) deleteVnf(c *rest.Call) (*rest.Answer, error) {
	if _, err := vnfToChange(c); err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (any, error) {
		err := a.LCM.DeleteVnf(c.Ctx, c.ID, by)
		var cleaning *lcm.CleaningUpError
		if !errors.As(err, &cleaning) {
			return nil, err
		}
		if by.Revision, err = a.cleaned(c, cleaning); err != nil {
			return nil, err
		}
		return nil, a.LCM.DeleteVnf(c.Ctx, c.ID, by)
	}, func(any) *rest.Answer { return rest.Respond(http.StatusNoContent) })
}

// cleaned waits, for a while, until what a failed operation left is released, and returns the instance's revision then. The
// release goes on whoever waits: a client that hears 409 sends the same request again.
func (a *API) cleaned(c *rest.Call, cleaning *lcm.CleaningUpError) (int64, error) {
	ctx, cancel := context.WithTimeout(c.Ctx, a.DeleteWait)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var in vnf.Instance
		v, err := c.View(readmodel.KindVnf, c.ID, VnfWord, &in)
		if err != nil {
			return 0, err
		}
		switch {
		case in.Cleanup != "":
		case len(in.Leftovers) > 0:
			return 0, vnfm.Errorf(vnfm.Conflict, "%d resources that a failed operation left could not be released, see /vnfm/v1/vnf_instances/%s/leftovers and saga %s: delete the VNF instance again to try it once more",
				len(in.Leftovers), c.ID, cleaning.Saga)
		default:
			return v.Revision, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return 0, cleaning
		case <-timer.C:
		}
	}
}

// Started answers the request that began an operation.
func Started(c *rest.Call) func(op *vnf.OpOcc) *rest.Answer {
	return func(op *vnf.OpOcc) *rest.Answer {
		return rest.Respond(http.StatusAccepted).Location(OpOccURI(c.Base, op.ID))
	}
}

func (a *API) instantiate(c *rest.Call) (*rest.Answer, error) {
	command, err := InstantiateCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Instantiate(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

func (a *API) terminate(c *rest.Call) (*rest.Answer, error) {
	command, err := TerminateCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Terminate(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// operate begins the OPERATE operation (SOL003 v3.7.1 §5.4.8.3.1).
func (a *API) operate(c *rest.Call) (*rest.Answer, error) {
	command, err := OperateCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Operate(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// scale begins the SCALE operation (SOL003 v3.7.1 §5.4.5.3.1).
func (a *API) scale(c *rest.Call) (*rest.Answer, error) {
	command, err := ScaleCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Scale(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// scaleToLevel begins the SCALE_TO_LEVEL operation (SOL003 v3.7.1 §5.4.6.3.1).
func (a *API) scaleToLevel(c *rest.Call) (*rest.Answer, error) {
	command, err := ScaleToLevelCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.ScaleToLevel(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// heal begins the HEAL operation (SOL003 v3.7.1 §5.4.9.3.1).
func (a *API) heal(c *rest.Call) (*rest.Answer, error) {
	command, err := HealCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.Heal(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// changeExtConn begins the CHANGE_EXT_CONN operation (SOL003 v3.7.1 §5.4.11.3.1).
func (a *API) changeExtConn(c *rest.Call) (*rest.Answer, error) {
	command, err := ChangeExtConnCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.ChangeExtConn(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// changeFlavour begins the CHANGE_FLAVOUR operation (SOL003 v3.7.1 §5.4.7.3.1).
func (a *API) changeFlavour(c *rest.Call) (*rest.Answer, error) {
	command, err := ChangeFlavourCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.ChangeFlavour(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

// changeVnfPkg begins the CHANGE_VNFPKG operation (SOL003 v3.7.1 §5.4.11a.3.1).
func (a *API) changeVnfPkg(c *rest.Call) (*rest.Answer, error) {
	command, err := ChangeVnfPkgCommand(c.Body)
	if err != nil {
		return nil, err
	}
	return rest.Effect(c, func(by request.Info) (*vnf.OpOcc, error) {
		return a.LCM.ChangeVnfPkg(c.Ctx, c.ID, *command, by)
	}, Started(c))
}

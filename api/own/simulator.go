package own

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/mergepatch"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
)

func (a *API) simInventory(*rest.Call) (*rest.Answer, error) {
	return rest.Respond(http.StatusOK).JSON(a.Sim.Inventory()), nil
}

func (a *API) simBehaviour(*rest.Call) (*rest.Answer, error) {
	return rest.Respond(http.StatusOK).JSON(a.Sim.Behaviour()), nil
}

func (a *API) setSimBehaviour(c *rest.Call) (*rest.Answer, error) {
	behaviour, err := sim.DecodeBehaviour(c.Body)
	if err != nil {
		return nil, err
	}
	if err := a.Sim.SetBehaviour(behaviour); err != nil {
		return nil, err
	}
	return a.simBehaviour(c)
}

// tamper changes something at a simulated VIM behind the VNFM's back: /vnfm/v1/sim/tamper.
func (a *API) tamper(c *rest.Call) (*rest.Answer, error) {
	var body sol.SimTamper
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	all := a.Sim.Inventory()
	i := slices.IndexFunc(all, func(e sim.Entry) bool { return e.Vim == body.Vim && e.ID == body.Id })
	if i < 0 {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the simulated VIM %s has nothing with the id %q", body.Vim, body.Id).At("/id")
	}
	token, err := vim.ParseToken(all[i].Token)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "the simulator's token")
	}
	if body.Gone {
		err = a.Sim.Lose(body.Vim, token)
	} else {
		var bad error
		err = a.Sim.Tamper(body.Vim, token, func(s *vim.Spec) {
			next := vim.Spec{}
			if bad = json.Unmarshal(mergepatch.Apply(vim.Encode(*s), body.Change), &next); bad == nil {
				*s = next
			}
		})
		if bad != nil {
			return nil, decode.Wrong("/change", "is no change of a specification")
		}
	}
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "tamper with %s", body.Id)
	}
	return rest.Respond(http.StatusNoContent), nil
}

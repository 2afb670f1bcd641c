package own

import (
	"net/http"

	"github.com/vnfm/vnfm/api/rest"
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

package own

import (
	"net/http"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/sol"
)

func (a *API) healthz(*rest.Call) (*rest.Answer, error) {
	return rest.Respond(http.StatusOK).JSON(sol.Health{Status: "ok"}), nil
}

// readyz answers 503 with ProblemDetails naming all that is broken, 200 with all checks when nothing is.
func (a *API) readyz(c *rest.Call) (*rest.Answer, error) {
	health := sol.Health{Status: "ok"}
	var broken []string
	if a.Ready != nil {
		for _, check := range a.Ready(c.Ctx) {
			if !check.OK {
				broken = append(broken, check.Name+": "+check.Detail)
			}
			health.Checks = append(health.Checks, sol.HealthCheck{Name: check.Name, Ok: true, Detail: check.Detail})
		}
	}
	if len(broken) > 0 {
		return nil, vnfm.Errorf(vnfm.Unavailable, "Not ready: %s", strings.Join(broken, "; "))
	}
	return rest.Respond(http.StatusOK).JSON(health), nil
}

// Check is one condition of being ready.
type Check struct {
	Name   string
	OK     bool
	Detail string // for people; no secrets
}

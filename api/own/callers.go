package own

import (
	"fmt"
	"math"
	"net/http"
	"reflect"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// origins lists who started which operation: SOL003's occurrences do not say it.
func (a *API) origins(c *rest.Call) (*rest.Answer, error) {
	return rest.List(c, &opOrigins, rest.Each(func(op *vnf.OpOcc) *sol.OpOrigin {
		return &sol.OpOrigin{
			VnfLcmOpOccId: op.ID, VnfInstanceId: op.VnfID, Operation: string(op.Operation), OperationState: string(op.State),
			StartTime: op.Started, StartedBy: op.Actor,
		}
	}))
}

// denials lists what callers were denied in the last days, the oldest first.
func (a *API) denials(c *rest.Call) (*rest.Answer, error) {
	m, _, err := c.Page()
	if err != nil {
		return nil, err
	}
	size := c.Server.PageSize
	if size <= 0 {
		size = math.MaxInt32 - 1
	}
	all, last, err := c.Server.Denials.List(c.Ctx, m.After, size)
	if err != nil {
		return nil, fmt.Errorf("list denials: %w", err)
	}
	out := make([]sol.Denial, len(all))
	for i, d := range all {
		out[i] = sol.Denial(d)
	}
	res := rest.Respond(http.StatusOK)
	if last != "" {
		c.Next(res, rest.Marker{Path: m.Path, After: last})
	}
	return res.JSON(out), nil
}

// opOrigins is our own list of who started which operation.
var opOrigins = rest.Collection{
	Kind: readmodel.KindOpOcc, Entry: reflect.TypeFor[sol.OpOrigin](),
	Paths: map[string]string{
		"vnfLcmOpOccId": "id", "vnfInstanceId": "vnfInstanceId", "operation": "operation", "operationState": "state",
		"startTime": "startTime", "startedBy": "actor",
	},
}

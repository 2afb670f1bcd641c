package own

import (
	"fmt"
	"math"
	"net/http"
	"reflect"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// origins lists who started which operation and how far it got: SOL003's occurrences do not say it.
func (a *API) origins(c *rest.Call) (*rest.Answer, error) {
	return rest.List(c, &opOrigins, rest.Each(func(op *vnf.OpOcc) *sol.OpOrigin {
		out := &sol.OpOrigin{
			VnfLcmOpOccId: op.ID, VnfInstanceId: op.VnfID, Operation: string(op.Operation), OperationState: string(op.State),
			StartTime: op.Started, StartedBy: op.Actor, StateEnteredTime: op.StateEntered, EndTime: op.Ended, IsCancelPending: op.CancelPending,
		}
		if op.Error != nil {
			out.Reason = op.Error.Detail
		}
		for _, p := range op.Progress.All() {
			switch out.Resources++; p.State {
			case vnf.ProgressDone, vnf.ProgressSkipped:
				out.Done++
			case vnf.ProgressUndone:
				out.Undone++
			case vnf.ProgressFailed, vnf.ProgressStuck, vnf.ProgressUnknown:
				out.Failed++
			}
		}
		return out
	}))
}

// caller says who calls and what they may: what a console shows and hides by.
func (a *API) caller(c *rest.Call) (*rest.Answer, error) {
	who := c.Who()
	out := sol.Caller{Name: who.Name, Roles: []string{}, Permissions: []string{}}
	for _, r := range who.Roles {
		out.Roles = append(out.Roles, string(r))
	}
	for _, p := range access.Permissions {
		if p != access.Open && who.May(p) {
			out.Permissions = append(out.Permissions, string(p))
		}
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

// SignIn is how callers may say who they are.
type SignIn struct {
	// Asked: nobody is let in who does not say so. Tokens: a bearer token will do.
	Asked, Tokens bool
	// Issuer, Client and Scope are for OpenID Connect by a public client; without a Client there is none.
	Issuer, Client, Scope string
}

// signIn says how one signs in. Whoever asks is not signed in yet.
func (a *API) signIn(*rest.Call) (*rest.Answer, error) {
	out := sol.SignIn{Required: a.SignIn.Asked, Token: a.SignIn.Tokens}
	if a.SignIn.Client != "" && a.SignIn.Issuer != "" {
		out.OpenIdConnect = &sol.OpenIdConnect{Issuer: a.SignIn.Issuer, ClientId: a.SignIn.Client, Scope: a.SignIn.Scope}
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
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
		"startTime": "startTime", "startedBy": "actor", "stateEnteredTime": "stateEnteredTime", "endTime": "endTime",
		"isCancelPending": "isCancelPending", "resources": "", "done": "", "undone": "", "failed": "", "reason": "error/detail",
	},
	Sorts: map[string]bool{"vnfLcmOpOccId": false, "startTime": true, "operation": false},
}

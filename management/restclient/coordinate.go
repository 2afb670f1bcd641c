package restclient

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"

	"github.com/vnfm/vnfm/configuration"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/sol"
)

const coordinations = coordRoot + "/coordinations"

// Begin implements configuration.Coordinator (SOL002 v3.7.1 §10.4.2.3.1). The Idempotency-Key lets who knows it see that it was asked
// before; SOL002 has no such thing.
func (c *Client) Begin(ctx context.Context, r configuration.Coordinate) (configuration.CoordinationAnswer, error) {
	p, err := c.peer(ctx, &r.Endpoint)
	if err != nil {
		return configuration.CoordinationAnswer{}, err
	}
	lcm := c.cfg.BaseURL + "/vnflcm/v2"
	body, err := json.Marshal(sol.LcmCoordRequest{
		VnfInstanceId: r.VnfID, VnfLcmOpOccId: r.OpID, LcmOperationType: r.Operation, CoordinationActionName: r.Action, InputParams: r.Input,
		Links: sol.LcmCoordLinks{
			VnfLcmOpOcc: sol.Link{Href: lcm + "/vnf_lcm_op_occs/" + r.OpID}, VnfInstance: sol.Link{Href: lcm + "/vnf_instances/" + r.VnfID},
		},
	})
	if err != nil {
		return configuration.CoordinationAnswer{}, &configuration.Error{Class: message.Permanent, Hint: "the input parameters cannot be encoded"}
	}
	x := call{method: http.MethodPost, path: coordinations, version: coordVersion, body: body, header: http.Header{"Idempotency-Key": {r.Token}}}
	a, err := p.do(ctx, x)
	if err != nil {
		return configuration.CoordinationAnswer{}, err
	}
	switch a.status {
	case http.StatusCreated:
		return p.ended(a, "")
	case http.StatusAccepted:
		id, err := idOf(a.header.Get("Location"))
		return configuration.CoordinationAnswer{ID: id, After: a.after}, err
	case http.StatusServiceUnavailable, http.StatusConflict, http.StatusTooManyRequests:
		if a.status == http.StatusServiceUnavailable && a.after == 0 { // not of the coordination: whoever is in front of it says so
			break
		}
		return configuration.CoordinationAnswer{Rejected: cmp.Or(p.problem(a.body), fmt.Sprintf("answered %d %s", a.status, http.StatusText(a.status))), After: a.after}, nil
	}
	return configuration.CoordinationAnswer{}, p.refusal(x, a)
}

// Look implements configuration.Coordinator (SOL002 v3.7.1 §10.4.3.3.2).
func (c *Client) Look(ctx context.Context, r configuration.Coordinate, id string) (configuration.CoordinationAnswer, error) {
	p, err := c.peer(ctx, &r.Endpoint)
	if err != nil {
		return configuration.CoordinationAnswer{}, err
	}
	x := call{method: http.MethodGet, path: coordinations + "/" + url.PathEscape(id), version: coordVersion}
	a, err := p.do(ctx, x)
	switch {
	case err != nil:
		return configuration.CoordinationAnswer{}, err
	case a.status == http.StatusOK:
		return p.ended(a, id)
	case a.status == http.StatusAccepted:
		return configuration.CoordinationAnswer{ID: id, After: a.after}, nil
	}
	return configuration.CoordinationAnswer{ID: id, After: a.after}, p.refusal(x, a)
}

// CallOff implements configuration.Coordinator (SOL002 v3.7.1 §10.4.4.3.1).
func (c *Client) CallOff(ctx context.Context, r configuration.Coordinate, id string) error {
	p, err := c.peer(ctx, &r.Endpoint)
	if err != nil {
		return err
	}
	x := call{method: http.MethodPost, path: coordinations + "/" + url.PathEscape(id) + "/cancel", version: coordVersion}
	a, err := p.do(ctx, x)
	switch {
	case err != nil:
		return err
	case a.status >= 200 && a.status < 300, a.status == http.StatusConflict: // it has ended
		return nil
	}
	return p.refusal(x, a)
}

// ended reads the outcome of a coordination.
func (p *peer) ended(a *answer, id string) (configuration.CoordinationAnswer, error) {
	var l sol.LcmCoord
	if err := read(a, &l); err != nil {
		return configuration.CoordinationAnswer{ID: id}, err
	}
	out := configuration.CoordinationAnswer{ID: cmp.Or(id, l.Id), Result: l.CoordinationResult, Warnings: p.words(l.Warnings)}
	if l.Error != nil {
		out.Problem = p.words(cmp.Or(l.Error.Detail, l.Error.Title))
	}
	switch {
	case out.ID == "":
		return out, &configuration.Error{Class: message.Permanent, Hint: "the coordination that was answered has no id"}
	case out.Result != configuration.Continue && out.Result != configuration.Abort && out.Result != configuration.Cancelled:
		return out, &configuration.Error{Class: message.Permanent, Hint: fmt.Sprintf("the coordinationResult is %q, which SOL002 does not know", p.words(out.Result))}
	}
	return out, nil
}

// idOf is the last segment of a coordination's URI. Below our own root it is looked at, whatever host the Location names:
// credentials go to the registered endpoint only, and one behind a gateway may not know its own name.
func idOf(location string) (string, error) {
	u, err := url.Parse(location)
	if err == nil {
		if id := path.Base(u.Path); id != "." && id != "/" && id != "coordinations" && id != ".." && len(id) <= maxID {
			return id, nil
		}
	}
	return "", &configuration.Error{Class: message.Permanent, Hint: "the Location of the coordination names none"}
}

// maxID bounds the id of a coordination.
const maxID = 1000

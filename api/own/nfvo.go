package own

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/api/vnflcm"
	"github.com/vnfm/vnfm/nfvo/restclient"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
)

// PackageCallback is where the NFVO tells of its packages.
const PackageCallback = rest.OwnRoot + "/notifications/vnf_packages"

// grant shows what was asked for an operation and how it was answered, in the words of SOL003 whoever decided.
func (a *API) grant(c *rest.Call) (*rest.Answer, error) {
	if a.Grant == nil {
		return nil, rest.NotFound(vnflcm.OpOccWord, c.ID)
	}
	asked, err := a.Grant(c.Ctx, c.ID)
	if vnfm.KindOf(err) == vnfm.NotFound {
		if o, e := readmodel.OpOcc(c.Ctx, c.Server.Views, c.ID); e == nil && o.GrantID != "" {
			err = a.swept(c, "grant", "keep-grants", a.KeepGrants)
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	out := sol.OpGrant{
		VnfLcmOpOccId: asked.OpOccID, VnfInstanceId: asked.VnfID, Decider: "NFVO", State: asked.State, Reason: asked.Reason,
		Tries: asked.Tries, Location: asked.Location,
	}
	if !asked.Next.IsZero() {
		out.NextTry = asked.Next.UTC().Format(time.RFC3339Nano)
	}
	if asked.Local {
		out.Decider = "LOCAL"
	}
	if asked.Request != nil {
		out.Request = restclient.Request(asked.Request, c.Base)
	}
	for raw, into := range map[*json.RawMessage]any{&asked.Body: &out.Request, &asked.Answer: &out.Grant} {
		if len(*raw) == 0 {
			continue
		}
		if err := json.Unmarshal(*raw, into); err != nil {
			return nil, vnfm.Wrap(vnfm.Internal, err, "decode what was asked for %s", c.ID)
		}
	}
	if out.Grant == nil && asked.Grant != nil && asked.Request != nil {
		out.Grant = restclient.LocalGrant(asked.Grant, asked.Request, c.Base)
	}
	if out.Request != nil { // the client's words; they may hold what it should not
		out.Request.AdditionalParams = maskedParams(out.Request.AdditionalParams)
	}
	if out.Grant != nil {
		out.Grant.AdditionalParams = maskedParams(out.Grant.AdditionalParams)
	}
	return rest.Respond(http.StatusOK).JSON(out), nil
}

func maskedParams(p sol.KeyValuePairs) sol.KeyValuePairs {
	if len(p) == 0 {
		return nil
	}
	var out sol.KeyValuePairs
	if json.Unmarshal(secret.Masked(rest.Encode(p)), &out) != nil {
		return nil
	}
	return out
}

// callbackTest answers the test of a callback URI (SOL003 v3.7.1 §10.4.9.3.2).
func (a *API) callbackTest(*rest.Call) (*rest.Answer, error) {
	return rest.Respond(http.StatusNoContent), nil
}

// packageChanged takes a notification about a package of the NFVO: it is looked at soon, there.
func (a *API) packageChanged(c *rest.Call) (*rest.Answer, error) {
	var n struct { // what is looked at
		NotificationType string `json:"notificationType"`
		VnfdId           string `json:"vnfdId"` //nolint:revive // as in package sol
	}
	if err := decode.Into(c.Body, &n); err != nil {
		return nil, err
	}
	if n.NotificationType != sol.VnfPackageOnboarding && n.NotificationType != sol.VnfPackageChange {
		return nil, vnfm.Errorf(vnfm.Invalid, "The notification is neither of an onboarding nor of a change of a package.").At("/notificationType")
	}
	const longest = 255
	if len(n.VnfdId) > longest || !rest.Plain(n.VnfdId) {
		return nil, decode.Wrong("/vnfdId", "must be an identifier")
	}
	if err := a.PackageChanged(c.Ctx, n.VnfdId); err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusNoContent), nil
}

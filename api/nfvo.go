package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/nfvo/restclient"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/sol"
)

// PackageCallback is where the NFVO tells of its packages.
const PackageCallback = ownRoot + "/notifications/vnf_packages"

// grant shows what was asked for an operation and how it was answered, in the words of SOL003 whoever decided.
func (a *api) grant(c *call) (*answer, error) {
	if a.Grant == nil {
		return nil, notFound(opOccWord, c.id)
	}
	asked, err := a.Grant(c.ctx, c.id)
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
		out.Request = restclient.Request(asked.Request, c.base)
	}
	for raw, into := range map[*json.RawMessage]any{&asked.Body: &out.Request, &asked.Answer: &out.Grant} {
		if len(*raw) == 0 {
			continue
		}
		if err := json.Unmarshal(*raw, into); err != nil {
			return nil, vnfm.Wrap(vnfm.Internal, err, "decode what was asked for %s", c.id)
		}
	}
	if out.Grant == nil && asked.Grant != nil && asked.Request != nil {
		out.Grant = restclient.LocalGrant(asked.Grant, asked.Request, c.base)
	}
	if out.Request != nil { // the client's words; they may hold what it should not
		out.Request.AdditionalParams = maskedParams(out.Request.AdditionalParams)
	}
	if out.Grant != nil {
		out.Grant.AdditionalParams = maskedParams(out.Grant.AdditionalParams)
	}
	return respond(http.StatusOK).json(out), nil
}

func maskedParams(p sol.KeyValuePairs) sol.KeyValuePairs {
	if len(p) == 0 {
		return nil
	}
	var out sol.KeyValuePairs
	if json.Unmarshal(secret.Masked(encode(p)), &out) != nil {
		return nil
	}
	return out
}

// callbackTest answers the test of a callback URI (SOL003 v3.7.1 §10.4.9.3.2).
func (a *api) callbackTest(*call) (*answer, error) { return respond(http.StatusNoContent), nil }

// packageChanged takes a notification about a package of the NFVO: it is looked at soon, there.
func (a *api) packageChanged(c *call) (*answer, error) {
	var n struct { // what is looked at
		NotificationType string `json:"notificationType"`
		VnfdId           string `json:"vnfdId"` //nolint:revive // as in package sol
	}
	if err := decode(c.body, &n); err != nil {
		return nil, err
	}
	if n.NotificationType != sol.VnfPackageOnboarding && n.NotificationType != sol.VnfPackageChange {
		return nil, vnfm.Errorf(vnfm.Invalid, "The notification is neither of an onboarding nor of a change of a package.").At("/notificationType")
	}
	const longest = 255
	if len(n.VnfdId) > longest || !plain(n.VnfdId) {
		return nil, wrong("/vnfdId", "must be an identifier")
	}
	if err := a.PackageChanged(c.ctx, n.VnfdId); err != nil {
		return nil, err
	}
	return respond(http.StatusNoContent), nil
}

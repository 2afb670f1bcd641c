package vnflcm

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/vnfm/vnfm/api/decode"
	"github.com/vnfm/vnfm/api/rest"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// lccnSubscriptions are matched against their representation: nobody has many.
var lccnSubscriptions = rest.Collection{Kind: notify.KindSubscription, Entry: reflect.TypeFor[sol.LccnSubscription]()}

func subscriptionURI(base, id string) string { return base + rest.LcmRoot + "/subscriptions/" + id }

// SubscriptionRoutes are the subscriptions of SOL003 v3.7.1 §5.4.18 and §5.4.19, and what could not be delivered.
func (a *API) SubscriptionRoutes() map[string]rest.Route {
	if a.Subscriptions == nil {
		return nil
	}
	const root = rest.LcmRoot + "/subscriptions"
	return map[string]rest.Route{
		root:           rest.With(rest.Post(a.subscribe, rest.JSONType), rest.Get(a.listSubscriptions, rest.ListQuery...)),
		root + "/{id}": rest.With(rest.Get(a.showSubscription), rest.Remove(a.unsubscribe)),
	}
}

func (a *API) subscribe(c *rest.Call) (*rest.Answer, error) {
	var body sol.LccnSubscriptionRequest
	if err := decode.Into(c.Body, &body); err != nil {
		return nil, err
	}
	want := notify.Subscribe{CallbackURI: body.CallbackUri, Base: c.Base, Form: formOf(c), Auth: decode.Auth(body.Authentication)}
	if p := c.Point(); p != sol.OrVnfm {
		want.Point = p
	}
	if c.V1 == nil { // which has no verbosity
		want.Verbosity = notify.Verbosity(body.Verbosity)
	}
	if body.Filter != nil {
		want.Filter = &notify.Filter{}
		_ = json.Unmarshal(rest.Encode(body.Filter), want.Filter) // both are spelled as the standard has it
	}
	res, err := rest.Effect(c, func(by request.Info) (*notify.Subscription, error) {
		return a.Subscriptions.Subscribe(c.Ctx, want, by)
	}, func(s *notify.Subscription) *rest.Answer {
		return rest.Respond(http.StatusCreated).JSON(lccnSubscription(s, c.Base)).Location(subscriptionURI(c.Base, s.ID))
	})
	var there *notify.DuplicateError
	if errors.As(err, &there) { // SOL003 v3.7.1 §5.4.18.3.1
		return rest.Respond(http.StatusSeeOther).Location(subscriptionURI(c.Base, there.ID)), nil
	}
	return res, err
}

// form is that of the subscriptions that a call is about: those made at another version are not its own.
func formOf(c *rest.Call) string {
	if c.V1 != nil {
		return v1.Form
	}
	return ""
}

// lccnSubscription shows a subscription as SOL003 has it.
func lccnSubscription(s *notify.Subscription, base string) *sol.LccnSubscription {
	out := &sol.LccnSubscription{
		Id: s.ID, CallbackUri: s.CallbackURI, Verbosity: sol.NotificationVerbosity(s.Verbosity),
		Links: sol.SelfLinks{Self: sol.Link{Href: subscriptionURI(base, s.ID)}},
	}
	if s.Filter != nil {
		out.Filter = &sol.LifecycleChangeNotificationsFilter{}
		_ = json.Unmarshal(rest.Encode(s.Filter), out.Filter)
	}
	return out
}

func (a *API) listSubscriptions(c *rest.Call) (*rest.Answer, error) {
	return rest.ListUnder(c, &lccnSubscriptions, c.By.Actor, func(rows []eventstore.View) ([]*sol.LccnSubscription, error) {
		return rest.Each(func(s *notify.Subscription) *sol.LccnSubscription {
			if s.Form != formOf(c) {
				return nil
			}
			return lccnSubscription(s, c.Base)
		})(rows)
	})
}

func (a *API) showSubscription(c *rest.Call) (*rest.Answer, error) {
	s, err := a.Subscriptions.Get(c.Ctx, c.ID, formOf(c), c.By)
	if err != nil {
		return nil, err
	}
	return rest.Respond(http.StatusOK).JSON(lccnSubscription(s, c.Base)), nil
}

func (a *API) unsubscribe(c *rest.Call) (*rest.Answer, error) {
	return rest.Effect(c, func(by request.Info) (any, error) {
		return nil, a.Subscriptions.Delete(c.Ctx, c.ID, formOf(c), by)
	}, func(any) *rest.Answer { return rest.Respond(http.StatusNoContent) })
}

// Versions are the versions of the LCM API that notifications are of, by their form.
func Versions() map[string]string {
	out := map[string]string{}
	for _, s := range rest.Served {
		switch s.Root {
		case rest.LcmRoot:
			out[""] = s.Newest
		case v1.Root:
			out[v1.Form] = s.Newest
		}
	}
	return out
}

// NotificationOf makes the wire form of notifications, with links below base, or, when that is empty, below what the
// subscriber used when it subscribed. It is for notify.Config.Body. What an operation changed is said as its own resource
// says it.
func NotificationOf(base string) func(n *notify.Notice, s *notify.Subscription, at time.Time) ([]byte, error) {
	return func(n *notify.Notice, s *notify.Subscription, at time.Time) ([]byte, error) {
		root := base
		if root == "" {
			root = s.Base
		}
		body, err := json.Marshal(lccn(n, s, at, root))
		if err != nil || s.Form != v1.Form {
			return body, err
		}
		return v1.Notification.Down(body, root), nil
	}
}

// lccn is a notification as the newest version has it.
func lccn(n *notify.Notice, s *notify.Subscription, at time.Time, root string) any {
	links := sol.LccnLinks{VnfInstance: sol.Link{Href: VnfURI(root, n.Instance.ID)}, Subscription: sol.Link{Href: subscriptionURI(root, s.ID)}}
	if n.Op == nil {
		return &sol.VnfIdentifierNotification{
			Id: n.ID, NotificationType: sol.NotificationType(n.Type), SubscriptionId: s.ID, TimeStamp: at, VnfInstanceId: n.Instance.ID, Links: links,
		}
	}
	op := VnfLcmOpOcc(n.Op, root)
	links.VnfLcmOpOcc = &op.Links.Self
	out := &sol.VnfLcmOperationOccurrenceNotification{
		Id: n.ID, NotificationType: sol.NotificationType(n.Type), SubscriptionId: s.ID, TimeStamp: at, NotificationStatus: "RESULT",
		OperationState: op.OperationState, VnfInstanceId: op.VnfInstanceId, Operation: op.Operation,
		IsAutomaticInvocation: op.IsAutomaticInvocation, Verbosity: sol.NotificationVerbosity(s.Verbosity), VnfLcmOpOccId: op.Id, Links: links,
	}
	switch n.Op.State {
	case vnf.Starting, vnf.Processing, vnf.RollingBack:
		out.NotificationStatus = "START"
	case vnf.FailedTemp, vnf.Failed, vnf.RolledBack:
		out.Error = op.Error
	}
	if out.NotificationStatus == "RESULT" && s.Verbosity == notify.Full {
		out.OpChanges = opChanges(op, n)
	}
	return out
}

// opChanges tells what an operation changed so far.
func opChanges(op *sol.VnfLcmOpOcc, n *notify.Notice) sol.OpChanges {
	out := sol.OpChanges{ChangedInfo: op.ChangedInfo}
	if ch := op.ResourceChanges; ch != nil {
		out.AffectedVnfcs, out.AffectedVirtualLinks = ch.AffectedVnfcs, ch.AffectedVirtualLinks
		out.AffectedExtLinkPorts, out.AffectedVirtualStorages = ch.AffectedExtLinkPorts, ch.AffectedVirtualStorages
	}
	out.ChangedExtConnectivity = op.ChangedExtConnectivity
	out.ModificationsTriggeredByVnfPkgChange = op.ModificationsTriggeredByVnfPkgChange
	if n.Op.Operation == vnf.OpInstantiate && n.Op.State == vnf.Completed && n.Instance.Info != nil {
		out.ChangedExtConnectivity = extVirtualLinkInfo(n.Instance.Info.ExtLinks)
	}
	return out
}

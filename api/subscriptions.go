package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/vnfm/vnfm/access"
	v1 "github.com/vnfm/vnfm/api/v1"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
	"github.com/vnfm/vnfm/vnf"
)

// lccnSubscriptions are matched against their representation: nobody has many.
var lccnSubscriptions = collection{kind: notify.KindSubscription, entry: reflect.TypeFor[sol.LccnSubscription]()}

func subscriptionURI(base, id string) string { return base + lcmRoot + "/subscriptions/" + id }

// subscriptionRoutes are the subscriptions of SOL003 v3.7.1 §5.4.18 and §5.4.19, and what could not be delivered.
func (a *api) subscriptionRoutes() map[string]route {
	if a.Subscriptions == nil {
		return nil
	}
	const root = lcmRoot + "/subscriptions"
	return map[string]route{
		root:           with(post(a.subscribe, jsonType), get(a.listSubscriptions, paging, filterParam)),
		root + "/{id}": with(get(a.showSubscription), remove(a.unsubscribe)),
	}
}

func (a *api) notificationRoutes() map[string]route {
	if a.Subscriptions == nil {
		return nil
	}
	retry := method{do: a.retryNotification, needs: access.Operate}
	return map[string]route{
		ownRoot + "/notifications":            get(a.listNotifications, paging, "state", "subscription"),
		ownRoot + "/notifications/{id}/retry": {http.MethodPost: retry},
	}
}

func (a *api) subscribe(c *call) (*answer, error) {
	var body sol.LccnSubscriptionRequest
	if err := decode(c.body, &body); err != nil {
		return nil, err
	}
	want := notify.Subscribe{CallbackURI: body.CallbackUri, Base: c.base, Form: c.form(), Auth: authOf(body.Authentication)}
	if c.v1 == nil { // which has no verbosity
		want.Verbosity = notify.Verbosity(body.Verbosity)
	}
	if body.Filter != nil {
		want.Filter = &notify.Filter{}
		_ = json.Unmarshal(encode(body.Filter), want.Filter) // both are spelled as the standard has it
	}
	res, err := effect(c, func(by request.Info) (*notify.Subscription, error) {
		return a.Subscriptions.Subscribe(c.ctx, want, by)
	}, func(s *notify.Subscription) *answer {
		return respond(http.StatusCreated).json(lccnSubscription(s, c.base)).location(subscriptionURI(c.base, s.ID))
	})
	var there *notify.DuplicateError
	if errors.As(err, &there) { // SOL003 v3.7.1 §5.4.18.3.1
		return respond(http.StatusSeeOther).location(subscriptionURI(c.base, there.ID)), nil
	}
	return res, err
}

// form is that of the subscriptions that a call is about: those made at another version are not its own.
func (c *call) form() string {
	if c.v1 != nil {
		return v1.Form
	}
	return ""
}

func authOf(in *sol.SubscriptionAuthentication) *egress.Auth {
	if in == nil {
		return nil
	}
	out := &egress.Auth{}
	for _, t := range in.AuthType {
		out.Types = append(out.Types, string(t))
	}
	if p := in.ParamsBasic; p != nil {
		out.Basic = &egress.Basic{UserName: p.UserName, Password: p.Password}
	}
	if p := in.ParamsOauth2ClientCredentials; p != nil {
		out.OAuth2 = &egress.OAuth2{ClientID: p.ClientId, ClientPassword: p.ClientPassword, TokenEndpoint: p.TokenEndpoint}
	}
	return out
}

// lccnSubscription shows a subscription as SOL003 has it.
func lccnSubscription(s *notify.Subscription, base string) *sol.LccnSubscription {
	out := &sol.LccnSubscription{
		Id: s.ID, CallbackUri: s.CallbackURI, Verbosity: sol.NotificationVerbosity(s.Verbosity),
		Links: sol.SelfLinks{Self: sol.Link{Href: subscriptionURI(base, s.ID)}},
	}
	if s.Filter != nil {
		out.Filter = &sol.LifecycleChangeNotificationsFilter{}
		_ = json.Unmarshal(encode(s.Filter), out.Filter)
	}
	return out
}

func (a *api) listSubscriptions(c *call) (*answer, error) {
	return listUnder(c, &lccnSubscriptions, c.by.Actor, func(rows []eventstore.View) ([]*sol.LccnSubscription, error) {
		return each(func(s *notify.Subscription) *sol.LccnSubscription {
			if s.Form != c.form() {
				return nil
			}
			return lccnSubscription(s, c.base)
		})(rows)
	})
}

func (a *api) showSubscription(c *call) (*answer, error) {
	s, err := a.Subscriptions.Get(c.ctx, c.id, c.form(), c.by)
	if err != nil {
		return nil, err
	}
	return respond(http.StatusOK).json(lccnSubscription(s, c.base)), nil
}

func (a *api) unsubscribe(c *call) (*answer, error) {
	return effect(c, func(by request.Info) (any, error) {
		return nil, a.Subscriptions.Delete(c.ctx, c.id, c.form(), by)
	}, func(any) *answer { return respond(http.StatusNoContent) })
}

func (a *api) listNotifications(c *call) (*answer, error) {
	m, q, err := c.page()
	if err != nil {
		return nil, err
	}
	want := notify.List{State: q.Get("state"), Subscription: q.Get("subscription"), After: m.After}
	if a.PageSize > 0 {
		want.Limit = a.PageSize + 1
	}
	out := []*sol.Notification{}
	for {
		got, err := a.Subscriptions.List(c.ctx, want)
		if err != nil {
			return nil, err
		}
		for i := range got {
			out = append(out, notification(&got[i]))
		}
		if a.PageSize > 0 || len(got) < 1000 {
			break
		}
		want.After = got[len(got)-1].Row
	}
	res := respond(http.StatusOK)
	if n := a.PageSize; n > 0 && len(out) > n {
		out = out[:n]
		c.next(res, marker{Path: m.Path, After: out[n-1].Id, Query: m.Query})
	}
	return res.json(out), nil
}

func notification(n *notify.Listed) *sol.Notification {
	return &sol.Notification{
		Id: n.Row, NotificationId: n.ID, NotificationType: string(n.Type), State: n.State, SubscriptionId: n.Subscription, VnfInstanceId: n.Vnf,
		VnfLcmOpOccId: n.Op, OperationState: n.OpState, Created: n.Created, GiveUp: n.GiveUp, Attempts: n.Attempts, Tried: n.Tried, Reason: n.Reason,
	}
}

func (a *api) retryNotification(c *call) (*answer, error) {
	return effect(c, func(by request.Info) (*notify.Listed, error) {
		return a.Subscriptions.Retry(c.ctx, c.id, by)
	}, func(n *notify.Listed) *answer { return respond(http.StatusAccepted).json(notification(n)) })
}

// LcmVersions are the versions of the LCM API that notifications are of, by their form.
func LcmVersions() map[string]string {
	newest := func(root string) string {
		v := versionsOf(root + "/")
		return v[len(v)-1]
	}
	return map[string]string{"": newest(lcmRoot), v1.Form: newest(v1.Root)}
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
	links := sol.LccnLinks{VnfInstance: sol.Link{Href: vnfURI(root, n.Instance.ID)}, Subscription: sol.Link{Href: subscriptionURI(root, s.ID)}}
	if n.Op == nil {
		return &sol.VnfIdentifierNotification{
			Id: n.ID, NotificationType: sol.NotificationType(n.Type), SubscriptionId: s.ID, TimeStamp: at, VnfInstanceId: n.Instance.ID, Links: links,
		}
	}
	op := vnfLcmOpOcc(n.Op, root)
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
	if n.Op.Operation == vnf.OpInstantiate && n.Op.State == vnf.Completed && n.Instance.Info != nil {
		out.ChangedExtConnectivity = extVirtualLinkInfo(n.Instance.Info.ExtLinks)
	}
	return out
}

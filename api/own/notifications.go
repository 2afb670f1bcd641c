package own

import (
	"net/http"

	"github.com/vnfm/vnfm/api/rest"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
)

func (a *API) NotificationRoutes() map[string]rest.Route {
	if a.Subscriptions == nil {
		return nil
	}
	return map[string]rest.Route{
		rest.OwnRoot + "/notifications":            rest.Get(a.listNotifications, rest.Paging, "state", "subscription"),
		rest.OwnRoot + "/notifications/{id}/retry": rest.Post(a.retryNotification),
	}
}

func (a *API) listNotifications(c *rest.Call) (*rest.Answer, error) {
	m, q, err := c.Page()
	if err != nil {
		return nil, err
	}
	want := notify.List{State: q.Get("state"), Subscription: q.Get("subscription"), After: m.After}
	if c.Server.PageSize > 0 {
		want.Limit = c.Server.PageSize + 1
	}
	out := []*sol.Notification{}
	for {
		got, err := a.Subscriptions.List(c.Ctx, want)
		if err != nil {
			return nil, err
		}
		for i := range got {
			out = append(out, notification(&got[i]))
		}
		if c.Server.PageSize > 0 || len(got) < 1000 {
			break
		}
		want.After = got[len(got)-1].Row
	}
	res := rest.Respond(http.StatusOK)
	if n := c.Server.PageSize; n > 0 && len(out) > n {
		out = out[:n]
		c.Next(res, rest.Marker{Path: m.Path, After: out[n-1].Id, Query: m.Query})
	}
	return res.JSON(out), nil
}

func notification(n *notify.Listed) *sol.Notification {
	return &sol.Notification{
		Id: n.Row, NotificationId: n.ID, NotificationType: string(n.Type), State: n.State, SubscriptionId: n.Subscription, VnfInstanceId: n.Vnf,
		VnfLcmOpOccId: n.Op, OperationState: n.OpState, Created: n.Created, GiveUp: n.GiveUp, Attempts: n.Attempts, Tried: n.Tried, Reason: n.Reason,
	}
}

func (a *API) retryNotification(c *rest.Call) (*rest.Answer, error) {
	return rest.Effect(c, func(by request.Info) (*notify.Listed, error) {
		return a.Subscriptions.Retry(c.Ctx, c.ID, by)
	}, func(n *notify.Listed) *rest.Answer { return rest.Respond(http.StatusAccepted).JSON(notification(n)) })
}

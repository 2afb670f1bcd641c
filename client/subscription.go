package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/vnfm/vnfm/sol"
)

const (
	subscriptions = "/vnflcm/v2/subscriptions"
	notifications = own + "/notifications"
)

// Subscribe makes a subscription of the caller's.
func (c *Client) Subscribe(ctx context.Context, r sol.LccnSubscriptionRequest) (*sol.LccnSubscription, error) {
	v := &sol.LccnSubscription{}
	_, err := c.do(ctx, jsonCall(http.MethodPost, subscriptions, r), v)
	return v, err
}

// Subscriptions lists the caller's own.
func (c *Client) Subscriptions(ctx context.Context) ([]sol.LccnSubscription, error) {
	return list[sol.LccnSubscription](ctx, c, subscriptions)
}

// Subscription returns one.
func (c *Client) Subscription(ctx context.Context, id string) (*sol.LccnSubscription, error) {
	return get[sol.LccnSubscription](ctx, c, at(subscriptions, id))
}

// Unsubscribe deletes a subscription.
func (c *Client) Unsubscribe(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(subscriptions, id)}, nil)
	return err
}

// Notifications lists what was not delivered: all, or of a state and of a subscription.
func (c *Client) Notifications(ctx context.Context, state, subscription string) ([]sol.Notification, error) {
	q := url.Values{}
	for name, v := range map[string]string{"state": state, "subscription": subscription} {
		if v != "" {
			q.Set(name, v)
		}
	}
	path := notifications
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return list[sol.Notification](ctx, c, path)
}

// RetryNotification has one tried at once.
func (c *Client) RetryNotification(ctx context.Context, id string) (*sol.Notification, error) {
	v := &sol.Notification{}
	_, err := c.do(ctx, call{method: http.MethodPost, path: at(notifications, id, "retry")}, v)
	return v, err
}

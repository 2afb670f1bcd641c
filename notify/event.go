package notify

import (
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/sol"
)

// SubscriptionCreated is the first event of a subscription. Credentials are not in it: Secret names the row that has them.
type SubscriptionCreated struct {
	ID          string    `json:"id"`
	Owner       string    `json:"owner"` // the caller that made it
	CallbackURI string    `json:"callbackUri"`
	Filter      *Filter   `json:"filter,omitempty"`
	Verbosity   Verbosity `json:"verbosity"`
	AuthTypes   []string  `json:"authType,omitempty"`
	Secret      string    `json:"secret,omitempty"` // row of the table secrets
	Base        string    `json:"base,omitempty"`   // root of links, as its owner reached the API
	Form        string    `json:"form,omitempty"`   // of its notifications, where not the present one
	Point       sol.Point `json:"point,omitempty"`  // its owner's reference point, where not Or-Vnfm
	// From are the log's heads from before it was made: it hears of nothing up to them, and of everything after its own
	// commit. Of what was committed in between it may hear.
	From []int64 `json:"from"`
}

// SubscriptionDeleted is the last event of a subscription.
type SubscriptionDeleted struct{}

// EventType returns the wire name.
func (*SubscriptionCreated) EventType() string { return "sub.created" }

// EventType returns the wire name.
func (*SubscriptionDeleted) EventType() string { return "sub.deleted" }

// Forms returns every type of event of subscriptions, for a registry.
func Forms() []aggregate.Form {
	return []aggregate.Form{
		{Type: (&SubscriptionCreated{}).EventType(), Schema: 1, New: func() aggregate.Event { return &SubscriptionCreated{} }},
		{Type: (&SubscriptionDeleted{}).EventType(), Schema: 1, New: func() aggregate.Event { return &SubscriptionDeleted{} }},
	}
}

package notify

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/sol"
)

// StreamPrefix begins the name of every subscription's stream.
const StreamPrefix = "sub-"

// KindSubscription is the kind of a subscription's view; its Parent is the owner.
const KindSubscription = "subscription"

// Verbosity says how much a notification about an operation tells (SOL003 v3.7.1 §5.5.4.10).
type Verbosity string

// The verbosities.
const (
	Full  Verbosity = "FULL"
	Short Verbosity = "SHORT" // without the changes
)

// Subscription is the state of a subscription, and the document of its view.
type Subscription struct {
	ID          string    `json:"id"`
	Owner       string    `json:"owner"`
	CallbackURI string    `json:"callbackUri"`
	Filter      *Filter   `json:"filter,omitempty"`
	Verbosity   Verbosity `json:"verbosity"`
	AuthTypes   []string  `json:"authType,omitempty"`
	Secret      string    `json:"secret,omitempty"`
	Base        string    `json:"base,omitempty"`
	Form        string    `json:"form,omitempty"`
	Point       sol.Point `json:"point,omitempty"`
	From        []int64   `json:"from"`
	Created     time.Time `json:"created"`
	Deleted     bool      `json:"deleted,omitempty"`
	Updated     time.Time `json:"updated"`
	Version     int64     `json:"version"` // of the stream
}

// apply folds one event.
func apply(s *Subscription, event aggregate.Event, at time.Time) {
	s.Version++
	s.Updated = at
	switch e := event.(type) {
	case *SubscriptionCreated:
		s.ID, s.Owner, s.CallbackURI, s.Filter, s.Verbosity = e.ID, e.Owner, e.CallbackURI, e.Filter, e.Verbosity
		s.AuthTypes, s.Secret, s.Base, s.Form, s.Point, s.From, s.Created = e.AuthTypes, e.Secret, e.Base, e.Form, e.Point, e.From, at
	case *SubscriptionDeleted:
		s.Deleted = true
	}
}

// hears reports whether an event of the log is after the subscription was made.
func (s *Subscription) hears(e *eventstore.Event) bool {
	return e.Lane >= len(s.From) || e.Offset > s.From[e.Lane]
}

// same reports whether a subscription is a duplicate of another: the same caller, callback, filter, form and reference point
// (SOL003 v3.7.1 §5.4.18.3.1).
func (s *Subscription) same(o *Subscription) bool {
	return s.Owner == o.Owner && s.CallbackURI == o.CallbackURI && s.Form == o.Form && s.Point == o.Point && s.Filter.canonical() == o.Filter.canonical()
}

// Repository returns a repository of subscriptions over a registry that has Forms.
func Repository(r *aggregate.Registry) *aggregate.Repository[Subscription] {
	return aggregate.NewRepository(aggregate.Config[Subscription]{
		Prefix: StreamPrefix, Registry: r, New: func(id string) Subscription { return Subscription{ID: id} }, Apply: apply, Schema: 1,
	})
}

// Source says how the streams of subscriptions become views, for a rebuild.
func Source(r *aggregate.Repository[Subscription]) readmodel.Source {
	return readmodel.Source{Kind: KindSubscription, Prefix: StreamPrefix, View: func(id string, events []eventstore.Event) (eventstore.ViewWrite, error) {
		s, err := r.Fold(id, events)
		if err != nil {
			return eventstore.ViewWrite{}, fmt.Errorf("fold subscription %s: %w", id, err)
		}
		return view(&s.Value)
	}}
}

// view returns the row of a subscription; one that deletes it when the subscription is deleted.
func view(s *Subscription) (eventstore.ViewWrite, error) {
	w := eventstore.ViewWrite{View: eventstore.View{Kind: KindSubscription, ID: s.ID, Revision: s.Version, Parent: s.Owner, Updated: s.Updated}}
	if s.Deleted {
		w.Delete = true
		return w, nil
	}
	doc, err := json.Marshal(s)
	if err != nil {
		return w, vnfm.Wrap(vnfm.Internal, err, "encode the view of subscription %s", s.ID)
	}
	w.Doc = doc
	return w, nil
}

// maxURI bounds a callback's URI, in bytes.
const maxURI = 2048

// checkCallback returns Invalid at /callbackUri for what no notification can be sent to.
func checkCallback(uri string) error {
	bad := func(format string, args ...any) error {
		return vnfm.Errorf(vnfm.Invalid, "callbackUri "+format, args...).At("/callbackUri")
	}
	if len(uri) > maxURI {
		return bad("is longer than %d bytes.", maxURI)
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return bad("must be an absolute http or https URI.")
	case u.User != nil:
		return bad("must not hold a user name or password; use authentication.")
	case u.Fragment != "":
		return bad("must not have a fragment.")
	}
	return nil
}

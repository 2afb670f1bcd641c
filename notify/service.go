package notify

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/sol"
)

// Service is the use cases of subscriptions and notifications. It may be used by several callers at once.
type Service struct {
	cfg  Config
	repo *aggregate.Repository[Subscription]
	dir  *directory
}

// New returns the use cases.
func New(cfg Config) (*Service, error) {
	cfg = cfg.withDefaults()
	registry, err := aggregate.NewRegistry(Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register subscription events: %w", err)
	}
	return &Service{cfg: cfg, repo: Repository(registry), dir: &directory{store: cfg.Store}}, nil
}

// Subscribe is what a caller asks for.
type Subscribe struct {
	CallbackURI string
	Filter      *Filter
	Verbosity   Verbosity    // "": Full
	Auth        *egress.Auth // nil: none
	Base        string       // root of links, as the caller reached the API
	Form        string       // of its notifications; "" is the present one
	Point       sol.Point    // from which the caller sees: it is told no more than it is shown; "" is Or-Vnfm
}

// DuplicateError is the error for a subscription that its caller has already.
type DuplicateError struct{ ID string } // of the one there is

// Error names the subscription there is.
func (d *DuplicateError) Error() string {
	return "There is a subscription with this callbackUri and filter: " + d.ID + "."
}

// Subscribe makes a subscription for the caller after its callback answered a test. Returns Invalid, naming the attribute;
// Unprocessable when the test fails or nothing is there to authenticate with; *DuplicateError.
func (s *Service) Subscribe(ctx context.Context, want Subscribe, by request.Info) (*Subscription, error) {
	if err := checkCallback(want.CallbackURI); err != nil {
		return nil, err
	}
	if err := want.Filter.check(); err != nil {
		return nil, err
	}
	if want.Verbosity == "" {
		want.Verbosity = Full
	}
	to := Callback{URI: want.CallbackURI, Form: want.Form, Auth: want.Auth}
	if want.Auth != nil {
		if err := s.cfg.Sender.Usable(to); err != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "Notifications cannot be sent: %w.", err).At("/authentication")
		}
	}
	event := &SubscriptionCreated{
		ID: s.cfg.NewID(), Owner: by.Actor, CallbackURI: want.CallbackURI, Filter: want.Filter, Verbosity: want.Verbosity,
		Base: want.Base, Form: want.Form, Point: want.Point,
	}
	var sealed json.RawMessage
	if want.Auth != nil {
		event.AuthTypes = want.Auth.Types
		if want.Auth.Basic != nil || want.Auth.OAuth2 != nil {
			b, err := json.Marshal(want.Auth)
			if err != nil {
				return nil, vnfm.Errorf(vnfm.Internal, "the credentials cannot be encoded")
			}
			event.Secret = "subscription/" + event.ID
			sealed = s.cfg.Keys.Seal(event.Secret, b)
		}
	}
	tested := s.cfg.SkipTest
	for {
		known, err := s.dir.current(ctx)
		if err != nil {
			return nil, err
		}
		if id := s.duplicate(known, event); id != "" {
			return nil, &DuplicateError{ID: id}
		}
		if !tested {
			if err := s.cfg.Sender.Test(ctx, to); err != nil {
				return nil, testFailed(err)
			}
			tested = true
		}
		if made, err := s.create(ctx, event, sealed, known.version, by); made != nil || err != nil {
			return made, err
		}
	}
}

// testFailed is the refusal of a callback that does not answer its test; what the database did stays what it is.
func testFailed(err error) error {
	if egress.ClassOf(err) == "" {
		return err
	}
	return vnfm.Errorf(vnfm.Unprocessable, "The callbackUri does not answer its test, a GET that wants 204: %w.", err).At("/callbackUri")
}

func (s *Service) duplicate(known *subscriptions, e *SubscriptionCreated) string {
	if s.cfg.Duplicates {
		return ""
	}
	want := &Subscription{Owner: e.Owner, CallbackURI: e.CallbackURI, Filter: e.Filter, Form: e.Form, Point: e.Point}
	for _, o := range known.all {
		if o.same(want) {
			return o.ID
		}
	}
	return ""
}

// create makes the commit; nil when the set of subscriptions is no longer at the version.
func (s *Service) create(ctx context.Context, event *SubscriptionCreated, sealed json.RawMessage, version int64, by request.Info) (*Subscription, error) {
	heads, err := s.cfg.Store.Heads(ctx) // before the commit: what comes after it is heard of
	if err != nil {
		return nil, fmt.Errorf("read lane heads: %w", err)
	}
	event.From = make([]int64, len(heads))
	for lane, h := range heads {
		event.From[lane] = h.Event
	}
	var made *Subscription
	_, err = s.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{indexKey},
		Load: func() eventstore.Load {
			l := s.repo.Load(event.ID)
			l.Records = []eventstore.RecordRef{indexRef()}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			if made = nil; indexVersion(l) != version {
				return nil, nil
			}
			c := &eventstore.Commit{Records: []eventstore.RecordWrite{indexWrite(version)}}
			if sealed != nil {
				c.Records = append(c.Records, eventstore.RecordWrite{Record: eventstore.Record{
					Table: eventstore.TableSecrets, ID: event.Secret, Key: indexKey, Group: "subscription", State: "SEALED", Doc: sealed,
				}})
			}
			sub, err := s.change(l, c, event.ID, by.Metadata("subscription.create", event.ID), event)
			if err != nil {
				return nil, err
			}
			made = sub
			c.Idempotency = by.Idempotency(sub)
			return c, nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("create subscription: %w", err)
	}
	return made, nil
}

// change adds an event and the view it leaves to a commit.
func (s *Service) change(l *eventstore.Loaded, c *eventstore.Commit, id string, meta eventstore.Metadata, event aggregate.Event) (*Subscription, error) {
	if err := s.repo.Append(l, c, id, meta, event); err != nil {
		return nil, err
	}
	after, err := s.repo.Read(l, c, id)
	if err != nil {
		return nil, err
	}
	w, err := view(&after.Value)
	if err != nil {
		return nil, err
	}
	c.Views = append(c.Views, w)
	return &after.Value, nil
}

func notFound(id string) error {
	return vnfm.Errorf(vnfm.NotFound, "There is no subscription %s.", id)
}

// Get returns a subscription of the caller's with notifications of a form. Returns NotFound, also for one of another caller
// or form.
func (s *Service) Get(ctx context.Context, id, form string, by request.Info) (*Subscription, error) {
	known, err := s.dir.current(ctx)
	if err != nil {
		return nil, err
	}
	sub := known.byID[id]
	if sub == nil || sub.Owner != by.Actor || sub.Form != form {
		return nil, notFound(id)
	}
	return sub, nil
}

// Delete ends a subscription of the caller's with notifications of a form, with what it has not been told. Returns
// NotFound, also for one of another caller or form.
func (s *Service) Delete(ctx context.Context, id, form string, by request.Info) error {
	_, err := s.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{indexKey},
		Load: func() eventstore.Load {
			l := s.repo.Load(id)
			l.Records = []eventstore.RecordRef{indexRef(), secretRef("subscription/" + id)}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			c := &eventstore.Commit{}
			st, err := s.repo.Read(l, c, id)
			if err != nil {
				return nil, err
			}
			if st.Version == 0 || st.Value.Deleted || st.Value.Owner != by.Actor || st.Value.Form != form {
				return nil, notFound(id)
			}
			if _, err := s.change(l, c, id, by.Metadata("subscription.delete", id), &SubscriptionDeleted{}); err != nil {
				return nil, err
			}
			c.Records = append(c.Records, indexWrite(indexVersion(l)))
			if row := l.Records[secretRef("subscription/"+id)]; row != nil {
				c.Records = append(c.Records, eventstore.RecordWrite{Record: *row, Expected: row.Version, Delete: true})
			}
			c.Idempotency = by.Idempotency(nil)
			return c, nil
		},
	})
	if err != nil {
		return fmt.Errorf("delete subscription %s: %w", id, err)
	}
	if err := s.cfg.drop(ctx, id); err != nil { // the worker drops what is left when it meets it
		s.cfg.Logger.WarnContext(ctx, "notifications of a deleted subscription not dropped yet", "subscription_id", id, "error", err)
	}
	return nil
}

package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
)

// indexKey is locked by whoever changes the set of subscriptions, and shared by whoever relies on it.
const indexKey = "notify:subscriptions"

// StateIndex is the state of the index row.
const StateIndex = "INDEX"

func indexRef() eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableNotifications, ID: indexKey}
}

// indexWrite counts a change of the set of subscriptions.
func indexWrite(version int64) eventstore.RecordWrite {
	return eventstore.RecordWrite{Expected: version, Record: eventstore.Record{
		Table: eventstore.TableNotifications, ID: indexKey, Key: indexKey, State: StateIndex, Doc: json.RawMessage(`{}`),
	}}
}

func indexVersion(l *eventstore.Loaded) int64 {
	if r := l.Records[indexRef()]; r != nil {
		return r.Version
	}
	return 0
}

// directory is a copy of all subscriptions, kept current by the index row.
type directory struct {
	store Store

	mu   sync.Mutex
	held *subscriptions
}

// subscriptions is the set of subscriptions at a version of the index. It does not change.
type subscriptions struct {
	version int64
	all     []*Subscription
	byID    map[string]*Subscription
}

// current returns the set of subscriptions as it is now.
func (d *directory) current(ctx context.Context) (*subscriptions, error) {
	version, err := d.version(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	held := d.held
	d.mu.Unlock()
	if held != nil && held.version == version {
		return held, nil
	}
	for {
		s := &subscriptions{version: version, byID: map[string]*Subscription{}}
		if err := s.read(ctx, d.store); err != nil {
			return nil, err
		}
		if version, err = d.version(ctx); err != nil {
			return nil, err
		}
		if version == s.version { // nothing changed while it was read
			d.mu.Lock()
			defer d.mu.Unlock()
			d.held = s
			return s, nil
		}
	}
}

func (d *directory) version(ctx context.Context) (int64, error) {
	l, err := d.store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{indexRef()}})
	if err != nil {
		return 0, fmt.Errorf("read the index of subscriptions: %w", err)
	}
	return indexVersion(l), nil
}

func (s *subscriptions) read(ctx context.Context, store Store) error {
	const page = 500
	for after := ""; ; {
		views, err := store.Views(ctx, eventstore.ViewQuery{Kind: KindSubscription, After: after, Limit: page})
		if err != nil {
			return fmt.Errorf("list subscriptions: %w", err)
		}
		for _, v := range views {
			sub, err := decode(v)
			if err != nil {
				return err
			}
			s.all = append(s.all, sub)
			s.byID[sub.ID] = sub
			after = v.ID
		}
		if len(views) < page {
			return nil
		}
	}
}

func decode(v eventstore.View) (*Subscription, error) {
	var s Subscription
	if err := json.Unmarshal(v.Doc, &s); err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "decode the view of subscription %s", v.ID)
	}
	return &s, nil
}

func secretRef(name string) eventstore.RecordRef {
	return eventstore.RecordRef{Table: eventstore.TableSecrets, ID: name}
}

// auth opens the credentials of a subscription; nil when it has none. The error is the store's, or of class
// egress.Unusable.
func (c Config) auth(ctx context.Context, s *Subscription) (*egress.Auth, error) {
	if len(s.AuthTypes) == 0 {
		return nil, nil //nolint:nilnil // no authentication
	}
	a := &egress.Auth{Types: s.AuthTypes}
	if s.Secret == "" {
		return a, nil
	}
	l, err := c.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{secretRef(s.Secret)}})
	if err != nil {
		return nil, fmt.Errorf("read the credentials of subscription %s: %w", s.ID, err)
	}
	row := l.Records[secretRef(s.Secret)]
	if row == nil {
		return nil, egress.Failure(egress.Unusable, "the credentials of the subscription are gone")
	}
	b, err := c.Keys.Open(s.Secret, row.Doc)
	if err != nil {
		return nil, egress.Failure(egress.Unusable, err.Error())
	}
	if json.Unmarshal(b, a) != nil { // the error would quote them
		return nil, egress.Failure(egress.Unusable, "the credentials of the subscription are damaged")
	}
	return a, nil
}

package notify

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/secret"
)

// Store is what notifications read.
type Store interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error)
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
	ReadStream(ctx context.Context, stream string, after int64, limit int) ([]eventstore.Event, error)
	Heads(ctx context.Context) ([eventstore.Lanes]eventstore.LaneHead, error)
	Now(ctx context.Context) (time.Time, error)
}

// Callback is where and how a subscriber is spoken to.
type Callback struct {
	URI  string
	Form string       // of its notifications
	Auth *egress.Auth // nil: no authentication
}

// Sender speaks to subscribers. Its errors are those of package egress where they say why.
type Sender interface {
	// Usable returns an error when there is nothing to authenticate with, or it must not be sent there.
	Usable(to Callback) error
	// Test asks a callback whether it is one (SOL003 v3.7.1 §5.4.20.3.2).
	Test(ctx context.Context, to Callback) error
	// Post delivers a notification (§5.4.20.3.1). After an error it may have arrived all the same.
	Post(ctx context.Context, to Callback, body []byte) error
}

// Config describes notifications: Service, Projector and Worker share one.
type Config struct {
	Store  Store
	Doer   eventstore.Doer
	Epochs ledger.Epochs // whose lanes to deliver; nil: all
	Keys   *secret.Keyring
	Sender Sender
	// Body makes the wire form of a notice for a subscription.
	Body func(n *Notice, s *Subscription, at time.Time) ([]byte, error)
	// NewID makes the ids of subscriptions; nil: random UUIDs.
	NewID  func() string
	Logger *slog.Logger // nil: slog.Default

	// SkipTest makes subscriptions without a test of the callback.
	SkipTest bool
	// Duplicates allows a second subscription with the same caller, callback and filter.
	Duplicates bool
	// MaxAge is how long after it was due a notification is tried; 0 means 24 h.
	MaxAge time.Duration
	// Keep is how long one that was given up is kept; 0 means 7 days.
	Keep time.Duration
	// Backoff and MaxBackoff pace the attempts: Backoff, twice as much each time, at most MaxBackoff; 0 means 1 s and
	// 1 min.
	Backoff, MaxBackoff time.Duration
	// PerSubscription bounds the deliveries under way to one subscriber; 0 means 8.
	PerSubscription int
	// Idle is the longest the worker waits before it looks for work; 0 means 1 s.
	Idle time.Duration
	// Observe is told what became of an attempt: "delivered", "failed", "given-up"; nil: nobody.
	Observe func(outcome string)
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	set(&c.MaxAge, 24*time.Hour)
	set(&c.Keep, 7*24*time.Hour)
	set(&c.Backoff, time.Second)
	set(&c.MaxBackoff, time.Minute)
	set(&c.Idle, time.Second)
	if c.PerSubscription <= 0 {
		c.PerSubscription = 8
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Observe == nil {
		c.Observe = func(string) {}
	}
	return c
}

// pace returns the wait after so many failed attempts.
func (c Config) pace(attempts int) time.Duration {
	d := c.Backoff
	for i := 1; i < attempts; i++ {
		if d *= 2; d >= c.MaxBackoff {
			return c.MaxBackoff
		}
	}
	return min(d, c.MaxBackoff)
}

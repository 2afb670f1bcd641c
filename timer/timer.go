// Package timer turns due timeouts into input: each is handed to the handler of its owner, in a commit that removes it.
//
// It owns when to look, never what a timeout means, and holds no timer only in memory: a restart forgets nothing. It
// fires timeouts of lanes held by this process; that each fires once is guarded in the commit. A timeout that was
// moved or cancelled meanwhile is dropped under the lock of its key.
package timer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// Handler turns due timeouts of one key, the earliest first, into a change. It is pure but for the commit it adds to.
type Handler interface {
	// Load says what Decide needs.
	Load(ts []eventstore.Timeout) eventstore.Load
	// Decide adds to the commit what the timeouts bring about. An error refuses them; they come again later.
	Decide(l *eventstore.Loaded, ts []eventstore.Timeout, c *eventstore.Commit) error
}

// Epochs says under which epoch a lane is held, if it is.
type Epochs interface {
	Epoch(lane int) (int64, bool)
}

// Store is what a timer reads.
type Store interface {
	Timeouts(ctx context.Context, lanes []int, by time.Time, limit int) ([]eventstore.Timeout, error)
	Now(ctx context.Context) (time.Time, error)
}

// Config describes a timer.
type Config struct {
	Handlers map[string]Handler // by owner
	Store    Store
	Doer     eventstore.Doer
	Epochs   Epochs
	// Holds says of a key that its timeouts have to wait, because what they would overtake does; nil: none have to.
	Holds  func(key string) bool
	Limit  int           // timeouts looked at in one go; 0 means 256
	Poll   time.Duration // the longest Run waits before it looks again; 0 means one second
	Logger *slog.Logger  // nil: slog.Default
}

// The waits after a handler failed.
const (
	firstBackoff   = time.Second
	longestBackoff = time.Minute
)

// Timer fires due timeouts.
type Timer struct {
	cfg   Config
	nudge chan struct{}

	mu     sync.Mutex
	next   time.Time          // when Run looks again, by the store's clock; zero: at once
	failed map[string]backoff // by timeout id
	held   int                // due timeouts that had to wait when last looked at
}

type backoff struct {
	wait  time.Duration
	until time.Time
}

// New returns a timer.
func New(cfg Config) *Timer {
	if cfg.Limit <= 0 {
		cfg.Limit = 256
	}
	if cfg.Poll <= 0 {
		cfg.Poll = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Timer{cfg: cfg, nudge: make(chan struct{}, 1), failed: map[string]backoff{}}
}

// OnCommit shortens the wait when a commit set a timeout that is due before Run looks again. Give it to the committer.
func (t *Timer) OnCommit(c *eventstore.Commit) {
	for _, s := range c.Timeouts {
		t.sooner(s.Due)
	}
}

// Heard shortens the wait when another process tells of a timeout in a lane held that is due before Run looks again.
func (t *Timer) Heard(w eventstore.Wake) {
	for lane, due := range w.Due {
		if _, held := t.cfg.Epochs.Epoch(lane); held {
			t.sooner(due)
		}
	}
}

func (t *Timer) sooner(due time.Time) {
	t.mu.Lock()
	sooner := due.Before(t.next)
	if sooner {
		t.next = due
	}
	t.mu.Unlock()
	if sooner {
		select {
		case t.nudge <- struct{}{}:
		default:
		}
	}
}

// RunOnce fires what is due, key by key, and reports whether anything was. A handler's error is logged and the timeout
// tried again later; the error returned is the store's.
func (t *Timer) RunOnce(ctx context.Context) (bool, error) {
	groups, _, err := t.due(ctx)
	if err != nil {
		return false, err
	}
	for _, g := range groups {
		if err := t.fire(ctx, g); err != nil {
			return true, err
		}
	}
	return len(groups) > 0, nil
}

// Run fires timeouts until the context ends, then returns nil.
func (t *Timer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		groups, wait, err := t.due(ctx)
		if err != nil && ctx.Err() == nil {
			t.cfg.Logger.WarnContext(ctx, "timeouts not read", "error", err)
		}
		if len(groups) > 0 {
			t.fireAll(ctx, groups)
			continue
		}
		alarm := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.nudge:
		case <-alarm.C:
		}
		alarm.Stop()
	}
	return nil
}

// fireAll fires at once, so that the committer can put many keys into one transaction.
func (t *Timer) fireAll(ctx context.Context, groups []group) {
	var wg sync.WaitGroup
	for _, g := range groups {
		wg.Go(func() {
			if err := t.fire(ctx, g); err != nil && ctx.Err() == nil {
				t.cfg.Logger.WarnContext(ctx, "timeout not fired", "owner", g.owner, "key", g.key, "error", err)
			}
		})
	}
	wg.Wait()
}

// group is the due timeouts of one key and owner.
type group struct {
	owner, key string
	timeouts   []eventstore.Timeout
}

// due returns what is due now, and how long to wait when nothing is. It reads what will be due before it looks again, and nothing
// else: how many timeouts wait for later makes no difference.
func (t *Timer) due(ctx context.Context) ([]group, time.Duration, error) {
	lanes := eventstore.Held(t.cfg.Epochs)
	if len(lanes) == 0 {
		return nil, t.cfg.Poll, nil
	}
	t.mu.Lock()
	limit := t.cfg.Limit + len(t.failed) + t.held // those that wait must not hide others
	t.mu.Unlock()
	now, err := t.cfg.Store.Now(ctx)
	if err != nil {
		return nil, t.cfg.Poll, fmt.Errorf("read the store's clock: %w", err)
	}
	by := now.Add(t.cfg.Poll)
	t.mu.Lock()
	t.next = by // before reading: what is set from now on is told by OnCommit
	t.mu.Unlock()
	ts, err := t.cfg.Store.Timeouts(ctx, lanes, by, limit)
	if err != nil {
		return nil, t.cfg.Poll, fmt.Errorf("read timeouts: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var groups []group
	wait := t.cfg.Poll
	t.held = 0
	for _, o := range ts {
		at := o.Due
		if b, ok := t.failed[o.ID]; ok && b.until.After(at) {
			at = b.until
		}
		if at.After(now) {
			wait = min(wait, at.Sub(now))
			if at.Before(t.next) {
				t.next = at
			}
			continue
		}
		if t.cfg.Holds != nil && t.cfg.Holds(o.Key) {
			t.held++
			continue
		}
		i := slices.IndexFunc(groups, func(g group) bool { return g.key == o.Key && g.owner == o.Owner })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{owner: o.Owner, key: o.Key})
		}
		groups[i].timeouts = append(groups[i].timeouts, o)
	}
	return groups, wait, nil
}

// fire handles the due timeouts of one key in one commit. Those that are gone or were moved meanwhile are left out.
func (t *Timer) fire(ctx context.Context, g group) error {
	h := t.cfg.Handlers[g.owner]
	ids := make([]string, len(g.timeouts))
	for i, o := range g.timeouts {
		ids[i] = o.ID
	}
	_, err := t.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{g.key},
		Load: func() eventstore.Load {
			l := eventstore.Load{Timeouts: ids}
			if h != nil {
				l = l.Merge(h.Load(g.timeouts))
			}
			return l
		},
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			if h == nil {
				return nil, fmt.Errorf("no handler for timeouts of %q", g.owner)
			}
			c := &eventstore.Commit{}
			var still []eventstore.Timeout
			for _, o := range g.timeouts {
				if now := l.Timeouts[o.ID]; now != nil && now.Token == o.Token && !now.Due.After(l.Now) {
					still = append(still, o)
					c.Fired = append(c.Fired, eventstore.FiredTimer{ID: o.ID, Token: o.Token})
				}
			}
			if len(still) == 0 {
				return nil, nil
			}
			return c, h.Decide(l, still, c)
		},
	})
	return t.settle(ctx, g, err)
}

// settle remembers a failure, so that the timeout waits before it is tried again. It returns errors that are not the
// handler's.
func (t *Timer) settle(ctx context.Context, g group, err error) error {
	if err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, o := range g.timeouts {
			delete(t.failed, o.ID)
		}
		return nil
	}
	if away(ctx, err) {
		return fmt.Errorf("fire timeouts of %s: %w", g.key, err)
	}
	now, clockErr := t.cfg.Store.Now(ctx)
	if clockErr != nil {
		return fmt.Errorf("read the store's clock: %w", clockErr)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range g.timeouts {
		b := t.failed[o.ID]
		b.wait = min(max(2*b.wait, firstBackoff), longestBackoff)
		b.until = now.Add(b.wait)
		t.failed[o.ID] = b
		if errors.Is(err, vnfm.ErrUnknownVersion) { // nothing is wrong: it is for a node with a newer program
			t.cfg.Logger.WarnContext(ctx, "timeout waits for a newer program", "owner", g.owner, "key", g.key, "timeout", o.Name, "error", err)
			continue
		}
		t.cfg.Logger.ErrorContext(ctx, "timeout not handled", "owner", g.owner, "key", g.key, "timeout", o.Name, "error", err)
	}
	return nil
}

func away(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, eventstore.ErrUnavailable)
}

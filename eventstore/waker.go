package eventstore

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Wake says what is new: the heads of lanes that grew, and lanes in which a timeout was set that is due soon.
type Wake struct {
	Heads map[int]LaneHead  `json:"h,omitempty"`
	Due   map[int]time.Time `json:"d,omitempty"`
}

// Waker is met by stores that several processes use. What is told is a nudge: everything works without it, by looking from time to
// time.
type Waker interface {
	// Wake tells the other processes; what they hear may be lost.
	Wake(ctx context.Context, w Wake) error
	// Listen hands on what other processes tell, until ctx ends; it returns nil then. It comes back from lost connections by itself,
	// and hands on the heads of all lanes when it does.
	Listen(ctx context.Context, heard func(Wake)) error
}

// TellerConfig describes a Teller.
type TellerConfig struct {
	Waker Waker
	// Heard is given what others tell.
	Heard func(Wake)
	// Others reports whether there is anybody to tell; nil: there is.
	Others func() bool
	// Gap is the shortest time between two times of telling; 0 means 5 ms.
	Gap    time.Duration
	Logger *slog.Logger // nil: slog.Default
}

// Teller tells other processes what this one commits, gathered over a moment, and hears what they tell.
type Teller struct {
	cfg   TellerConfig
	nudge chan struct{}
	mu    sync.Mutex
	next  Wake
}

// dueSoon is how soon a timeout is due for it to be told: later ones are seen in time by the look that comes anyway.
const dueSoon = 2 * time.Second

// NewTeller returns a teller; Run makes it work.
func NewTeller(cfg TellerConfig) *Teller {
	if cfg.Gap <= 0 {
		cfg.Gap = 5 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Teller{cfg: cfg, nudge: make(chan struct{}, 1)}
}

// OnCommit takes note of what a commit added. Give it to the committer.
func (t *Teller) OnCommit(c *Commit) {
	var head LaneHead
	if n := len(c.Events); n > 0 {
		head.Event = c.Events[n-1].Offset
	}
	if n := len(c.Messages); n > 0 {
		head.Outbox = c.Messages[n-1].Offset
	}
	var due time.Time
	for i := range c.Timeouts {
		if at := c.Timeouts[i].Due; at.Sub(c.Time) < dueSoon && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	if head == (LaneHead{}) && due.IsZero() || t.cfg.Others != nil && !t.cfg.Others() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next.Heads == nil {
		t.next = Wake{Heads: map[int]LaneHead{}, Due: map[int]time.Time{}}
	}
	if head != (LaneHead{}) {
		was := t.next.Heads[c.Lane]
		t.next.Heads[c.Lane] = LaneHead{Event: max(was.Event, head.Event), Outbox: max(was.Outbox, head.Outbox)}
	}
	if was, ok := t.next.Due[c.Lane]; !due.IsZero() && (!ok || due.Before(was)) {
		t.next.Due[c.Lane] = due
	}
	select {
	case t.nudge <- struct{}{}:
	default:
	}
}

func (t *Teller) take() Wake {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.next
	t.next = Wake{}
	return w
}

// Run tells and hears until the context ends, then returns nil.
func (t *Teller) Run(ctx context.Context) error {
	heard := make(chan error, 1)
	go func() { heard <- t.cfg.Waker.Listen(ctx, t.cfg.Heard) }()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-t.nudge:
			if err := t.cfg.Waker.Wake(ctx, t.take()); err != nil && ctx.Err() == nil {
				t.cfg.Logger.DebugContext(ctx, "other nodes not woken", "error", err)
			}
			gap := time.NewTimer(t.cfg.Gap)
			select {
			case <-ctx.Done():
			case <-gap.C:
			}
			gap.Stop()
		}
	}
	return <-heard
}

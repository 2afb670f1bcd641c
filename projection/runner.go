// Package projection follows the event log by position: it hands every event of every lane, in order, to a follower and
// keeps how far it got.
//
// It promises at least once and in order per lane. An event that cannot be handled stops its lane, where one can see it
// (Stopped), and no other. It must not know what events mean; what must be in the commit of the event itself (views)
// is no projection.
package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Follower is told of events.
type Follower interface {
	// Name is the follower's name; its checkpoint is kept under it.
	Name() string
	// Handle is given events of one lane, in order. It may be given them again.
	Handle(ctx context.Context, events []eventstore.Event) error
}

// Planner is a follower whose effect is rows: they are written in the commit that moves its checkpoint, so that the
// effect is there once. Its checkpoint is moved for events without effect only now and then; it is asked about them again
// after a restart.
type Planner interface {
	// Name is the planner's name; its checkpoint is kept under it.
	Name() string
	// Wants is asked at the begin of each look: false means that no event committed so far has an effect. What it reads
	// to know that serves the calls of Plan after it.
	Wants(ctx context.Context) (bool, error)
	// Plan takes the first of the events, at least one, all of one lane and committed before Wants was called, and returns
	// how many it took and the work that is their effect, nil when there is none. A Decide that returns nil moves
	// nothing: the events come again.
	Plan(ctx context.Context, events []eventstore.Event) (int, *eventstore.Work, error)
}

// Epochs says under which epoch a lane is held for a role, if it is.
type Epochs interface {
	Role() string
	Epoch(lane int) (int64, bool)
}

// Store is what a runner reads.
type Store interface {
	ReadLane(ctx context.Context, lane int, after int64, limit int) ([]eventstore.Event, error)
	Heads(ctx context.Context) ([eventstore.Lanes]eventstore.LaneHead, error)
	Cursors(ctx context.Context, consumer string) ([eventstore.Lanes]eventstore.Position, error)
}

// Config describes a runner.
type Config struct {
	Follower Follower
	Planner  Planner // instead of Follower
	Store    Store
	Doer     eventstore.Doer
	Epochs   Epochs
	Batch    int           // events handed over at once; 0 means 256
	Attempts int           // after which an event stops its lane; 0 means 5
	Poll     time.Duration // 0 means 500 ms
	// Gather is how long Run waits after the first event for others: each look that finds some moves a checkpoint, which is a
	// commit. 0: not at all, for who must hear at once.
	Gather time.Duration
	Logger *slog.Logger // nil: slog.Default
}

// Stop says where and why a lane stopped.
type Stop struct {
	Lane   int
	Offset int64 // of the event that cannot be handled
	Event  string
	Err    error
}

// Runner follows the log for one follower.
type Runner struct {
	cfg   Config
	nudge chan struct{}

	mu       sync.Mutex
	attempts map[int]int // of the event a lane stands before
	stopped  map[int]Stop
	passed   [eventstore.Lanes]passed // only by RunOnce
}

// passed is how far a planner saw no effect in a lane, beyond the stored checkpoint it started from.
type passed struct{ from, to, epoch int64 }

// storeEvery is the number of events without effect after which a planner's checkpoint is stored all the same.
const storeEvery = 512

// New returns a runner.
func New(cfg Config) *Runner {
	if cfg.Batch <= 0 {
		cfg.Batch = 256
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 5
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 500 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Runner{cfg: cfg, nudge: make(chan struct{}, 1), attempts: map[int]int{}, stopped: map[int]Stop{}}
}

// ConsumerPrefix begins the name of the cursors of a follower; the follower's name follows.
const ConsumerPrefix = "projection:"

// Consumer returns the name of the runner's cursors.
func (r *Runner) Consumer() string {
	if r.cfg.Planner != nil {
		return ConsumerPrefix + r.cfg.Planner.Name()
	}
	return ConsumerPrefix + r.cfg.Follower.Name()
}

// OnCommit shortens the wait after a commit with events. Give it to the committer.
func (r *Runner) OnCommit(c *eventstore.Commit) {
	if len(c.Events) > 0 {
		r.wake()
	}
}

// Heard shortens the wait when another process tells of events in a lane held.
func (r *Runner) Heard(w eventstore.Wake) {
	for lane, h := range w.Heads {
		if _, held := r.cfg.Epochs.Epoch(lane); held && h.Event > 0 {
			r.wake()
			return
		}
	}
}

func (r *Runner) wake() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// Stopped lists the lanes that stand before an event that cannot be handled.
func (r *Runner) Stopped() []Stop {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Stop
	for lane := range eventstore.Lanes {
		if s, ok := r.stopped[lane]; ok {
			out = append(out, s)
		}
	}
	return out
}

// Resume lets stopped lanes try again.
func (r *Runner) Resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.stopped)
	clear(r.attempts)
}

// RunOnce hands over what is waiting in every lane held, one batch each, and reports whether there was anything. The
// error is the store's or, joined, the follower's: the events come again.
func (r *Runner) RunOnce(ctx context.Context) (bool, error) {
	heads, err := r.cfg.Store.Heads(ctx)
	if err != nil {
		return false, fmt.Errorf("read lane heads: %w", err)
	}
	cursors, err := r.cfg.Store.Cursors(ctx, r.Consumer())
	if err != nil {
		return false, fmt.Errorf("read checkpoint of %s: %w", r.Consumer(), err)
	}
	wants := true
	if r.cfg.Planner != nil {
		if wants, err = r.cfg.Planner.Wants(ctx); err != nil {
			return false, fmt.Errorf("%s: %w", r.Consumer(), err)
		}
	}
	did := false
	var errs []error
	for lane := range eventstore.Lanes {
		if r.cfg.Planner != nil {
			more, err := r.look(ctx, lane, cursors[lane].Offset, heads[lane].Event, wants)
			did = did || more
			errs = append(errs, err)
			continue
		}
		epoch, ok := r.cfg.Epochs.Epoch(lane)
		if !ok || heads[lane].Event <= cursors[lane].Offset || r.isStopped(lane, cursors[lane].Offset) {
			continue
		}
		did = true
		if err := r.lane(ctx, eventstore.CursorMove{Consumer: r.Consumer(), Role: r.cfg.Epochs.Role(), Lane: lane, From: cursors[lane].Offset, Epoch: epoch}); err != nil {
			errs = append(errs, err)
		}
	}
	return did, errors.Join(errs...)
}

// isStopped reports whether a lane stands before an event that cannot be handled. It does no more when another process,
// with a newer program, has handled the event since.
func (r *Runner) isStopped(lane int, cursor int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.stopped[lane]
	if ok && cursor >= s.Offset {
		delete(r.stopped, lane)
		delete(r.attempts, lane)
		return false
	}
	return ok
}

// lane hands over one batch; when that fails, its events one by one up to the one that does.
func (r *Runner) lane(ctx context.Context, move eventstore.CursorMove) error {
	events, err := r.cfg.Store.ReadLane(ctx, move.Lane, move.From, r.cfg.Batch)
	if err != nil {
		return fmt.Errorf("read lane %d: %w", move.Lane, err)
	}
	if len(events) == 0 {
		return nil
	}
	for i, e := range events {
		if want := move.From + int64(i) + 1; e.Offset != want {
			return fmt.Errorf("event log lane %d: offset %d is missing", move.Lane, want)
		}
	}
	failed := r.cfg.Follower.Handle(ctx, events)
	move.To = events[len(events)-1].Offset
	if failed != nil {
		move.To = move.From
		for _, e := range events {
			if failed = r.cfg.Follower.Handle(ctx, []eventstore.Event{e}); failed != nil {
				break
			}
			move.To = e.Offset
		}
	}
	if move.To > move.From {
		_, err := r.cfg.Doer.Do(ctx, &eventstore.Work{
			Keys: []string{r.Consumer()},
			Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
				return &eventstore.Commit{Cursors: []eventstore.CursorMove{move}}, nil
			},
		})
		if err != nil {
			return fmt.Errorf("move checkpoint of %s: %w", r.Consumer(), err)
		}
		r.forget(move.Lane)
	}
	if failed == nil || ctx.Err() != nil {
		return failed
	}
	return r.count(ctx, events[move.To-move.From], failed)
}

func (r *Runner) forget(lane int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.attempts, lane)
}

// count stops the lane when its next event has failed often enough. A store that is away says nothing about the event.
func (r *Runner) count(ctx context.Context, e eventstore.Event, err error) error {
	if errors.Is(err, eventstore.ErrUnavailable) {
		return fmt.Errorf("%s: event %s of %s: %w", r.Consumer(), e.ID, e.Stream, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts[e.Lane]++
	if r.attempts[e.Lane] >= r.cfg.Attempts {
		r.stopped[e.Lane] = Stop{Lane: e.Lane, Offset: e.Offset, Event: e.ID, Err: err}
		r.cfg.Logger.ErrorContext(ctx, "projection stopped", "consumer", r.Consumer(), "stream", e.Stream, "version", e.Version,
			"position", e.Offset, "lane", e.Lane, "error", err)
	}
	return fmt.Errorf("%s: event %s of %s: %w", r.Consumer(), e.ID, e.Stream, err)
}

// Run follows the log until the context ends, then returns nil.
func (r *Runner) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		did, err := r.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			r.cfg.Logger.WarnContext(ctx, "projection waits", "consumer", r.Consumer(), "error", err)
		}
		if did && err == nil {
			r.gather(ctx)
			continue
		}
		wait := time.NewTimer(r.cfg.Poll)
		if err != nil {
			select { // a nudge must not shorten the wait after an error
			case <-ctx.Done():
			case <-wait.C:
			}
		} else {
			select {
			case <-ctx.Done():
			case <-r.nudge:
				r.gather(ctx)
			case <-wait.C:
			}
		}
		wait.Stop()
	}
	return nil
}

func (r *Runner) gather(ctx context.Context) {
	if r.cfg.Gather <= 0 {
		return
	}
	wait := time.NewTimer(r.cfg.Gather)
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	}
}

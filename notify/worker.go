package notify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Worker delivers what waits in the lanes held: of each queue in order, of different queues at once.
type Worker struct {
	cfg   Config
	dir   *directory
	gates *gates
	nudge chan struct{}
	swept time.Time // when rows that were given up were last looked at; only by the loop

	mu    sync.Mutex
	busy  map[string]bool // queue rows being worked on, by id
	calls map[string]int  // and how many there are of each subscription
	turn  int             // RunOnce begins with another row each time
}

// Worker returns the worker for the service's subscriptions.
func (s *Service) Worker() *Worker {
	return &Worker{
		cfg: s.cfg, dir: s.dir, gates: &gates{shut: map[string]*gate{}}, nudge: make(chan struct{}, 1),
		busy: map[string]bool{}, calls: map[string]int{},
	}
}

// OnCommit shortens the wait after a commit that made a queue due. Give it to the committer.
func (w *Worker) OnCommit(c *eventstore.Commit) {
	for i := range c.Records {
		if r := &c.Records[i]; r.Table == eventstore.TableNotifications && r.State == stateQueue && !r.Delete && !r.Due.After(c.Time) {
			w.wake()
			return
		}
	}
}

func (w *Worker) wake() {
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

// RunOnce delivers from one due queue and reports whether there was one. Queues take turns.
func (w *Worker) RunOnce(ctx context.Context) (bool, error) {
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("read the store's clock: %w", err)
	}
	if err := w.sweep(ctx, now); err != nil {
		return false, err
	}
	found, _, err := w.due(ctx, now)
	if err != nil {
		return false, err
	}
	for i := range found {
		r := found[(w.turn+i)%len(found)]
		if w.claim(r, now) {
			w.turn++
			defer w.release(r)
			return true, w.step(ctx, r)
		}
	}
	return false, nil
}

// Run delivers until the context ends, and returns nil when the last delivery has ended. A subscriber that hangs keeps
// only its own notifications waiting.
func (w *Worker) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-w.nudge:
		}
		wait, err := w.dispatch(ctx, &wg)
		if err != nil {
			if ctx.Err() == nil {
				w.cfg.Logger.WarnContext(ctx, "notifications not read", "error", err)
			}
			wait = w.cfg.Idle
		}
		timer.Reset(wait)
	}
}

// dispatch starts a step of every due queue there is room for, and returns how long nothing more will be due.
func (w *Worker) dispatch(ctx context.Context, wg *sync.WaitGroup) (time.Duration, error) {
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the store's clock: %w", err)
	}
	if err := w.sweep(ctx, now); err != nil {
		return 0, err
	}
	found, wait, err := w.due(ctx, now)
	if err != nil {
		return 0, err
	}
	for _, r := range found {
		if !w.claim(r, now) {
			continue
		}
		wg.Go(func() {
			err := w.step(ctx, r)
			w.release(r)
			if err != nil {
				if ctx.Err() == nil {
					w.cfg.Logger.WarnContext(ctx, "notifications not moved on", "subscription_id", r.Group, "vnf_id", r.Key, "error", err)
				}
				return // the next look comes by itself; the database may be away
			}
			w.wake()
		})
	}
	return wait, nil
}

// page bounds the queues read at once.
const page = 500

// due returns the queues to deliver from now, those of shut gates left out, and how long until the next that is not due
// yet.
func (w *Worker) due(ctx context.Context, now time.Time) ([]eventstore.Record, time.Duration, error) {
	wait := w.cfg.Idle
	lanes := w.cfg.lanes()
	if len(lanes) == 0 {
		return nil, wait, nil
	}
	if err := w.lookAsked(ctx, now); err != nil {
		return nil, 0, err
	}
	q := eventstore.RecordQuery{Table: eventstore.TableNotifications, State: stateQueue, Lanes: lanes, DueBy: now.Add(w.cfg.Idle), Limit: page}
	rows, err := w.cfg.Store.Records(ctx, q)
	if err != nil {
		return nil, 0, fmt.Errorf("read due notifications: %w", err)
	}
	if len(rows) == page { // those of a subscriber that is away must not hide the others
		subs, err := w.dir.current(ctx)
		if err != nil {
			return nil, 0, err
		}
		for _, s := range subs.all {
			if room, _ := w.gates.room(s.ID, now, w.cfg.PerSubscription); room == 0 {
				continue
			}
			q.Group = s.ID
			more, err := w.cfg.Store.Records(ctx, q)
			if err != nil {
				return nil, 0, fmt.Errorf("read due notifications: %w", err)
			}
			rows = append(rows, more...)
		}
	}
	var found []eventstore.Record
	for _, r := range rows {
		at := r.Due
		if room, until := w.gates.room(r.Group, now, w.cfg.PerSubscription); room == 0 && until.After(at) {
			at = until
		}
		if at.After(now) {
			wait = min(wait, at.Sub(now))
			continue
		}
		found = append(found, r)
	}
	return found, wait, nil
}

// lookAsked opens the gates of subscriptions that an operator asked for, on whichever node.
func (w *Worker) lookAsked(ctx context.Context, now time.Time) error {
	shut := w.gates.waiting(now)
	if len(shut) == 0 {
		return nil
	}
	var refs []eventstore.RecordRef
	for _, sub := range shut {
		refs = append(refs, askedRef(sub))
	}
	l, err := w.cfg.Store.Load(ctx, eventstore.Load{Records: refs})
	if err != nil {
		return fmt.Errorf("read what operators asked for: %w", err)
	}
	for i, sub := range shut {
		at, err := askedAt(l.Records[refs[i]])
		if err != nil {
			return err
		}
		w.gates.asked(sub, at)
	}
	return nil
}

// lanes returns the lanes to work on.
func (c Config) lanes() []int { return eventstore.Held(c.Epochs) }

// claim takes a queue to work on, if nobody has it and its subscription has room.
func (w *Worker) claim(r eventstore.Record, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	room, _ := w.gates.room(r.Group, now, w.cfg.PerSubscription)
	if w.busy[r.ID] || w.calls[r.Group] >= room {
		return false
	}
	w.busy[r.ID] = true
	w.calls[r.Group]++
	return true
}

func (w *Worker) release(r eventstore.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, r.ID)
	if w.calls[r.Group]--; w.calls[r.Group] == 0 {
		delete(w.calls, r.Group)
	}
}

// sweepEvery is the time between two looks at what was given up long ago.
const sweepEvery = time.Minute

// sweep removes what was given up so long ago that it is no longer kept, and what is left of deleted subscriptions.
func (w *Worker) sweep(ctx context.Context, now time.Time) error {
	if now.Sub(w.swept) < sweepEvery {
		return nil
	}
	lanes := w.cfg.lanes()
	if len(lanes) == 0 {
		return nil
	}
	rows, err := w.cfg.Store.Records(ctx, eventstore.RecordQuery{
		Table: eventstore.TableNotifications, State: StateFailed, Lanes: lanes, DueBy: now, Limit: page,
	})
	if err != nil {
		return fmt.Errorf("read notifications given up: %w", err)
	}
	if len(rows) == 0 {
		w.swept = now
		return nil
	}
	return w.cfg.remove(ctx, rows)
}

package vimmanager

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vim"
)

// Worker drives due ledger rows. One step of a row is at most one call to its VIM between two commits.
type Worker struct {
	cfg   Config
	nudge chan struct{} // look for due rows
	hand  chan struct{} // the queue has rows, or room

	mu      sync.Mutex
	running bool                           // Run is there to take what is handed over
	queue   map[string][]eventstore.Record // due rows that wait for room, by connection; only while running
	queued  map[string]bool                // their ids
	busy    map[string]bool                // rows this process works on, by row id
	calls   map[string]int                 // steps under way, by connection
	cooling map[string]time.Time           // rows whose step went wrong, until when
	turn    int                            // RunOnce begins with another connection each time
}

// NewWorker returns a worker.
func NewWorker(cfg Config) *Worker {
	return &Worker{
		cfg: cfg.withDefaults(), nudge: make(chan struct{}, 1), hand: make(chan struct{}, 1),
		busy: map[string]bool{}, calls: map[string]int{}, cooling: map[string]time.Time{},
	}
}

// OnCommit takes over what a commit made due, so that it need not be looked for. It follows the Committer, and does
// nothing while Run does not run.
func (w *Worker) OnCommit(c *eventstore.Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return
	}
	for _, r := range c.Records {
		if r.Delete || r.Due.IsZero() || r.Table != eventstore.TableVimResources && r.Table != eventstore.TableVimCommands {
			continue
		}
		if wait := r.Due.Sub(c.Time); wait > 0 {
			if wait <= w.cfg.Idle { // later ones are seen in time by the look that comes anyway
				time.AfterFunc(wait, w.Nudge)
			}
			continue
		}
		rec := r.Record
		rec.Version, rec.Lane = r.Expected+1, eventstore.LaneOf(r.Key)
		w.enqueue(rec)
		signal(w.hand)
	}
}

// enqueue has a row wait for room; w.mu is held. A row may be handed over and found as well: its second step sees that it
// has moved on.
func (w *Worker) enqueue(r eventstore.Record) {
	if !w.queued[r.ID] {
		w.queued[r.ID] = true
		w.queue[r.Group] = append(w.queue[r.Group], r)
	}
}

// Nudge shortens the wait for work.
func (w *Worker) Nudge() { signal(w.nudge) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// RunOnce makes one step of one due row and reports whether there was one. Connections take turns.
func (w *Worker) RunOnce(ctx context.Context) (bool, error) {
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("read the store's clock: %w", err)
	}
	found, _, err := w.due(ctx, now)
	if err != nil || len(found) == 0 {
		return false, err
	}
	return true, w.step(ctx, found[w.nextTurn()%len(found)][0])
}

func (w *Worker) nextTurn() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	return w.turn
}

// Run makes steps until the context ends, several at once, and returns nil when the last has ended. A VIM that hangs
// keeps only its own connection's steps waiting.
func (w *Worker) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	w.setRunning(true)
	defer w.setRunning(false)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.hand:
			w.start(ctx, &wg)
			continue
		case <-timer.C:
		case <-w.nudge:
		}
		wait, err := w.dispatch(ctx, &wg)
		if err != nil && ctx.Err() == nil {
			w.cfg.Logger.WarnContext(ctx, "ledger not read", "error", err)
			wait = w.cfg.Idle
		}
		timer.Reset(wait)
	}
}

func (w *Worker) setRunning(running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.queue, w.queued = running, map[string][]eventstore.Record{}, map[string]bool{}
}

// dispatch queues every due row, starts those there is room for, and returns how long nothing more will be due.
func (w *Worker) dispatch(ctx context.Context, wg *sync.WaitGroup) (time.Duration, error) {
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	found, wait, err := w.due(ctx, now)
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	for _, rows := range found {
		for _, rec := range rows {
			w.enqueue(rec)
		}
	}
	w.mu.Unlock()
	w.start(ctx, wg)
	return wait, nil
}

// start starts a step of every queued row there is room for.
func (w *Worker) start(ctx context.Context, wg *sync.WaitGroup) {
	lanes := w.cfg.lanes()
	for _, rec := range w.claim() {
		if !slices.Contains(lanes, rec.Lane) {
			w.release(rec)
			continue
		}
		wg.Go(func() {
			err := w.step(ctx, rec)
			if err != nil && ctx.Err() == nil {
				w.cool(ctx, rec)
				w.cfg.Logger.WarnContext(ctx, "ledger row not moved on", "vim_id", rec.Group, "token", rec.ID, "vnf_id", rec.Key, "error", err)
			}
			w.release(rec)
			signal(w.hand)
		})
	}
}

// claim takes the rows there is room for out of the queue. Each connection has its own room; a row that is being worked
// on stays queued: it was written meanwhile.
func (w *Worker) claim() []eventstore.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []eventstore.Record
	for conn, rows := range w.queue {
		rest := rows[:0]
		for i, r := range rows {
			if w.calls[conn] >= w.cfg.PerConnection {
				rest = append(rest, rows[i:]...)
				break
			}
			if w.busy[r.ID] {
				rest = append(rest, r)
				continue
			}
			delete(w.queued, r.ID)
			w.busy[r.ID] = true
			w.calls[conn]++
			out = append(out, r)
		}
		if w.queue[conn] = rest; len(rest) == 0 {
			delete(w.queue, conn)
		}
	}
	return out
}

// due returns the rows to work on now, grouped by connection, and how long until the next one that is not due yet. Only when
// there are too many rows for one look is each connection looked at, so that one with a backlog hides no other's.
func (w *Worker) due(ctx context.Context, now time.Time) ([][]eventstore.Record, time.Duration, error) {
	wait := w.cfg.Idle
	lanes := w.cfg.lanes()
	if len(lanes) == 0 {
		return nil, wait, nil
	}
	const most = 256
	look := func(q eventstore.RecordQuery) ([]eventstore.Record, error) {
		q.Lanes, q.DueBy = lanes, now.Add(w.cfg.Idle)
		recs, err := w.cfg.Store.Records(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read due rows of %s: %w", q.Table, err)
		}
		return recs, nil
	}
	resources, err := look(eventstore.RecordQuery{Table: eventstore.TableVimResources, Limit: most})
	if err != nil {
		return nil, 0, err
	}
	if len(resources) == most {
		registered, err := w.cfg.Registry.IDs(ctx)
		if err != nil {
			return nil, 0, fmt.Errorf("read the ids of the VIM connections: %w", err)
		}
		// What stays are rows of connections that are not registered: a VNF's own, or one that is gone.
		resources = slices.DeleteFunc(resources, func(r eventstore.Record) bool { return slices.Contains(registered, r.Group) })
		for _, id := range registered {
			recs, err := look(eventstore.RecordQuery{Table: eventstore.TableVimResources, Group: id, Limit: 1000})
			if err != nil {
				return nil, 0, err
			}
			resources = append(resources, recs...)
		}
	}
	commands, err := look(eventstore.RecordQuery{Table: eventstore.TableVimCommands, Limit: most})
	if err != nil {
		return nil, 0, err
	}
	rows := map[string][]eventstore.Record{}
	for _, r := range slices.Concat(resources, commands) {
		switch {
		case w.occupied(r, now):
		case r.Due.After(now):
			wait = min(wait, r.Due.Sub(now))
		default:
			k := r.Table + " " + r.Group
			rows[k] = append(rows[k], r)
		}
	}
	var found [][]eventstore.Record
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		found = append(found, rows[id])
	}
	return found, wait, nil
}

func (w *Worker) occupied(r eventstore.Record, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until, ok := w.cooling[r.ID]; ok {
		if now.Before(until) {
			return true
		}
		delete(w.cooling, r.ID)
	}
	return w.busy[r.ID]
}

// release ends a claim.
func (w *Worker) release(r eventstore.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, r.ID)
	if w.calls[r.Group]--; w.calls[r.Group] == 0 {
		delete(w.calls, r.Group)
	}
}

// cool leaves a row whose step went wrong alone for a while.
func (w *Worker) cool(ctx context.Context, r eventstore.Record) {
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return // nothing will be found in a store that is away
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cooling[r.ID] = now.Add(w.cfg.Idle)
}

// change makes one change to resource rows and the commands they concern, and sends the copies of replies that Tap
// wants. f runs under the lock of the key, possibly more than once.
func (cfg Config) change(ctx context.Context, key string, load []eventstore.RecordRef, tokens []string, f func(*ledger) error) error {
	refs := slices.Clone(load)
	for _, t := range tokens {
		refs = append(refs, resourceRef(t))
	}
	for {
		var missing []eventstore.RecordRef
		var lg *ledger
		_, err := cfg.Doer.Do(ctx, &eventstore.Work{
			Keys: []string{key},
			Load: func() eventstore.Load { return eventstore.Load{Records: refs} },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				c := &eventstore.Commit{}
				missing, lg = nil, newLedger(cfg, l, c)
				for _, t := range tokens { // whoever waits for a row may be told: their commands are needed, too
					r, err := lg.resource(t)
					if err != nil {
						return nil, err
					}
					if r == nil {
						continue
					}
					for _, id := range r.doc.commands() {
						if ref := commandRef(id); !slices.Contains(refs, ref) {
							missing = append(missing, ref)
						}
					}
				}
				if len(missing) > 0 {
					return nil, nil
				}
				if err := f(lg); err != nil {
					return nil, err
				}
				if err := lg.write(); err != nil {
					return nil, err
				}
				return c, nil
			},
		})
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			lg.log(ctx)
			return lg.copies(ctx)
		}
		refs = append(refs, missing...)
	}
}

// log writes a line per state change.
func (lg *ledger) log(ctx context.Context) {
	for _, id := range slices.Sorted(maps.Keys(lg.resources)) {
		if r := lg.resources[id]; r.changed && r.State != r.was {
			lg.Logger.InfoContext(ctx, "resource moved", "vnf_id", r.doc.Owner, "vim_id", r.Group, "token", r.ID,
				"kind", string(r.doc.Kind), "from", r.was, "to", r.State)
		}
	}
}

// copies sends replies again where the VIM's behaviour wants them doubled.
func (lg *ledger) copies(ctx context.Context) error {
	if lg.Tap == nil {
		return nil
	}
	var errs []error
	for _, c := range lg.replies {
		op := "release"
		switch c.doc.Message.Type {
		case vim.TypeReserve, vim.TypeReserveResource:
			op = "reserve"
		case vim.TypeChangeResource:
			op = "change"
		}
		for n := lg.Tap(c.Group, c.doc.Kind, op); n > 1; n-- {
			_, err := lg.Doer.Do(ctx, &eventstore.Work{
				Keys: []string{c.Key},
				Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
					for _, m := range lg.commit.Outbox {
						if m.CausationID == c.ID {
							return &eventstore.Commit{Outbox: append(lg.commit.Outbox[:0:0], m)}, nil
						}
					}
					return nil, nil
				},
			})
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

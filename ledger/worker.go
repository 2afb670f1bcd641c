package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Store is what a worker reads.
type Store interface {
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
	Now(ctx context.Context) (time.Time, error)
}

// Epochs says under which epoch a lane is held, if it is.
type Epochs interface {
	Epoch(lane int) (int64, bool)
}

// Config describes a worker.
type Config struct {
	Store  Store
	Doer   eventstore.Doer
	Ends   eventstore.Doer // makes the commits of what came of calls, which mostly answer somebody; nil: Doer
	Epochs Epochs          // whose lanes to work on; nil: all
	Logger *slog.Logger    // nil: slog.Default
	Tables []string        // whose due rows are worked on

	// Step says what the step of a due row is; nil when there is nothing to be done about it.
	Step func(ctx context.Context, rec eventstore.Record) (*Step, error)
	// Over reports whether a due row was kept for long enough: it is removed. nil: none is.
	Over func(rec *eventstore.Record) bool
	// Needed reports whether anything may still come, or be told, that rows of a key are needed for; they are then kept for a while
	// more, however old. nil: nothing may.
	Needed func(ctx context.Context, key string) (bool, error)
	// Again is how long that is; 0 means an hour.
	Again time.Duration
	// Stands reports whether a row was written to know what is about others of its key: it goes after the last of them. nil: none was.
	Stands func(rec *eventstore.Record) bool
	// Removed is told how many rows of a table were removed for their age; nil: nobody is.
	Removed func(table string, n int)
	// Room returns how many calls of a group may be under way at once, and, where that is none, until when. nil: 16.
	Room func(group string, now time.Time) (int, time.Time)
	// Groups lists groups that are looked at one by one when there are too many due rows for one look, so that a group with a
	// backlog hides no other's. nil: none.
	Groups func(ctx context.Context) ([]string, error)
	// Looks is called before each look for due rows; its error is the look's. nil: nothing is to be known.
	Looks func(ctx context.Context, now time.Time) error
	// Wrote is told of every commit of a step; its error is the step's. nil: nobody.
	Wrote func(ctx context.Context, b *Book) error
	// Idle is the longest the worker waits before it looks for work; 0 means 1 s.
	Idle time.Duration
}

// Places is a Room that is the same for every group.
func Places(n int) func(string, time.Time) (int, time.Time) {
	return func(string, time.Time) (int, time.Time) { return n, time.Time{} }
}

// Worker makes steps of due rows.
type Worker struct {
	cfg   Config
	nudge chan struct{} // look for due rows
	hand  chan struct{} // the queue has rows, or room

	mu      sync.Mutex
	running bool                               // Run is there to take what is handed over
	clock   time.Time                          // the store's, as last heard
	queue   map[string][]eventstore.Record     // due rows that wait for room, by group; only while running
	queued  map[eventstore.RecordRef]bool      // whether a row is among them
	busy    map[eventstore.RecordRef]bool      // rows this process works on
	placed  map[eventstore.RecordRef]bool      // those of them whose call has not ended
	taken   map[string]int                     // how many of these are of a group
	cooling map[eventstore.RecordRef]time.Time // rows whose step went wrong, until when
	ends    map[string]*ends                   // calls under way, and those that have ended, by key
	turn    int                                // RunOnce begins with another group each time
}

// NewWorker returns a worker.
func NewWorker(cfg Config) *Worker {
	if cfg.Ends == nil {
		cfg.Ends = cfg.Doer
	}
	if cfg.Idle <= 0 {
		cfg.Idle = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Room == nil {
		cfg.Room = Places(16)
	}
	if cfg.Over == nil {
		cfg.Over = func(*eventstore.Record) bool { return false }
	}
	if cfg.Again <= 0 {
		cfg.Again = time.Hour
	}
	if cfg.Needed == nil {
		cfg.Needed = func(context.Context, string) (bool, error) { return false, nil }
	}
	if cfg.Stands == nil {
		cfg.Stands = func(*eventstore.Record) bool { return false }
	}
	if cfg.Removed == nil {
		cfg.Removed = func(string, int) {}
	}
	if cfg.Looks == nil {
		cfg.Looks = func(context.Context, time.Time) error { return nil }
	}
	if cfg.Wrote == nil {
		cfg.Wrote = func(context.Context, *Book) error { return nil }
	}
	return &Worker{
		cfg: cfg, nudge: make(chan struct{}, 1), hand: make(chan struct{}, 1), busy: map[eventstore.RecordRef]bool{},
		placed: map[eventstore.RecordRef]bool{}, taken: map[string]int{}, cooling: map[eventstore.RecordRef]time.Time{}, ends: map[string]*ends{},
	}
}

func refOf(r *eventstore.Record) eventstore.RecordRef {
	return eventstore.RecordRef{Table: r.Table, ID: r.ID}
}

// OnCommit takes over what a commit made due, so that it need not be looked for. It follows the Committer, and does
// nothing while Run does not run.
func (w *Worker) OnCommit(c *eventstore.Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return
	}
	for i := range c.Records {
		r := &c.Records[i]
		if r.Delete || r.Due.IsZero() || !slices.Contains(w.cfg.Tables, r.Table) {
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
		w.hear(c.Time)
		w.enqueue(rec)
		signal(w.hand)
	}
}

// hear notes the store's time; w.mu is held.
func (w *Worker) hear(now time.Time) {
	if now.After(w.clock) {
		w.clock = now
	}
}

// enqueue has a row wait for room; w.mu is held. A row may be handed over and found as well: its second step sees that it
// has moved on.
func (w *Worker) enqueue(r eventstore.Record) {
	if !w.queued[refOf(&r)] {
		w.queued[refOf(&r)] = true
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

// RunOnce makes one step of the due rows of one key and group, with one call after the other, or removes rows that were kept
// for long enough, and reports whether there was anything to do. Groups take turns.
func (w *Worker) RunOnce(ctx context.Context) (bool, error) {
	d, err := w.look(ctx)
	if err != nil {
		return false, err
	}
	if len(d.over) > 0 {
		return true, w.forget(ctx, d.over)
	}
	groups := slices.Sorted(maps.Keys(d.rows))
	if len(groups) == 0 {
		return false, nil
	}
	w.mu.Lock()
	w.turn++
	rows := d.rows[groups[w.turn%len(groups)]]
	room, _ := w.cfg.Room(rows[0].Group, d.now)
	w.mu.Unlock()
	rows = slices.DeleteFunc(rows, func(r eventstore.Record) bool { return r.Key != rows[0].Key })
	rows = rows[:min(len(rows), max(room, 1))]
	return true, w.alone(ctx, rows)
}

// Run makes steps until the context ends, of several groups and keys at once, and returns nil when the last has ended. A group
// whose calls hang keeps only its own rows waiting.
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
		if err != nil {
			if ctx.Err() == nil {
				w.cfg.Logger.WarnContext(ctx, "due rows not read", "tables", w.cfg.Tables, "error", err)
			}
			wait = w.cfg.Idle
		}
		timer.Reset(wait)
	}
}

func (w *Worker) setRunning(running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.queue, w.queued = running, map[string][]eventstore.Record{}, map[eventstore.RecordRef]bool{}
}

// dispatch queues every due row, starts those there is room for, and returns how long nothing more will be due.
func (w *Worker) dispatch(ctx context.Context, wg *sync.WaitGroup) (time.Duration, error) {
	d, err := w.look(ctx)
	if err != nil {
		return 0, err
	}
	if err := w.forget(ctx, d.over); err != nil {
		return 0, err
	}
	w.mu.Lock()
	for _, rows := range d.rows {
		for _, rec := range rows {
			w.enqueue(rec)
		}
	}
	w.mu.Unlock()
	w.start(ctx, wg)
	return d.wait, nil
}

// start makes a step of every queued row there is room for, those of one key and group together.
func (w *Worker) start(ctx context.Context, wg *sync.WaitGroup) {
	lanes := eventstore.Held(w.cfg.Epochs)
	together := map[[3]string][]eventstore.Record{}
	for _, rec := range w.claim() {
		if !slices.Contains(lanes, rec.Lane) {
			w.release(rec)
			continue
		}
		at := [3]string{rec.Table, rec.Group, rec.Key}
		together[at] = append(together[at], rec)
	}
	for _, rows := range together {
		wg.Go(func() { w.together(ctx, rows) })
	}
}

// claim takes the rows there is room for out of the queue. Each group has its own room; a row that is being worked on stays
// queued: it was written meanwhile.
func (w *Worker) claim() []eventstore.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []eventstore.Record
	for group, rows := range w.queue {
		room, _ := w.cfg.Room(group, w.clock)
		rest := rows[:0]
		for i, r := range rows {
			if w.taken[group] >= room {
				rest = append(rest, rows[i:]...)
				break
			}
			ref := refOf(&r)
			if w.busy[ref] {
				rest = append(rest, r)
				continue
			}
			delete(w.queued, ref)
			w.busy[ref], w.placed[ref] = true, true
			w.taken[group]++
			out = append(out, r)
		}
		clear(rows[len(rest):])
		if w.queue[group] = rest; len(rest) == 0 {
			delete(w.queue, group)
		}
	}
	return out
}

// release ends a claim.
func (w *Worker) release(r eventstore.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, refOf(&r))
	w.vacate(r)
}

// vacate gives back the place of a row that is claimed; w.mu is held.
func (w *Worker) vacate(r eventstore.Record) {
	if !w.placed[refOf(&r)] {
		return
	}
	delete(w.placed, refOf(&r))
	if w.taken[r.Group]--; w.taken[r.Group] == 0 {
		delete(w.taken, r.Group)
	}
}

// due is what a look for work finds.
type due struct {
	now  time.Time
	rows map[string][]eventstore.Record // by table and group
	over []eventstore.Record            // that were kept for long enough
	wait time.Duration                  // until the next that is not due yet
}

// most is how many rows a look for work reads of a table.
const most = 256

// look finds the rows to work on now. Only when there are too many for one look is each group looked at.
func (w *Worker) look(ctx context.Context) (*due, error) {
	now, err := w.cfg.Store.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the store's clock: %w", err)
	}
	d := &due{now: now, rows: map[string][]eventstore.Record{}, wait: w.cfg.Idle}
	q := eventstore.RecordQuery{Lanes: eventstore.Held(w.cfg.Epochs), DueBy: now.Add(w.cfg.Idle), Limit: most}
	if len(q.Lanes) == 0 {
		return d, nil
	}
	if err := w.cfg.Looks(ctx, now); err != nil {
		return nil, err
	}
	for _, q.Table = range w.cfg.Tables {
		recs, err := w.cfg.Store.Records(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read due rows of %s: %w", q.Table, err)
		}
		if len(recs) == most && w.cfg.Groups != nil {
			if recs, err = w.byGroup(ctx, q, recs); err != nil {
				return nil, err
			}
		}
		w.sort(d, recs)
	}
	return d, nil
}

// byGroup looks at each group. What stays of the first look are rows of groups that are not listed.
func (w *Worker) byGroup(ctx context.Context, q eventstore.RecordQuery, recs []eventstore.Record) ([]eventstore.Record, error) {
	groups, err := w.cfg.Groups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the groups of %s: %w", q.Table, err)
	}
	recs = slices.DeleteFunc(recs, func(r eventstore.Record) bool { return slices.Contains(groups, r.Group) })
	q.Limit = 4 * most
	for _, q.Group = range groups {
		more, err := w.cfg.Store.Records(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read due rows of %s: %w", q.Group, err)
		}
		recs = append(recs, more...)
	}
	return recs, nil
}

// sort sorts rows by what is to be done about them.
func (w *Worker) sort(d *due, recs []eventstore.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hear(d.now)
	for i := range recs {
		r := &recs[i]
		at := r.Due
		if until, ok := w.cooling[refOf(r)]; ok && d.now.Before(until) {
			at = until
		} else {
			delete(w.cooling, refOf(r))
		}
		room, until := w.cfg.Room(r.Group, d.now)
		switch {
		case w.busy[refOf(r)]:
		case at.After(d.now):
			d.wait = min(d.wait, at.Sub(d.now))
		case w.cfg.Over(r):
			d.over = append(d.over, *r)
		case room == 0:
			if until.After(d.now) {
				d.wait = min(d.wait, until.Sub(d.now))
			}
		default:
			k := r.Table + " " + r.Group
			d.rows[k] = append(d.rows[k], *r)
		}
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
	w.cooling[refOf(&r)] = now.Add(w.cfg.Idle)
}

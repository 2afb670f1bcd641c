package ledger

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Step is what is done about one due row: what is committed before the call, the call, and what is committed of it.
type Step struct {
	// Key is locked for both commits; "" means the row's. Steps of one key are committed together.
	Key string
	// Load is what Begin and End need, the row itself among it, as far as is known.
	Load []eventstore.RecordRef
	// Begin commits that a call may be under way, and reports whether it is to be made: the row may have moved on since it was
	// read. nil: the call is made without.
	Begin func(b *Book) (bool, error)
	// Timeout bounds the call. Its time begins before Begin. 0: it has no bound.
	Timeout time.Duration
	// Deadline returns the store's time until which the call may be made, as Begin left it; nil: at any time.
	Deadline func() time.Time
	// Call leaves the process; nil: there is nothing to be asked. When it returns an error because this process stops, nothing
	// more is done: the row tells the next one.
	Call func(ctx context.Context) error
	// End commits what came of the call. Its error is the step's: the row is tried again after a while.
	End func(b *Book) error
	// Then is called once End is committed; nil: nothing is left to do. A step that has one keeps its place until then, because
	// what it does may change what room there is.
	Then func(ctx context.Context)
}

// running is a step under way.
type running struct {
	*Step

	rec    eventstore.Record
	ctx    context.Context //nolint:containedctx // of the call, whose time begins before it
	cancel context.CancelFunc
	begun  bool  // the call is to be made
	err    error // of its last commit
}

// prepare makes the steps of rows of one key. A row that has none, or whose step cannot be made, is released; what was wrong is
// returned.
func (w *Worker) prepare(ctx context.Context, rows []eventstore.Record) ([]*running, error) {
	var out []*running
	var errs []error
	for _, rec := range rows {
		s, err := w.cfg.Step(ctx, rec)
		if err != nil || s == nil {
			w.left(ctx, rec, err)
			errs = append(errs, err)
			continue
		}
		if s.Key == "" {
			s.Key = rec.Key
		}
		r := &running{Step: s, rec: rec, ctx: ctx, cancel: func() {}}
		if s.Timeout > 0 {
			r.ctx, r.cancel = context.WithTimeout(ctx, s.Timeout)
		}
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

// begin commits what comes before the calls, and returns the steps whose calls are to be made.
func (w *Worker) begin(ctx context.Context, steps []*running) (calls []*running, err error) {
	var begins []*running
	for _, r := range steps {
		if r.begun = r.Begin == nil; !r.begun {
			begins = append(begins, r)
		}
	}
	err = w.commit(ctx, w.cfg.Doer, begins, func(r *running, b *Book) (err error) {
		r.begun, err = r.Begin(b)
		return err
	})
	for _, r := range steps {
		if r.err == nil && r.begun && r.Call != nil {
			calls = append(calls, r)
		} else {
			r.cancel()
		}
	}
	return calls, err
}

// commit makes one commit of what f does for each of the steps, which are of one key; when that goes wrong, one for each, so that
// what cannot be done keeps nothing else from being done.
func (w *Worker) commit(ctx context.Context, doer eventstore.Doer, steps []*running, f func(*running, *Book) error) error {
	if len(steps) == 0 {
		return nil
	}
	var refs []eventstore.RecordRef
	for _, r := range steps {
		refs = append(refs, r.Load...)
	}
	b, err := Do(ctx, doer, []string{steps[0].Key}, refs, func(b *Book) error {
		for _, r := range steps {
			if err := f(r, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && len(steps) > 1 && ctx.Err() == nil && !errors.Is(err, eventstore.ErrUnavailable) {
		var errs []error
		for i := range steps {
			errs = append(errs, w.commit(ctx, doer, steps[i:i+1], f))
		}
		return errors.Join(errs...)
	}
	if err == nil {
		err = w.cfg.Wrote(ctx, b)
	}
	for _, r := range steps {
		r.err = err
	}
	return err
}

// alone makes the steps of rows of one key in the caller, one call after the other.
func (w *Worker) alone(ctx context.Context, rows []eventstore.Record) error {
	steps, err := w.prepare(ctx, rows)
	errs := []error{err}
	steps, err = w.begin(ctx, steps)
	errs = append(errs, err)
	var done []*running
	for i, r := range steps {
		if i > 0 && r.Deadline != nil { // the calls before it took their time
			if now, err := w.cfg.Store.Now(ctx); err != nil || !now.Before(r.Deadline()) {
				errs = append(errs, err)
				r.cancel()
				continue
			}
		}
		err := r.Call(r.ctx)
		if r.cancel(); err == nil || ctx.Err() == nil {
			done = append(done, r)
		}
	}
	errs = append(errs, w.end(ctx, done))
	return errors.Join(errs...)
}

// end commits what came of calls.
func (w *Worker) end(ctx context.Context, done []*running) error {
	ctx = context.WithoutCancel(ctx)
	err := w.commit(ctx, w.cfg.Ends, done, func(r *running, b *Book) error { return r.End(b) })
	for _, r := range done {
		if r.err == nil && r.Then != nil {
			r.Then(ctx)
		}
	}
	return err
}

// ends are the steps of a key whose calls are under way, or have ended and are to be committed.
type ends struct {
	under   int           // calls under way
	steps   []*running    // whose calls have ended
	leading bool          // somebody commits them
	ended   chan struct{} // one more has
}

// together makes the steps of claimed rows of one key and group, with the calls side by side.
func (w *Worker) together(ctx context.Context, rows []eventstore.Record) {
	steps, _ := w.prepare(ctx, rows) // what was wrong was said
	calls, _ := w.begin(ctx, steps)  // and is said here
	for _, r := range steps {
		if !slices.Contains(calls, r) {
			w.left(ctx, r.rec, r.err)
		}
	}
	for _, r := range calls {
		w.endsOf(r.Key, 1)
	}
	var wg sync.WaitGroup
	for _, r := range calls {
		wg.Go(func() {
			err := r.Call(r.ctx)
			if r.cancel(); err != nil && ctx.Err() != nil {
				w.endsOf(r.Key, -1)
				w.left(ctx, r.rec, nil)
				return
			}
			w.conclude(ctx, r)
		})
	}
	wg.Wait()
}

// endsOf counts calls that begin, or end without a result, and returns what there is of their key.
func (w *Worker) endsOf(key string, more int) *ends {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.ends[key]
	if e == nil {
		e = &ends{ended: make(chan struct{}, 1)}
		w.ends[key] = e
	}
	e.under += more
	signal(e.ended)
	if e.under == 0 && !e.leading && len(e.steps) == 0 {
		delete(w.ends, key)
	}
	return e
}

// conclude commits what came of a call, together with what came of others of its key: whoever comes while a commit is waited for
// or under way leaves it to the one that makes it. Meanwhile another call may be made in its place.
func (w *Worker) conclude(ctx context.Context, r *running) {
	w.mu.Lock()
	if r.Then == nil {
		w.vacate(r.rec)
		signal(w.hand)
	}
	e := w.ends[r.Key]
	e.steps = append(e.steps, r)
	e.under--
	signal(e.ended)
	leads := !e.leading
	e.leading = true
	w.mu.Unlock()
	for leads {
		w.await(e)
		w.mu.Lock()
		done := e.steps
		e.steps = nil
		w.mu.Unlock()
		_ = w.end(ctx, done) // each step has what went wrong with it
		for _, r := range done {
			w.left(ctx, r.rec, r.err)
		}
		w.mu.Lock()
		if len(e.steps) == 0 {
			e.leading, leads = false, false
			if e.under == 0 {
				delete(w.ends, r.Key)
			}
		}
		w.mu.Unlock()
	}
}

// patience is how long the result of a call waits for those of others that were begun with it: not at all when there are none.
const patience = 2 * time.Millisecond

// await waits until no call is under way whose result could be committed with those that are there, or patience is over.
func (w *Worker) await(e *ends) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		w.mu.Lock()
		under := e.under
		w.mu.Unlock()
		if under == 0 {
			return
		}
		select {
		case <-e.ended:
		case <-timer.C:
			return
		}
	}
}

// left ends the work on a row that Run has claimed; one whose step went wrong is left alone for a while.
func (w *Worker) left(ctx context.Context, rec eventstore.Record, err error) {
	if err != nil && ctx.Err() == nil {
		w.cool(ctx, rec)
		w.cfg.Logger.WarnContext(ctx, "row not moved on", "table", rec.Table, "row", rec.ID, "group", rec.Group, "vnf_id", rec.Key, "error", err)
	}
	w.mu.Lock()
	claimed := w.busy[refOf(&rec)]
	w.mu.Unlock()
	if claimed {
		w.release(rec)
		signal(w.hand)
	}
}

package eventstore

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
)

// CommitterConfig says how works are batched.
type CommitterConfig struct {
	// Committers is the number of loops; 0 means 2. Use 1 with a back-end that has one writer. More than two make the
	// batches smaller and everything slower.
	Committers int
	// MaxBatch bounds the works of one transaction; 0 means 128.
	MaxBatch int
	// Retries is how often a work is run again that lost a race (ErrVersion); 0 means 5.
	Retries int
	// OnCommit is called with each commit once it is written, in the order of its lane, before Do returns. It must be
	// quick and must not call Do.
	OnCommit []func(*Commit)
	// Wait makes the committer one that is stepped: Do leaves its work in the queue and calls Wait until done says that a Step made
	// the batch it was in. For a simulation, which has no loops of its own; nil: Run's loops make the batches.
	Wait   func(done func() bool)
	Logger *slog.Logger // nil: slog.Default
}

// Committer makes changes in batches: each of its loops serves a fixed set of lanes, and takes what has arrived for them
// while its transaction before was in flight. Works that share a key run one after the other, in the order they came.
//
// Before Run was called, Do runs the work in the caller: what a simulation and most tests want.
type Committer struct {
	store   Executor
	cfg     CommitterConfig
	loops   []*commitLoop
	inline  sync.Mutex // held by an inline Do, and by Run while it takes over
	mu      sync.Mutex
	started bool
	stopped bool
}

var _ Doer = (*Committer)(nil)

// NewCommitter returns a Committer; Run starts its loops.
func NewCommitter(store Executor, cfg CommitterConfig) *Committer {
	cfg.Committers = positive(cfg.Committers, 2)
	cfg.MaxBatch = positive(cfg.MaxBatch, 128)
	cfg.Retries = positive(cfg.Retries, 5)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	c := &Committer{store: store, cfg: cfg}
	for range cfg.Committers {
		c.loops = append(c.loops, &commitLoop{Committer: c, nudge: make(chan struct{}, 1)})
	}
	return c
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// Do makes one change and returns it as written, nil when there was nothing to write. It gives up when ctx ends while
// the work is waiting, and waits for the outcome once it is being executed. See Doer for the errors.
func (c *Committer) Do(ctx context.Context, w *Work) (*Commit, error) {
	if len(w.Keys) == 0 || w.Decide == nil {
		return nil, vnfm.Errorf(vnfm.Internal, "a work needs a key and a Decide function")
	}
	switch it, err := c.enqueue(w); {
	case err != nil:
		return nil, err
	case it != nil && c.cfg.Wait != nil:
		for !it.isDone() {
			c.cfg.Wait(it.isDone)
		}
		return it.wait(ctx)
	case it != nil:
		return it.wait(ctx)
	}
	c.inline.Lock()
	if c.isStarted() { // Run took over while this call was waiting
		c.inline.Unlock()
		return c.Do(ctx, w)
	}
	defer c.inline.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := c.alone(ctx, w, func(int) {})
	return r.Commit, r.Err
}

// enqueue hands the work to its loop, and returns nil when there are no loops yet.
func (c *Committer) enqueue(w *Work) (*item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil, ErrUnavailable
	}
	if !c.started && c.cfg.Wait == nil {
		return nil, nil
	}
	loop := c.loops[LaneOf(w.Keys[0])%len(c.loops)]
	it := &item{work: w, loop: loop, done: make(chan Result, 1)}
	loop.mu.Lock()
	loop.queue = append(loop.queue, it)
	loop.mu.Unlock()
	loop.wake()
	return it, nil
}

// Waiting returns how many works are waiting for a transaction.
func (c *Committer) Waiting() int {
	n := 0
	for _, l := range c.loops {
		l.mu.Lock()
		n += len(l.queue)
		l.mu.Unlock()
	}
	return n
}

func (c *Committer) isStarted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// Run executes works until the context ends, then those accepted before, and returns nil. From then on Do answers
// ErrUnavailable. It can run once.
func (c *Committer) Run(ctx context.Context) error {
	c.inline.Lock()
	c.mu.Lock()
	again := c.started
	c.started = true
	c.mu.Unlock()
	c.inline.Unlock()
	if again {
		return vnfm.Errorf(vnfm.Internal, "the committer runs only once")
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, l := range c.loops {
		wg.Go(func() { l.run(context.WithoutCancel(ctx), stop) })
	}
	<-ctx.Done()
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	close(stop)
	wg.Wait()
	return nil
}

// item is a work in the queue of a loop.
type item struct {
	work *Work
	loop *commitLoop
	done chan Result
}

// isDone reports whether the outcome is there, and was not taken.
func (it *item) isDone() bool { return len(it.done) > 0 }

func (it *item) wait(ctx context.Context) (*Commit, error) {
	select {
	case r := <-it.done:
		return r.Commit, r.Err
	case <-ctx.Done():
		if it.loop.drop(it) {
			return nil, ctx.Err()
		}
		r := <-it.done
		return r.Commit, r.Err
	}
}

// commitLoop executes the works of its lanes, batch after batch.
type commitLoop struct {
	*Committer
	nudge chan struct{}
	mu    sync.Mutex // guards queue; taken after Committer.mu
	queue []*item
}

func (l *commitLoop) wake() {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

func (l *commitLoop) run(ctx context.Context, stop <-chan struct{}) {
	for {
		began := time.Now()
		if n := l.batch(ctx); n > 0 {
			l.gather(n, time.Since(began)/8)
			continue
		}
		select {
		case <-l.nudge:
		case <-stop:
			for l.batch(ctx) > 0 { //nolint:revive // drain what was accepted
			}
			return
		}
	}
}

// Step makes one batch of one of the loops, by number from 0, and reports whether there was anything. Only for a committer whose Wait
// is set, and for one caller at a time of each loop.
func (c *Committer) Step(ctx context.Context, loop int) bool { return c.loops[loop].batch(ctx) > 0 }

// few is how many works are too few to wait for more like them.
const few = 4

// gather lets those who have just got their result add their next work to the next batch: as long as more works arrive, and,
// after a batch of many, until there are as many again, or for a while that is short beside a transaction. Else callers fall
// into groups of which each always waits for the others, and a transaction costs as much for few works as for many.
func (l *commitLoop) gather(last int, patience time.Duration) {
	end := time.Now().Add(patience)
	for before := -1; ; {
		l.mu.Lock()
		n := len(l.queue)
		l.mu.Unlock()
		switch {
		case n >= l.cfg.MaxBatch || n >= last && last >= few:
			return
		case n > before:
			runtime.Gosched()
		case last < few || time.Now().After(end):
			return
		default:
			time.Sleep(patience / 4) //nolint:forbidigo // a part of the time a transaction takes
		}
		before = n
	}
}

// batch executes the works that can go together, and returns how many there were.
func (l *commitLoop) batch(ctx context.Context) int {
	items := l.take()
	if len(items) == 0 {
		return 0
	}
	if len(items) == 1 {
		items[0].done <- l.alone(ctx, items[0].work, l.pause)
		return 1
	}
	works := make([]*Work, len(items))
	for i, it := range items {
		works[i] = it.work
	}
	results, err := l.execute(ctx, works)
	switch {
	case err == nil:
		for i, it := range items {
			it.done <- results[i]
		}
	case errors.Is(err, ErrUnavailable):
		for _, it := range items {
			it.done <- Result{Err: err}
		}
	default: // one of them is to blame: it isolates itself
		l.cfg.Logger.DebugContext(ctx, "batch failed, running its works one by one", "works", len(items), "error", err)
		for _, it := range items {
			it.done <- l.alone(ctx, it.work, l.pause)
		}
	}
	return len(items)
}

// take removes from the queue the works that can go together: pairwise disjoint keys, first come first served per key.
func (l *commitLoop) take() []*item {
	l.mu.Lock()
	defer l.mu.Unlock()
	exclusive, shared := map[string]bool{}, map[string]bool{}
	var taken []*item
	rest := l.queue[:0]
	for i, it := range l.queue {
		if len(taken) == l.cfg.MaxBatch {
			rest = append(rest, l.queue[i:]...)
			break
		}
		// Keys of works left behind count, too: nobody may overtake them.
		free := !slices.ContainsFunc(it.work.Keys, func(k string) bool { return exclusive[k] || shared[k] }) &&
			!slices.ContainsFunc(it.work.Shared, func(k string) bool { return exclusive[k] })
		for _, k := range it.work.Keys {
			exclusive[k] = true
		}
		for _, k := range it.work.Shared {
			shared[k] = true
		}
		if free {
			taken = append(taken, it)
		} else {
			rest = append(rest, it)
		}
	}
	clear(l.queue[len(rest):])
	l.queue = rest
	return taken
}

// drop removes a work that is still waiting.
func (l *commitLoop) drop(it *item) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.queue, it)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	return true
}

// alone executes one work, again when it lost a race.
func (c *Committer) alone(ctx context.Context, w *Work, pause func(attempt int)) Result {
	for attempt := 1; ; attempt++ {
		results, err := c.execute(ctx, []*Work{w})
		if err == nil {
			return results[0]
		}
		if !errors.Is(err, ErrVersion) || attempt > c.cfg.Retries {
			return Result{Err: err}
		}
		pause(attempt)
	}
}

// pause waits up to a few milliseconds, so that two that race do not do so again. Who is stepped does not wait.
func (c *Committer) pause(attempt int) {
	if c.cfg.Wait != nil {
		return
	}
	time.Sleep(rand.N(time.Duration(attempt) * 2 * time.Millisecond)) //nolint:forbidigo // jitter between two attempts
}

// execute runs one transaction and tells the followers of its commits.
func (c *Committer) execute(ctx context.Context, works []*Work) ([]Result, error) {
	results, err := c.store.Execute(ctx, works)
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if r.Commit == nil {
			continue
		}
		for _, f := range c.cfg.OnCommit {
			f(r.Commit)
		}
	}
	return results, nil
}

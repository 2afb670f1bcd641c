// Package tail lets readers of the event log wait for more of it.
//
// One Watcher per node knows the heads of all lanes while somebody watches: from this node's own commits, without asking
// the database, and from looking at the database for those of other nodes, more often while there are any. Readers are
// woken together, at most every few milliseconds, and read for themselves. It must not know what events mean; it keeps no
// position of anybody.
package tail

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
)

// Heads is what a Watcher reads; an eventstore.Reader is one.
type Heads interface {
	Heads(ctx context.Context) ([eventstore.Lanes]eventstore.LaneHead, error)
}

// Config describes a Watcher.
type Config struct {
	Store Heads
	// Soonest and Latest bound the time between two looks at the database; 0 means 100 ms and 2 s. Nobody looks while
	// nobody watches.
	Soonest, Latest time.Duration
	// Gap is the shortest time between two wake-ups; 0 means 20 ms.
	Gap    time.Duration
	Logger *slog.Logger // nil: slog.Default
}

// Watcher tells those who watch that lanes have grown.
type Watcher struct {
	cfg   Config
	nudge chan struct{} // a commit of this node
	begin chan struct{} // somebody watches
	ended chan struct{} // by Stop

	mu       sync.Mutex
	heads    [eventstore.Lanes]int64
	watching int
	grown    chan struct{} // closed and replaced when lanes have grown
	stopped  bool
}

// New returns a Watcher; Run makes it work.
func New(cfg Config) *Watcher {
	if cfg.Soonest <= 0 {
		cfg.Soonest = 100 * time.Millisecond
	}
	if cfg.Latest <= 0 {
		cfg.Latest = 2 * time.Second
	}
	if cfg.Gap <= 0 {
		cfg.Gap = 20 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Watcher{
		cfg: cfg, nudge: make(chan struct{}, 1), begin: make(chan struct{}, 1), ended: make(chan struct{}), grown: make(chan struct{}),
	}
}

// OnCommit takes note of this node's commits. Give it to the committer.
func (w *Watcher) OnCommit(c *eventstore.Commit) {
	if len(c.Events) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watching == 0 {
		return
	}
	w.heads[c.Lane] = max(w.heads[c.Lane], c.Events[len(c.Events)-1].Offset)
	wake(w.nudge)
}

// Heard takes over what another process tells of its commits.
func (w *Watcher) Heard(of eventstore.Wake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watching == 0 {
		return
	}
	for lane, h := range of.Heads {
		if h.Event > w.heads[lane] {
			w.heads[lane] = h.Event
			wake(w.nudge)
		}
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Watch announces a reader, who calls release in the end. What is committed from then on is seen; what was committed
// before, the reader has to read. How many may watch is not for it to say. Returns Unavailable after Stop.
func (w *Watcher) Watch() (release func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return nil, vnfm.Errorf(vnfm.Unavailable, "The server is stopping.")
	}
	w.watching++
	wake(w.begin)
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.watching--
	}), nil
}

// Now returns the heads as far as they are known, and a channel that is closed when they have grown.
func (w *Watcher) Now() (heads [eventstore.Lanes]int64, grown <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heads, w.grown
}

// Stopped is closed by Stop: readers end then.
func (w *Watcher) Stopped() <-chan struct{} { return w.ended }

// Stop sends readers away, so that a server that takes no new requests has none that do not end.
func (w *Watcher) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.stopped = true
		close(w.ended)
	}
}

// Run works until the context ends, stops the readers then, and returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	defer w.Stop()
	wait := w.cfg.Soonest
	look := time.NewTimer(wait)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.nudge: // a commit of our own says nothing of others'
			w.tell()
			if !pause(ctx, w.cfg.Gap) {
				return nil
			}
			continue
		case <-w.begin:
			wait = w.cfg.Soonest
		case <-look.C:
			switch grew, err := w.look(ctx); {
			case err != nil && ctx.Err() == nil:
				w.cfg.Logger.WarnContext(ctx, "tail waits", "error", err)
				wait = w.cfg.Latest
			case grew:
				wait = w.cfg.Soonest
			default:
				wait = min(2*wait, w.cfg.Latest)
			}
		}
		look.Stop()
		if w.watched() {
			look.Reset(wait)
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (w *Watcher) watched() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watching > 0
}

// look asks the database for the heads and reports whether any has grown.
func (w *Watcher) look(ctx context.Context) (grew bool, err error) {
	if !w.watched() {
		return false, nil
	}
	heads, err := w.cfg.Store.Heads(ctx)
	if err != nil {
		return false, err //nolint:wrapcheck // logged by Run
	}
	w.mu.Lock()
	for lane, h := range heads {
		if h.Event > w.heads[lane] {
			w.heads[lane], grew = h.Event, true
		}
	}
	w.mu.Unlock()
	if grew {
		w.tell()
	}
	return grew, nil
}

func (w *Watcher) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.grown)
	w.grown = make(chan struct{})
}

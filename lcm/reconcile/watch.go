package reconcile

import (
	"context"
	"sync"
	"time"

	"github.com/vnfm/vnfm/vim"
)

// watches have the VIMs that can tell by themselves that something has changed do so: then a round is due at once. They are of one run of the
// reconciler, on the node that has the lanes of the connections; what they miss, the next round finds.
type watches struct {
	ctx   context.Context //nolint:containedctx // of the run
	r     *Reconciler
	nudge chan struct{}
	all   sync.WaitGroup

	mu sync.Mutex
	of map[string]*watching // by key of the site
}

type watching struct {
	conn    []byte // what is watched
	cancel  context.CancelFunc
	changed bool
}

// The waits after a watch that failed.
const (
	firstAgain = 2 * time.Second
	mostAgain  = time.Minute
)

// gather is for how long changes are gathered before a round is made of them.
const gather = 300 * time.Millisecond

func newWatches(ctx context.Context, r *Reconciler) *watches {
	return &watches{ctx: ctx, r: r, nudge: make(chan struct{}, 1), of: map[string]*watching{}}
}

// keep watches these sites and no others.
func (w *watches) keep(sites []site) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := map[string]bool{}
	for _, at := range sites {
		watcher := vim.WatcherOf(w.r.cfg.Drivers[at.Type])
		if watcher == nil {
			continue
		}
		kept[at.key] = true
		conn := vim.Encode(at.Connection)
		x := w.of[at.key]
		if x != nil && string(x.conn) == string(conn) {
			continue
		}
		if x != nil {
			x.cancel()
		}
		ctx, cancel := context.WithCancel(w.ctx)
		x = &watching{conn: conn, cancel: cancel}
		w.of[at.key] = x
		w.all.Go(func() { w.run(ctx, at, watcher, x) })
	}
	for key, x := range w.of {
		if !kept[key] {
			x.cancel()
			delete(w.of, key)
		}
	}
}

// run watches one site, again and again.
func (w *watches) run(ctx context.Context, at site, watcher vim.Watcher, x *watching) {
	changed := func() {
		w.mu.Lock()
		first := !x.changed
		x.changed = true
		w.mu.Unlock()
		if first {
			select {
			case w.nudge <- struct{}{}:
			default:
			}
		}
	}
	for again := firstAgain; ctx.Err() == nil; {
		err := watcher.Watch(ctx, at.Connection, changed)
		if err == nil {
			again = firstAgain
			changed() // what was missed meanwhile
			continue
		}
		w.r.cfg.Logger.InfoContext(ctx, "VIM connection not watched: it is looked at from time to time", "vim_id", at.ID, "error", hintOf(err), "again", again)
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
		again = min(2*again, mostAgain)
	}
}

// take reports whether something has changed at a site since it was asked last.
func (w *watches) take(key string) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.of[key]
	if x == nil || !x.changed {
		return false
	}
	x.changed = false
	return true
}

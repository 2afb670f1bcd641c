package helm

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// works are what this process is doing to releases, and what has failed of it and was not told yet. Another process knows nothing of
// it: it finds by what Helm has stored that something was left half done.
type works struct {
	mu  *sync.Mutex
	all map[string]*work
}

// work is one install, change or uninstall.
type work struct {
	op   string
	done chan struct{}
	err  *vim.Error
}

// kept is how many failures are kept for those who did not wait for them.
const kept = 1000

func newWorks() works { return works{&sync.Mutex{}, map[string]*work{}} }

// result is how a work has ended.
func (w *work) result() (err *vim.Error, ended bool) {
	select {
	case <-w.done:
		return w.err, true
	default:
		return nil, false
	}
}

func (w *work) failed() bool {
	err, _ := w.result()
	return err != nil
}

func keyOf(c *cluster, t vim.Token) string { return c.ID + " " + t.String() }

// of returns what is being done to a token's release, or has failed; nil when nothing is.
func (x *works) of(c *cluster, t vim.Token) *work {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all[keyOf(c, t)]
}

// begin returns the work on a release: the one of this kind that is under way, else a new one.
func (x *works) begin(key, op string) (w *work, begun bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if w := x.all[key]; w != nil {
		if _, ended := w.result(); !ended {
			return w, false
		}
	}
	if len(x.all) >= kept {
		for k, w := range x.all {
			if w.failed() {
				delete(x.all, k)
			}
		}
	}
	w = &work{op: op, done: make(chan struct{})}
	x.all[key] = w
	return w, true
}

// end ends a work; late says that nobody waited for how it ends.
func (x *works) end(key string, w *work, err *vim.Error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w.err = err
	close(w.done)
	if err == nil && x.all[key] == w {
		delete(x.all, key)
	}
}

// told forgets a failure.
func (x *works) told(key string, w *work) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all[key] == w {
		delete(x.all, key)
	}
}

// run does something to a release, or joins who does it already, and waits a little for the end: ended is false when it goes on. A call
// whose context is over ends, and the work does not: Helm must not stop half way.
func (d *Driver) run(ctx context.Context, c *cluster, op string, t vim.Token, f func(context.Context) error) (ended bool, err error) {
	key := keyOf(c, t)
	w, begun := d.works.begin(key, op)
	if !begun && w.op != op {
		return false, &vim.Error{Op: op, Resource: releaseName(t), Class: message.Transient, Hint: "a " + w.op + " of the release is under way"}
	}
	if begun {
		go func() {
			err := f(context.WithoutCancel(ctx))
			var e *vim.Error
			if err != nil && !errors.As(err, &e) {
				e = errorOf(op, releaseName(t), err)
			}
			d.works.end(key, w, e)
		}()
	}
	answer := d.cfg.Answer
	if by, ok := ctx.Deadline(); ok { // that it goes on is known, and is better than an outcome that is not
		answer = min(answer, time.Until(by)*3/4)
	}
	timer := time.NewTimer(answer)
	defer timer.Stop()
	select {
	case <-w.done:
		if w.err == nil {
			return true, nil
		}
		d.works.told(key, w)
		return true, w.err
	case <-ctx.Done():
		return false, errorOf(op, releaseName(t), ctx.Err())
	case <-timer.C:
		return false, nil
	}
}

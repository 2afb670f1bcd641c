package vim

import "context"

// Watcher is implemented by drivers whose VIMs tell by themselves that something changes there.
type Watcher interface {
	// Watch calls changed whenever something that bears our mark is made, changed or removed at the VIM, by whomever; what it is has to be looked
	// up. It goes on over broken connections and restarts of the VIM, and calls changed when it may have missed something. It returns
	// nil when its context ends, and after a while, when what is there to be watched has to be asked anew; else an Error of the driver.
	Watch(ctx context.Context, conn Connection, changed func()) error
}

// WatcherOf returns what watches the VIMs of a driver, also of one that is wrapped; nil: nobody can.
func WatcherOf(d Driver) Watcher {
	for {
		if w, ok := d.(Watcher); ok {
			return w
		}
		u, ok := d.(interface{ Unwrap() Driver })
		if !ok {
			return nil
		}
		d = u.Unwrap()
	}
}

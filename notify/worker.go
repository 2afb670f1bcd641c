package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
)

// Worker returns the worker for the service's subscriptions: it delivers what waits in the lanes held, of each queue in order,
// of different queues at once. A subscriber that hangs keeps only its own notifications waiting.
func (s *Service) Worker() *ledger.Worker {
	w := &worker{cfg: s.cfg, dir: s.dir, gates: &gates{shut: map[string]*gate{}}}
	return ledger.NewWorker(ledger.Config{
		Store: s.cfg.Store, Doer: s.cfg.Doer, Epochs: s.cfg.Epochs, Logger: s.cfg.Logger, Idle: s.cfg.Idle,
		Tables: []string{eventstore.TableNotifications}, Step: w.step, Looks: w.lookAsked, Groups: w.open,
		Over: func(r *eventstore.Record) bool { return r.State == StateFailed },
		Room: func(sub string, now time.Time) (int, time.Time) { return w.gates.room(sub, now, s.cfg.PerSubscription) },
	})
}

// worker delivers.
type worker struct {
	cfg   Config
	dir   *directory
	gates *gates
}

// open lists the subscriptions.
func (w *worker) open(ctx context.Context) ([]string, error) {
	subs, err := w.dir.current(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(subs.all))
	for i, s := range subs.all {
		ids[i] = s.ID
	}
	return ids, nil
}

// lookAsked opens the gates of subscriptions that an operator asked for, on whichever node.
func (w *worker) lookAsked(ctx context.Context, now time.Time) error {
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
	b := ledger.Open(l, &eventstore.Commit{})
	for _, sub := range shut {
		at, err := askedAt(b, sub)
		if err != nil {
			return err
		}
		w.gates.asked(sub, at)
	}
	return nil
}

// lanes returns the lanes to work on.
func (c Config) lanes() []int { return eventstore.Held(c.Epochs) }

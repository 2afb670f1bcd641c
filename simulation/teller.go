package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/notify"
)

// notifications are what tells subscribers, of one node.
func (w *world) notifications(n *node) (*notify.Service, *nodeSender) {
	cfg := w.subscribers.config
	sender := &nodeSender{w: w, n: n}
	cfg.Store, cfg.Doer, cfg.Epochs, cfg.Sender = n.store, w.doerOf(n), n.lease.Role(lease.RoleNotifier), sender
	service, err := notify.New(cfg)
	w.must(err)
	return service, sender
}

// tells makes what is stepped of a loop that tells subscribers. Two deliver, as deliveries of several queues are under way at once in the
// program; none do in seeds without subscribers.
func (w *world) tells(l *loop, sender *nodeSender) (out []*loop) {
	if w.subscribers.planned == 0 {
		return nil
	}
	if l.name == assembly.LoopNotices {
		return []*loop{l}
	}
	once := l.once
	for i := range 2 {
		one := *l
		one.name = fmt.Sprintf("%s-%d", l.name, i+1)
		one.once = func(ctx context.Context) (bool, error) {
			did, err := once(ctx)
			sender.flush(ctx)
			if !did && err == nil {
				w.deliverLater(&one)
			}
			return did, err
		}
		out = append(out, &one)
	}
	return out
}

// deliverLater wakes a loop when the next queue of its node is due; one whose subscriber is away waits in memory, and is
// looked at again.
func (w *world) deliverLater(l *loop) {
	q := eventstore.RecordQuery{
		Table: eventstore.TableNotifications, State: "QUEUE", Lanes: eventstore.Held(l.node.lease.Role(lease.RoleNotifier)), DueBy: w.now.Add(soon), Limit: 1,
	}
	if len(q.Lanes) == 0 {
		return
	}
	rows, err := w.store.Records(context.Background(), q)
	w.must(err)
	if len(rows) > 0 {
		l.awake, l.next = true, later(rows[0].Due, w.now.Add(time.Second))
	}
}

// nodeSender is the subscribers as one node reaches them.
type nodeSender struct {
	w      *world
	n      *node
	unsent []func(ctx context.Context) // by the mutant MarkFirst
}

func (s *nodeSender) Usable(to notify.Callback) error { return s.w.subscribers.taken.Usable(to) }

func (s *nodeSender) Test(ctx context.Context, to notify.Callback) error {
	return s.call("test "+to.URI, func() error { return s.w.subscribers.taken.Test(ctx, to) })
}

func (s *nodeSender) Post(ctx context.Context, to notify.Callback, body []byte) error {
	post := func(ctx context.Context) error {
		return s.call("tell "+to.URI, func() error { return s.w.subscribers.taken.Post(ctx, to, body) })
	}
	if s.w.lacks(MarkFirst) {
		s.unsent = append(s.unsent, func(ctx context.Context) { _ = post(ctx) })
		return nil
	}
	return post(ctx)
}

// flush is the mutant MarkFirst: what was marked as delivered is sent.
func (s *nodeSender) flush(ctx context.Context) {
	unsent := s.unsent
	s.unsent = nil
	for _, post := range unsent {
		post(ctx)
	}
}

// call surrounds one request to a subscriber.
func (s *nodeSender) call(what string, f func() error) error {
	w := s.w
	w.pause(s.n, "before "+what)
	if w.fault(CrashBeforeCall) {
		w.die(s.n)
	}
	err := f()
	if s.n.dead {
		panic(crash{})
	}
	w.tracef("  %s %s: %v", s.n.name, what, err)
	if w.fault(CrashAfterCall) {
		w.die(s.n)
	}
	w.pause(s.n, "after "+what)
	return err
}

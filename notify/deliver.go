package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
)

// burst is the number of notifications of one queue delivered between two commits: as many come again after a crash.
const burst = 8

// outcome is what became of the first notifications of a queue in one step.
type outcome struct {
	began     time.Time // when the queue was read
	delivered []int64
	failure   error // of the one after them; nil: none failed
}

// step delivers the first notifications of a queue, until one fails, and commits what became of them. A crash before the
// commit has them delivered again, with the same ids and bytes.
func (w *Worker) step(ctx context.Context, r eventstore.Record) error {
	h, err := w.load(ctx, r)
	if h == nil || err != nil {
		return err
	}
	subs, err := w.dir.current(ctx)
	if err != nil {
		return err
	}
	sub := subs.byID[h.Subscription]
	if sub == nil {
		return w.cfg.drop(ctx, h.Subscription)
	}
	auth, err := w.cfg.auth(ctx, sub)
	if err != nil && egress.ClassOf(err) == "" {
		return err
	}
	to, out := Callback{URI: sub.CallbackURI, Form: sub.Form, Auth: auth}, outcome{began: h.at, failure: err}
	for _, number := range h.numbers {
		if out.failure != nil {
			break
		}
		n := h.rows[number]
		if n == nil { // given up and removed while its retry waited
			out.delivered = append(out.delivered, number)
			continue
		}
		if out.failure = w.cfg.Sender.Post(ctx, to, n.Body); out.failure == nil {
			out.delivered = append(out.delivered, number)
			w.cfg.Observe("delivered")
		}
	}
	if ctx.Err() != nil { // the program stops: that says nothing about the subscriber
		out.failure = nil
		ctx = context.WithoutCancel(ctx)
	}
	if out.failure == nil && len(out.delivered) == 0 {
		return nil
	}
	return w.settle(ctx, sub, h.Vnf, h.numbers, out)
}

// head is the front of a queue as it was read.
type head struct {
	*queue

	numbers []int64                 // of its first notifications
	rows    map[int64]*Notification // those that are there
	at      time.Time               // when it was read
}

// load reads the front of a queue; nil when it is not due.
func (w *Worker) load(ctx context.Context, r eventstore.Record) (*head, error) {
	l, err := w.cfg.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{{Table: r.Table, ID: r.ID}}})
	if err != nil {
		return nil, fmt.Errorf("read the queue %s: %w", r.ID, err)
	}
	q, _, err := readQueue(l, r.Group, r.Key)
	if q == nil || err != nil || l.Records[queueRef(r.Group, r.Key)].Due.After(l.Now) { // it moved on meanwhile
		return nil, err
	}
	h := &head{queue: q, numbers: q.first(burst), rows: map[int64]*Notification{}, at: l.Now}
	l, err = w.cfg.Store.Load(ctx, eventstore.Load{Records: numberRefs(q, h.numbers)})
	if err != nil {
		return nil, fmt.Errorf("read the notifications of %s: %w", r.ID, err)
	}
	for i, ref := range numberRefs(q, h.numbers) {
		if rec := l.Records[ref]; rec != nil {
			if h.rows[h.numbers[i]], err = readNotification(rec); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}

func numberRefs(q *queue, numbers []int64) []eventstore.RecordRef {
	refs := make([]eventstore.RecordRef, len(numbers))
	for i, n := range numbers {
		refs[i] = numberRef(q.Subscription, q.Vnf, n)
	}
	return refs
}

// settle commits what became of the first notifications of a queue. What another node moved on meanwhile stays as it is.
func (w *Worker) settle(ctx context.Context, sub *Subscription, vnfID string, numbers []int64, out outcome) error {
	var given []*Notification
	var failed *Notification
	refs := append(numberRefs(&queue{Subscription: sub.ID, Vnf: vnfID}, numbers), queueRef(sub.ID, vnfID), askedRef(sub.ID))
	var now time.Time
	_, err := w.cfg.Doer.Do(ctx, &eventstore.Work{
		Keys: []string{queueKey(sub.ID, vnfID)},
		Load: func() eventstore.Load { return eventstore.Load{Records: refs} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			s := settling{cfg: w.cfg, l: l, commit: &eventstore.Commit{}, out: out}
			if err := s.decide(sub.ID, vnfID, numbers); err != nil {
				return nil, err
			}
			now, given, failed = l.Now, s.given, s.failed
			return s.commit, nil
		},
	})
	if err != nil {
		return fmt.Errorf("settle the queue %s: %w", queueID(sub.ID, vnfID), err)
	}
	if len(out.delivered) > 0 {
		w.gates.open(sub.ID)
	}
	if out.failure == nil {
		return nil
	}
	if away(out.failure) {
		w.gates.failed(sub.ID, out.began, now, w.cfg.pace)
	}
	w.cfg.Observe("failed")
	if failed != nil && failed.Attempts == 1 {
		w.cfg.Logger.WarnContext(ctx, "notification not delivered, it is tried again", "subscription_id", sub.ID, "vnf_id", vnfID,
			"notification_id", failed.ID, "error", out.failure)
	}
	for _, n := range given {
		w.cfg.Observe("given-up")
		w.cfg.Logger.ErrorContext(ctx, "notification given up", "subscription_id", sub.ID, "vnf_id", vnfID, "notification_id", n.ID,
			"notification", numberRef(n.Subscription, n.Vnf, n.Number).ID, "attempts", n.Attempts, "error", out.failure)
	}
	return nil
}

// settling is one attempt to commit an outcome.
type settling struct {
	cfg    Config
	l      *eventstore.Loaded
	commit *eventstore.Commit
	out    outcome
	given  []*Notification
	failed *Notification
}

func (s *settling) decide(sub, vnfID string, numbers []int64) error {
	q, version, err := readQueue(s.l, sub, vnfID)
	if q == nil || err != nil {
		return err
	}
	due := s.l.Now
	for _, number := range s.out.delivered {
		if !q.done(number) {
			continue // another node has delivered it as well, and was first to say so
		}
		if r := s.l.Records[numberRef(sub, vnfID, number)]; r != nil {
			s.commit.Records = append(s.commit.Records, eventstore.RecordWrite{Record: *r, Expected: r.Version, Delete: true})
			n, err := readNotification(r)
			if err != nil {
				return err
			}
			q.Oldest = n.Created
		}
	}
	if s.out.failure != nil {
		again, err := s.fail(q, numbers[len(s.out.delivered):])
		if err != nil {
			return err
		}
		asked, err := askedAt(s.l.Records[askedRef(sub)])
		if err != nil {
			return err
		}
		if !asked.After(s.out.began) { // else an operator asked meanwhile
			due = due.Add(again)
		}
	}
	w, err := q.write(version, due)
	if err != nil {
		return err
	}
	s.commit.Records = append(s.commit.Records, w)
	return nil
}

// fail notes the failed attempt at the first of the numbers, and returns the wait before the next. A notification that is
// too old is given up, with those behind it that are too old as well if it is the subscriber that does not answer.
func (s *settling) fail(q *queue, numbers []int64) (time.Duration, error) {
	for i, number := range numbers {
		r := s.l.Records[numberRef(q.Subscription, q.Vnf, number)]
		if r == nil || r.State != StatePending {
			return 0, nil // another node has moved it on
		}
		n, err := readNotification(r)
		if err != nil {
			return 0, err
		}
		q.Oldest = n.Created
		old := !s.l.Now.Before(n.GiveUp)
		if i == 0 {
			n.Attempts++
			n.Tried = s.l.Now
		} else if !old || !away(s.out.failure) {
			return 0, nil
		}
		n.Reason = s.out.failure.Error()
		state, due := StatePending, time.Time{}
		if old {
			state, due = StateFailed, s.l.Now.Add(s.cfg.Keep)
			q.done(number)
			s.given = append(s.given, n)
		}
		w, err := n.write(r.Version, state, due)
		if err != nil {
			return 0, err
		}
		s.commit.Records = append(s.commit.Records, w)
		if !old {
			s.failed = n
			return max(s.cfg.pace(n.Attempts), min(retryAfter(s.out.failure), s.cfg.MaxBackoff)), nil
		}
	}
	return 0, nil
}

package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/egress"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
)

// burst is the number of notifications of one queue delivered between two commits: as many come again after a crash.
const burst = 8

// delivery is one step of a queue: its first notifications, until one fails, and what became of them. A crash before the commit
// has them delivered again, with the same ids and bytes.
type delivery struct {
	*worker

	sub, vnf string
	step     *ledger.Step

	began     time.Time // when the queue was read
	numbers   []int64   // of its first notifications
	delivered []int64
	failure   error // of the one after them; nil: none failed
	wrong     error // the database or the directory could not be read

	given  []*Notification // that were given up, as the last attempt to commit has it
	failed *Notification   // … that is tried again
	now    time.Time       // … when that was
}

// step says what is due about a queue. Other rows are due only to be removed.
func (w *worker) step(_ context.Context, r eventstore.Record) (*ledger.Step, error) {
	if r.State != stateQueue {
		return nil, nil
	}
	d := &delivery{worker: w, sub: r.Group, vnf: r.Key}
	d.step = &ledger.Step{
		Key: queueKey(d.sub, d.vnf), Load: []eventstore.RecordRef{queueRef(d.sub, d.vnf), askedRef(d.sub)}, Call: d.deliver, End: d.settle, Then: d.say,
	}
	return d.step, nil
}

// deliver delivers the first notifications of the queue.
func (d *delivery) deliver(ctx context.Context) error {
	rows, err := d.load(ctx)
	if err == nil && len(rows) > 0 {
		err = d.post(ctx, rows)
	}
	if d.wrong = err; ctx.Err() != nil { // the program stops: that says nothing about the subscriber
		d.failure = nil
	}
	return err
}

// load reads the front of the queue; nothing when it is not due.
func (d *delivery) load(ctx context.Context) (map[int64]*Notification, error) {
	l, err := d.cfg.Store.Load(ctx, eventstore.Load{Records: d.step.Load})
	if err != nil {
		return nil, fmt.Errorf("read the queue %s: %w", queueID(d.sub, d.vnf), err)
	}
	q, err := queueOf(ledger.Open(l, &eventstore.Commit{}), d.sub, d.vnf)
	if q == nil || err != nil || q.Due.After(l.Now) { // it moved on meanwhile
		return nil, err
	}
	d.began, d.numbers = l.Now, q.Doc.first(burst)
	refs := make([]eventstore.RecordRef, len(d.numbers))
	for i, n := range d.numbers {
		refs[i] = numberRef(d.sub, d.vnf, n)
	}
	d.step.Load = append(d.step.Load, refs...)
	if l, err = d.cfg.Store.Load(ctx, eventstore.Load{Records: refs}); err != nil {
		return nil, fmt.Errorf("read the notifications of %s: %w", queueID(d.sub, d.vnf), err)
	}
	rows := map[int64]*Notification{}
	b := ledger.Open(l, &eventstore.Commit{})
	for i, ref := range refs {
		r, err := ledger.Get[Notification](b, ref)
		if err != nil {
			return nil, err //nolint:wrapcheck // says what it was about
		}
		rows[d.numbers[i]] = nil // given up and removed while its retry waited
		if r != nil {
			rows[d.numbers[i]] = &r.Doc
		}
	}
	return rows, nil
}

// post delivers notifications in order, until one fails.
func (d *delivery) post(ctx context.Context, rows map[int64]*Notification) error {
	subs, err := d.dir.current(ctx)
	if err != nil {
		return err
	}
	sub := subs.byID[d.sub]
	if sub == nil {
		d.numbers = nil
		return d.cfg.drop(ctx, d.sub)
	}
	auth, err := d.cfg.auth(ctx, sub)
	switch {
	case err == nil:
		d.failure = d.each(ctx, Callback{URI: sub.CallbackURI, Form: sub.Form, Auth: auth}, rows)
	case egress.ClassOf(err) == "":
		return err
	default:
		d.failure = err
	}
	return nil
}

// each delivers notifications in order, and returns why the next one failed.
func (d *delivery) each(ctx context.Context, to Callback, rows map[int64]*Notification) error {
	for _, number := range d.numbers {
		if n := rows[number]; n != nil {
			if err := d.cfg.Sender.Post(ctx, to, n.Body); err != nil {
				return err //nolint:wrapcheck // shown as it is
			}
			d.cfg.Observe("delivered")
		}
		d.delivered = append(d.delivered, number)
	}
	return nil
}

// settle commits what became of the first notifications of the queue. What another node moved on meanwhile stays as it is.
func (d *delivery) settle(b *ledger.Book) error {
	if d.given, d.failed, d.now = nil, nil, b.Now; d.wrong != nil {
		return d.wrong
	}
	if d.failure == nil && len(d.delivered) == 0 {
		return nil
	}
	q, err := queueOf(b, d.sub, d.vnf)
	if q == nil || err != nil {
		return err
	}
	due := b.Now
	for _, number := range d.delivered {
		if !q.Doc.done(number) {
			continue // another node has delivered it as well, and was first to say so
		}
		n, err := ledger.Get[Notification](b, numberRef(d.sub, d.vnf, number))
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if n != nil {
			q.Doc.Oldest = n.Doc.Created
			n.Remove()
		}
	}
	if d.failure != nil {
		again, err := d.fail(b, &q.Doc, d.numbers[len(d.delivered):])
		if err != nil {
			return err
		}
		asked, err := askedAt(b, d.sub)
		if err != nil {
			return err
		}
		if !asked.After(d.began) { // else an operator asked meanwhile
			due = due.Add(again)
		}
	}
	put(q, due)
	return nil
}

// fail notes the failed attempt at the first of the numbers, and returns the wait before the next. A notification that is
// too old is given up, with those behind it that are too old as well if it is the subscriber that does not answer.
func (d *delivery) fail(b *ledger.Book, q *queue, numbers []int64) (time.Duration, error) {
	for i, number := range numbers {
		r, err := ledger.Get[Notification](b, numberRef(d.sub, d.vnf, number))
		if err != nil || r == nil || r.State != StatePending {
			return 0, err //nolint:wrapcheck // another node has moved it on
		}
		n := &r.Doc
		q.Oldest = n.Created
		old := !b.Now.Before(n.GiveUp)
		if i == 0 {
			n.Attempts++
			n.Tried = b.Now
		} else if !old || !away(d.failure) {
			return 0, nil
		}
		n.Reason = d.failure.Error()
		if !old {
			r.Touch()
			d.failed = n
			return max(d.cfg.pace(n.Attempts), min(retryAfter(d.failure), d.cfg.MaxBackoff)), nil
		}
		r.Move(StateFailed, b.Now.Add(d.cfg.Keep))
		q.done(number)
		d.given = append(d.given, n)
	}
	return 0, nil
}

// say tells what became of the delivery.
func (d *delivery) say(ctx context.Context) {
	if len(d.delivered) > 0 {
		d.gates.open(d.sub)
	}
	if d.failure == nil {
		return
	}
	if away(d.failure) {
		d.gates.failed(d.sub, d.began, d.now, d.cfg.pace)
	}
	d.cfg.Observe("failed")
	if d.failed != nil && d.failed.Attempts == 1 {
		d.cfg.Logger.WarnContext(ctx, "notification not delivered, it is tried again", "subscription_id", d.sub, "vnf_id", d.vnf,
			"notification_id", d.failed.ID, "error", d.failure)
	}
	for _, n := range d.given {
		d.cfg.Observe("given-up")
		d.cfg.Logger.ErrorContext(ctx, "notification given up", "subscription_id", d.sub, "vnf_id", d.vnf, "notification_id", n.ID,
			"notification", numberRef(n.Subscription, n.Vnf, n.Number).ID, "attempts", n.Attempts, "error", d.failure)
	}
}

package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/request"
)

// Listed is a notification as an operator sees it.
type Listed struct {
	Row   string // id of its row: what Retry takes
	State string
	Notification
}

// List selects notifications that were not delivered: all, or those of a state and of a subscription.
type List struct {
	State, Subscription string
	After               string // a row
	Limit               int    // 0: 1000
}

// List returns notifications that wait or were given up, of all subscribers, by row, which is by subscription, VNF and
// order of delivery. Returns Invalid for a state that is none.
func (s *Service) List(ctx context.Context, l List) ([]Listed, error) {
	if l.State != "" && l.State != StatePending && l.State != StateFailed {
		return nil, vnfm.Errorf(vnfm.Invalid, "The state must be %s or %s, not %q.", StatePending, StateFailed, l.State).In("state")
	}
	if l.Limit <= 0 {
		l.Limit = 1000
	}
	out := []Listed{}
	q := eventstore.RecordQuery{Table: eventstore.TableNotifications, State: l.State, Group: l.Subscription, After: l.After, Limit: l.Limit}
	for {
		rows, err := s.cfg.Store.Records(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list notifications: %w", err)
		}
		for i := range rows {
			q.After = rows[i].ID
			if rows[i].State != StatePending && rows[i].State != StateFailed {
				continue
			}
			n, err := ledger.Decode[Notification](rows[i])
			if err != nil {
				return nil, err //nolint:wrapcheck // says what it was about
			}
			if out = append(out, Listed{Row: rows[i].ID, State: rows[i].State, Notification: n.Doc}); len(out) == l.Limit {
				return out, nil
			}
		}
		if len(rows) < q.Limit {
			return out, nil
		}
	}
}

// Retry has a notification tried at once: one that was given up goes before those of its queue that wait, with all the time
// it had at first; for one that waits its queue is tried now. A subscriber that is away is tried by every node then. Returns
// NotFound.
func (s *Service) Retry(ctx context.Context, row string, by request.Info) (*Listed, error) {
	ref := eventstore.RecordRef{Table: eventstore.TableNotifications, ID: row}
	l, err := s.cfg.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil {
		return nil, fmt.Errorf("read notification %s: %w", row, err)
	}
	gone := vnfm.Errorf(vnfm.NotFound, "There is no notification %s that waits or was given up.", row)
	r := l.Records[ref]
	if r == nil || r.State != StatePending && r.State != StateFailed {
		return nil, gone
	}
	sub, vnfID := r.Group, r.Key
	var listed *Listed
	refs := []eventstore.RecordRef{ref, queueRef(sub, vnfID), askedRef(sub)}
	_, err = ledger.Do(ctx, s.cfg.Doer, []string{queueKey(sub, vnfID), askedRef(sub).ID}, refs, func(b *ledger.Book) error {
		n, err := ledger.Get[Notification](b, ref)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		if n == nil {
			return gone
		}
		q, err := queueOf(b, sub, vnfID)
		if err != nil {
			return err
		}
		if q == nil {
			q = newQueue(b, sub, vnfID)
			q.Doc.Oldest = n.Doc.Created
		}
		if err := ask(b, sub); err != nil {
			return err
		}
		if n.State == StateFailed {
			n.Doc.Attempts, n.Doc.GiveUp = 0, b.Now.Add(s.cfg.MaxAge)
			q.Doc.Redo = append(slices.Clone(q.Doc.Redo), n.Doc.Number)
			slices.Sort(q.Doc.Redo)
			n.Move(StatePending, time.Time{})
		}
		put(q, b.Now)
		listed = &Listed{Row: row, State: StatePending, Notification: n.Doc}
		b.Commit.Idempotency = by.Idempotency(listed)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("retry notification %s: %w", row, err)
	}
	s.cfg.Logger.InfoContext(ctx, "notification tried again", "notification", row, "actor", by.Actor)
	return listed, nil
}

// Backlog returns how many notifications wait in the lanes held, and since when the oldest does: for metrics.
func (s *Service) Backlog(ctx context.Context) (waiting int, oldest time.Time, err error) {
	q := eventstore.RecordQuery{Table: eventstore.TableNotifications, State: stateQueue, Lanes: s.cfg.lanes()}
	if len(q.Lanes) == 0 {
		return 0, oldest, nil
	}
	err = ledger.Each(ctx, s.cfg.Store, q, func(r eventstore.Record) error {
		one, err := ledger.Decode[queue](r)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		waiting += one.Doc.waiting()
		if oldest.IsZero() || one.Doc.Oldest.Before(oldest) {
			oldest = one.Doc.Oldest
		}
		return nil
	})
	if err != nil {
		return 0, oldest, fmt.Errorf("count notifications: %w", err)
	}
	return waiting, oldest, nil
}

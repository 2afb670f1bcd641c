package sqlite

import (
	"context"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

// Lease grants, renews or gives up lanes and returns those the owner now holds.
func (s *Store) Lease(ctx context.Context, r eventstore.LeaseRequest) (held []eventstore.Lease, err error) {
	err = s.transact(ctx, func(tx *transaction) error {
		now := s.now().UnixMilli()
		for _, lane := range r.Lanes {
			if err := tx.lease(lane, r, now); err != nil {
				return err
			}
		}
		held, err = many(tx.query, func(row sqlstore.Row) (l eventstore.Lease, err error) {
			err = row.Scan(&l.Lane, &l.Owner, &l.Epoch, &l.Until)
			return l, err
		}, "select lane, owner, epoch, until from lane_leases where owner = $1 and until > $2 order by lane", r.Owner, now)
		return err
	})
	return held, err
}

func (tx *transaction) lease(lane int, r eventstore.LeaseRequest, now int64) error {
	if r.TTL == 0 {
		_, err := tx.exec("update lane_leases set owner = '', until = 0 where lane = $1 and owner = $2", lane, r.Owner)
		return err
	}
	n, err := tx.exec("update lane_leases set until = $3 where lane = $1 and owner = $2", lane, r.Owner, now+r.TTL)
	if err != nil || n > 0 {
		return err
	}
	n, err = tx.exec(`update lane_leases set owner = $2, epoch = epoch + 1, until = $3
		where lane = $1 and (owner = '' or until <= $4)`, lane, r.Owner, now+r.TTL, now)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.exec("update cursors set epoch = (select epoch from lane_leases where lane = $1) where lane = $1", lane)
	return err
}

// Prune removes what nothing needs any more.
func (s *Store) Prune(ctx context.Context, p eventstore.Prune) error {
	return s.transact(ctx, func(tx *transaction) error {
		if _, err := tx.exec("delete from idempotency_keys where at < $1", p.IdempotencyBefore.UnixMicro()); err != nil {
			return err
		}
		if _, err := tx.exec("delete from commits where at < $1", p.CommitsBefore.UnixMicro()); err != nil {
			return err
		}
		var low [eventstore.Lanes]int64
		if p.Upto != nil {
			low = *p.Upto
		}
		for i, c := range p.Consumers {
			at, err := tx.positions(c)
			if err != nil {
				return err
			}
			for lane := range low {
				if i == 0 || at[lane] < low[lane] {
					low[lane] = at[lane]
				}
			}
		}
		for lane, off := range low {
			if off == 0 {
				continue
			}
			if _, err := tx.exec("delete from outbox where lane = $1 and off <= $2", lane, off); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *transaction) positions(consumer string) (out [eventstore.Lanes]int64, err error) {
	_, err = many(tx.query, func(r sqlstore.Row) (struct{}, error) {
		var lane int
		var off int64
		err := r.Scan(&lane, &off)
		out[lane%eventstore.Lanes] = off
		return struct{}{}, err
	}, "select lane, off from cursors where consumer = $1", consumer)
	return out, err
}

// RenewOutbox gives the outbox another id.
func (s *Store) RenewOutbox(ctx context.Context) error {
	return s.transact(ctx, func(tx *transaction) error {
		_, err := tx.exec(sqlstore.RenewOutbox, batch.NewID())
		return err
	})
}

// ResetViews deletes all views.
func (s *Store) ResetViews(ctx context.Context) error {
	return s.transact(ctx, func(tx *transaction) error {
		_, err := tx.exec("delete from views")
		return err
	})
}

package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

const nowMillis = "(extract(epoch from clock_timestamp()) * 1000)::bigint"

// Lease grants, renews or gives up lanes and returns those the owner now holds.
func (s *Store) Lease(ctx context.Context, r eventstore.LeaseRequest) ([]eventstore.Lease, error) {
	var held []eventstore.Lease
	q := &pipeline{}
	q.exec("begin")
	// The rows are locked in order; the statements that follow see what was committed meanwhile.
	q.exec("select 1 from lane_leases where lane = any($1) order by lane for update", r.Lanes)
	if r.TTL == 0 {
		q.exec("update lane_leases set owner = '', until = 0 where lane = any($1) and owner = $2", r.Lanes, r.Owner)
	} else {
		q.exec(`update lane_leases set owner = $2, until = `+nowMillis+` + $3,
				epoch = case when owner = $2 then epoch else epoch + 1 end
			where lane = any($1) and (owner = $2 or owner = '' or until <= `+nowMillis+`)`, r.Lanes, r.Owner, r.TTL)
		q.exec(`update cursors c set epoch = l.epoch from lane_leases l
			where l.lane = any($1) and l.owner = $2 and c.lane = l.lane and c.epoch <> l.epoch`, r.Lanes, r.Owner)
	}
	q.query("select lane, owner, epoch, until from lane_leases where owner = $1 and until > "+nowMillis+" order by lane",
		[]any{r.Owner}, func(row pgx.Rows) error {
			var l eventstore.Lease
			err := row.Scan(&l.Lane, &l.Owner, &l.Epoch, &l.Until)
			held = append(held, l)
			return err
		})
	q.exec("commit")
	if err := s.transact(ctx, q); err != nil {
		return nil, err
	}
	return held, nil
}

// transact runs a pipeline that is a whole transaction. What it does may be done twice.
func (s *Store) transact(ctx context.Context, q *pipeline) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // a connection that is lost or inside a transaction is thrown away
	if err := q.run(ctx, conn.Conn()); err != nil {
		if !broken(err) {
			_, _ = s.abandon(conn, nil, err)
		}
		return s.meaning(err)
	}
	return nil
}

// RenewOutbox gives the outbox another id.
func (s *Store) RenewOutbox(ctx context.Context) error {
	_, err := s.writing.Exec(ctx, sqlstore.RenewOutbox, batch.NewID())
	return s.meaning(err)
}

// Prune removes what nothing needs any more.
func (s *Store) Prune(ctx context.Context, p eventstore.Prune) error {
	if _, err := s.reading.Exec(ctx, "delete from idempotency_keys where at < $1", p.IdempotencyBefore); err != nil {
		return s.meaning(err)
	}
	if _, err := s.reading.Exec(ctx, "delete from commits where at < $1", p.CommitsBefore); err != nil {
		return s.meaning(err)
	}
	if p.Upto != nil {
		_, err := s.reading.Exec(ctx, `delete from outbox o using (select n - 1 as lane, off from unnest($1::bigint[]) with ordinality u(off, n)) low
			where o.lane = low.lane and o.off <= low.off`, p.Upto[:])
		if err != nil {
			return s.meaning(err)
		}
	}
	if len(p.Consumers) == 0 {
		return nil
	}
	consumers := slices.Clone(p.Consumers)
	slices.Sort(consumers)
	_, err := s.reading.Exec(ctx, `delete from outbox o using (
			select lane, min(off) as off from cursors where consumer = any($1) group by lane having count(*) = cardinality($1)) low
		where o.lane = low.lane and o.off <= low.off`, slices.Compact(consumers))
	return s.meaning(err)
}

package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

const nowMillis = "(extract(epoch from clock_timestamp()) * 1000)::bigint"

// Requests for leases come one after the other: who renews a node, and who takes the lanes of one that is dead, must not
// overlap. The two numbers are a lock of their own kind, apart from those of keys.
const leaseLock = "select pg_advisory_xact_lock(12, 19)"

// Lease renews a node, takes and gives up lanes, and returns how all lanes lie then.
func (s *Store) Lease(ctx context.Context, r eventstore.LeaseRequest) (eventstore.Leases, error) {
	n := r.Node
	roles, err := json.Marshal(n.Roles)
	if err != nil {
		return eventstore.Leases{}, err
	}
	q := &pipeline{}
	q.exec("begin")
	q.exec(leaseLock)
	q.exec(`insert into nodes (id, name, version, url, roles, knows, started, until, stopped)
		values ($1, $2, $3, $4, $5, $6, `+nowMillis+", "+nowMillis+` + $7, $8)
		on conflict (id) do update set name = excluded.name, version = excluded.version, url = excluded.url, roles = excluded.roles,
			knows = excluded.knows, until = excluded.until, stopped = excluded.stopped`,
		n.ID, n.Name, n.Version, n.URL, string(roles), n.Knows, r.TTL, r.TTL == 0)
	q.exec("delete from nodes where until < "+nowMillis+" - $1", int64(eventstore.KeepNodes))
	if r.Alone {
		q.exec("update nodes set until = "+nowMillis+" where id <> $1 and until > "+nowMillis, n.ID)
	}
	const these = "(role, lane) in (select * from unnest($1::text[], $2::int[]))"
	switch {
	case r.TTL == 0:
		q.exec("update role_leases set owner = '' where owner = $1", n.ID)
	case len(r.Give) > 0:
		q.exec("update role_leases set owner = '' where "+these+" and owner = $3", append(roleLanes(r.Give), n.ID)...)
	}
	if r.TTL > 0 && len(r.Want) > 0 {
		want := roleLanes(r.Want)
		q.exec("insert into role_leases (role, lane, owner, epoch) select role, lane, '', 0 from unnest($1::text[], $2::int[]) w(role, lane) on conflict do nothing", want...)
		// Commits that begin a cursor hold on to these rows.
		q.exec("select 1 from role_leases where "+these+" order by role, lane for update", want...)
		q.exec(`update role_leases l set owner = $3, epoch = epoch + 1 where `+these+`
			and not exists (select 1 from nodes n where n.id = l.owner and n.until > `+nowMillis+")", append(want, n.ID)...)
		q.exec(`update cursors c set epoch = l.epoch from role_leases l
			where (l.role, l.lane) in (select * from unnest($1::text[], $2::int[])) and l.owner = $3
			and c.role = l.role and c.lane = l.lane and c.epoch <> l.epoch`, append(want, n.ID)...)
	}
	out, err := s.lie(ctx, q)
	out.Gone = nil
	return out, err
}

// lie adds how the lanes lie to what a transaction does, and runs it.
func (s *Store) lie(ctx context.Context, q *pipeline) (out eventstore.Leases, err error) {
	q.query("select "+nowMillis, nil, func(row pgx.Rows) error { return row.Scan(&out.Now) })
	q.query("select "+sqlstore.NodeColumns+" from nodes order by id", nil, func(row pgx.Rows) error {
		return sqlstore.AddNode(row, &out)
	})
	q.query("select role, lane, owner, epoch from role_leases where owner <> '' order by role, lane", nil, func(row pgx.Rows) error {
		return sqlstore.AddLease(row, &out)
	})
	q.exec("commit")
	if err := s.transact(ctx, q); err != nil {
		return eventstore.Leases{}, err
	}
	return out, nil
}

// Leases returns how all lanes lie, and the nodes that are gone.
func (s *Store) Leases(ctx context.Context) (eventstore.Leases, error) {
	q := &pipeline{}
	q.exec("begin read only, isolation level repeatable read")
	return s.lie(ctx, q)
}

func roleLanes(list []eventstore.RoleLane) []any {
	type row = eventstore.RoleLane
	return columns(list, col(func(r *row) string { return r.Role }), col(func(r *row) int { return r.Lane }))
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
	if p.Upto == nil {
		return nil
	}
	_, err := s.reading.Exec(ctx, `delete from outbox o using (select n - 1 as lane, off from unnest($1::bigint[]) with ordinality u(off, n)) low
		where o.lane = low.lane and o.off <= low.off`, p.Upto[:])
	return s.meaning(err)
}

package sqlite

import (
	"context"
	"encoding/json"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

// Lease renews a node, takes and gives up lanes, and returns how all lanes lie then.
func (s *Store) Lease(ctx context.Context, r eventstore.LeaseRequest) (out eventstore.Leases, err error) {
	err = s.transact(ctx, func(tx *transaction) error {
		now := s.now().UnixMilli()
		if err := tx.renew(&r, now); err != nil {
			return err
		}
		if err := tx.give(&r); err != nil {
			return err
		}
		if r.TTL > 0 {
			for _, k := range r.Want {
				if err := tx.grant(k, r.Node.ID, now); err != nil {
					return err
				}
			}
		}
		out, err = lie(tx.query, now)
		out.Gone = nil
		return err
	})
	return out, err
}

// renew writes the row of a node, and forgets those that are long gone.
func (tx *transaction) renew(r *eventstore.LeaseRequest, now int64) error {
	n := r.Node
	roles, err := json.Marshal(n.Roles)
	if err != nil {
		return err
	}
	_, err = tx.exec(`insert into nodes (id, name, version, url, roles, knows, started, until, stopped)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (id) do update set name = excluded.name, version = excluded.version, url = excluded.url, roles = excluded.roles,
			knows = excluded.knows, until = excluded.until, stopped = excluded.stopped`,
		n.ID, n.Name, n.Version, n.URL, string(roles), n.Knows, now, now+r.TTL, r.TTL == 0)
	if err != nil {
		return err
	}
	if r.Alone {
		if _, err := tx.exec("update nodes set until = $2 where id <> $1 and until > $2", n.ID, now); err != nil {
			return err
		}
	}
	_, err = tx.exec("delete from nodes where until < $1", now-eventstore.KeepNodes)
	return err
}

func (tx *transaction) give(r *eventstore.LeaseRequest) error {
	if r.TTL == 0 {
		_, err := tx.exec("update role_leases set owner = '' where owner = $1", r.Node.ID)
		return err
	}
	for _, k := range r.Give {
		if _, err := tx.exec("update role_leases set owner = '' where role = $1 and lane = $2 and owner = $3", k.Role, k.Lane, r.Node.ID); err != nil {
			return err
		}
	}
	return nil
}

// grant gives a lane to a node, unless it is one's that lives.
func (tx *transaction) grant(k eventstore.RoleLane, id string, now int64) error {
	n, err := tx.exec(`insert into role_leases as l (role, lane, owner, epoch) values ($1, $2, $3, 1)
		on conflict (role, lane) do update set owner = excluded.owner, epoch = l.epoch + 1
		where not exists (select 1 from nodes n where n.id = l.owner and n.until > $4)`, k.Role, k.Lane, id, now)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.exec("update cursors set epoch = (select epoch from role_leases where role = $1 and lane = $2) where role = $1 and lane = $2", k.Role, k.Lane)
	return err
}

// lie returns how the lanes lie.
func lie(query querier, now int64) (eventstore.Leases, error) {
	out := eventstore.Leases{Now: now}
	add := func(one func(sqlstore.Row, *eventstore.Leases) error) func(sqlstore.Row) (struct{}, error) {
		return func(row sqlstore.Row) (struct{}, error) { return struct{}{}, one(row, &out) }
	}
	if _, err := many(query, add(sqlstore.AddNode), "select "+sqlstore.NodeColumns+" from nodes order by id"); err != nil {
		return out, err
	}
	_, err := many(query, add(sqlstore.AddLease), "select role, lane, owner, epoch from role_leases where owner <> '' order by role, lane")
	return out, err
}

// Leases returns how all lanes lie, and the nodes that are gone.
func (s *Store) Leases(ctx context.Context) (eventstore.Leases, error) {
	tx, err := s.reading.BeginTx(ctx, nil)
	if err != nil {
		return eventstore.Leases{}, s.meaning(err)
	}
	defer func() { _ = tx.Rollback() }()
	out, err := lie(func(q string, args ...any) (sqlstore.Rows, error) {
		r, err := tx.QueryContext(ctx, q, args...)
		return rows{r}, err
	}, s.now().UnixMilli())
	return out, s.meaning(err)
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
		if p.Upto == nil {
			return nil
		}
		for lane, off := range p.Upto {
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

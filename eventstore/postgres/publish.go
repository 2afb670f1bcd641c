package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/vnfm/vnfm/eventstore"
)

var _ eventstore.Publications = (*Store)(nil)

// The columns of a row that a record is made of.
const (
	outboxRecord = "lane, off, id, aggregatetype, aggregateid, type, payload, ce_source, ce_time, correlation, causation, reply_to, traceparent, tracestate, ce_specversion, ce_outbox, ce_dataref"
	eventRecord  = "lane, off, stream, version, id, type, schema, at, data, key, correlation, causation, traceparent, ce_source, ce_specversion, ce_outbox, ce_dataref"
)

// Publishing returns who publishes, and what is there by a name. That a slot decodes prepared transactions can be said only when it is
// made, and nobody else asks for it, nor does this program prepare any: it is how a slot of ours is known from one made anew.
func (s *Store) Publishing(ctx context.Context, name string) (p eventstore.Publishing, err error) {
	var slot eventstore.Slot
	var there bool
	err = s.reading.QueryRow(ctx, `select p.mode, p.wanted, p.epoch, p.reason, p.since, current_setting('wal_level') = 'logical',
			exists (select 1 from pg_publication where pubname = $1), r.slot_name is not null, coalesce(r.active, false), coalesce(r.two_phase, false),
			coalesce(r.wal_status = 'lost' or r.plugin is distinct from 'pgoutput', false),
			case when pg_is_in_recovery() then 0 else coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(r.confirmed_flush_lsn, r.restart_lsn)), 0)::bigint end
		from publishing p left join pg_replication_slots r on r.slot_name = $1 and r.database = current_database()`, name).Scan(
		&p.Mode, &p.Wanted, &p.Epoch, &p.Reason, &p.Since, &p.Logical, &p.Publication, &there, &slot.Active, &slot.Ours, &slot.Lost, &slot.Behind)
	if there {
		p.Slot = &slot
	}
	p.Since = p.Since.UTC()
	return p, s.meaning(err)
}

// WantPublishing notes what a node is set to.
func (s *Store) WantPublishing(ctx context.Context, mode eventstore.PublishMode) error {
	_, err := s.reading.Exec(ctx, "update publishing set wanted = $1 where wanted <> $1", string(mode))
	return s.meaning(err)
}

// MakeCapture makes the publication, and the slot after it: what the slot has of the log is read with the publications of its time.
func (s *Store) MakeCapture(ctx context.Context, c eventstore.Capture) error {
	_, err := s.reading.Exec(ctx, "create publication "+quoted(c.Name)+" with (publish = 'insert')")
	if err != nil && !is(err, "42710") { // it is there
		return fmt.Errorf("make the publication %s: %w", c.Name, s.meaning(err))
	}
	_, err = s.reading.Exec(ctx, "select pg_create_logical_replication_slot($1, 'pgoutput', false, true)", c.Name)
	if err != nil && !is(err, "42710") {
		return fmt.Errorf("make the replication slot %s: %w", c.Name, s.meaning(err))
	}
	return nil
}

// RemoveCapture removes the publication, so that who reads the slot is let through nothing any more, and the slot. Its reader is sent away,
// if we may.
func (s *Store) RemoveCapture(ctx context.Context, c eventstore.Capture) error {
	tag, err := s.reading.Exec(ctx, "select 1 from publishing where mode = $1", string(eventstore.Polling))
	if err != nil || tag.RowsAffected() == 0 {
		return errors.Join(s.meaning(err), eventstore.ErrBusy)
	}
	if _, err := s.reading.Exec(ctx, "drop publication if exists "+quoted(c.Name)); err != nil {
		return fmt.Errorf("remove the publication %s: %w", c.Name, s.meaning(err))
	}
	const ours = "from pg_replication_slots where slot_name = $1 and database = current_database()"
	if _, err := s.reading.Exec(ctx, "select pg_terminate_backend(active_pid) "+ours+" and active", c.Name); err != nil && !is(err, "42501") {
		return fmt.Errorf("end the reader of the replication slot %s: %w", c.Name, s.meaning(err))
	}
	_, err = s.reading.Exec(ctx, "select pg_drop_replication_slot(slot_name) "+ours, c.Name)
	if is(err, "55006") { // object_in_use
		return fmt.Errorf("%w: the replication slot %s is read", eventstore.ErrBusy, c.Name)
	}
	if err != nil && !is(err, "42704") { // it is gone
		return fmt.Errorf("remove the replication slot %s: %w", c.Name, s.meaning(err))
	}
	return nil
}

// PublishByCapture holds all lanes, so that nothing is committed to them, waits until the relays have sent all there is, and lets rows
// through in the transaction that changes the mode: the boundary is the same for everybody.
func (s *Store) PublishByCapture(ctx context.Context, c eventstore.Capture, epoch int64, patience time.Duration) error {
	if old, err := s.unsent(ctx, s.reading, c, time.Second); err != nil || old {
		return errors.Join(err, eventstore.ErrBusy) // the relays are behind: commits would wait for nothing
	}
	err := pgx.BeginFunc(ctx, s.reading, func(tx pgx.Tx) error {
		for _, q := range []string{
			"set local lock_timeout = '5s'", "lock table outbox, events in share update exclusive mode", // before the lanes: autovacuum may have it
			"select 1 from lanes order by lane for update",
		} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		end := time.NewTimer(patience)
		defer end.Stop()
		for {
			left, err := s.unsent(ctx, tx, c, 0)
			if err != nil {
				return err
			}
			if !left {
				break
			}
			select {
			case <-tick.C:
			case <-end.C:
				return eventstore.ErrBusy
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		tag, err := tx.Exec(ctx, `update publishing set mode = $1, epoch = epoch + 1, reason = 'the connector reads the slot', since = now()
			where mode = $2 and epoch = $3 and exists (select 1 from pg_replication_slots where slot_name = $4 and database = current_database()
				and active and two_phase and wal_status <> 'lost')`, string(eventstore.CDC), string(eventstore.Polling), epoch, c.Name)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return eventstore.ErrBusy
		}
		_, err = tx.Exec(ctx, "alter publication "+quoted(c.Name)+" set table "+captured(c))
		return err
	})
	if is(err, "55P03") { // lock_not_available
		return eventstore.ErrBusy
	}
	return s.meaning(err)
}

// captured is what a publication lets through: columns and rows, as PostgreSQL 15 and newer can say it.
func captured(c eventstore.Capture) string {
	sql := "outbox (" + outboxRecord + ")"
	if len(c.Streams) == 0 {
		return sql
	}
	var streams []string
	for _, prefix := range c.Streams {
		streams = append(streams, "stream like '"+strings.ReplaceAll(prefix, "'", "''")+"%'")
	}
	return sql + ", events (" + eventRecord + ") where (" + strings.Join(streams, " or ") + ")"
}

// PublishByRelay removes the publication and changes the mode in one transaction.
func (s *Store) PublishByRelay(ctx context.Context, c eventstore.Capture, epoch int64, reason string) error {
	err := pgx.BeginFunc(ctx, s.reading, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "update publishing set mode = $1, epoch = epoch + 1, reason = $2, since = now() where mode = $3 and epoch = $4",
			string(eventstore.Polling), reason, string(eventstore.CDC), epoch)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return eventstore.ErrBusy
		}
		_, err = tx.Exec(ctx, "drop publication if exists "+quoted(c.Name))
		return err
	})
	return s.meaning(err)
}

// unsent reports whether there is something that a relay has not sent, of those older than an age.
func (s *Store) unsent(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, c eventstore.Capture, age time.Duration,
) (left bool, err error) {
	err = q.QueryRow(ctx, `select
		exists (select 1 from outbox o left join cursors c on c.consumer = $1 and c.lane = o.lane
			where o.off > coalesce(c.off, 0) and o.ce_time < clock_timestamp() - $3::interval)
		or $2 <> '' and exists (select 1 from lanes l left join cursors c on c.consumer = $2 and c.lane = l.lane
			where l.event_off > coalesce(c.off, 0) and ($3::interval = '0' or exists (select 1 from events e
				where e.lane = l.lane and e.off > coalesce(c.off, 0) and e.at < clock_timestamp() - $3::interval)))`,
		c.MessageRelay, c.EventRelay, age).Scan(&left)
	return left, err
}

// quoted is a name as an identifier.
func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// is reports whether an error has a SQLSTATE.
func is(err error, state string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == state
}

package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

// write writes the lists of a batch in order, and stops at the first guard that does not hold.
func (tx *transaction) write(b *batch.Batch) error {
	for _, f := range []func(*batch.Batch) error{
		tx.marks, tx.cursors, tx.streams, tx.sagas, tx.timeouts, tx.views, tx.records, tx.others, tx.lanes,
	} {
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) marks(b *batch.Batch) error {
	for _, r := range b.Idempotency {
		if err := tx.guard(eventstore.ErrIdempotencyKeyUsed, "idempotency key "+r.Key,
			"insert into idempotency_keys ("+sqlstore.AnswerColumns+") values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
			r.Caller, r.Key, r.Fingerprint, r.Status, sqlstore.Header(r.Header), r.Body, stamp(r.At)); err != nil {
			return err
		}
	}
	for _, h := range b.Handled {
		if err := tx.guard(eventstore.ErrHandled, "message "+h.MessageID,
			"insert into processed_replies (message_id, saga) values ($1, $2) on conflict do nothing", h.MessageID, h.Saga); err != nil {
			return err
		}
	}
	for _, f := range b.Fired {
		if err := tx.guard(eventstore.ErrTimeoutGone, "timeout "+f.ID,
			"delete from saga_timeouts where id = $1 and token = $2 and due <= $3", f.ID, f.Token, stamp(b.Now)); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) cursors(b *batch.Batch) error {
	for _, m := range b.Cursors {
		what := fmt.Sprintf("cursor of %s in lane %d", m.Consumer, m.Lane)
		q := `update cursors set off = $4, mark = coalesce(nullif($7, ''), mark) where consumer = $1 and lane = $2 and off = $3 and epoch = $5 and role = $6
			and exists (select 1 from role_leases l where l.role = $6 and l.lane = $2 and l.epoch = $5 and l.owner <> '')`
		if m.From == 0 {
			q = `insert into cursors (consumer, lane, off, epoch, role, mark)
				select $1, $2, $4, $5, $6, $7 from role_leases l where l.role = $6 and l.lane = $2 and l.epoch = $5 and l.owner <> ''
				on conflict (consumer, lane) do update set off = excluded.off, mark = coalesce(nullif(excluded.mark, ''), mark)
				where off = $3 and epoch = excluded.epoch and role = excluded.role`
		}
		if err := tx.guard(eventstore.ErrFenced, what, q, m.Consumer, m.Lane, m.From, m.To, m.Epoch, m.Role, m.Mark); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) streams(b *batch.Batch) error {
	for _, e := range b.Expect {
		n, err := querier(tx.query).count(
			"select 1 where coalesce((select version from streams where stream = $1), 0) = $2", e.Stream, e.Version)
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("stream %s: %w", e.Stream, eventstore.ErrVersion)
		}
	}
	for _, h := range b.Heads {
		var err error
		if h.Expected == 0 {
			err = tx.guard(eventstore.ErrVersion, "stream "+h.Stream,
				"insert into streams (stream, version, hash, last) values ($1, $2, $3, $4) on conflict do nothing",
				h.Stream, h.Version, h.Hash, stamp(h.Last))
		} else {
			err = tx.guard(eventstore.ErrVersion, "stream "+h.Stream,
				"update streams set version = $2, hash = $3, last = $4 where stream = $1 and version = $5 and hash = $6",
				h.Stream, h.Version, h.Hash, stamp(h.Last), h.Expected, h.Prev)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) sagas(b *batch.Batch) error {
	for _, s := range b.SagaDeletes {
		if err := tx.guard(eventstore.ErrVersion, "saga "+s.ID,
			"delete from saga_instances where id = $1 and version = $2", s.ID, s.Expected); err != nil {
			return err
		}
		for _, q := range []string{
			"delete from saga_items where saga = $1",
			"delete from saga_steps where saga = $1",
			"delete from saga_timeouts where id >= $1 || '/' and id < $1 || '0'", // '0' is next to '/'
			"delete from processed_replies where saga = $1",
		} {
			if _, err := tx.exec(q, s.ID); err != nil {
				return err
			}
		}
	}
	for _, s := range b.Sagas {
		var err error
		if s.Expected == 0 {
			err = tx.guard(eventstore.ErrVersion, "saga "+s.ID, `insert into saga_instances
				(id, type, def_version, key, parent, state, version, lane, data, plan, created, updated, ended)
				values ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10, $10, case when $11 then $10 end) on conflict do nothing`,
				s.ID, s.Type, s.DefVersion, s.Key, s.Parent, s.State, s.Lane, text(s.Data), text(s.Plan), stamp(b.Now), s.Ended)
		} else {
			err = tx.guard(eventstore.ErrVersion, "saga "+s.ID, "update saga_instances set state = $2, version = version + 1, data = $3,"+
				" updated = $4, ended = case when $6 then $4 end where id = $1 and version = $5", s.ID, s.State, text(s.Data), stamp(b.Now), s.Expected, s.Ended)
		}
		if err != nil {
			return err
		}
		for _, i := range s.Items {
			q := "update saga_items set version = $3, data = $4 where saga = $1 and no = $2"
			if i.New {
				q = "insert into saga_items (saga, no, version, data) values ($1, $2, $3, $4) on conflict do nothing"
			}
			if err := tx.guard(eventstore.ErrVersion, fmt.Sprintf("item %d of saga %s", i.No, s.ID), q, s.ID, i.No, i.Version, text(i.Data)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tx *transaction) timeouts(b *batch.Batch) error {
	for _, id := range b.Cancelled {
		if _, err := tx.exec("delete from saga_timeouts where id = $1", id); err != nil {
			return err
		}
	}
	for _, t := range b.Timeouts {
		if _, err := tx.exec("insert or replace into saga_timeouts ("+sqlstore.TimeoutColumns+
			") values ($1, $2, $3, $4, $5, $6, $7, $8)",
			t.ID, t.Owner, t.Key, t.Name, t.Token, t.Due.UnixMicro(), t.Lane, text(t.Data)); err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) views(b *batch.Batch) error {
	for _, v := range b.ViewDeletes {
		if _, err := tx.exec("delete from views where kind = $1 and id = $2", v.Kind, v.ID); err != nil {
			return err
		}
	}
	for _, v := range b.Views {
		args := []any{v.Kind, v.ID, v.Revision, v.Parent, v.State, v.Name, stamp(v.Updated), text(v.Doc)}
		for _, a := range v.Attrs {
			args = append(args, a)
		}
		// Most updates change no column that has an index; to set one writes the index anew, even to the same value.
		n, err := tx.exec("update views set revision = $3, updated = $7, doc = $8 where kind = $1 and id = $2 and +parent = $4"+
			" and +state = $5 and +name = $6 and +attr1 = $9 and +attr2 = $10 and +attr3 = $11 and +attr4 = $12 and +attr5 = $13"+
			" and +attr6 = $14 and +attr7 = $15 and +attr8 = $16", args...)
		if err == nil && n == 0 {
			_, err = tx.exec("insert into views ("+sqlstore.ViewColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"+
				" $13, $14, $15, $16) on conflict (kind, id) do update set "+sqlstore.ViewUpdate, args...)
		}
		var e *driver.Error
		if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
			return fmt.Errorf("name %q of %s: %w", v.Name, v.Kind, eventstore.ErrNameTaken)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) records(b *batch.Batch) error {
	for _, r := range b.Records {
		if !batch.KnownTable(r.Table) {
			return fmt.Errorf("unknown ledger table %q", r.Table)
		}
		what := "record " + r.Table + " " + r.ID
		var err error
		switch {
		case r.Delete:
			err = tx.guard(eventstore.ErrVersion, what, "delete from "+r.Table+" where id = $1 and version = $2", r.ID, r.Expected)
		case r.Expected == 0:
			err = tx.guard(eventstore.ErrVersion, what, "insert into "+r.Table+" ("+sqlstore.RecordColumns+
				") values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
				r.ID, r.Key, r.Group, r.State, stamp(r.Due), r.Version, r.Lane, text(r.Doc))
		default:
			err = tx.guard(eventstore.ErrVersion, what, "update "+r.Table+
				" set key = $2, grp = $3, state = $4, due = $5, version = $6, lane = $7, doc = $8 where id = $1 and version = $9",
				r.ID, r.Key, r.Group, r.State, stamp(r.Due), r.Version, r.Lane, text(r.Doc), r.Expected)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *transaction) others(b *batch.Batch) error {
	for _, stream := range b.Unsnapped {
		if _, err := tx.exec("delete from snapshots where stream = $1", stream); err != nil {
			return err
		}
	}
	for _, s := range b.Snapshots {
		if _, err := tx.exec("insert into snapshots ("+sqlstore.SnapshotColumns+`) values ($1, $2, $3, $4)
			on conflict (stream, version) do update set schema = excluded.schema, data = excluded.data`, s.Stream, s.Version, s.Schema, text(s.Data)); err != nil {
			return err
		}
	}
	for _, id := range b.Unparked {
		if _, err := tx.exec("delete from parked_messages where id = $1", id); err != nil {
			return err
		}
	}
	for _, p := range b.Parked {
		envelope, data := sqlstore.Parked(p.Message)
		if _, err := tx.exec("insert or replace into parked_messages ("+sqlstore.ParkedColumns+
			") values ($1, $2, $3, $4, $5, $6, $7, $8)", p.ID, p.Consumer, p.Key, p.Seq, envelope, data, p.Reason,
			stamp(p.At)); err != nil {
			return err
		}
	}
	return nil
}

// lanes allots the offsets, and writes the events and messages with them.
func (tx *transaction) lanes(b *batch.Batch) error {
	for i := range b.Lanes {
		l := &b.Lanes[i]
		head, err := one(tx.query, func(r sqlstore.Row) (h eventstore.LaneHead, err error) {
			err = r.Scan(&h.Event, &h.Outbox)
			return h, err
		}, "update lanes set event_off = event_off + $2, outbox_off = outbox_off + $3 where lane = $1 returning event_off, outbox_off",
			l.Lane, l.Events, l.Outbox)
		if err != nil {
			return err
		}
		l.EventBase, l.OutboxBase = head.Event-int64(l.Events), head.Outbox-int64(l.Outbox)
	}
	b.Number()
	for _, c := range b.Commits {
		for _, e := range c.Events {
			meta := e.Metadata()
			if _, err := tx.exec("insert into events ("+sqlstore.EventColumns+", "+sqlstore.RecordOfEvent+
				") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, nullif($14, ''), nullif($15, ''), nullif($16, ''))",
				e.Lane, e.Offset, e.Key, e.Stream, e.Version, e.ID, e.Type, e.Schema, stamp(e.Time), []byte(e.Meta), []byte(e.Data),
				e.Prev, e.Hash, meta.CorrelationID, meta.CausationID, meta.Traceparent); err != nil {
				return err
			}
		}
		for _, m := range c.Messages {
			if _, err := tx.exec("insert into outbox ("+sqlstore.OutboxColumns+
				") values ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), nullif($10, ''), nullif($11, ''), nullif($12, ''), nullif($13, ''), $14)",
				m.Lane, m.Offset, m.ID, m.Type, m.Source, m.Topic, m.Key, stamp(m.Time), m.CorrelationID, m.CausationID, m.ReplyTo,
				m.Traceparent, m.Tracestate, []byte(m.Data)); err != nil {
				return err
			}
		}
	}
	return nil
}

// text is a JSON document as an argument; an empty one is NULL.
func text(m json.RawMessage) any {
	if len(m) == 0 {
		return nil
	}
	return string(m)
}

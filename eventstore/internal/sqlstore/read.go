package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
)

// Reader is the part of eventstore.Reader that is the same for both databases.
type Reader struct{ Dialect Dialect }

// ReadStream returns up to limit events of a stream after a version.
func (r *Reader) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]eventstore.Event, error) {
	q := r.Dialect.selectFrom("events", r.Dialect.events()).and("stream = %s", stream).and("version > %s", after).order("version", limit)
	return list(ctx, &r.Dialect, q, ScanEvent)
}

// Streams lists stream heads with a prefix, after a name, in order.
func (r *Reader) Streams(ctx context.Context, prefix, after string, limit int) ([]eventstore.StreamHead, error) {
	q := r.Dialect.selectFrom("streams", "stream, version, hash").and("stream > %s", after)
	if prefix != "" {
		q.and("stream >= %s", prefix).and("stream < %s", prefix+"\U0010FFFF")
	}
	return list(ctx, &r.Dialect, q.order("stream", limit), func(row Row) (h eventstore.StreamHead, err error) {
		err = row.Scan(&h.Stream, &h.Version, &h.Hash)
		return h, err
	})
}

// ReadLane returns up to limit events of a lane after an offset.
func (r *Reader) ReadLane(ctx context.Context, lane int, after int64, limit int) ([]eventstore.Event, error) {
	q := r.Dialect.selectFrom("events", r.Dialect.events()).and("lane = %s", lane).and("off > %s", after).order("off", limit)
	return list(ctx, &r.Dialect, q, ScanEvent)
}

// ReadOutbox returns up to limit messages of a lane after an offset.
func (r *Reader) ReadOutbox(ctx context.Context, lane int, after int64, limit int) ([]eventstore.OutboxRecord, error) {
	q := r.Dialect.selectFrom("outbox", r.Dialect.outbox()).and("lane = %s", lane).and("off > %s", after).order("off", limit)
	return list(ctx, &r.Dialect, q, ScanOutbox)
}

// Heads returns the last event and outbox offset of every lane.
func (r *Reader) Heads(ctx context.Context) (out [eventstore.Lanes]eventstore.LaneHead, err error) {
	q := r.Dialect.selectFrom("lanes", "lane, event_off, outbox_off").order("lane", eventstore.Lanes)
	_, err = list(ctx, &r.Dialect, q, func(row Row) (struct{}, error) {
		var lane int
		var h eventstore.LaneHead
		err := row.Scan(&lane, &h.Event, &h.Outbox)
		out[lane%eventstore.Lanes] = h
		return struct{}{}, err
	})
	return out, err
}

// ReadAll returns up to limit events of the streams with a prefix, in order of stream and version, after a place.
func (r *Reader) ReadAll(ctx context.Context, prefix string, after eventstore.StreamVersion, limit int) ([]eventstore.Event, error) {
	q := r.Dialect.selectFrom("events", r.Dialect.events())
	q.args = append(q.args, after.Stream, after.Version)
	q.sql.WriteString(" and (stream, version) > ($1, $2)")
	if prefix != "" {
		q.and("stream >= %s", prefix).and("stream < %s", prefix+"\U0010FFFF")
	}
	return list(ctx, &r.Dialect, q.order("stream, version", limit), ScanEvent)
}

// Sagas lists sagas, without their plans and items.
func (r *Reader) Sagas(ctx context.Context, s eventstore.SagaQuery) ([]eventstore.SagaRow, error) {
	q := r.Dialect.selectFrom("saga_instances", SagaColumns).is("key", s.Key).is("parent", s.Parent).is("state", s.State)
	if s.After != "" {
		q.and("id > %s", s.After)
	}
	if s.Live {
		q.sql.WriteString(" and ended is null")
	}
	if s.Lanes != nil {
		q.and("lane "+r.Dialect.In, r.Dialect.Ints(s.Lanes))
	}
	by := "id"
	if !s.EndedBy.IsZero() {
		by = "ended, id"
		q.and("ended <= %s", r.Dialect.Time(s.EndedBy))
	}
	return list(ctx, &r.Dialect, q.order(by, s.Limit), ScanSaga)
}

// Steps lists a saga's step rows in the order they were sent.
func (r *Reader) Steps(ctx context.Context, saga string) ([]eventstore.StepRow, error) {
	const all = 1 << 31
	q := r.Dialect.selectFrom("saga_steps", StepColumns).and("saga = %s", saga).order("seq, command_id", all)
	return list(ctx, &r.Dialect, q, ScanStep)
}

// Timeouts returns the timeouts of the lanes that are due by a time, the most urgent first.
func (r *Reader) Timeouts(ctx context.Context, lanes []int, by time.Time, limit int) ([]eventstore.Timeout, error) {
	q := r.Dialect.selectFrom("saga_timeouts", TimeoutColumns).and("lane "+r.Dialect.In, r.Dialect.Ints(lanes))
	if !by.IsZero() {
		q.and("due <= %s", r.Dialect.Time(by))
	}
	return list(ctx, &r.Dialect, q.order("due, id", limit), ScanTimeout)
}

// Records lists ledger rows.
func (r *Reader) Records(ctx context.Context, c eventstore.RecordQuery) ([]eventstore.Record, error) {
	if !batch.KnownTable(c.Table) {
		return nil, fmt.Errorf("unknown ledger table %q", c.Table)
	}
	table := c.Table
	if r.Dialect.NoStatistics && !c.DueBy.IsZero() { // few rows are due, whatever else is asked of them
		table += " indexed by " + c.Table + "_due"
	}
	columns := RecordColumns
	if c.Heads {
		columns = recordHeads
	}
	q := r.Dialect.selectFrom(table, columns).is("key", c.Key).is("grp", c.Group).is("state", c.State)
	if c.After != "" {
		q.and("id > %s", c.After)
	}
	if c.Lanes != nil {
		q.and("lane "+r.Dialect.In, r.Dialect.Ints(c.Lanes))
	}
	by := "id"
	if !c.DueBy.IsZero() {
		by = "due, id"
		q.and("due <= %s", r.Dialect.Time(c.DueBy))
	}
	return list(ctx, &r.Dialect, q.order(by, c.Limit), ScanRecord(c.Table))
}

// Parked lists parked messages, those of a key in the order they are to be retried.
func (r *Reader) Parked(ctx context.Context, p eventstore.ParkedQuery) ([]eventstore.ParkedMessage, error) {
	q := r.Dialect.selectFrom("parked_messages", ParkedColumns).is("consumer", p.Consumer).is("key", p.Key).is("id", p.ID)
	if a := p.After; a != nil {
		n := len(q.args)
		q.args = append(q.args, a.Consumer, a.Seq, a.ID)
		fmt.Fprintf(&q.sql, " and (consumer, seq, id) > ($%d, $%d, $%d)", n+1, n+2, n+3)
	}
	return list(ctx, &r.Dialect, q.order("consumer, seq, id", p.Limit), ScanParked)
}

// Counts counts the sagas in each of the states, and parked messages by consumer.
func (r *Reader) Counts(ctx context.Context, sagaStates []string) (eventstore.Counts, error) {
	c := eventstore.Counts{Sagas: map[string]int{}, Parked: map[string]int{}}
	for _, state := range sagaStates {
		q := r.Dialect.selectFrom("saga_instances", "count(*)").and("state = %s", state).order("1", 1)
		_, err := list(ctx, &r.Dialect, q, func(row Row) (struct{}, error) {
			var n int
			err := row.Scan(&n)
			c.Sagas[state] = n
			return struct{}{}, err
		})
		if err != nil {
			return c, err
		}
	}
	q := r.Dialect.selectFrom("parked_messages", "consumer, count(*)")
	q.sql.WriteString(" group by consumer")
	_, err := list(ctx, &r.Dialect, q.order("consumer", 0), func(row Row) (struct{}, error) {
		var consumer string
		var n int
		err := row.Scan(&consumer, &n)
		c.Parked[consumer] = n
		return struct{}{}, err
	})
	return c, err
}

// Census counts all views by kind and state, and tells how large the database is.
func (r *Reader) Census(ctx context.Context) (eventstore.Census, error) {
	c := eventstore.Census{Views: map[eventstore.ViewState]int{}}
	q := r.Dialect.selectFrom("views", "kind, state, count(*)")
	q.sql.WriteString(" group by kind, state")
	_, err := list(ctx, &r.Dialect, q.order("kind, state", 0), func(row Row) (struct{}, error) {
		var of eventstore.ViewState
		var n int
		err := row.Scan(&of.Kind, &of.State, &n)
		c.Views[of] = n
		return struct{}{}, err
	})
	if err != nil {
		return c, err
	}
	size := r.Dialect.selectFrom(r.Dialect.Size, "bytes")
	_, err = list(ctx, &r.Dialect, size.order("1", 1), func(row Row) (struct{}, error) { return struct{}{}, row.Scan(&c.Bytes) })
	return c, err
}

// Cursors returns a consumer's position in every lane.
func (r *Reader) Cursors(ctx context.Context, consumer string) (out [eventstore.Lanes]eventstore.Position, err error) {
	q := r.Dialect.selectFrom("cursors", "lane, off, mark").and("consumer = %s", consumer).order("lane", eventstore.Lanes)
	_, err = list(ctx, &r.Dialect, q, func(row Row) (struct{}, error) {
		var lane int
		var p eventstore.Position
		err := row.Scan(&lane, &p.Offset, &p.Mark)
		out[lane%eventstore.Lanes] = p
		return struct{}{}, err
	})
	return out, err
}

// OutboxIDs returns the ids of this database's outbox, the one that counts first.
func (r *Reader) OutboxIDs(ctx context.Context) ([]string, error) {
	q := r.Dialect.selectFrom("outbox_identity", "id").order("no desc", 0)
	return list(ctx, &r.Dialect, q, func(row Row) (id string, err error) { return id, row.Scan(&id) })
}

// RenewOutbox is the statement that gives the outbox another id.
const RenewOutbox = "insert into outbox_identity (no, id) select max(no) + 1, $1 from outbox_identity"

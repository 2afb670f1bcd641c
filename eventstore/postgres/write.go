package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

// write is the second round trip: every list of the batch in one statement, the lanes last, and the commit. A list that
// is empty costs nothing.
func (s *Store) write(ctx context.Context, conn *pgx.Conn, b *batch.Batch) error {
	p := &pipeline{address: s.address}
	p.marks(b)
	p.cursors(b)
	p.streams(b)
	p.sagas(b)
	p.timeouts(b)
	p.views(b)
	for _, table := range eventstore.Tables {
		p.records(b, table)
	}
	p.others(b)
	p.lanes(b)
	p.exec("commit")
	return p.run(ctx, conn)
}

// columns collects the values of a list by column, as arguments for unnest.
func columns[T any](rows []T, of ...func([]T) any) []any {
	out := make([]any, len(of))
	for i, f := range of {
		out[i] = f(rows)
	}
	return out
}

// col makes the array of one value of each row.
func col[T, V any](value func(*T) V) func([]T) any {
	return func(rows []T) any {
		out := make([]V, len(rows))
		for i := range rows {
			out[i] = value(&rows[i])
		}
		return out
	}
}

// stamp is a time as an argument, the zero time as NULL.
func stamp(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }

func (p *pipeline) marks(b *batch.Batch) {
	if len(b.Idempotency) > 0 {
		type row = eventstore.IdempotencyResult
		p.exec("insert into idempotency_keys ("+sqlstore.AnswerColumns+
			") select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::bytea[], $7::timestamptz[])",
			columns(b.Idempotency,
				col(func(r *row) string { return r.Caller }), col(func(r *row) string { return r.Key }), col(func(r *row) string { return r.Fingerprint }),
				col(func(r *row) int { return r.Status }), col(func(r *row) string { return sqlstore.Header(r.Header) }),
				col(func(r *row) []byte { return r.Body }), col(func(r *row) pgtype.Timestamptz { return stamp(r.At) }))...)
	}
	if len(b.Handled) > 0 {
		type row = eventstore.HandledMark
		p.exec("insert into processed_replies (message_id, saga) select * from unnest($1::text[], $2::text[])",
			columns(b.Handled, col(func(r *row) string { return r.MessageID }), col(func(r *row) string { return r.Saga }))...)
	}
	if len(b.Fired) > 0 {
		type row = eventstore.FiredTimer
		p.exec(`with d as (
				delete from saga_timeouts t using unnest($1::text[], $2::bigint[]) w(id, token)
				where t.id = w.id and t.token = w.token and t.due <= $3 returning 1)
			select vnfm_guard(count(*) = cardinality($1), '`+guardTimeout+`') from d`,
			append(columns(b.Fired, col(func(r *row) string { return r.ID }), col(func(r *row) int64 { return r.Token })), b.Now)...)
	}
}

// cursors moves cursors that stand elsewhere than at 0 by an update: its epoch was raised with the lease's. One at 0 may
// have to be inserted, and holds on to the lease's row for that.
func (p *pipeline) cursors(b *batch.Batch) {
	type row = eventstore.CursorMove
	var begin, move []row
	for _, m := range b.Cursors {
		if m.From == 0 {
			begin = append(begin, m)
		} else {
			move = append(move, m)
		}
	}
	args := func(rows []row) []any {
		return columns(rows, col(func(r *row) string { return r.Consumer }), col(func(r *row) int { return r.Lane }),
			col(func(r *row) int64 { return r.From }), col(func(r *row) int64 { return r.To }), col(func(r *row) int64 { return r.Epoch }),
			col(func(r *row) string { return r.Role }), col(func(r *row) string { return r.Mark }))
	}
	const moves = `unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
		w(consumer, lane, was, off, epoch, role, mark)`
	if len(begin) > 0 {
		p.exec(`with l as (
				select w.* from `+moves+` join role_leases l on l.role = w.role and l.lane = w.lane and l.epoch = w.epoch and l.owner <> ''
				for share of l),
			i as (
				insert into cursors as c (consumer, lane, off, epoch, role, mark) select consumer, lane, off, epoch, role, mark from l
				on conflict (consumer, lane) do update set off = excluded.off, mark = coalesce(nullif(excluded.mark, ''), c.mark)
				where c.off = 0 and c.epoch = excluded.epoch and c.role = excluded.role
				returning 1)
			select vnfm_guard(count(*) = cardinality($1), '`+guardFenced+`') from i`, args(begin)...)
	}
	if len(move) > 0 {
		p.exec(`with u as (
				update cursors c set off = w.off, mark = coalesce(nullif(w.mark, ''), c.mark) from `+moves+`, role_leases l
				where c.consumer = w.consumer and c.lane = w.lane and c.off = w.was and c.epoch = w.epoch and c.role = w.role
				and l.role = w.role and l.lane = w.lane and l.epoch = w.epoch and l.owner <> '' returning 1)
			select vnfm_guard(count(*) = cardinality($1), '`+guardFenced+`') from u`, args(move)...)
	}
}

func (p *pipeline) streams(b *batch.Batch) {
	if len(b.Expect) > 0 {
		type row = eventstore.StreamVersion
		// The share lock keeps the version until the commit; there is none for a stream that does not exist.
		p.exec(`with s as (select stream, version from streams where stream = any($1) order by stream for share)
			select vnfm_guard(bool_and(coalesce(s.version, 0) = w.version), '`+guardVersion+`')
			from unnest($1::text[], $2::bigint[]) w(stream, version) left join s on s.stream = w.stream`,
			columns(b.Expect, col(func(r *row) string { return r.Stream }), col(func(r *row) int64 { return r.Version }))...)
	}
	if len(b.Heads) > 0 {
		type row = batch.Head
		p.exec(`with w as materialized (
				select * from unnest($1::text[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::timestamptz[])
				w(stream, expected, prev, version, hash, last)),
			u as (
				update streams s set version = w.version, hash = w.hash, last = w.last from w
				where w.expected <> 0 and s.stream = w.stream and s.version = w.expected and s.hash = w.prev returning 1),
			i as (
				insert into streams (stream, version, hash, last) select stream, version, hash, last from w where expected = 0
				returning 1)
			select vnfm_guard((select count(*) from u) + (select count(*) from i) = cardinality($1), '`+guardVersion+`')`,
			columns(b.Heads, col(func(r *row) string { return r.Stream }), col(func(r *row) int64 { return r.Expected }),
				col(func(r *row) []byte { return r.Prev }), col(func(r *row) int64 { return r.Version }), col(func(r *row) []byte { return r.Hash }),
				col(func(r *row) pgtype.Timestamptz { return stamp(r.Last) }))...)
	}
}

func (p *pipeline) sagas(b *batch.Batch) {
	if len(b.SagaDeletes) > 0 {
		type row = eventstore.SagaRow
		args := columns(b.SagaDeletes, col(func(r *row) string { return r.ID }), col(func(r *row) int64 { return r.Expected }))
		p.exec(`with d as (
				delete from saga_instances s using unnest($1::text[], $2::bigint[]) w(id, version)
				where s.id = w.id and s.version = w.version returning 1)
			select vnfm_guard(count(*) = cardinality($1), '`+guardVersion+`') from d`, args...)
		p.exec("delete from saga_items where saga = any($1)", args[0])
		p.exec("delete from saga_steps where saga = any($1)", args[0])
		p.exec("delete from processed_replies where saga = any($1)", args[0])
		p.exec(`delete from saga_timeouts t using unnest($1::text[]) w(id)
			where t.id >= w.id || '/' and t.id < w.id || '0'`, args[0]) // '0' is next to '/'
	}
	var begun, moved []batch.Saga
	for _, s := range b.Sagas {
		if s.Expected == 0 {
			begun = append(begun, s)
		} else {
			moved = append(moved, s)
		}
	}
	type row = batch.Saga
	if len(begun) > 0 {
		p.exec(`insert into saga_instances (id, type, def_version, key, parent, state, version, lane, data, plan, created, updated, ended)
			select id, type, def_version, key, parent, state, 1, lane, nullif(data, ''), nullif(plan, ''), $11::timestamptz, $11::timestamptz, case when ended then $11::timestamptz end
			from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[], $9::text[], $10::bool[])
				w(id, type, def_version, key, parent, state, lane, data, plan, ended)`,
			append(columns(begun, col(func(r *row) string { return r.ID }), col(func(r *row) string { return r.Type }),
				col(func(r *row) int { return r.DefVersion }), col(func(r *row) string { return r.Key }), col(func(r *row) string { return r.Parent }),
				col(func(r *row) string { return r.State }), col(func(r *row) int { return r.Lane }), col(func(r *row) string { return string(r.Data) }),
				col(func(r *row) string { return string(r.Plan) }), col(func(r *row) bool { return r.Ended })), b.Now)...)
	}
	if len(moved) > 0 {
		p.exec(`with u as (
				update saga_instances s set state = w.state, version = w.expected + 1, data = nullif(w.data, ''), updated = $6::timestamptz,
					ended = case when w.ended then $6::timestamptz end
				from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bool[]) w(id, state, expected, data, ended)
				where s.id = w.id and s.version = w.expected returning 1)
			select vnfm_guard(count(*) = cardinality($1), '`+guardVersion+`') from u`,
			append(columns(moved, col(func(r *row) string { return r.ID }), col(func(r *row) string { return r.State }),
				col(func(r *row) int64 { return r.Expected }), col(func(r *row) string { return string(r.Data) }),
				col(func(r *row) bool { return r.Ended })), b.Now)...)
	}
	p.items(b)
}

// items writes the items that changed.
func (p *pipeline) items(b *batch.Batch) {
	type row struct {
		saga string
		eventstore.SagaItem
	}
	var planned, changed []row
	for _, s := range b.Sagas {
		for _, i := range s.Items {
			if i.New {
				planned = append(planned, row{s.ID, i})
			} else {
				changed = append(changed, row{s.ID, i})
			}
		}
	}
	args := func(rows []row) []any {
		return columns(rows, col(func(r *row) string { return r.saga }), col(func(r *row) int { return r.No }), col(func(r *row) int64 { return r.Version }),
			col(func(r *row) string { return string(r.Data) }))
	}
	const items = "unnest($1::text[], $2::int[], $3::bigint[], $4::text[]) w(saga, no, version, data)"
	if len(planned) > 0 {
		p.exec("insert into saga_items (saga, no, version, data) select saga, no, version, nullif(data, '') from "+items, args(planned)...)
	}
	if len(changed) > 0 {
		p.exec(`with u as (
				update saga_items i set version = w.version, data = nullif(w.data, '') from `+items+`
				where i.saga = w.saga and i.no = w.no returning 1)
			select vnfm_guard(count(*) = cardinality($1), '`+guardVersion+`') from u`, args(changed)...)
	}
}

func (p *pipeline) timeouts(b *batch.Batch) {
	if len(b.Cancelled) > 0 {
		p.exec("delete from saga_timeouts where id = any($1)", b.Cancelled)
	}
	if len(b.Timeouts) == 0 {
		return
	}
	type row = eventstore.Timeout
	p.exec("insert into saga_timeouts ("+sqlstore.TimeoutColumns+`) select id, owner, key, name, token, due, lane, nullif(data, '')
		from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::int[], $8::text[])
			w(`+sqlstore.TimeoutColumns+`)
		on conflict (id) do update set owner = excluded.owner, key = excluded.key, name = excluded.name,
			token = excluded.token, due = excluded.due, lane = excluded.lane, data = excluded.data`,
		columns(b.Timeouts, col(func(r *row) string { return r.ID }), col(func(r *row) string { return r.Owner }), col(func(r *row) string { return r.Key }),
			col(func(r *row) string { return r.Name }), col(func(r *row) int64 { return r.Token }),
			col(func(r *row) pgtype.Timestamptz { return pgtype.Timestamptz{Time: r.Due, Valid: true} }), col(func(r *row) int { return r.Lane }),
			col(func(r *row) string { return string(r.Data) }))...)
}

func (p *pipeline) views(b *batch.Batch) {
	if len(b.ViewDeletes) > 0 {
		type row = eventstore.ViewRef
		p.exec("delete from views v using unnest($1::text[], $2::text[]) w(kind, id) where v.kind = w.kind and v.id = w.id",
			columns(b.ViewDeletes, col(func(r *row) string { return r.Kind }), col(func(r *row) string { return r.ID }))...)
	}
	if len(b.Views) == 0 {
		return
	}
	type row = eventstore.View
	p.exec("insert into views ("+sqlstore.ViewColumns+`) select kind, id, revision, parent, state, name, updated, nullif(doc, ''),
			attr1, attr2, attr3, attr4, attr5, attr6, attr7, attr8
		from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
			$9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[]) w(`+sqlstore.ViewColumns+`)
		on conflict (kind, id) do update set `+sqlstore.ViewUpdate,
		columns(b.Views, col(func(r *row) string { return r.Kind }), col(func(r *row) string { return r.ID }), col(func(r *row) int64 { return r.Revision }),
			col(func(r *row) string { return r.Parent }), col(func(r *row) string { return r.State }), col(func(r *row) string { return r.Name }),
			col(func(r *row) pgtype.Timestamptz { return stamp(r.Updated) }), col(func(r *row) string { return string(r.Doc) }),
			col(func(r *row) string { return r.Attrs[0] }), col(func(r *row) string { return r.Attrs[1] }), col(func(r *row) string { return r.Attrs[2] }),
			col(func(r *row) string { return r.Attrs[3] }), col(func(r *row) string { return r.Attrs[4] }), col(func(r *row) string { return r.Attrs[5] }),
			col(func(r *row) string { return r.Attrs[6] }), col(func(r *row) string { return r.Attrs[7] }))...)
}

func (p *pipeline) records(b *batch.Batch, table string) {
	type row = eventstore.RecordWrite
	var rows []row
	for _, r := range b.Records {
		if r.Table == table {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return
	}
	p.exec(`with w as materialized (
			select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::int[],
			$8::text[], $9::bool[]) w(id, key, grp, state, due, expected, lane, doc, gone)),
		d as (
			delete from `+table+` r using w where w.gone and r.id = w.id and r.version = w.expected returning 1),
		u as (
			update `+table+` r set key = w.key, grp = w.grp, state = w.state, due = w.due, version = w.expected + 1,
			lane = w.lane, doc = nullif(w.doc, '') from w
			where not w.gone and w.expected <> 0 and r.id = w.id and r.version = w.expected returning 1),
		i as (
			insert into `+table+` (`+sqlstore.RecordColumns+`)
			select id, key, grp, state, due, 1, lane, nullif(doc, '') from w where not gone and expected = 0 returning 1)
		select vnfm_guard((select count(*) from d) + (select count(*) from u) + (select count(*) from i) = cardinality($1),
			'`+guardVersion+`')`,
		columns(rows, col(func(r *row) string { return r.ID }), col(func(r *row) string { return r.Key }), col(func(r *row) string { return r.Group }),
			col(func(r *row) string { return r.State }), col(func(r *row) pgtype.Timestamptz { return stamp(r.Due) }), col(func(r *row) int64 { return r.Expected }),
			col(func(r *row) int { return r.Lane }), col(func(r *row) string { return string(r.Doc) }),
			col(func(r *row) bool { return r.Delete }))...)
}

func (p *pipeline) others(b *batch.Batch) {
	if len(b.Unsnapped) > 0 {
		p.exec("delete from snapshots where stream = any($1)", b.Unsnapped)
	}
	if len(b.Snapshots) > 0 {
		type row = eventstore.Snapshot
		p.exec("insert into snapshots ("+sqlstore.SnapshotColumns+`) select stream, version, schema, nullif(data, '')
			from unnest($1::text[], $2::bigint[], $3::int[], $4::text[]) w(`+sqlstore.SnapshotColumns+`)
			on conflict (stream, version) do update set schema = excluded.schema, data = excluded.data`,
			columns(b.Snapshots, col(func(r *row) string { return r.Stream }), col(func(r *row) int64 { return r.Version }),
				col(func(r *row) int { return r.Schema }), col(func(r *row) string { return string(r.Data) }))...)
	}
	if len(b.Unparked) > 0 {
		p.exec("delete from parked_messages where id = any($1)", b.Unparked)
	}
	for _, m := range b.Parked {
		envelope, data := sqlstore.Parked(m.Message)
		p.exec("insert into parked_messages ("+sqlstore.ParkedColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (consumer, id) do update set key = excluded.key, seq = excluded.seq, message = excluded.message,
				payload = excluded.payload, reason = excluded.reason, at = excluded.at`,
			m.ID, m.Consumer, m.Key, m.Seq, envelope, data, m.Reason, m.At)
	}
}

// laneArgs is the first three arguments of the statement of the lanes.
func laneArgs(lanes []batch.Lane) []any {
	if len(lanes) == 0 {
		return []any{[]int{}, []int{}, []int{}}
	}
	type row = batch.Lane
	return columns(lanes, col(func(r *row) int { return r.Lane }), col(func(r *row) int { return r.Events }), col(func(r *row) int { return r.Outbox }))
}

// params lists array placeholders behind those that are taken.
func params(taken int, types ...string) string {
	var b strings.Builder
	for i, t := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d::%s[]", taken+i+1, t)
	}
	return b.String()
}

// placed is a row of a lane: the lane's index in the batch, and the row's place among the batch's in that lane.
type placed[T any] struct {
	at, n int
	row   *T
}

// placedEvent is an event with its metadata, some of which are columns.
type placedEvent struct {
	placed[eventstore.Event]
	meta eventstore.Metadata
}

// maxRecordBytes is the size from which data is too large for a record. A producer takes 1 MB unless it is told otherwise.
const maxRecordBytes = 512 << 10

// What a row has for whoever makes a record of it: data that is not too large for one, and the id of the outbox.
const (
	maxRecord = "524288" // maxRecordBytes
	small     = "case when octet_length(data) <= " + maxRecord + " then data end"
	large     = "case when octet_length(data) > " + maxRecord + " then data end"
	ofOutbox  = "(select id from outbox_identity order by no desc limit 1)"
)

// lanes is the last statement: it takes the lanes' rows in order, which are lock and counter at once, and stores events,
// messages and commits with the offsets it got. That nobody sees an offset before a lower one follows from the rows
// being held until the commit.
func (p *pipeline) lanes(b *batch.Batch) {
	var events []placedEvent
	var messages []placed[eventstore.OutboxRecord]
	index, taken := map[int]int{}, make([][2]int, len(b.Lanes))
	for i, l := range b.Lanes {
		index[l.Lane] = i
	}
	for _, c := range b.Commits {
		i := index[c.Lane] // of one that has neither events nor messages: any
		for j := range c.Events {
			taken[i][0]++
			e := &c.Events[j]
			events = append(events, placedEvent{placed[eventstore.Event]{at: i + 1, n: taken[i][0], row: e}, e.Metadata()})
		}
		for j := range c.Messages {
			taken[i][1]++
			messages = append(messages, placed[eventstore.OutboxRecord]{at: i + 1, n: taken[i][1], row: &c.Messages[j]})
		}
	}
	args := append(laneArgs(b.Lanes), b.ID, b.Now)
	sql := `with l as (
			update lanes set event_off = event_off + w.e, outbox_off = outbox_off + w.o
			from unnest($1::int[], $2::int[], $3::int[]) w(lane, e, o) where lanes.lane = w.lane
			returning lanes.lane, event_off - w.e as e, outbox_off - w.o as o),
		b as materialized (select coalesce(array_agg(e order by lane), '{}') e, coalesce(array_agg(o order by lane), '{}') o from l),
		c as (insert into commits (id, events, messages, at) select $4, e, o, $5 from b)`
	if len(events) > 0 {
		type row = placedEvent
		sql += `,
		e as (insert into events (` + sqlstore.EventColumns + ", " + sqlstore.RecordOfEvent + `, ce_outbox, large, ce_dataref)
			select lane, (select e from b)[at] + n, key, stream, version, id, type, schema, time, meta, ` + small + `, prev, hash,
				nullif(correlation, ''), nullif(causation, ''), nullif(traceparent, ''), ` + ofOutbox + `, ` + large + `, nullif(address, '')
			from unnest(` + params(len(args), "int", "int", "int", "text", "text", "bigint", "text", "text", "int", "timestamptz", "bytea",
			"bytea", "bytea", "bytea", "text", "text", "text", "text") + `)
			w(lane, at, n, key, stream, version, id, type, schema, time, meta, data, prev, hash, correlation, causation, traceparent, address))`
		args = append(args, columns(events,
			col(func(r *row) int { return r.row.Lane }), col(func(r *row) int { return r.at }), col(func(r *row) int { return r.n }),
			col(func(r *row) string { return r.row.Key }), col(func(r *row) string { return r.row.Stream }), col(func(r *row) int64 { return r.row.Version }),
			col(func(r *row) string { return r.row.ID }), col(func(r *row) string { return r.row.Type }), col(func(r *row) int { return r.row.Schema }), col(func(r *row) pgtype.Timestamptz { return stamp(r.row.Time) }),
			col(func(r *row) []byte { return []byte(r.row.Meta) }), col(func(r *row) []byte { return []byte(r.row.Data) }),
			col(func(r *row) []byte { return r.row.Prev }), col(func(r *row) []byte { return r.row.Hash }),
			col(func(r *row) string { return r.meta.CorrelationID }), col(func(r *row) string { return r.meta.CausationID }),
			col(func(r *row) string { return r.meta.Traceparent }), col(func(r *row) string { return p.addressOf(r.row) }))...)
	}
	if len(messages) > 0 {
		type row = placed[eventstore.OutboxRecord]
		sql += `,
		m as (insert into outbox (` + sqlstore.OutboxColumns + `, ce_outbox, large, ce_dataref)
			select lane, (select o from b)[at] + n, id, type, source, topic, key, time, nullif(correlation, ''), nullif(causation, ''),
				nullif(reply_to, ''), nullif(traceparent, ''), nullif(tracestate, ''), ` + small + `, ` + ofOutbox + `, ` + large + `,
				case when octet_length(data) > ` + maxRecord + ` then 'outbox:' || lane || '/' || (select o from b)[at] + n end
			from unnest(` + params(len(args), "int", "int", "int", "text", "text", "text", "text", "text", "timestamptz", "text", "text",
			"text", "text", "text", "bytea") + `)
			w(lane, at, n, id, type, source, topic, key, time, correlation, causation, reply_to, traceparent, tracestate, data))`
		args = append(args, columns(messages,
			col(func(r *row) int { return r.row.Lane }), col(func(r *row) int { return r.at }), col(func(r *row) int { return r.n }),
			col(func(r *row) string { return r.row.ID }), col(func(r *row) string { return r.row.Type }), col(func(r *row) string { return r.row.Source }),
			col(func(r *row) string { return r.row.Topic }), col(func(r *row) string { return r.row.Key }), col(func(r *row) pgtype.Timestamptz { return stamp(r.row.Time) }),
			col(func(r *row) string { return r.row.CorrelationID }), col(func(r *row) string { return r.row.CausationID }),
			col(func(r *row) string { return r.row.ReplyTo }), col(func(r *row) string { return r.row.Traceparent }),
			col(func(r *row) string { return r.row.Tracestate }), col(func(r *row) []byte { return []byte(r.row.Data) }))...)
	}
	i := 0
	p.query(sql+" select e, o from l order by lane", args, func(r pgx.Rows) error {
		err := r.Scan(&b.Lanes[i].EventBase, &b.Lanes[i].OutboxBase)
		i++
		return err
	})
}

// addressOf returns where the data of an event is that is too large for a record; "" of any other.
func (p *pipeline) addressOf(e *eventstore.Event) string {
	if p.address == nil || len(e.Data) <= maxRecordBytes {
		return ""
	}
	return p.address(e)
}

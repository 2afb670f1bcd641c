package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

// merged is what several works load: one statement per table, and then the rows.
type merged struct {
	streams  map[string]eventstore.StreamFrom // the furthest back that anyone asked for
	sagas    map[string]int64                 // the furthest back that anyone asked for
	handled  set[eventstore.HandledMark]
	timeouts set[string]
	keys     set[eventstore.IdempotencyKey]
	views    set[eventstore.ViewRef]
	counts   set[eventstore.ViewCount]
	records  map[string][]string // by table
	parked   set[string]

	rows found
}

// found is what the statements returned.
type found struct {
	heads     map[string]*eventstore.StreamState
	events    map[string][]eventstore.Event
	snapshots map[string]*eventstore.Snapshot
	sagas     map[string]*eventstore.SagaRow
	handled   map[string]bool
	timeouts  map[string]*eventstore.Timeout
	answers   map[eventstore.IdempotencyKey]*eventstore.IdempotencyResult
	views     map[eventstore.ViewRef]*eventstore.View
	counts    map[eventstore.ViewCount]int
	records   map[eventstore.RecordRef]*eventstore.Record
	parked    map[string]bool
}

// set keeps the order in which things were added, so that a batch's statements do not depend on chance.
type set[K comparable] struct {
	list []K
	has  map[K]bool
}

func (s *set[K]) add(keys ...K) {
	for _, k := range keys {
		if s.has[k] {
			continue
		}
		if s.has == nil {
			s.has = map[K]bool{}
		}
		s.has[k] = true
		s.list = append(s.list, k)
	}
}

func merge(loads []eventstore.Load) *merged {
	m := &merged{streams: map[string]eventstore.StreamFrom{}, sagas: map[string]int64{}, records: map[string][]string{}}
	for _, l := range loads {
		for _, f := range l.Streams {
			old, again := m.streams[f.Stream]
			if f.After != 0 || again && f.Schema != old.Schema {
				f.Schema = 0
			}
			if again {
				f.After = min(f.After, old.After)
			}
			m.streams[f.Stream] = f
		}
		for _, f := range l.Sagas {
			if after, again := m.sagas[f.ID]; !again || f.After < after {
				m.sagas[f.ID] = f.After
			}
		}
		m.handled.add(l.Handled...)
		m.timeouts.add(l.Timeouts...)
		m.views.add(l.Views...)
		m.counts.add(l.CountViews...)
		m.parked.add(l.ParkedKeys...)
		if l.Idempotency != nil {
			m.keys.add(*l.Idempotency)
		}
		for _, r := range l.Records {
			if batch.KnownTable(r.Table) {
				m.records[r.Table] = append(m.records[r.Table], r.ID)
			}
		}
	}
	return m
}

// byKey queues a statement whose rows are kept by a key.
func byKey[K comparable, V any](q *pipeline, sql string, args []any, scan func(sqlstore.Row) (V, error), key func(*V) K) map[K]*V {
	out := map[K]*V{}
	q.query(sql, args, func(r pgx.Rows) error {
		v, err := scan(r)
		out[key(&v)] = &v
		return err
	})
	return out
}

func queueHeads(q *pipeline, streams []string, heads map[string]*eventstore.StreamState) {
	q.query("select stream, version, hash, last from streams where stream = any($1)", []any{streams}, func(r pgx.Rows) error {
		var name string
		st := &eventstore.StreamState{}
		err := r.Scan(&name, &st.Version, &st.Hash, sqlstore.Stamp{To: &st.Last})
		heads[name] = st
		return err
	})
}

// queue adds the statements for what is wanted. It can be called again for another attempt.
func (m *merged) queue(q *pipeline) {
	m.rows = found{}
	m.queueStreams(q)
	m.queueSagas(q)
	if len(m.timeouts.list) > 0 {
		m.rows.timeouts = byKey(q, "select "+sqlstore.TimeoutColumns+" from saga_timeouts where id = any($1)", []any{m.timeouts.list},
			sqlstore.ScanTimeout, func(t *eventstore.Timeout) string { return t.ID })
	}
	if len(m.handled.list) > 0 {
		m.rows.handled = map[string]bool{}
		type row = eventstore.HandledMark
		q.query(`select message_id from unnest($1::text[], $2::text[]) w(saga, message_id) join processed_replies p using (saga, message_id)`,
			columns(m.handled.list, col(func(r *row) string { return r.Saga }), col(func(r *row) string { return r.MessageID })), func(r pgx.Rows) error {
				var id string
				err := r.Scan(&id)
				m.rows.handled[id] = true
				return err
			})
	}
	if len(m.keys.list) > 0 {
		callers, keys := make([]string, len(m.keys.list)), make([]string, len(m.keys.list))
		for i, k := range m.keys.list {
			callers[i], keys[i] = k.Caller, k.Key
		}
		m.rows.answers = byKey(q, "select "+sqlstore.AnswerColumns+
			" from idempotency_keys where (caller, key) in (select * from unnest($1::text[], $2::text[]))", []any{callers, keys},
			sqlstore.ScanAnswer, func(a *eventstore.IdempotencyResult) eventstore.IdempotencyKey { return a.IdempotencyKey })
	}
	m.queueViews(q)
	for table, ids := range m.records {
		if m.rows.records == nil {
			m.rows.records = map[eventstore.RecordRef]*eventstore.Record{}
		}
		scan := sqlstore.ScanRecord(table)
		q.query("select "+sqlstore.RecordColumns+" from "+table+" where id = any($1)", []any{ids}, func(r pgx.Rows) error {
			c, err := scan(r)
			m.rows.records[eventstore.RecordRef{Table: table, ID: c.ID}] = &c
			return err
		})
	}
	if len(m.parked.list) > 0 {
		m.rows.parked = map[string]bool{}
		consumers, keys := make([]string, len(m.parked.list)), make([]string, len(m.parked.list))
		for i, k := range m.parked.list {
			consumers[i], keys[i], _ = strings.Cut(k, "/")
		}
		q.query(`select w.consumer || '/' || w.key from unnest($1::text[], $2::text[]) w(consumer, key)
			where exists (select 1 from parked_messages p where p.consumer = w.consumer and p.key = w.key)`, []any{consumers, keys},
			func(r pgx.Rows) error {
				var k string
				err := r.Scan(&k)
				m.rows.parked[k] = true
				return err
			})
	}
}

// queueStreams reads heads first and snapshots last: each statement may see more than the one before, so what is behind
// a head is dropped, and what a snapshot covers as well.
func (m *merged) queueStreams(q *pipeline) {
	if len(m.streams) == 0 {
		return
	}
	var names, snaps []string
	var after []int64
	var schemas, schemasOfSnaps []int
	for name, f := range m.streams {
		names, after, schemas = append(names, name), append(after, f.After), append(schemas, f.Schema)
		if f.Schema != 0 {
			snaps, schemasOfSnaps = append(snaps, name), append(schemasOfSnaps, f.Schema)
		}
	}
	m.rows.heads = map[string]*eventstore.StreamState{}
	queueHeads(q, names, m.rows.heads)
	m.rows.events = map[string][]eventstore.Event{}
	sql, args := eventsSince, []any{names, after}
	if len(snaps) > 0 {
		sql, args = `select `+eventsOf+` from unnest($1::text[], $2::bigint[], $3::int[]) f(stream, after, schema)
			left join lateral (select max(version) as version from snapshots s where s.stream = f.stream and s.schema = f.schema) s on true
			join events e on e.stream = f.stream and e.version > coalesce(s.version, f.after)
			order by e.stream, e.version`, []any{names, after, schemas}
	}
	q.query(sql, args, func(r pgx.Rows) error {
		e, err := sqlstore.ScanEvent(r)
		m.rows.events[e.Stream] = append(m.rows.events[e.Stream], e)
		return err
	})
	if len(snaps) > 0 {
		m.rows.snapshots = byKey(q, `select s.stream, s.version, s.schema, s.data from unnest($1::text[], $2::int[]) f(stream, schema) cross join lateral
			(select * from snapshots s where s.stream = f.stream and s.schema = f.schema order by s.version desc limit 1) s`, []any{snaps, schemasOfSnaps},
			sqlstore.ScanSnapshot, func(s *eventstore.Snapshot) string { return s.Stream })
	}
}

// eventsSince reads the events of streams after a version. Mostly there are none; "offset 0" keeps them from being looked up
// before it is known that there are.
const eventsSince = `select ` + eventsOf + ` from unnest($1::text[], $2::bigint[]) f(stream, after)
	join streams s on s.stream = f.stream and s.version > f.after
	cross join lateral (select * from events e where e.stream = f.stream and e.version > f.after offset 0) e
	order by e.stream, e.version`

// queueSagas reads rows and items in one statement, so that they are of one moment whoever writes meanwhile: a row for each item
// that is new to its reader, or one. A plan never changes.
func (m *merged) queueSagas(q *pipeline) {
	if len(m.sagas) == 0 {
		return
	}
	m.rows.sagas = map[string]*eventstore.SagaRow{}
	ids := slices.Sorted(maps.Keys(m.sagas))
	after, whole := make([]int64, len(ids)), []string(nil)
	for i, id := range ids {
		if after[i] = m.sagas[id]; after[i] == 0 {
			whole = append(whole, id)
		}
	}
	q.query(sagasSince, []any{ids, after}, m.scanSaga)
	if len(whole) > 0 {
		q.query("select id, plan from saga_instances where id = any($1)", []any{whole}, func(r pgx.Rows) error {
			var id string
			var plan []byte
			err := r.Scan(&id, &plan)
			if row := m.rows.sagas[id]; row != nil {
				row.Plan = plan
			}
			return err
		})
	}
}

// sagasSince reads sagas with the items written after a version. "offset 0" keeps the items from being looked up before it is
// known that there are any to be read.
const sagasSince = `select s.id, s.type, s.def_version, s.key, s.parent, s.state, s.version, case when s.version <> f.after then s.data end,
		s.created, s.updated, s.ended, i.no, i.version, i.data
	from unnest($1::text[], $2::bigint[]) f(id, after) join saga_instances s on s.id = f.id
	left join lateral (select i.no, i.version, i.data from saga_items i
		where s.version > f.after and i.saga = s.id and i.version > f.after offset 0) i on true`

func (m *merged) scanSaga(r pgx.Rows) error {
	var s eventstore.SagaRow
	var no *int
	var version *int64
	var data []byte
	if err := r.Scan(&s.ID, &s.Type, &s.DefVersion, &s.Key, &s.Parent, &s.State, &s.Version, (*[]byte)(&s.Data),
		sqlstore.Stamp{To: &s.Created}, sqlstore.Stamp{To: &s.Updated}, sqlstore.Stamp{To: &s.EndedAt}, &no, &version, &data); err != nil {
		return err
	}
	row := m.rows.sagas[s.ID]
	if row == nil {
		row = &s
		m.rows.sagas[s.ID] = row
	}
	if no != nil {
		row.Items = append(row.Items, eventstore.SagaItem{No: *no, Version: *version, Data: data})
	}
	return nil
}

const eventsOf = "e.lane, e.off, e.key, e.stream, e.version, e.id, e.type, e.schema, e.at, e.meta, coalesce(e.data, e.large), e.prev, e.hash"

func (m *merged) queueViews(q *pipeline) {
	if n := len(m.views.list); n > 0 {
		kinds, ids := make([]string, n), make([]string, n)
		for i, v := range m.views.list {
			kinds[i], ids[i] = v.Kind, v.ID
		}
		m.rows.views = byKey(q, "select "+sqlstore.ViewColumns+
			" from views where (kind, id) in (select * from unnest($1::text[], $2::text[]))", []any{kinds, ids},
			sqlstore.ScanView, func(v *eventstore.View) eventstore.ViewRef { return eventstore.ViewRef{Kind: v.Kind, ID: v.ID} })
	}
	m.rows.counts = map[eventstore.ViewCount]int{}
	for _, column := range m.countedBy() {
		m.count(q, column)
	}
}

// countedBy are the columns that views are counted by.
func (m *merged) countedBy() (out []eventstore.Column) {
	for _, c := range m.counts.list {
		if !slices.Contains(out, c.Column) {
			out = append(out, c.Column)
		}
	}
	return out
}

// count counts views by what they have in one column.
func (m *merged) count(q *pipeline, column eventstore.Column) {
	var kinds, parents []string
	for _, c := range m.counts.list {
		if c.Column == column {
			kinds, parents = append(kinds, c.Kind), append(parents, c.Parent)
		}
	}
	by := "v." + string(cmp.Or(column, eventstore.ColumnParent))
	q.query("select w.kind, w.parent, (select count(*) from (select from views v where v.kind = w.kind and "+by+" = w.parent and "+by+` <> '' limit 1000) c)
		from unnest($1::text[], $2::text[]) w(kind, parent)`, []any{kinds, parents}, func(r pgx.Rows) error {
		c := eventstore.ViewCount{Column: column}
		var n int
		err := r.Scan(&c.Kind, &c.Parent, &n)
		m.rows.counts[c] = n
		return err
	})
}

// loaded is what one work asked for. Each gets rows of its own, so that none can change another's.
func (m *merged) loaded(l eventstore.Load) *eventstore.Loaded {
	out := &eventstore.Loaded{
		Streams: fresh[string, *eventstore.StreamState](len(l.Streams)), Sagas: fresh[string, *eventstore.SagaRow](len(l.Sagas)),
		Handled: fresh[string, bool](len(l.Handled)), Timeouts: pick(m.rows.timeouts, l.Timeouts), Views: pick(m.rows.views, l.Views),
		Counts: fresh[eventstore.ViewCount, int](len(l.CountViews)), Records: pick(m.rows.records, l.Records),
		Parked: fresh[string, bool](len(l.ParkedKeys)),
	}
	for _, f := range l.Streams {
		if st := m.stream(f); st != nil {
			out.Streams[f.Stream] = st
		}
	}
	for _, f := range l.Sagas {
		if row := m.rows.sagas[f.ID]; row != nil {
			out.Sagas[f.ID] = since(*row, f)
		}
	}
	for _, h := range l.Handled {
		if m.rows.handled[h.MessageID] {
			out.Handled[h.MessageID] = true
		}
	}
	if l.Idempotency != nil {
		if a := m.rows.answers[*l.Idempotency]; a != nil {
			c := *a
			out.Idempotency = &c
		}
	}
	for _, c := range l.CountViews {
		out.Counts[c] = m.rows.counts[c]
	}
	for _, k := range l.ParkedKeys {
		if m.rows.parked[k] {
			out.Parked[k] = true
		}
	}
	return out
}

func (m *merged) stream(f eventstore.StreamFrom) *eventstore.StreamState {
	head := m.rows.heads[f.Stream]
	if head == nil {
		return nil
	}
	st := *head
	after := f.After
	if f.Base != nil {
		st.HandBack(f.Base)
	} else if s := m.rows.snapshots[f.Stream]; s != nil && f.Schema != 0 && f.After == 0 {
		c := *s
		st.Snapshot, after = &c, s.Version
		// A snapshot ahead of the head was written since the head was read, by someone whom our locks do not keep out.
		// It is as good to read; to append fails, since the hash is not that of its version.
		st.Version = max(st.Version, s.Version)
	}
	for _, e := range m.rows.events[f.Stream] {
		if e.Version > after && e.Version <= st.Version {
			st.Events = append(st.Events, e)
		}
	}
	return &st
}

// since leaves of a row what one reader does not know yet, in order; another may have asked for more.
func since(row eventstore.SagaRow, f eventstore.SagaFrom) *eventstore.SagaRow {
	row.Base = f.Base
	row.Items = slices.DeleteFunc(slices.Clone(row.Items), func(i eventstore.SagaItem) bool { return i.Version <= f.After })
	slices.SortFunc(row.Items, func(a, b eventstore.SagaItem) int { return a.No - b.No })
	if f.After > 0 {
		row.Plan = nil
	}
	if row.Version == f.After {
		row.Data = nil
	}
	return &row
}

// fresh makes a map for what was asked for; most works ask for little.
func fresh[K comparable, V any](n int) map[K]V {
	if n == 0 {
		return nil
	}
	return make(map[K]V, n)
}

func pick[K comparable, V any](rows map[K]*V, keys []K) map[K]*V {
	out := fresh[K, *V](len(keys))
	for _, k := range keys {
		if v := rows[k]; v != nil {
			c := *v
			out[k] = &c
		}
	}
	return out
}

// Load reads without locks, from one snapshot of the database.
func (s *Store) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	conn, err := s.loading.Acquire(ctx)
	if err != nil {
		return nil, s.meaning(err)
	}
	defer conn.Release()
	m := merge([]eventstore.Load{l})
	var now time.Time
	q := &pipeline{}
	q.query("select clock_timestamp()", nil, func(r pgx.Rows) error { return r.Scan(&now) })
	m.queue(q)
	if len(q.rows) > 2 { // one statement sees one snapshot as it is
		q = q.within("begin isolation level repeatable read read only", "commit") //nolint:dupword // SQL
	}
	if err := q.run(ctx, conn.Conn()); err != nil {
		return nil, s.meaning(err) // the transaction ends with its connection, which is thrown away
	}
	out := m.loaded(l)
	out.Now = now.UTC()
	return out, nil
}

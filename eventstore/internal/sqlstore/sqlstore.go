// Package sqlstore holds what the SQL back-ends share: the columns of each table, how a row becomes a value, and the
// queries that read outside a transaction.
//
// It sees no driver. Placeholders are $1, $2 …, which both databases understand; what differs is in Dialect.
package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/filter"
	"github.com/vnfm/vnfm/message"
)

// Rows is what a query returns.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// Dialect is the difference between two databases.
type Dialect struct {
	// Query runs a query outside a transaction.
	Query func(ctx context.Context, sql string, args ...any) (Rows, error)
	// QueryOnce runs a query whose best plan depends on its arguments; nil: as Query does.
	QueryOnce func(ctx context.Context, sql string, args ...any) (Rows, error)
	// Time and Ints turn values into arguments.
	Time  func(time.Time) any
	Ints  func([]int) any
	Texts func([]string) any
	// In is the condition "is one of the argument's integers", InTexts that for texts; %s is the placeholder.
	In, InTexts string
	// NoStatistics: the database does not know how often values occur, and is told which index to use. That for a filter
	// is chosen by counting; there is one to walk by (views_walk).
	NoStatistics bool
	// Size is a table with one row, bytes: how large the database is.
	Size string
	// Instr is the function that says where a text is within another, 0 when it is not.
	Instr string
	// Match returns the condition, with %s for its argument, that a document matches a filter. It may hold for more than do.
	Match func(filter.Filter) (condition string, arg any)
	// EventData and OutboxData are the columns data and payload, where they are not read as they are.
	EventData, OutboxData string
	// Err gives an error of the driver its meaning.
	Err func(error) error
}

// The columns of the tables, in the order in which the Scan functions expect them.
const (
	EventColumns    = "lane, off, key, stream, version, id, type, schema, at, meta, data, prev, hash"
	OutboxColumns   = "lane, off, id, type, ce_source, aggregatetype, aggregateid, ce_time, correlation, causation, reply_to, traceparent, tracestate, payload"
	SagaColumns     = "id, type, def_version, key, parent, state, version, data, created, updated, ended"
	ItemColumns     = "no, version, data"
	StepColumns     = "command_id, saga, seq, step, item, direction, attempt, state, sent, replied, result, class, reason"
	TimeoutColumns  = "id, owner, key, name, token, due, lane, data"
	ViewColumns     = "kind, id, revision, parent, state, name, updated, doc, attr1, attr2, attr3, attr4, attr5, attr6, attr7, attr8"
	RecordColumns   = "id, key, grp, state, due, version, lane, doc"
	recordHeads     = "id, key, grp, state, due, version, lane, null" // RecordColumns without the document
	SnapshotColumns = "stream, version, schema, data"
	ParkedColumns   = "id, consumer, key, seq, message, payload, reason, at"
	AnswerColumns   = "caller, key, fingerprint, status, header, body, at"
)

// RecordOfEvent are columns of an event that are in its metadata as well. They are written for whoever makes records of rows,
// and never read; what there is not is null.
const RecordOfEvent = "correlation, causation, traceparent"

// events returns what is selected of an event: EventColumns.
func (d *Dialect) events() string { return instead(EventColumns, " data,", d.EventData, ",") }

// outbox returns what is selected of a message: OutboxColumns.
func (d *Dialect) outbox() string { return instead(OutboxColumns, " payload", d.OutboxData, "") }

// instead puts an expression in the place of a column.
func instead(columns, column, expression, behind string) string {
	if expression == "" {
		return columns
	}
	return strings.Replace(columns, column, " "+expression+behind, 1)
}

// Text scans a text column, NULL as "".
type Text struct{ To *string }

// Scan implements sql.Scanner.
func (t Text) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t.To = ""
	case string:
		*t.To = v
	case []byte:
		*t.To = string(v)
	default:
		return fmt.Errorf("a text cannot be read from %T", v)
	}
	return nil
}

// ViewUpdate sets every column of a view that exists to what was to be inserted.
const ViewUpdate = `revision = excluded.revision, parent = excluded.parent, state = excluded.state, name = excluded.name,
	updated = excluded.updated, doc = excluded.doc, attr1 = excluded.attr1, attr2 = excluded.attr2, attr3 = excluded.attr3,
	attr4 = excluded.attr4, attr5 = excluded.attr5, attr6 = excluded.attr6, attr7 = excluded.attr7, attr8 = excluded.attr8`

// Row is one row of a result.
type Row interface{ Scan(dest ...any) error }

// Stamp scans a time of either database, NULL as the zero time.
type Stamp struct{ To *time.Time }

// Scan implements sql.Scanner.
func (s Stamp) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*s.To = time.Time{}
	case int64:
		*s.To = time.UnixMicro(v).UTC()
	case time.Time:
		*s.To = v.UTC()
	default:
		return fmt.Errorf("a time cannot be read from %T", v)
	}
	return nil
}

// raw scans a JSON column.
func raw(m *json.RawMessage) *[]byte { return (*[]byte)(m) }

// ScanEvent reads EventColumns.
func ScanEvent(r Row) (e eventstore.Event, err error) {
	err = r.Scan(&e.Lane, &e.Offset, &e.Key, &e.Stream, &e.Version, &e.ID, &e.Type, &e.Schema, Stamp{&e.Time}, raw(&e.Meta),
		raw(&e.Data), &e.Prev, &e.Hash)
	return e, err
}

// ScanOutbox reads OutboxColumns.
func ScanOutbox(r Row) (m eventstore.OutboxRecord, err error) {
	err = r.Scan(&m.Lane, &m.Offset, &m.ID, &m.Type, &m.Source, &m.Topic, &m.Key, Stamp{&m.Time}, Text{&m.CorrelationID},
		Text{&m.CausationID}, Text{&m.ReplyTo}, Text{&m.Traceparent}, Text{&m.Tracestate}, raw(&m.Data))
	return m, err
}

// ScanSaga reads SagaColumns.
func ScanSaga(r Row) (s eventstore.SagaRow, err error) {
	err = r.Scan(&s.ID, &s.Type, &s.DefVersion, &s.Key, &s.Parent, &s.State, &s.Version, raw(&s.Data), Stamp{&s.Created},
		Stamp{&s.Updated}, Stamp{&s.EndedAt})
	return s, err
}

// ScanItem reads ItemColumns.
func ScanItem(r Row) (i eventstore.SagaItem, err error) {
	err = r.Scan(&i.No, &i.Version, raw(&i.Data))
	return i, err
}

// ScanStep reads StepColumns.
func ScanStep(r Row) (s eventstore.StepRow, err error) {
	err = r.Scan(&s.CommandID, &s.Saga, &s.Seq, &s.Step, &s.Item, &s.Direction, &s.Attempt, &s.State, Stamp{&s.Sent},
		Stamp{&s.Replied}, raw(&s.Result), &s.Class, &s.Reason)
	return s, err
}

// ScanTimeout reads TimeoutColumns.
func ScanTimeout(r Row) (t eventstore.Timeout, err error) {
	err = r.Scan(&t.ID, &t.Owner, &t.Key, &t.Name, &t.Token, Stamp{&t.Due}, &t.Lane, raw(&t.Data))
	return t, err
}

// ScanView reads ViewColumns.
func ScanView(r Row) (v eventstore.View, err error) {
	err = r.Scan(&v.Kind, &v.ID, &v.Revision, &v.Parent, &v.State, &v.Name, Stamp{&v.Updated}, raw(&v.Doc), &v.Attrs[0], &v.Attrs[1],
		&v.Attrs[2], &v.Attrs[3], &v.Attrs[4], &v.Attrs[5], &v.Attrs[6], &v.Attrs[7])
	return v, err
}

// scanDoc reads id and document of a view.
func scanDoc(r Row) (v eventstore.View, err error) {
	err = r.Scan(&v.ID, raw(&v.Doc))
	return v, err
}

// ScanRecord reads RecordColumns of a table.
func ScanRecord(table string) func(Row) (eventstore.Record, error) {
	return func(r Row) (eventstore.Record, error) {
		c := eventstore.Record{Table: table}
		err := r.Scan(&c.ID, &c.Key, &c.Group, &c.State, Stamp{&c.Due}, &c.Version, &c.Lane, raw(&c.Doc))
		return c, err
	}
}

// ScanSnapshot reads SnapshotColumns.
func ScanSnapshot(r Row) (s eventstore.Snapshot, err error) {
	err = r.Scan(&s.Stream, &s.Version, &s.Schema, raw(&s.Data))
	return s, err
}

// ScanParked reads ParkedColumns.
func ScanParked(r Row) (p eventstore.ParkedMessage, err error) {
	var m, data []byte
	if err = r.Scan(&p.ID, &p.Consumer, &p.Key, &p.Seq, &m, &data, &p.Reason, Stamp{&p.At}); err == nil {
		err = json.Unmarshal(m, &p.Message)
	}
	p.Message.Data = data
	return p, err
}

// Parked encodes a message for its two columns. A message may be parked because its data is no JSON, so that is kept
// apart, as it is.
func Parked(m message.Message) (envelope string, data []byte) {
	data, m.Data = m.Data, nil
	b, _ := json.Marshal(m) // strings and a time: never fails
	return string(b), data
}

// ScanAnswer reads AnswerColumns.
func ScanAnswer(r Row) (a eventstore.IdempotencyResult, err error) {
	var h []byte
	err = r.Scan(&a.Caller, &a.Key, &a.Fingerprint, &a.Status, &h, &a.Body, Stamp{&a.At})
	if err == nil && len(h) > 0 {
		err = json.Unmarshal(h, &a.Header)
	}
	return a, err
}

// Header encodes an answer's header for its column.
func Header(h http.Header) string {
	if len(h) == 0 {
		return ""
	}
	b, _ := json.Marshal(h) // strings only: never fails
	return string(b)
}

// Collect reads all rows and closes them.
func Collect[T any](rows Rows, scan func(Row) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// query builds a select from the conditions that are set.
type query struct {
	columns, table string
	sql            strings.Builder // conditions and what follows them
	args           []any
	planned        bool // for its arguments
}

func (d *Dialect) selectFrom(table, columns string) *query {
	return &query{columns: columns, table: table}
}

// text is the whole query.
func (q *query) text() string {
	return "select " + q.columns + " from " + q.table + " where true" + q.sql.String()
}

// and adds a condition with %s where the argument goes.
func (q *query) and(condition string, arg any) *query {
	q.args = append(q.args, arg)
	fmt.Fprintf(&q.sql, " and "+condition, "$"+strconv.Itoa(len(q.args)))
	return q
}

// is adds "column = value" unless the value is empty. The planner is told so, too: some indexes leave out the empty.
func (q *query) is(column, value string) *query {
	if value == "" {
		return q
	}
	return q.and(column+" = %s and "+column+" <> ''", value)
}

func (q *query) order(by string, limit int) *query {
	q.sql.WriteString(" order by " + by)
	return q.limit(limit)
}

func (q *query) limit(limit int) *query {
	if limit <= 0 {
		limit = 1000
	}
	q.args = append(q.args, limit)
	q.sql.WriteString(" limit $" + strconv.Itoa(len(q.args)))
	return q
}

// count makes it the number of rows, up to a limit.
func (q *query) count(limit int) *query {
	q.limit(limit)
	return &query{columns: "count(*)", table: "(" + q.text() + ")", args: q.args}
}

// once says that the best plan depends on the arguments.
func (q *query) once() *query {
	q.planned = true
	return q
}

func list[T any](ctx context.Context, d *Dialect, q *query, scan func(Row) (T, error)) ([]T, error) {
	run := d.Query
	if q.planned && d.QueryOnce != nil {
		run = d.QueryOnce
	}
	rows, err := run(ctx, q.text(), q.args...)
	if err != nil {
		return nil, d.Err(err)
	}
	out, err := Collect(rows, scan)
	return out, d.Err(err)
}

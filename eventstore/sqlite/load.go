package sqlite

import (
	"cmp"
	"strings"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
)

// load reads what a work asked for.
func (q querier) load(l eventstore.Load) (*eventstore.Loaded, error) {
	out := &eventstore.Loaded{
		Streams: map[string]*eventstore.StreamState{}, Sagas: map[string]*eventstore.SagaRow{},
		Handled: map[string]bool{}, Timeouts: map[string]*eventstore.Timeout{},
		Views: map[eventstore.ViewRef]*eventstore.View{}, Counts: map[eventstore.ViewCount]int{},
		Records: map[eventstore.RecordRef]*eventstore.Record{}, Parked: map[string]bool{},
	}
	for _, f := range []func(eventstore.Load, *eventstore.Loaded) error{
		q.loadStreams, q.loadSagas, q.loadMarks, q.loadViews, q.loadRecords,
	} {
		if err := f(l, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// one returns the row of a query, nil when there is none.
func one[T any](q querier, scan func(sqlstore.Row) (T, error), sql string, args ...any) (*T, error) {
	all, err := many(q, scan, sql, args...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func many[T any](q querier, scan func(sqlstore.Row) (T, error), sql string, args ...any) ([]T, error) {
	r, err := q(sql, args...)
	if err != nil {
		return nil, err
	}
	return sqlstore.Collect(r, scan)
}

func (q querier) count(sql string, args ...any) (int, error) {
	n, err := one(q, func(r sqlstore.Row) (n int, err error) { err = r.Scan(&n); return n, err }, sql, args...)
	if err != nil || n == nil {
		return 0, err
	}
	return *n, nil
}

// head returns a stream's head, nil when it does not exist.
func (q querier) head(stream string) (*eventstore.StreamState, error) {
	return one(q, func(r sqlstore.Row) (s eventstore.StreamState, err error) {
		err = r.Scan(&s.Version, &s.Hash, sqlstore.Stamp{To: &s.Last})
		return s, err
	}, "select version, hash, last from streams where stream = $1", stream)
}

func (q querier) loadStreams(l eventstore.Load, out *eventstore.Loaded) error {
	for _, f := range l.Streams {
		st, err := q.head(f.Stream)
		if err != nil {
			return err
		}
		if st == nil {
			continue
		}
		after := f.After
		switch {
		case f.Base != nil:
			st.HandBack(f.Base)
		case f.Schema != 0 && f.After == 0:
			if st.Snapshot, err = one(q, sqlstore.ScanSnapshot, "select "+sqlstore.SnapshotColumns+
				" from snapshots where stream = $1 and schema = $2 order by version desc limit 1", f.Stream, f.Schema); err != nil {
				return err
			}
			if st.Snapshot != nil {
				after = st.Snapshot.Version
			}
		}
		if after < st.Version {
			if st.Events, err = many(q, sqlstore.ScanEvent, "select "+sqlstore.EventColumns+
				" from events where stream = $1 and version > $2 order by version", f.Stream, after); err != nil {
				return err
			}
		}
		out.Streams[f.Stream] = st
	}
	return nil
}

func (q querier) loadSagas(l eventstore.Load, out *eventstore.Loaded) error {
	for _, f := range l.Sagas {
		r, err := q.saga(f)
		if err != nil {
			return err
		}
		if r != nil {
			out.Sagas[f.ID] = r
		}
	}
	for _, id := range l.Timeouts {
		r, err := one(q, sqlstore.ScanTimeout, "select "+sqlstore.TimeoutColumns+" from saga_timeouts where id = $1", id)
		if err != nil {
			return err
		}
		if r != nil {
			out.Timeouts[id] = r
		}
	}
	return nil
}

var sagaSince = "select " + strings.Replace(sqlstore.SagaColumns, "data", "case when version <> $2 then data end", 1) +
	" from saga_instances where id = $1"

// saga returns what a reader that has a saga at one version does not know yet; nil when there is no such saga.
func (q querier) saga(f eventstore.SagaFrom) (*eventstore.SagaRow, error) {
	r, err := one(q, sqlstore.ScanSaga, sagaSince, f.ID, f.After)
	if err != nil || r == nil {
		return nil, err
	}
	r.Base = f.Base
	if f.After == 0 {
		plan, err := one(q, func(row sqlstore.Row) (p []byte, err error) {
			err = row.Scan(&p)
			return p, err
		}, "select plan from saga_instances where id = $1", f.ID)
		if err != nil {
			return nil, err
		}
		r.Plan = *plan
	}
	if r.Version > f.After {
		if r.Items, err = many(q, sqlstore.ScanItem, "select "+sqlstore.ItemColumns+" from saga_items where saga = $1 and version > $2 order by no",
			f.ID, f.After); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (q querier) loadMarks(l eventstore.Load, out *eventstore.Loaded) (err error) {
	for _, h := range l.Handled {
		n, err := q.count("select 1 from processed_replies where saga = $1 and message_id = $2", h.Saga, h.MessageID)
		if err != nil {
			return err
		}
		if n > 0 {
			out.Handled[h.MessageID] = true
		}
	}
	for _, k := range l.ParkedKeys {
		consumer, key, _ := strings.Cut(k, "/")
		n, err := q.count("select count(*) from parked_messages where consumer = $1 and key = $2", consumer, key)
		if err != nil {
			return err
		}
		if n > 0 {
			out.Parked[k] = true
		}
	}
	if k := l.Idempotency; k != nil {
		out.Idempotency, err = one(q, sqlstore.ScanAnswer,
			"select "+sqlstore.AnswerColumns+" from idempotency_keys where caller = $1 and key = $2", k.Caller, k.Key)
	}
	return err
}

func (q querier) loadViews(l eventstore.Load, out *eventstore.Loaded) error {
	for _, v := range l.Views {
		r, err := one(q, sqlstore.ScanView, "select "+sqlstore.ViewColumns+" from views where kind = $1 and id = $2", v.Kind, v.ID)
		if err != nil {
			return err
		}
		if r != nil {
			out.Views[v] = r
		}
	}
	for _, c := range l.CountViews {
		column := string(cmp.Or(c.Column, eventstore.ColumnParent))
		n, err := q.count("select count(*) from (select 1 from views where kind = $1 and "+column+" = $2 and "+column+" <> '' limit $3)",
			c.Kind, c.Parent, eventstore.MaxCount)
		if err != nil {
			return err
		}
		out.Counts[c] = n
	}
	return nil
}

func (q querier) loadRecords(l eventstore.Load, out *eventstore.Loaded) error {
	for _, ref := range l.Records {
		if !batch.KnownTable(ref.Table) {
			continue
		}
		r, err := one(q, sqlstore.ScanRecord(ref.Table),
			"select "+sqlstore.RecordColumns+" from "+ref.Table+" where id = $1", ref.ID)
		if err != nil {
			return err
		}
		if r != nil {
			out.Records[ref] = r
		}
	}
	return nil
}

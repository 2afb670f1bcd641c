package sqlstore

import (
	"context"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// ReadStreams returns up to limit events of several streams of one lane, after an offset, in order of offset.
func (r *Reader) ReadStreams(ctx context.Context, streams []string, after int64, limit int) ([]eventstore.Event, error) {
	q := r.Dialect.selectFrom("events", r.Dialect.events()).and("stream "+r.Dialect.InTexts, r.Dialect.Texts(streams)).and("off > %s", after)
	return list(ctx, &r.Dialect, q.order("off", limit), ScanEvent)
}

// VersionAt searches in halves: versions have no holes and times do not go back, so no index by time is needed.
func (r *Reader) VersionAt(ctx context.Context, stream string, t time.Time) (version int64, err error) {
	const search = `with recursive s(lo, hi) as (
		select cast(0 as bigint), version from streams where stream = $1
		union all
		select case when e.at <= $2 then e.version else s.lo end, case when e.at <= $2 then s.hi else e.version - 1 end
		from s join events e on e.stream = $1 and e.version = (s.lo + s.hi + 1) / 2 where s.lo < s.hi)
		select lo from s where lo = hi`
	err = r.each(ctx, func(row Row) error { return row.Scan(&version) }, search, stream, r.Dialect.Time(t))
	return version, err
}

// OffsetsBefore searches in halves in every lane at once.
func (r *Reader) OffsetsBefore(ctx context.Context, t time.Time) (out [eventstore.Lanes]int64, err error) {
	const search = `with recursive s(lane, lo, hi) as (
		select lane, cast(0 as bigint), event_off from lanes
		union all
		select s.lane, case when e.at < $1 then e.off else s.lo end, case when e.at < $1 then s.hi else e.off - 1 end
		from s join events e on e.lane = s.lane and e.off = (s.lo + s.hi + 1) / 2 where s.lo < s.hi)
		select lane, lo from s where lo = hi`
	err = r.each(ctx, func(row Row) error {
		var lane int
		var off int64
		err := row.Scan(&lane, &off)
		out[lane%eventstore.Lanes] = off
		return err
	}, search, r.Dialect.Time(t.Add(time.Microsecond-1))) // times are kept in microseconds
	return out, err
}

// SnapshotAt returns the newest snapshot of a stream, of one schema, that is not of a later version.
func (r *Reader) SnapshotAt(ctx context.Context, stream string, version int64, schema int) (*eventstore.Snapshot, error) {
	q := r.Dialect.selectFrom("snapshots", SnapshotColumns).and("stream = %s", stream).and("version <= %s", version).and("schema = %s", schema)
	found, err := list(ctx, &r.Dialect, q.order("version desc", 1), ScanSnapshot)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// each runs a query and hands out its rows.
func (r *Reader) each(ctx context.Context, row func(Row) error, sql string, args ...any) error {
	rows, err := r.Dialect.Query(ctx, sql, args...)
	if err != nil {
		return r.Dialect.Err(err)
	}
	_, err = Collect(rows, func(one Row) (struct{}, error) { return struct{}{}, row(one) })
	return r.Dialect.Err(err)
}

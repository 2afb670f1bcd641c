package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
)

const (
	// patience bounds one round trip, and the looking up of one outcome.
	patience = 30 * time.Second
	// attempts is how often a batch is run whose connection was lost before anything was written.
	attempts = 3
)

// errLost: the connection was lost, and nothing was written.
var errLost = errors.New("the connection was lost, nothing was written")

// Execute runs the works in one transaction.
func (s *Store) Execute(ctx context.Context, works []*eventstore.Work) ([]eventstore.Result, error) {
	works, loads := batch.Loads(works)
	m := merge(loads)
	for attempt := 1; ; attempt++ {
		results, err := s.attempt(ctx, works, loads, m)
		if err == nil {
			return results, nil
		}
		if ctx.Err() != nil && errors.Is(err, errLost) {
			return nil, ctx.Err()
		}
		if !errors.Is(err, errLost) {
			return nil, err
		}
		s.writing.Reset() // the other connections are probably lost, too
		if attempt == attempts {
			return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
		}
	}
}

func (s *Store) attempt(ctx context.Context, works []*eventstore.Work, loads []eventstore.Load, m *merged) ([]eventstore.Result, error) {
	conn, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release() // a connection that is lost or inside a transaction is thrown away
	b, err := s.decide(ctx, conn, works, loads, m)
	if err != nil || len(b.Commits) == 0 {
		return s.abandon(conn, b, err)
	}
	// From here on the outcome counts: it is waited for, whoever has gone away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	s.point("write", conn.Conn().PgConn().PID())
	err = s.write(ctx, conn.Conn(), b)
	switch {
	case err == nil:
		b.Number()
		return b.Results, nil
	case broken(err):
		if err := s.lookUp(ctx, conn.Conn().PgConn().PID(), works[0].Keys[0], b); err != nil {
			return nil, err
		}
		return b.Results, nil
	default:
		return s.abandon(conn, b, s.meaning(err))
	}
}

func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := s.writing.Acquire(limited)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("connect: %w: %w", eventstore.ErrUnavailable, err)
}

// abandon rolls back and passes on what it was given.
func (s *Store) abandon(conn *pgxpool.Conn, b *batch.Batch, err error) ([]eventstore.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, undo := conn.Exec(ctx, "rollback"); undo != nil {
		_ = conn.Conn().Close(ctx) // the transaction ends with its connection
	}
	if err != nil {
		return nil, err
	}
	return b.Results, nil
}

// decide is the first round trip: begin, lock, load; then the works decide. Appending to streams that were not loaded
// takes one more.
func (s *Store) decide(ctx context.Context, conn *pgxpool.Conn, works []*eventstore.Work, loads []eventstore.Load, m *merged) (*batch.Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := &pipeline{}
	q.exec("begin")
	var now time.Time
	q.lock(works, &now)
	m.queue(q)
	if err := q.run(ctx, conn.Conn()); err != nil {
		return nil, readFailed(err)
	}
	s.point("decide", conn.Conn().PgConn().PID())
	loaded := make([]*eventstore.Loaded, len(works))
	for i, l := range loads {
		loaded[i] = m.loaded(l)
	}
	b := batch.Decide(now, works, loaded)
	heads := map[string]*eventstore.StreamState{}
	if missing := b.Missing(); len(missing) > 0 {
		q := &pipeline{}
		queueHeads(q, missing, heads)
		if err := q.run(ctx, conn.Conn()); err != nil {
			return nil, readFailed(err)
		}
	}
	b.Seal(heads)
	return b, nil
}

// readFailed is the error of a round trip that wrote nothing.
func readFailed(err error) error {
	if broken(err) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return meaning(err)
}

// lookUp learns what became of a batch whose connection was lost while it was being written. It returns nil, with the
// offsets filled in, when it was written, and errLost when it was not.
//
// The lost transaction holds the lock of its first key until it has ended: once the lock is ours, what we read is final.
func (s *Store) lookUp(ctx context.Context, pid uint32, key string, b *batch.Batch) error {
	s.writing.Reset()
	wait := 50 * time.Millisecond
	for {
		found, err := s.outcome(ctx, pid, key, b)
		if err == nil && found {
			return nil
		}
		if err == nil {
			return errLost
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the outcome of commit %s is not known: %w: %w", b.ID, eventstore.ErrUnavailable, err)
		case <-time.After(wait):
			wait = min(2*wait, 2*time.Second)
		}
	}
}

func (s *Store) outcome(ctx context.Context, pid uint32, key string, b *batch.Batch) (found bool, err error) {
	conn, err := s.writing.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	s.point("look up", pid)
	q := &pipeline{}
	q.exec("begin")
	q.exec("select pg_advisory_xact_lock($1)", hash(key))
	var events, messages []int64 // the last offset of each lane before
	q.query("select events, messages from commits where id = $1", []any{b.ID}, func(r pgx.Rows) error {
		found = true
		return r.Scan(&events, &messages)
	})
	q.exec("commit")
	if err := q.run(ctx, conn.Conn()); err != nil {
		return false, err
	}
	for i := range b.Lanes {
		if found {
			b.Lanes[i].EventBase, b.Lanes[i].OutboxBase = events[i], messages[i]
		}
	}
	b.Number()
	return found, nil
}

// pipeline is a list of statements sent in one round trip, with what is to be done with their rows.
type pipeline struct {
	batch   pgx.Batch
	rows    []func(pgx.Rows) error
	address func(*eventstore.Event) string
}

func (p *pipeline) exec(sql string, args ...any) { p.query(sql, args, nil) }

// query adds a statement whose rows are given to row, one by one.
func (p *pipeline) query(sql string, args []any, row func(pgx.Rows) error) {
	p.batch.Queue(sql, args...)
	p.rows = append(p.rows, row)
}

// within returns the statements between two others.
func (p *pipeline) within(first, last string) *pipeline {
	out := &pipeline{}
	out.exec(first)
	out.batch.QueuedQueries = append(out.batch.QueuedQueries, p.batch.QueuedQueries...)
	out.rows = append(out.rows, p.rows...)
	out.exec(last)
	return out
}

// run sends the statements and returns the first error.
func (p *pipeline) run(ctx context.Context, conn *pgx.Conn) error {
	results := conn.SendBatch(ctx, &p.batch)
	var first error
	for _, row := range p.rows {
		if first = p.one(results, row); first != nil {
			break
		}
	}
	if err := results.Close(); first == nil {
		first = err
	}
	return first
}

func (p *pipeline) one(results pgx.BatchResults, row func(pgx.Rows) error) error {
	if row == nil {
		_, err := results.Exec()
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// lock takes the locks of the works' keys in order, and tells the time after that. They are the first statement: so they are
// taken before the transaction reads anything, and released only when what it wrote is visible.
func (p *pipeline) lock(works []*eventstore.Work, now *time.Time) {
	type key struct {
		hash   int64
		shared bool
	}
	var keys []key
	for _, w := range works {
		for _, k := range w.Keys {
			keys = append(keys, key{hash: hash(k)})
		}
		for _, k := range w.Shared {
			keys = append(keys, key{hash: hash(k), shared: true})
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		switch {
		case a.hash != b.hash && a.hash < b.hash, a.hash == b.hash && !a.shared && b.shared:
			return -1
		case a == b:
			return 0
		}
		return 1
	})
	keys = slices.CompactFunc(keys, func(a, b key) bool { return a.hash == b.hash }) // exclusive comes first, and is enough
	hashes, exclusive := make([]int64, len(keys)), make([]bool, len(keys))
	for i, k := range keys {
		hashes[i], exclusive[i] = k.hash, !k.shared
	}
	p.query(`select clock_timestamp() from (select count(case when x then pg_advisory_xact_lock(k) else pg_advisory_xact_lock_shared(k) end)
		from unnest($1::bigint[], $2::bool[]) t(k, x)) l`, []any{hashes, exclusive}, func(r pgx.Rows) error { return r.Scan(now) })
}

// hash is the lock of a key. Two keys may share one: they wait for each other, no more.
func hash(key string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	return int64(h.Sum64())     //nolint:gosec // bit pattern
}

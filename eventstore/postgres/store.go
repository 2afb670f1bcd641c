// Package postgres is the event store of many nodes: PostgreSQL 14 or newer.
//
// It promises what eventstore promises. A batch takes two round trips: begin, lock the keys and load; then write and
// commit. Every guard raises in the database. The clock is the database's. When the connection is lost while a batch is
// being committed, the outcome is looked up by the ids of its commits, under the lock of its first key, so that it is
// final; what was not written is run again.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
	"github.com/vnfm/vnfm/filter"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config says where the database is.
type Config struct {
	// URL is a connection string; its user owns the schema.
	URL string
	// Writers and Readers bound the connections of each kind; 0 means 4 and 6. More writers than committers serve
	// leases and looking up outcomes. Of readers there are two kinds: for what is loaded by its key, and for the rest.
	Writers, Readers int
	// Existing: the schema must be there, of this version, and is not changed.
	Existing bool
	// Address returns where readers outside find the data of an event that is too large for a record; nil: nowhere.
	Address func(*eventstore.Event) string
}

// Store is an event store in PostgreSQL. It may be used by several callers at once.
type Store struct {
	sqlstore.Reader
	writing *pgxpool.Pool
	loading *pgxpool.Pool // for Load: with the settings of batches, because it looks up keys as they do
	reading *pgxpool.Pool
	telling *pgxpool.Pool // one connection, for Wake
	id      string        // of this process, among those that listen
	schema  sqlstore.Schema
	damage  sqlstore.Damage
	address func(*eventstore.Event) string
	// point is called between the statements of a batch; tests pause or break there.
	point func(name string, pid uint32)
}

var _ eventstore.Store = (*Store)(nil)

// batchParams are the settings of the connections that batches are run on, and that load what they load.
//
//nolint:gochecknoglobals // data
var batchParams = map[string]string{
	// All that a batch does is look up keys: plans that depend on stale statistics only do harm, and to make them for each use
	// costs more than to carry them out.
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "plan_cache_mode": "force_generic_plan",
	// A node that is cut off must not hold its locks for long.
	"idle_in_transaction_session_timeout": "10000",
}

// Open connects, and brings the schema up to date; programs that start at once wait for each other. Returns
// ErrUnavailable when the database does not answer; fs.ErrNotExist when it is empty and must not be, ErrOlder when its schema
// must be of this version and is not.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{point: func(string, uint32) {}, id: uuid.NewString(), address: cfg.Address}
	var err error
	if s.writing, err = connect(ctx, cfg.URL, cfg.Writers, 4, batchParams); err != nil {
		return nil, err
	}
	if s.loading, err = connect(ctx, cfg.URL, cfg.Readers, 6, batchParams); err != nil {
		s.writing.Close()
		return nil, err
	}
	if s.reading, err = connect(ctx, cfg.URL, cfg.Readers, 6, nil); err != nil {
		s.writing.Close()
		s.loading.Close()
		return nil, err
	}
	if s.telling, err = connect(ctx, cfg.URL, 1, 1, nil); err != nil {
		_ = s.Close()
		return nil, err
	}
	if s.schema, err = migrate(ctx, s.reading, cfg.Existing); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("migrate: %w", meaning(err))
	}
	s.Dialect = sqlstore.Dialect{
		Size: "(select pg_database_size(current_database()) as bytes) as size",
		Query: func(ctx context.Context, q string, args ...any) (sqlstore.Rows, error) {
			return s.reading.Query(ctx, q, args...)
		},
		Time:    func(t time.Time) any { return t },
		Ints:    func(n []int) any { return n },
		Texts:   func(s []string) any { return s },
		In:      "= any(%s::int[])",
		InTexts: "= any(%s::text[])",
		Err:     s.meaning,
		// What a filter selects depends on its values: planned each time.
		QueryOnce: func(ctx context.Context, q string, args ...any) (sqlstore.Rows, error) {
			return s.reading.Query(ctx, q, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
		},
		EventData: "coalesce(data, large)", OutboxData: "coalesce(payload, large)",
		Instr: "strpos",
		Match: func(f filter.Filter) (string, any) {
			return "coalesce(vnfm_doc(doc) @? %s::text::jsonpath, true)", jsonPath(f)
		},
	}
	return s, nil
}

func connect(ctx context.Context, url string, size, otherwise int, params map[string]string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: %w", err)
	}
	if size <= 0 {
		size = otherwise
	}
	c.MaxConns = int32(size) //nolint:gosec // a handful
	c.ConnConfig.ConnectTimeout = 5 * time.Second
	p := c.ConnConfig.RuntimeParams
	p["timezone"], p["jit"], p["default_transaction_isolation"] = "UTC", "off", "read committed"
	if _, ok := p["application_name"]; !ok {
		p["application_name"] = "vnfmd"
	}
	for k, v := range params {
		p[k] = v
	}
	c.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerTextArray(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", meaning(err))
	}
	return pool, nil
}

func migrate(ctx context.Context, pool *pgxpool.Pool, never bool) (found sqlstore.Schema, err error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return found, err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return found, err
	}
	if never {
		var there bool
		if err := db.QueryRowContext(ctx, "select to_regclass('events') is not null").Scan(&there); err != nil {
			return found, err
		}
		if !there {
			return found, fmt.Errorf("the database has no events: %w", fs.ErrNotExist)
		}
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return found, err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(locker))
	if err != nil {
		return found, err
	}
	return sqlstore.Migrate(ctx, p, never)
}

// Schema returns which version of the schema was found when the store was opened (0: none), and which there is now.
func (s *Store) Schema() (from, to int64) { return s.schema.From, s.schema.To }

// Now returns the database's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := s.reading.QueryRow(ctx, "select clock_timestamp()").Scan(&t)
	return t.UTC(), s.meaning(err)
}

// meaning gives an error of the driver its meaning, and remembers damage.
func (s *Store) meaning(err error) error { return s.damage.Note(meaning(err)) }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.damage.Err(); err != nil {
		return err
	}
	_, err := s.Now(ctx)
	return err
}

// Check asks the server how many pages it found damaged (it looks at the sums of those it reads, when it was set up with
// them). It forgets what a query came upon, so that the next one says whether that is still so.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	var pages int64
	err := s.reading.QueryRow(ctx, "select coalesce(sum(checksum_failures), 0)::bigint from pg_stat_database where datname = current_database()").Scan(&pages)
	if err != nil {
		return nil, s.meaning(err)
	}
	var found []string
	if err := s.damage.Err(); err != nil {
		found = append(found, err.Error())
	}
	if pages > 0 {
		found = append(found, fmt.Sprintf("the server found %d damaged pages since its statistics were reset", pages))
	}
	s.damage.Forget()
	return found, nil
}

// Close closes the connections once they are not in use any more.
func (s *Store) Close() error {
	s.writing.Close()
	s.loading.Close()
	s.reading.Close()
	if s.telling != nil {
		s.telling.Close()
	}
	return nil
}

// ResetViews deletes all views.
func (s *Store) ResetViews(ctx context.Context) error {
	_, err := s.writing.Exec(ctx, "truncate views")
	return s.meaning(err)
}

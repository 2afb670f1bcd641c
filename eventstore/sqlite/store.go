// Package sqlite is the event store of a single process: one file, written by one connection, durable after every
// commit (WAL, synchronous=FULL), read by several others.
//
// It promises what eventstore promises. Pure Go, no cgo. Times are kept in microseconds, of the clock it is given.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/internal/batch"
	"github.com/vnfm/vnfm/eventstore/internal/sqlstore"
	"github.com/vnfm/vnfm/filter"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config says where the file is.
type Config struct {
	// Path is the database file; it is created when absent.
	Path string
	// Now is the store's clock; nil: the wall clock.
	Now func() time.Time
	// Readers is the number of reading connections; 0 means 4.
	Readers int
	// Existing: the file must be there with the schema of this version, and nothing is written to it.
	Existing bool
}

// Store is an event store in an SQLite file. It may be used by several callers at once.
type Store struct {
	sqlstore.Reader
	path    string
	schema  sqlstore.Schema
	damage  sqlstore.Damage
	now     func() time.Time
	writing *sql.DB
	reading *sql.DB

	mu   sync.Mutex // held by the one writer
	conn *sql.Conn
	stmt map[string]*sql.Stmt // prepared on conn
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the file, and brings its schema up to date. It makes the file for its owner alone, and takes one that is there from
// others. Returns fs.ErrNotExist when there is none and one must be there, ErrOlder when its schema is of an older version then,
// and ErrDamaged.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := private(cfg.Path, cfg.Existing); err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	s := &Store{path: cfg.Path, now: cfg.Now, stmt: map[string]*sql.Stmt{}}
	if s.now == nil {
		s.now = time.Now
	}
	if cfg.Readers <= 0 {
		cfg.Readers = 4
	}
	err := registerMatch()
	if err != nil {
		return nil, fmt.Errorf("register %s: %w", matchFunction, err)
	}
	if s.writing, err = sql.Open("sqlite", dsn(cfg.Path, "_txlock=immediate")); err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	s.writing.SetMaxOpenConns(1)
	if s.schema, err = migrate(ctx, s.writing, cfg.Existing); err != nil {
		_ = s.writing.Close()
		return nil, fmt.Errorf("migrate %s: %w", cfg.Path, meaning(err))
	}
	if s.conn, err = s.writing.Conn(ctx); err != nil {
		_ = s.writing.Close()
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	if s.reading, err = sql.Open("sqlite", dsn(cfg.Path, "_pragma=query_only(1)")); err != nil {
		_ = s.writing.Close()
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	s.reading.SetMaxOpenConns(cfg.Readers)
	s.reading.SetMaxIdleConns(cfg.Readers)
	s.Dialect = sqlstore.Dialect{
		Size:         "(select (select page_count from pragma_page_count()) * (select page_size from pragma_page_size()) as bytes)",
		NoStatistics: true,
		Query: func(ctx context.Context, q string, args ...any) (sqlstore.Rows, error) {
			r, err := s.reading.QueryContext(ctx, q, args...)
			return rows{r}, err
		},
		Time:    stamp,
		Ints:    func(n []int) any { b, _ := json.Marshal(n); return string(b) },    // never fails
		Texts:   func(s []string) any { b, _ := json.Marshal(s); return string(b) }, // never fails
		In:      "in (select value from json_each(%s))",
		InTexts: "in (select value from json_each(%s))",
		Err:     s.meaning,
		Instr:   "instr",
		Match:   func(f filter.Filter) (string, any) { return matchFunction + "(%s, doc)", f.String() },
	}
	return s, nil
}

func dsn(path, extra string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&" + extra
}

func migrate(ctx context.Context, db *sql.DB, never bool) (found sqlstore.Schema, err error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return found, err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return found, err
	}
	return sqlstore.Migrate(ctx, p, never)
}

// Schema returns which version of the schema was found when the store was opened (0: none), and which there is now.
func (s *Store) Schema() (from, to int64) { return s.schema.From, s.schema.To }

// private makes the file, and those beside it, its owner's alone: they hold what every caller was allowed to see, and more.
func private(path string, existing bool) error {
	i, err := os.Stat(path)
	switch {
	case existing && err == nil && i.Size() == 0:
		return fs.ErrNotExist
	case existing || err == nil || !errors.Is(err, fs.ErrNotExist):
	default:
		var f *os.File
		if f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if i, err := os.Stat(name); err == nil && i.Mode().Perm()&0o077 != 0 {
			if err := os.Chmod(name, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows makes sql.Rows what sqlstore expects.
type rows struct{ *sql.Rows }

func (r rows) Close() { _ = r.Rows.Close() } // its error is Err's

// stamp is a time as an argument.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// meaning gives an error of the driver its meaning, and remembers damage.
func (s *Store) meaning(err error) error { return s.damage.Note(meaning(err)) }

// meaning gives an error of the driver its meaning.
func meaning(err error) error {
	var e *driver.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w: %w", eventstore.ErrUnavailable, eventstore.ErrFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", eventstore.ErrDamaged, err)
	}
	return err
}

// Now returns the store's clock.
func (s *Store) Now(context.Context) (time.Time, error) { return batch.Micro(s.now()), nil }

// Ping says whether the file answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.damage.Err(); err != nil {
		return err
	}
	return s.meaning(s.reading.PingContext(ctx))
}

// maxDamage bounds what Check returns.
const maxDamage = 20

// Check reads every page of the file, by a connection of its own that remembers none of them.
func (s *Store) Check(ctx context.Context) (found []string, err error) {
	db, err := sql.Open("sqlite", dsn(s.path, "_pragma=query_only(1)"))
	if err != nil {
		return nil, s.meaning(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r, err := db.QueryContext(ctx, fmt.Sprintf("pragma quick_check(%d)", maxDamage))
	if err != nil {
		return nil, s.meaning(err)
	}
	found, err = sqlstore.Collect(rows{r}, func(r sqlstore.Row) (line string, err error) { return line, r.Scan(&line) })
	switch {
	case err != nil:
		return nil, s.meaning(err)
	case len(found) == 1 && found[0] == "ok":
		s.damage.Forget()
		return nil, nil
	}
	_ = s.damage.Note(fmt.Errorf("%w: %s", eventstore.ErrDamaged, found[0]))
	return found, nil
}

// Close closes the file once the writer is done.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.reading.Close()
	for _, st := range s.stmt {
		err = errors.Join(err, st.Close())
	}
	return errors.Join(err, s.conn.Close(), s.writing.Close())
}

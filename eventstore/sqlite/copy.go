package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	driver "modernc.org/sqlite"
)

// pagesAtOnce is how many pages are copied before the context is asked again: 4 MiB.
const pagesAtOnce = 1024

// Copy copies database files that are in use, all as they were at one moment: from path to path, which must not exist yet. Whoever
// writes to them waits while held runs, which is at that moment: it is for what else must be of the same moment, and should be short.
// The copies are durable when it returns, and their owner's alone. Returns fs.ErrNotExist for a file that is not there, and
// eventstore.ErrUnavailable where a writer does not let go within five seconds.
func Copy(ctx context.Context, files map[string]string, held func() error) (err error) {
	var sources []*source
	defer func() {
		for _, s := range sources {
			err = errors.Join(err, s.close())
		}
	}()
	for _, from := range slices.Sorted(maps.Keys(files)) {
		if _, err := os.Stat(from); err != nil {
			return err //nolint:wrapcheck // names the file
		}
		s, err := hold(ctx, from)
		if err != nil {
			return fmt.Errorf("hold the writers of %s: %w", from, meaning(err))
		}
		sources = append(sources, s)
	}
	for _, s := range sources {
		if err := s.fix(ctx); err != nil {
			return fmt.Errorf("read %s: %w", s.path, meaning(err))
		}
	}
	if err := held(); err != nil {
		return err
	}
	for _, s := range sources {
		if err := s.release(); err != nil {
			return fmt.Errorf("let the writers of %s go on: %w", s.path, meaning(err))
		}
	}
	for _, s := range sources {
		if err := s.copy(ctx, files[s.path]); err != nil {
			return fmt.Errorf("copy %s: %w", s.path, meaning(err))
		}
	}
	return nil
}

// source is a file that is copied: its writers wait while hold is open, and reading sees it as it was then.
type source struct {
	path    string
	db      *sql.DB
	hold    *sql.Conn
	reading *sql.Conn
}

// hold makes writers wait.
func hold(ctx context.Context, path string) (*source, error) {
	db, err := sql.Open("sqlite", dsn(path, ""))
	if err != nil {
		return nil, err
	}
	s := &source{path: path, db: db}
	if s.hold, err = db.Conn(ctx); err == nil {
		_, err = s.hold.ExecContext(ctx, "begin immediate")
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// fix begins to read; from here on nothing of what others write is seen.
func (s *source) fix(ctx context.Context) (err error) {
	if s.reading, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if _, err = s.reading.ExecContext(ctx, "begin"); err != nil {
		return err
	}
	var n int
	return s.reading.QueryRowContext(ctx, "select count(*) from sqlite_schema").Scan(&n)
}

// release lets writers go on.
func (s *source) release() error {
	if s.hold == nil {
		return nil
	}
	_, err := s.hold.ExecContext(context.Background(), "rollback")
	err = errors.Join(err, s.hold.Close())
	s.hold = nil
	return err
}

func (s *source) close() error {
	err := s.release()
	if s.reading != nil {
		err = errors.Join(err, s.reading.Close())
	}
	return errors.Join(err, s.db.Close())
}

// copy writes what reading sees.
func (s *source) copy(ctx context.Context, to string) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	err = s.reading.Raw(func(c any) error {
		b, err := c.(interface { //nolint:forcetypeassert // what the driver is
			NewBackup(to string) (*driver.Backup, error)
		}).NewBackup(dsn(to, ""))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = b.Step(pagesAtOnce)
			}
		}
		return errors.Join(err, b.Finish())
	})
	if err != nil {
		return err
	}
	for _, rest := range []string{to + "-wal", to + "-shm"} { // the connection that wrote them has ended, and left all in the file
		if err := os.Remove(rest); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

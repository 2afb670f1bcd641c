package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vnfm/vnfm/blob"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

// stores is what the program keeps things in.
type stores struct {
	main  *database
	vims  *database // of the VIM manager and the NFVO manager; main, unless they have one of their own
	blobs blob.Store
	close []func() error
}

// database is an open database.
type database struct {
	eventstore.Store
	kind       string
	committers int // unless the settings say otherwise
	// single is true when no other process can use it: then leases of a process that died are taken over at once.
	single bool
}

// openStores opens the databases of the settings, bringing their schemas up to date, and the blob store beside them. The
// data folder is locked: one process at a time.
func openStores(ctx context.Context, c *config.Config) (*stores, error) {
	unlock, err := lockFolder(c.Data)
	if err != nil {
		return nil, err
	}
	s, err := openUnlocked(ctx, c)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	s.close = append([]func() error{unlock}, s.close...) // closed last
	return s, nil
}

// openUnlocked does the same without the lock: for one who only reads, beside a program that runs.
func openUnlocked(ctx context.Context, c *config.Config) (_ *stores, err error) {
	s := &stores{}
	if s.main, err = s.open(ctx, c, c.Database, "vnfm.db"); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), s.Close())
	}
	s.vims = s.main
	if name, lite := strings.CutPrefix(c.Vim.Database, "sqlite:"); lite {
		s.vims, err = s.open(ctx, c, "", name)
	} else if c.Vim.Database != "" {
		s.vims, err = s.open(ctx, c, c.Vim.Database, "")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database of the VIM manager: %w", err), s.Close())
	}
	if pg, ok := s.main.Store.(*postgres.Store); ok {
		s.blobs = pg.Blobs()
	} else {
		dir := blob.Dir(filepath.Join(c.Data, "blobs"))
		if err := os.MkdirAll(string(dir), 0o750); err != nil {
			return nil, errors.Join(fmt.Errorf("folder of the package files: %w", err), s.Close())
		}
		s.blobs = dir
	}
	return s, nil
}

// open opens the PostgreSQL database at a URL, or the SQLite file of a name in the data folder.
func (s *stores) open(ctx context.Context, c *config.Config, url, file string) (*database, error) {
	db := &database{kind: "postgresql", committers: 2}
	if url == "" {
		lite, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(c.Data, file)})
		if err != nil {
			return nil, err
		}
		*db = database{Store: lite, kind: "sqlite", committers: 1, single: true}
	} else {
		pg, err := openPostgres(ctx, url, c.DatabaseWait)
		if err != nil {
			return nil, err
		}
		db.Store = pg
	}
	s.close = append(s.close, db.Close)
	return db, nil
}

// openPostgres opens a PostgreSQL database. One that does not answer yet, because it starts or recovers, is waited for: it
// often begins at the same time as this program.
func openPostgres(ctx context.Context, url string, wait time.Duration) (*postgres.Store, error) {
	const pause = 500 * time.Millisecond
	patience, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		pg, err := postgres.Open(ctx, postgres.Config{URL: url})
		if !errors.Is(err, eventstore.ErrUnavailable) {
			return pg, err
		}
		select {
		case <-patience.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// Close closes what was opened, the last first.
func (s *stores) Close() error {
	var errs []error
	for i := len(s.close) - 1; i >= 0; i-- {
		errs = append(errs, s.close[i]())
	}
	s.close = nil
	return errors.Join(errs...)
}

// lockFolder makes the data folder, unless it is there, and takes it for this process. The lock goes with the process, however it ends.
func lockFolder(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the data folder %s is used by another vnfmd; stop it, or choose another with --data", dir)
	}
	return f.Close, nil
}

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vnfm/vnfm/blob"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

// stores is what the program keeps things in.
type stores struct {
	store eventstore.Store
	blobs blob.Store
	// single is true when no other process can use the store: then leases of a process that died are taken over at once.
	single bool
	close  []func() error
}

// openStores opens the database of the settings, bringing its schema up to date, and the blob store beside it. The data
// folder is locked: one process at a time.
func openStores(ctx context.Context, c *config.Config) (*stores, error) {
	if err := os.MkdirAll(c.Data, 0o750); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	unlock, err := lockFolder(c.Data)
	if err != nil {
		return nil, err
	}
	s := &stores{close: []func() error{unlock}}
	if c.Database != "" {
		pg, err := postgres.Open(ctx, postgres.Config{URL: c.Database})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open the database: %w", err), s.Close())
		}
		s.store, s.blobs = pg, pg.Blobs()
	} else {
		lite, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(c.Data, "vnfm.db")})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open the database: %w", err), s.Close())
		}
		s.single = true
		s.store = lite
	}
	s.close = append(s.close, s.store.Close)
	if s.blobs == nil {
		dir := blob.Dir(filepath.Join(c.Data, "blobs"))
		if err := os.MkdirAll(string(dir), 0o750); err != nil {
			return nil, errors.Join(fmt.Errorf("folder of the package files: %w", err), s.Close())
		}
		s.blobs = dir
	}
	return s, nil
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

// lockFolder takes the data folder for this process. The lock goes with the process, however it ends.
func lockFolder(dir string) (unlock func() error, err error) {
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

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vnfm/vnfm"
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
	// from and to are versions of its schema: as it was found (0: there was none), and as it is.
	from, to int64
}

// lease is how long a lease in the database lasts, when the settings say so long. Where no other process waits for it, it need not be
// short.
func (d *database) lease(set time.Duration) time.Duration {
	if d.single {
		return max(set, 10*time.Second)
	}
	return set
}

// name is what a database is called, for people.
func (s *stores) name(db *database) string {
	if db == s.main {
		return "main"
	}
	return "vim"
}

// all returns the one database there is, or both.
func (s *stores) all() []*database {
	if s.vims == s.main {
		return []*database{s.main}
	}
	return []*database{s.main, s.vims}
}

// openStores opens the databases of the settings and the blob store beside them. They are made when they are not there, and
// brought up to date, unless existing says that they must be both, and that nothing is written: NotFound and Conflict when they
// are not. The data folder is locked: one process at a time.
func openStores(ctx context.Context, c *config.Config, existing bool) (*stores, error) {
	if err := there(c, existing); err != nil {
		return nil, err
	}
	unlock, err := lockFolder(c.Data)
	if err != nil {
		return nil, err
	}
	s, err := openUnlocked(ctx, c, existing)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	s.close = append([]func() error{unlock}, s.close...) // closed last
	return s, nil
}

// openUnlocked does the same without the lock: for one who only reads, beside a program that runs.
func openUnlocked(ctx context.Context, c *config.Config, existing bool) (_ *stores, err error) {
	s := &stores{}
	if s.main, err = s.open(ctx, c, existing, c.Database, mainFile); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", absent(err)), s.Close())
	}
	s.vims = s.main
	if name, lite := strings.CutPrefix(c.Vim.Database, "sqlite:"); lite {
		s.vims, err = s.open(ctx, c, existing, "", name)
	} else if c.Vim.Database != "" {
		s.vims, err = s.open(ctx, c, existing, c.Vim.Database, "")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database of the VIM manager: %w", absent(err)), s.Close())
	}
	if pg, ok := s.main.Store.(*postgres.Store); ok {
		s.blobs = pg.Blobs()
		return s, nil
	}
	dir := blob.Dir(filepath.Join(c.Data, blobFolder))
	if !existing {
		if err := os.MkdirAll(string(dir), 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("folder of the package files: %w", err), s.Close())
		}
	}
	s.blobs = dir
	return s, nil
}

// mainFile is the embedded database in the data folder.
const mainFile = "vnfm.db"

// blobFolder has the package files in the data folder, beside an embedded database.
const blobFolder = "blobs"

// there returns NotFound when an embedded database that must be there is not: before anything is made for it.
func there(c *config.Config, existing bool) error {
	files := map[string]bool{mainFile: c.Database == ""}
	if name, lite := strings.CutPrefix(c.Vim.Database, "sqlite:"); lite {
		files[name] = true
	}
	for name, wanted := range files {
		path := filepath.Join(c.Data, name)
		if _, err := os.Stat(path); existing && wanted && errors.Is(err, fs.ErrNotExist) {
			return vnfm.Errorf(vnfm.NotFound, "There is no database %s: name the folder with --data, or the database with --database", path)
		}
	}
	return nil
}

// absent gives the errors of a database that must be there their words.
func absent(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return vnfm.Errorf(vnfm.NotFound, "there is none that a vnfmd has used (%w)", err)
	case errors.Is(err, eventstore.ErrOlder):
		return vnfm.Errorf(vnfm.Conflict, "first bring it up to date: vnfmd migrate (%w)", err)
	}
	return err
}

// open opens the PostgreSQL database at a URL, or the SQLite file of a name in the data folder.
func (s *stores) open(ctx context.Context, c *config.Config, existing bool, url, file string) (*database, error) {
	db := &database{kind: "postgresql", committers: 2}
	if url == "" {
		lite, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(c.Data, file), Existing: existing})
		if err != nil {
			return nil, err
		}
		*db = database{Store: lite, kind: "sqlite", committers: 1, single: true}
		db.from, db.to = lite.Schema()
	} else {
		pg, err := openPostgres(ctx, url, c.DatabaseWait, existing)
		if err != nil {
			return nil, err
		}
		db.Store = pg
		db.from, db.to = pg.Schema()
	}
	s.close = append(s.close, db.Close)
	return db, nil
}

// openPostgres opens a PostgreSQL database. One that does not answer yet, because it starts or recovers, is waited for: it
// often begins at the same time as this program.
func openPostgres(ctx context.Context, url string, wait time.Duration, existing bool) (*postgres.Store, error) {
	const pause = 500 * time.Millisecond
	patience, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		pg, err := postgres.Open(ctx, postgres.Config{URL: url, Existing: existing, Address: addressOf})
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

// lockFolder makes the data folder, unless it is there, and takes it for this process. The lock goes with the process, however it
// ends. The folder is its owner's alone; one that an older program made is made that, too.
func lockFolder(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	const ofOlder = 0o750
	if i, err := os.Stat(dir); err == nil && i.Mode()&(fs.ModePerm|fs.ModeSticky|fs.ModeSetgid) == ofOlder {
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
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

// openToOthers reports whether others than its owner may read a folder or go into it.
func openToOthers(dir string) bool {
	i, err := os.Stat(dir)
	return err == nil && i.Mode().Perm()&0o077 != 0
}

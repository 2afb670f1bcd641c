package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/backup"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/intervention"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/outbox"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/request"
	"github.com/vnfm/vnfm/vimregistry"
	"github.com/vnfm/vnfm/vnfpkg"
)

// Migrate brings the databases to this version's schema, and writes from which it was to which. Opening a store does it.
func Migrate(ctx context.Context, c *config.Config, w io.Writer) error {
	return offline(ctx, c, false, func(s *stores) error {
		for _, db := range s.all() {
			switch db.from {
			case db.to:
				_, _ = fmt.Fprintf(w, "%s: the schema is at %d: nothing to do\n", s.name(db), db.to)
			case 0:
				_, _ = fmt.Fprintf(w, "%s: the schema was made, at %d\n", s.name(db), db.to)
			default:
				_, _ = fmt.Fprintf(w, "%s: the schema was at %d, and is at %d\n", s.name(db), db.from, db.to)
			}
		}
		return nil
	})
}

// Verify walks every stream and lane and writes what is wrong; the error says how much that is.
func Verify(ctx context.Context, c *config.Config, w io.Writer) error {
	return offline(ctx, c, true, func(s *stores) error {
		report := func(p eventstore.Problem) { _, _ = fmt.Fprintln(w, p) }
		sum, err := eventstore.Verify(ctx, s.main, report)
		if err != nil {
			return err
		}
		if s.vims != s.main { // no events, but messages
			of, err := eventstore.Verify(ctx, s.vims, report)
			if err != nil {
				return err
			}
			sum.Messages += of.Messages
			sum.Problems += of.Problems
		}
		_, _ = fmt.Fprintf(w, "%d streams, %d events, %d messages: %d problems\n", sum.Streams, sum.Events, sum.Messages, sum.Problems)
		if sum.Problems > 0 {
			return fmt.Errorf("the audit found %d problems", sum.Problems)
		}
		return nil
	})
}

// Rebuild writes all views anew from the events, or, with check, only compares them. No program may be running on the
// database.
func Rebuild(ctx context.Context, c *config.Config, w io.Writer, check bool) error {
	return offline(ctx, c, true, func(s *stores) error {
		sources, err := viewSources()
		if err != nil {
			return err
		}
		if !check {
			if err := readmodel.Rebuild(ctx, s.main, sources...); err != nil {
				return err
			}
			_, err = fmt.Fprintln(w, "all views are written anew")
			return err
		}
		diffs, err := readmodel.Compare(ctx, s.main, sources...)
		if err != nil {
			return err
		}
		for _, d := range diffs {
			_, _ = fmt.Fprintln(w, d)
		}
		if len(diffs) > 0 {
			return fmt.Errorf("%d views differ from the events", len(diffs))
		}
		_, err = fmt.Fprintln(w, "all views are what the events give")
		return err
	})
}

// viewSources are all aggregates that have views.
func viewSources() ([]readmodel.Source, error) {
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register events: %w", err)
	}
	pkgs, err := aggregate.NewRegistry(vnfpkg.Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register package events: %w", err)
	}
	vims, err := aggregate.NewRegistry(vimregistry.Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register the events of VIM connections: %w", err)
	}
	subs, err := aggregate.NewRegistry(notify.Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register the events of subscriptions: %w", err)
	}
	mgmt, err := aggregate.NewRegistry(management.Forms()...)
	if err != nil {
		return nil, fmt.Errorf("register the events of management connections: %w", err)
	}
	return append(readmodel.Sources(readmodel.NewInstances(registry, 0), readmodel.NewOpOccs(registry, 0), readmodel.NewSnapshots(registry, 0)),
		vnfpkg.Source(vnfpkg.Repository(pkgs)), vimregistry.Source(vimregistry.Repository(vims)), management.Source(management.Repository(mgmt)), notify.Source(notify.Repository(subs))), nil
}

// offline runs something on the stores alone.
func offline(ctx context.Context, c *config.Config, existing bool, f func(*stores) error) error {
	if err := c.Validate(); err != nil {
		return err
	}
	s, err := openStores(ctx, c, existing)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// Consumers lists the consumers that keep messages in the outboxes. With forget it first forgets one, in whichever outbox it is: what
// it has not had goes with the next pruning. Returns NotFound when there is none of that name, and Conflict for one that this program
// has: it would be registered again by the next start, and could have lost messages by then.
func Consumers(ctx context.Context, c *config.Config, w io.Writer, forget string) error {
	if slices.Contains(allConsumers, forget) {
		return vnfm.Errorf(vnfm.Conflict, "the consumer %s is one of this program's: it cannot be forgotten", forget)
	}
	return offline(ctx, c, true, func(s *stores) error {
		names := []string{"main"}
		all := []*database{s.main}
		if s.vims != s.main {
			names, all = append(names, "vim"), append(all, s.vims)
		}
		if forget != "" {
			n := 0
			for i, db := range all {
				registered, err := outbox.Registered(ctx, db)
				if err != nil {
					return err //nolint:wrapcheck // says what it was about
				}
				at := slices.IndexFunc(registered, func(r outbox.Registration) bool { return r.Name == forget })
				if at < 0 {
					continue
				}
				if err := forgetAsked(ctx, s.main, names[i], registered[at]); err != nil {
					return err
				}
				gone, err := outbox.Forget(ctx, db, forget)
				if err != nil {
					return err //nolint:wrapcheck // says what it was about
				}
				n += gone
			}
			if n == 0 {
				return vnfm.Errorf(vnfm.NotFound, "no consumer %s is registered", forget)
			}
			_, _ = fmt.Fprintf(w, "%s is forgotten: what it has not had goes when the outbox is pruned\n", forget)
			return nil
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "DATABASE\tCONSUMER\tSINCE\tPROGRAM\t")
		for i, db := range all {
			registered, err := outbox.Registered(ctx, db)
			if err != nil {
				return err //nolint:wrapcheck // says what it was about
			}
			for _, r := range registered {
				unknown := ""
				if !slices.Contains(allConsumers, r.Name) {
					unknown = "unknown to this program"
				}
				_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", names[i], r.Name, r.Since.UTC().Format(time.RFC3339), r.Version, unknown)
			}
		}
		return t.Flush()
	})
}

// forgetAsked writes to the main database that a consumer is to be forgotten, and by which user of this machine.
func forgetAsked(ctx context.Context, main *database, name string, r outbox.Registration) error {
	log, err := intervention.New(eventstore.NewCommitter(main, eventstore.CommitterConfig{}))
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	by := request.Info{Actor: "vnfmd", ID: "consumers"}
	if u, err := user.Current(); err == nil {
		by.Actor = u.Username
	}
	return log.Forget(ctx, intervention.ForgetAsked{Consumer: r.Name, Database: name, Since: r.Since, Version: r.Version}, by) //nolint:wrapcheck // says what it was about
}

// Restored is for after a database was restored to an older point: places in its outbox are given a second time from there on, and its
// consumers must not take the new messages for those that they had. Each outbox gets a new id, which messages carry. Of databases of
// their own, main or vim, only names the one that was restored; "" means both. Returns Conflict while a node lives.
func Restored(ctx context.Context, c *config.Config, w io.Writer, only string) error {
	return offline(ctx, c, true, func(s *stores) error {
		all := map[string]*database{"main": s.main}
		if s.vims != s.main {
			all["vim"] = s.vims
		}
		if only != "" {
			if all[only] == nil {
				return vnfm.Errorf(vnfm.Invalid, "there is no %s database of its own here: there is %v", only, slices.Sorted(maps.Keys(all)))
			}
			all = map[string]*database{only: all[only]}
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			l, err := all[name].Leases(ctx)
			if err != nil {
				return fmt.Errorf("see which nodes live: %w", err)
			}
			if len(l.Nodes) > 0 {
				return vnfm.Errorf(vnfm.Conflict, "the node %s works on the %s database: stop every node, restore, and call this before the first one starts", l.Nodes[0].ID, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if err := all[name].RenewOutbox(ctx); err != nil {
				return fmt.Errorf("give the outbox of the %s database another id: %w", name, err)
			}
			_, _ = fmt.Fprintf(w, "%s: the outbox has a new id; consumers drop what it sent before that they have not had\n", name)
		}
		return nil
	})
}

// Backup copies the embedded databases, the package files and, with the key, the key file into one file, all of one moment, while a
// program may be working on the folder. Returns Invalid for settings with PostgreSQL, which has programs of its own for that, and what
// backup.Write returns.
func Backup(ctx context.Context, c *config.Config, w io.Writer, to, program string, withKey bool) error {
	folder, err := dataFolder(c)
	if err != nil {
		return err
	}
	name, _ := keyFile(c)
	key := ""
	if withKey {
		key = name
	}
	m, err := backup.Write(ctx, folder, to, key, program, time.Now)
	if err != nil {
		return err //nolint:wrapcheck // says what it was about
	}
	_, _ = fmt.Fprintf(w, "%s holds %s, as it was at %s\n", to, held(m), m.At.Format(time.RFC3339Nano))
	if !m.Key {
		_, _ = fmt.Fprintf(w, "The key file %s is not in it (--with-key): keep it at another place. Without it the credentials in the backup are lost.\n", name)
	}
	return nil
}

// RestoreBackup makes the data folder what a file of Backup holds, checks it, and gives its outbox a new id (see Restored). Returns Invalid
// for settings with PostgreSQL, and what backup.Restore returns.
func RestoreBackup(ctx context.Context, c *config.Config, w io.Writer, from string, replace bool) error {
	folder, err := dataFolder(c)
	if err != nil {
		return err
	}
	unlock, err := lockFolder(c.Data)
	if err != nil {
		return err
	}
	m, old, err := backup.Restore(ctx, from, folder, replace, time.Now, func(dir string) error {
		for _, name := range folder.Databases {
			if err := renew(ctx, filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("the database %s of the backup: %w", name, err)
			}
		}
		return nil
	})
	if err := errors.Join(err, unlock()); err != nil {
		return err
	}
	if old != "" {
		_, _ = fmt.Fprintf(w, "%s has what was there before\n", old)
	}
	_, _ = fmt.Fprintf(w, "%s has %s, as it was at %s\n", c.Data, held(m), m.At.Format(time.RFC3339Nano))
	if name, _ := keyFile(c); !m.Key {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			_, _ = fmt.Fprintf(w, "Before the first start, put the key file back to %s: it is not in the backup.\n", name)
		}
	}
	_, _ = fmt.Fprintln(w, "What VIMs and orchestrators saw since then is not in the records: docs/howto/restore.md says what to do.")
	return nil
}

// dataFolder says what a backup of the data folder is about.
func dataFolder(c *config.Config) (backup.Folder, error) {
	if err := c.Validate(); err != nil {
		return backup.Folder{}, err
	}
	if c.Database != "" {
		return backup.Folder{}, vnfm.Errorf(vnfm.Invalid, "The database is PostgreSQL, which has the package files, too: back it up and restore it with its own programs (docs/howto/run-on-postgresql.md)")
	}
	f := backup.Folder{Path: c.Data, Databases: []string{mainFile}, Files: blobFolder}
	if name, lite := strings.CutPrefix(c.Vim.Database, "sqlite:"); lite {
		f.Databases = append(f.Databases, name)
	}
	return f, nil
}

func held(m backup.Manifest) string {
	key := ""
	if m.Key {
		key = ", the key file"
	}
	return fmt.Sprintf("%s, %d package files%s (%.1f MB)", strings.Join(m.Databases, ", "), m.Files, key, float64(m.Bytes)/1e6)
}

// renew checks a restored database, brings it up to date and gives its outbox a new id.
func renew(ctx context.Context, path string) error {
	db, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return err
	}
	found, err := db.Check(ctx)
	if err == nil && len(found) > 0 {
		err = vnfm.Errorf(vnfm.Invalid, "it is damaged: %s", found[0])
	}
	if err == nil {
		err = db.RenewOutbox(ctx)
	}
	return errors.Join(err, db.Close())
}

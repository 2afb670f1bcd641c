package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/durable"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/secret"
)

// keyFile returns the file of the site's keys, and whether the settings name it. One that nobody names is in the data folder.
func keyFile(c *config.Config) (name string, named bool) {
	if c.Secret.KeyFile != "" {
		return c.Secret.KeyFile, true
	}
	return filepath.Join(c.Data, "secret.key"), false
}

// openKeyring reads the file of the keys that stored credentials are sealed with, and makes the one in the data folder when
// there is none and nothing was ever sealed. A key that was lost is not replaced in silence: Unprocessable when there are sealed
// rows that no key opens, unless the settings accept it.
func openKeyring(ctx context.Context, c *config.Config, st *stores) (*secret.Keyring, error) {
	name, named := keyFile(c)
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) && !named {
		if err := neverSealed(ctx, st, c.Secret.Lost == "accept", name); err != nil {
			return nil, err
		}
		if err := makeKeyFile(name); err != nil {
			return nil, fmt.Errorf("make the key file: %w", err)
		}
	}
	keys, err := readKeyring(c)
	if err != nil {
		return nil, err
	}
	if c.Secret.Lost == "accept" {
		return keys, nil
	}
	closed, err := unopened(ctx, st, keys)
	if err != nil {
		return nil, err
	}
	if len(closed) > 0 {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "secret-key-file %s: no key in it opens %s. Put the key they were sealed with back into the file, behind the others. "+
			"If it is lost for good, start with --secret-lost=accept, and enter these credentials again", name, some(closed))
	}
	return keys, nil
}

// readKeyring reads the key file, which must be there.
func readKeyring(c *config.Config) (*secret.Keyring, error) {
	name, _ := keyFile(c)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("secret-key-file: %w", err)
	}
	r, err := secret.Parse(string(b))
	if err != nil {
		return nil, fmt.Errorf("secret-key-file %s: %w", name, err)
	}
	return r, nil
}

// lookingKeyring reads the key file for one who only looks: where there is none, nothing that was sealed opens.
func lookingKeyring(c *config.Config) (*secret.Keyring, error) {
	keys, err := readKeyring(c)
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Parse(secret.NewKey()) //nolint:wrapcheck // cannot fail
	}
	return keys, err
}

// neverSealed returns an error when there is anything that a lost key sealed.
func neverSealed(ctx context.Context, st *stores, accept bool, name string) error {
	if accept {
		return nil
	}
	var all []string
	err := sealed(ctx, st, func(row *eventstore.Record) { all = append(all, row.ID) })
	if err != nil || len(all) == 0 {
		return err
	}
	return vnfm.Errorf(vnfm.Unprocessable, "The key file %s is missing, and with its keys %s are sealed. Put it back from a backup, or from another node. "+
		"If it is lost for good, start with --secret-lost=accept: a new one is made, and these credentials have to be entered again", name, some(all))
}

// unopened returns the names of the sealed rows that no key opens.
func unopened(ctx context.Context, st *stores, keys *secret.Keyring) (closed []string, err error) {
	err = sealed(ctx, st, func(row *eventstore.Record) {
		if _, err := keys.Open(row.ID, row.Doc); err != nil {
			closed = append(closed, row.ID)
		}
	})
	return closed, err
}

// sealed hands out the sealed rows of all databases.
func sealed(ctx context.Context, st *stores, row func(*eventstore.Record)) error {
	for _, db := range st.all() {
		for q := (eventstore.RecordQuery{Table: eventstore.TableSecrets, Limit: 500}); ; {
			rows, err := db.Records(ctx, q)
			if err != nil {
				return fmt.Errorf("read the sealed rows: %w", err)
			}
			for i := range rows {
				row(&rows[i])
				q.After = rows[i].ID
			}
			if len(rows) < q.Limit {
				break
			}
		}
	}
	return nil
}

// some names a few of many things.
func some(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// siteKey is a row of a database that several nodes share, sealed with the site's key and with nothing in it: a node with
// another key finds it closed before it seals anything that the others could not open.
const siteKey = "site-key/check"

// agree makes that row when it is not there. It is sealed again when a lost key was accepted.
func agree(ctx context.Context, c *config.Config, db *database, keys *secret.Keyring) error {
	if db.single {
		return nil
	}
	ref := eventstore.RecordRef{Table: eventstore.TableSecrets, ID: siteKey}
	results, err := db.Execute(ctx, []*eventstore.Work{{
		Keys: []string{siteKey},
		Load: func() eventstore.Load { return eventstore.Load{Records: []eventstore.RecordRef{ref}} },
		Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
			w := eventstore.RecordWrite{Record: eventstore.Record{
				Table: ref.Table, ID: ref.ID, Key: siteKey, Group: "site", State: "SEALED", Doc: keys.Seal(siteKey, []byte("vnfm")),
			}}
			if row := l.Records[ref]; row != nil {
				if _, err := keys.Open(siteKey, row.Doc); err == nil {
					return nil, nil
				}
				if w.Expected = row.Version; c.Secret.Lost != "accept" { // another node was first
					return nil, vnfm.Errorf(vnfm.Unprocessable, "Another node of this database has another key: give all nodes the same secret-key-file")
				}
			}
			return &eventstore.Commit{Records: []eventstore.RecordWrite{w}}, nil
		},
	}})
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		return fmt.Errorf("compare the key with the other nodes': %w", err)
	}
	return nil
}

// makeKeyFile writes a new key file unless there is one. It is written whole or not at all: a key that was used and then
// lost cannot be had again.
func makeKeyFile(name string) error {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.Replace(name, ".secret-*", func(w io.Writer) error {
		_, err := io.WriteString(w, "# Keys of stored credentials, the newest first. Whoever has this file and the database can read them.\n"+secret.NewKey()+"\n")
		return err
	})
}

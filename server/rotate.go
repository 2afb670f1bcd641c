package server

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/secret"
)

// RotateSecrets seals every stored credential again that is not under the newest key of the key file, and writes how many
// there were. Broken off, it is simply run again. Programs may be running on a PostgreSQL database meanwhile, if they have
// the new key; of one row written by both, theirs counts.
func RotateSecrets(ctx context.Context, c *config.Config, w io.Writer) error {
	return offline(ctx, c, true, func(s *stores) error {
		keys, err := readKeyring(c)
		if err != nil {
			return err
		}
		all, renewed := 0, 0
		var errs []error
		for _, db := range s.all() {
			n, m, err := rotate(ctx, db, keys)
			all, renewed = all+n, renewed+m
			errs = append(errs, err)
		}
		_, err = fmt.Fprintf(w, "%d secrets, %d of them sealed again with the newest key\n", all, renewed)
		return errors.Join(append(errs, err)...)
	})
}

// rotate seals the stale rows of one database again. A row that cannot be opened is left as it is, and named.
func rotate(ctx context.Context, db eventstore.Store, keys *secret.Keyring) (all, renewed int, err error) {
	var errs []error
	for q := (eventstore.RecordQuery{Table: eventstore.TableSecrets, Limit: 500}); ; {
		rows, err := db.Records(ctx, q)
		if err != nil {
			return all, renewed, errors.Join(append(errs, err)...)
		}
		for _, row := range rows {
			q.After = row.ID
			counts := 1
			if row.ID == siteKey { // holds no secret
				counts = 0
			}
			all += counts
			if !keys.Stale(row.Doc) {
				continue
			}
			plain, err := keys.Open(row.ID, row.Doc)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			again := row
			again.Doc = keys.Seal(row.ID, plain)
			_, err = db.Execute(ctx, []*eventstore.Work{{
				Keys: []string{row.Key},
				Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) {
					return &eventstore.Commit{Records: []eventstore.RecordWrite{{Record: again, Expected: row.Version}}}, nil
				},
			}})
			switch {
			case errors.Is(err, eventstore.ErrVersion): // written by a program meanwhile, with its newest key
			case err != nil:
				return all, renewed, errors.Join(append(errs, err)...)
			default:
				renewed += counts
			}
		}
		if len(rows) < q.Limit {
			return all, renewed, errors.Join(errs...)
		}
	}
}

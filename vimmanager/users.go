package vimmanager

import (
	"context"
	"fmt"

	"github.com/vnfm/vnfm/eventstore"
)

// Users lists the VNFs for which the ledger has, makes or releases resources at a VIM connection, some more than once.
func Users(ctx context.Context, store Store, connection string) ([]string, error) {
	var out []string
	q := eventstore.RecordQuery{Table: eventstore.TableVimResources, Group: connection, Limit: 500}
	for {
		rows, err := store.Records(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read the ledger rows of %s: %w", connection, err)
		}
		for _, r := range rows {
			q.After = r.ID
			if r.State != Failed && r.State != Released {
				out = append(out, r.Key)
			}
		}
		if len(rows) < q.Limit {
			return out, nil
		}
	}
}

package vimmanager

import (
	"context"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
)

// Users lists the VNFs for which the ledger has, makes or releases resources at a VIM connection, some more than once.
func Users(ctx context.Context, store Store, connection string) ([]string, error) {
	var out []string
	err := ledger.Each(ctx, store, eventstore.RecordQuery{Table: eventstore.TableVimResources, Group: connection}, func(r eventstore.Record) error {
		if r.State != Failed && r.State != Released {
			out = append(out, r.Key)
		}
		return nil
	})
	return out, err //nolint:wrapcheck // says what it was about
}

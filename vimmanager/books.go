package vimmanager

import (
	"context"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vim"
)

// Books reads the ledger for an audit and changes nothing.
type Books struct{ store Store }

// NewBooks returns the books that a store has.
func NewBooks(store Store) Books { return Books{store} }

// Active returns what the ledger says stands at a VIM, configurations excepted. Errors: of the store.
func (b Books) Active(ctx context.Context, connection string) ([]vim.Resource, error) {
	return active(ctx, b.store, connection, nil)
}

// Accounts reports whether the ledger knows why a VIM may have the resource of a token. Errors: of the store.
func (b Books) Accounts(ctx context.Context, token vim.Token) (bool, error) {
	ref := resourceRef(token.String())
	l, err := b.store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil {
		return false, err //nolint:wrapcheck // says what it was about
	}
	rec := l.Records[ref]
	return rec != nil && !orphaned(rec), nil
}

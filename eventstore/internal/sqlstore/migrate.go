package sqlstore

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/vnfm/vnfm/eventstore"
)

// Schema is the version of a schema as it was found, and as it is now; 0: there was none.
type Schema struct{ From, To int64 }

// Migrate brings a schema up to date. With never it changes nothing: ErrOlder when there is anything to do.
func Migrate(ctx context.Context, p *goose.Provider, never bool) (s Schema, err error) {
	if s.From, s.To, err = p.GetVersions(ctx); err != nil {
		return s, fmt.Errorf("version of the schema: %w", err)
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return s, fmt.Errorf("version of the schema: %w", err)
	}
	if !pending {
		s.To = s.From // that of a newer program, perhaps
		return s, nil
	}
	if never {
		return s, eventstore.ErrOlder
	}
	_, err = p.Up(ctx)
	return s, err //nolint:wrapcheck // names the step
}

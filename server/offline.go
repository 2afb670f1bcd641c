package server

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/management"
	"github.com/vnfm/vnfm/notify"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vimregistry"
	"github.com/vnfm/vnfm/vnfpkg"
)

// Migrate brings the databases to this version's schema. Opening a store does it.
func Migrate(ctx context.Context, c *config.Config) error {
	return offline(ctx, c, false, func(*stores) error { return nil })
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
	return append(readmodel.Sources(readmodel.NewInstances(registry, 0), readmodel.NewOpOccs(registry, 0)),
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

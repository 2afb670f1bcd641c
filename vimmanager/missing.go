package vimmanager

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Inventory looks at VIMs: it changes nothing, neither there nor in the ledger.
type Inventory struct{ cfg Config }

// NewInventory returns what looks at the VIMs of a configuration.
func NewInventory(cfg Config) *Inventory { return &Inventory{cfg: cfg.withDefaults()} }

// few is how many resources are looked up by their tokens rather than listed with all others of their VNF.
const few = 16

// Missing returns those of a VNF's resources at a VIM connection that the VIM does not have, in the order of their tokens. What a VIM
// does not list is looked up by its token, so that a list that comes late loses nothing; a few are looked up at once. All of it takes no longer than one attempt of
// a call to a VIM may. Returns Unavailable when the VIM cannot tell.
func (i *Inventory) Missing(ctx context.Context, vnfID, connection string, of map[vim.Token]vim.Kind) ([]vim.Token, error) {
	l, err := i.look(ctx, vnfID, connection, of, func(ctx context.Context, d vim.Driver, conn vim.Connection, f func([]vim.Observed)) error {
		if len(of) <= few {
			return nil
		}
		return vim.EachPage(ctx, d, conn, vnfID, i.cfg.Page, i.cfg.Attempt, func(page []vim.Resource) error {
			out := make([]vim.Observed, len(page))
			for k := range page {
				out[k].Resource = page[k]
			}
			f(out)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return l.Missing, nil
}

// Look tells what a VIM connection has of a VNF and how it stands, and which of the resources given it does not have. Lists come in
// pages; only what is not listed is looked up one by one. It takes as long as Missing may. Returns Unavailable when the VIM cannot tell.
func (i *Inventory) Look(ctx context.Context, vnfID, connection string, of map[vim.Token]vim.Kind) (*vim.Look, error) {
	return i.look(ctx, vnfID, connection, of, func(ctx context.Context, d vim.Driver, conn vim.Connection, f func([]vim.Observed)) error {
		return vim.EachObserved(ctx, d, conn, vnfID, i.cfg.Page, i.cfg.Attempt, func(page []vim.Observed) error { f(page); return nil })
	})
}

// look lists what a VIM has of a VNF, and looks up what it does not list.
func (i *Inventory) look(
	ctx context.Context, vnfID, connection string, of map[vim.Token]vim.Kind,
	list func(ctx context.Context, d vim.Driver, conn vim.Connection, f func([]vim.Observed)) error,
) (*vim.Look, error) {
	conn, driver, err := i.cfg.vim(ctx, vnfID, connection)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "the VIM connection %s cannot be asked what it has", connection)
	}
	ctx, cancel := context.WithTimeout(ctx, i.cfg.Attempt)
	defer cancel()
	listed, out := map[vim.Token]bool{}, &vim.Look{}
	err = list(ctx, driver, conn, func(page []vim.Observed) {
		for k := range page {
			if r := &page[k].Resource; r.Owner == vnfID || r.Owner == "" { // a driver may list more than was asked for
				listed[r.Token] = true
				out.Found = append(out.Found, page[k])
			}
		}
	})
	if err == nil {
		unlisted := slices.DeleteFunc(slices.Collect(maps.Keys(of)), func(t vim.Token) bool { return listed[t] })
		slices.SortFunc(unlisted, func(a, b vim.Token) int { return strings.Compare(a.String(), b.String()) })
		err = i.unlisted(ctx, driver, conn, unlisted, of, out)
	}
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "the VIM connection %s does not tell what it has of the VNF: try again once the VIM answers", connection)
	}
	return out, nil
}

// unlisted looks tokens up, several at once, and adds to a look what a VIM has and what it has not, in their order.
func (i *Inventory) unlisted(ctx context.Context, driver vim.Driver, conn vim.Connection, tokens []vim.Token, of map[vim.Token]vim.Kind, out *vim.Look) error {
	found := make([]*vim.Resource, len(tokens))
	look := func(ctx context.Context, from int) error {
		for n := from; n < len(tokens); n += i.cfg.PerConnection {
			switch r, err := driver.Find(ctx, conn, of[tokens[n]], tokens[n]); {
			case err == nil:
				found[n] = &r
			case vim.ClassOf(err) != message.NotFound:
				return err //nolint:wrapcheck // an Error of the driver
			}
		}
		return nil
	}
	others, ctx := errgroup.WithContext(ctx)
	for from := 1; from < min(i.cfg.PerConnection, len(tokens)); from++ {
		others.Go(func() error { return look(ctx, from) })
	}
	mine := look(ctx, 0)
	if err := others.Wait(); err != nil || mine != nil {
		return errors.Join(err, mine)
	}
	for n, r := range found {
		if r == nil {
			out.Missing = append(out.Missing, tokens[n])
		} else {
			out.Found = append(out.Found, vim.Seen(*r))
		}
	}
	return nil
}

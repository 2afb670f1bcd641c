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

// Missing returns those of a VNF's resources at a VIM connection that the VIM does not have, in the order of their tokens. What a VIM
// does not list is looked up by its token, so that a list that comes late loses nothing. All of it takes no longer than one attempt of
// a call to a VIM may. Returns Unavailable when the VIM cannot tell.
func (i *Inventory) Missing(ctx context.Context, vnfID, connection string, of map[vim.Token]vim.Kind) ([]vim.Token, error) {
	conn, driver, err := i.cfg.vim(ctx, vnfID, connection)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "the VIM connection %s cannot be asked what it has", connection)
	}
	ctx, cancel := context.WithTimeout(ctx, i.cfg.Attempt)
	defer cancel()
	listed := map[vim.Token]bool{}
	err = vim.EachPage(ctx, driver, conn, vnfID, i.cfg.Page, i.cfg.Attempt, func(page []vim.Resource) error {
		for _, r := range page {
			listed[r.Token] = true
		}
		return nil
	})
	var missing []vim.Token
	if err == nil {
		unlisted := slices.DeleteFunc(slices.Collect(maps.Keys(of)), func(t vim.Token) bool { return listed[t] })
		slices.SortFunc(unlisted, func(a, b vim.Token) int { return strings.Compare(a.String(), b.String()) })
		missing, err = i.unfound(ctx, driver, conn, unlisted, of)
	}
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "the VIM connection %s does not tell what it has of the VNF: try again once the VIM answers", connection)
	}
	return missing, nil
}

// unfound returns the tokens that a VIM has no resource of, in their order. Several are looked up at once.
func (i *Inventory) unfound(ctx context.Context, driver vim.Driver, conn vim.Connection, tokens []vim.Token, of map[vim.Token]vim.Kind) ([]vim.Token, error) {
	gone := make([]bool, len(tokens))
	look := func(ctx context.Context, from int) error {
		for n := from; n < len(tokens); n += i.cfg.PerConnection {
			_, err := driver.Find(ctx, conn, of[tokens[n]], tokens[n])
			if err != nil && vim.ClassOf(err) != message.NotFound {
				return err //nolint:wrapcheck // an Error of the driver
			}
			gone[n] = err != nil
		}
		return nil
	}
	others, ctx := errgroup.WithContext(ctx)
	for from := 1; from < min(i.cfg.PerConnection, len(tokens)); from++ {
		others.Go(func() error { return look(ctx, from) })
	}
	mine := look(ctx, 0)
	if err := others.Wait(); err != nil || mine != nil {
		return nil, errors.Join(err, mine)
	}
	var out []vim.Token
	for n, t := range tokens {
		if gone[n] {
			out = append(out, t)
		}
	}
	return out, nil
}

package vimmanager

import (
	"context"
	"slices"
	"sync"

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
	err = vim.EachPage(ctx, driver, conn, vnfID, i.cfg.Attempt, func(page []vim.Resource) error {
		for _, r := range page {
			listed[r.Token] = true
		}
		return nil
	})
	var missing []vim.Token
	var mu sync.Mutex
	looks, each := errgroup.WithContext(ctx)
	looks.SetLimit(i.cfg.PerConnection)
	for token, kind := range of {
		if listed[token] || err != nil {
			continue
		}
		looks.Go(func() error {
			_, err := driver.Find(each, conn, kind, token)
			if err != nil && vim.ClassOf(err) != message.NotFound {
				return err //nolint:wrapcheck // an Error of the driver
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				missing = append(missing, token)
			}
			return nil
		})
	}
	if found := looks.Wait(); err == nil {
		err = found
	}
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unavailable, err, "the VIM connection %s does not tell what it has of the VNF: try again once the VIM answers", connection)
	}
	slices.SortFunc(missing, func(a, b vim.Token) int { return slices.Compare([]string{a.String()}, []string{b.String()}) })
	return missing, nil
}

package vimmanager_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

// listing is a VIM that lists some of what it has, and finds all of it.
type listing struct {
	vim.Driver
	has   map[vim.Token]bool
	lists func(n int) bool
	down  error // of finding
	away  error // of listing
}

func (l *listing) List(context.Context, vim.Connection, vim.ListRequest) (vim.ListPage, error) {
	var page vim.ListPage
	n := 0
	for t := range l.has {
		if n++; l.lists(n) {
			page.Resources = append(page.Resources, vim.Resource{Token: t})
		}
	}
	return page, l.away
}

func (l *listing) Find(_ context.Context, _ vim.Connection, _ vim.Kind, t vim.Token) (vim.Resource, error) {
	if l.down != nil {
		return vim.Resource{}, l.down
	}
	if l.has[t] {
		return vim.Resource{Token: t}, nil
	}
	return vim.Resource{}, &vim.Error{Op: "find", Class: message.NotFound}
}

// What a VIM does not list is missing only when it is not found either, and a VIM that does not answer is no VIM without resources.
// Seen failing with a list taken for all there is.
func TestMissing(t *testing.T) {
	of, gone := map[vim.Token]vim.Kind{}, []vim.Token{}
	d := &listing{has: map[vim.Token]bool{}, lists: func(n int) bool { return n%2 == 0 }}
	for n := range 50 {
		token := vim.Token{ID: fmt.Sprintf("r%02d", n), Generation: 1 + n%3}
		of[token] = vim.Port
		if n%5 == 0 {
			gone = append(gone, token)
			continue
		}
		d.has[token] = true
	}
	cfg := vimmanager.Config{
		Registry: vim.Fixed{{ID: "v", Type: "T"}, {ID: "w", Type: "nobody's"}}, Drivers: map[string]vim.Driver{"T": d},
	}
	for _, n := range []int{1, 7, 100} {
		cfg.PerConnection = n
		got, err := vimmanager.NewInventory(cfg).Missing(t.Context(), "vnf", "v", of)
		if err != nil || !slices.Equal(got, gone) {
			t.Errorf("%v, want %v: %v", got, gone, err)
		}
		for name, c := range map[string]struct{ down, away error }{
			"find": {down: errors.New("no route")}, "list": {away: &vim.Error{Op: "list", Class: message.Transient}},
		} {
			d.down, d.away = c.down, c.away
			if got, err := vimmanager.NewInventory(cfg).Missing(t.Context(), "vnf", "v", of); vnfm.KindOf(err) != vnfm.Unavailable || got != nil || !strings.Contains(err.Error(), "v") {
				t.Errorf("%s: %v %v", name, got, err)
			}
			d.down, d.away = nil, nil
		}
	}
	if _, err := vimmanager.NewInventory(cfg).Missing(t.Context(), "vnf", "w", of); vnfm.KindOf(err) != vnfm.Unavailable {
		t.Errorf("%v", err)
	}
}

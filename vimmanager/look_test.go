package vimmanager_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

// observing is a VIM that shows how its resources stand, in pages, and counts its calls.
type observing struct {
	vim.Driver
	all            []vim.Observed
	observes, find atomic.Int64
}

func (o *observing) Observe(_ context.Context, _ vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	o.observes.Add(1)
	from := 0
	if r.After != "" {
		_, _ = fmt.Sscan(r.After, &from)
	}
	to := min(from+r.Limit, len(o.all))
	page := vim.ObservedPage{Resources: o.all[from:to]}
	if to < len(o.all) {
		page.Next = fmt.Sprint(to)
	}
	return page, nil
}

func (o *observing) Find(_ context.Context, _ vim.Connection, _ vim.Kind, t vim.Token) (vim.Resource, error) {
	o.find.Add(1)
	if t.ID == "late" {
		return vim.Resource{Token: t, Kind: vim.Compute, Owner: "vnf", Power: vim.PowerOff}, nil
	}
	return vim.Resource{}, &vim.Error{Op: "find", Class: message.NotFound}
}

// A look costs pages, and one call for each resource that is not listed, however many there are. Seen failing with every resource
// looked up.
func TestLookCostsPages(t *testing.T) {
	for _, n := range []int{1, 100, 1000} {
		d := &observing{}
		of := map[vim.Token]vim.Kind{{ID: "late", Generation: 1}: vim.Compute, {ID: "gone", Generation: 1}: vim.Port}
		for i := range n {
			token := vim.Token{ID: fmt.Sprint("r", i), Generation: 1}
			of[token] = vim.Port
			d.all = append(d.all, vim.Observed{Resource: vim.Resource{Token: token, Kind: vim.Port, Owner: "vnf"}})
		}
		d.all = append(d.all, vim.Observed{Resource: vim.Resource{Token: vim.Token{ID: "theirs", Generation: 1}, Owner: "another"}})
		cfg := vimmanager.Config{Registry: vim.Fixed{{ID: "v", Type: "T"}}, Drivers: map[string]vim.Driver{"T": d}, Page: 200}
		l, err := vimmanager.NewInventory(cfg).Look(t.Context(), "vnf", "v", of)
		if err != nil {
			t.Fatal(err)
		}
		if want := (n + 200) / 200; d.observes.Load() != int64(want) || d.find.Load() != 2 {
			t.Errorf("%d resources: %d pages, want %d; %d looked up, want 2", n, d.observes.Load(), want, d.find.Load())
		}
		late := l.Found[len(l.Found)-1]
		if len(l.Found) != n+1 || len(l.Missing) != 1 || l.Missing[0].ID != "gone" || late.Spec.Compute == nil || late.Spec.Compute.Power != vim.PowerOff {
			t.Errorf("%d found, missing %v, %+v", len(l.Found), l.Missing, late)
		}
	}
	blind := vimmanager.Config{Registry: vim.Fixed{{ID: "v", Type: "T"}}, Drivers: map[string]vim.Driver{}}
	if _, err := vimmanager.NewInventory(blind).Look(t.Context(), "vnf", "v", nil); vnfm.KindOf(err) != vnfm.Unavailable {
		t.Errorf("%v", err)
	}
}

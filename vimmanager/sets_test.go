package vimmanager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

// asking is a store that counts what is asked of it.
type asking struct {
	*memory.Store
	asked *int
}

func (c asking) Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error) {
	*c.asked++
	return c.Store.Load(ctx, l)
}

func (c asking) Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error) {
	*c.asked++
	return c.Store.Records(ctx, q)
}

// large is a VIM with many resources.
type large struct {
	vim.Driver
	resources []vim.Resource
	most      int // that one list was asked for
}

func (d *large) List(_ context.Context, _ vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	d.most = max(d.most, r.Limit)
	from, _ := strconv.Atoi(r.After)
	to := min(from+r.Limit, len(d.resources))
	page := vim.ListPage{Resources: slices.Clone(d.resources[from:to])}
	if to < len(d.resources) {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

// epochs says which lanes are held.
type epochs func(lane int) bool

func (e epochs) Epoch(lane int) (int64, bool) { return 1, e(lane) }

// A sweep over ten thousand resources of a thousand VNFs asks ledger and records a handful of times, and finds the one that is
// missing and the one that is an orphan. A node that owns no lane asks nobody.
func TestASweepComparesInSets(t *testing.T) {
	store := memory.New(memory.Config{})
	doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{})
	d := &large{}
	const vnfs, each = 1000, 10
	for v := range vnfs {
		c := &eventstore.Commit{}
		owner := fmt.Sprint("vnf-", v)
		for i := range each {
			r := vim.Resource{
				Token: vim.Token{ID: fmt.Sprintf("r-%d-%d", v, i), Generation: 1}, Kind: vim.Network, Owner: owner, ID: fmt.Sprint("id-", v, "-", i), Ready: true, Revision: 1,
			}
			doc, err := json.Marshal(map[string]any{"token": r.Token, "kind": r.Kind, "owner": owner, "revision": 1, "highest": 1, "resource": r})
			if err != nil {
				t.Fatal(err)
			}
			rec := eventstore.Record{Table: eventstore.TableVimResources, ID: r.Token.String(), Key: owner, Group: "large", State: vimmanager.Active, Doc: doc}
			if v != 500 || i != 3 { // else it is an orphan
				c.Records = append(c.Records, eventstore.RecordWrite{Record: rec})
			}
			if v != 700 || i != 7 { // else it is missing
				d.resources = append(d.resources, r)
			}
		}
		if _, err := doer.Do(t.Context(), &eventstore.Work{Keys: []string{owner}, Decide: func(*eventstore.Loaded) (*eventstore.Commit, error) { return c, nil }}); err != nil {
			t.Fatal(err)
		}
	}
	asked, held := 0, true
	var gone []string
	s := vimmanager.NewSweeper(vimmanager.Config{
		Store: asking{store, &asked}, Doer: doer, Registry: vim.Fixed{{ID: "large", Type: "large"}}, Drivers: map[string]vim.Driver{"large": d},
		Epochs: epochs(func(int) bool { return held }), Logger: slog.New(slog.DiscardHandler),
		Wanted: func(_ context.Context, vnfIDs []string) (map[string]func(vim.Token) bool, error) {
			asked++
			out := map[string]func(vim.Token) bool{}
			for _, id := range vnfIDs {
				out[id] = func(tok vim.Token) bool { return tok.ID != "r-500-3" }
			}
			return out, nil
		},
		Gone: func(_ string, r vim.Resource) { gone = append(gone, r.Token.ID) },
	})
	began := time.Now()
	if _, err := s.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d questions, %s", asked, time.Since(began))
	if !slices.Equal(gone, []string{"r-700-7"}) {
		t.Errorf("missing: %v", gone)
	}
	// Two pages of heads, ten pages of the VIM with a question each to ledger and records, and the rows read for the one that is missing.
	if asked > 50 || d.most != 1000 {
		t.Errorf("%d questions for %d resources, pages of %d", asked, len(d.resources), d.most)
	}
	if _, err := s.RunOnce(t.Context()); err != nil { // seen twice
		t.Fatal(err)
	}
	rows, err := store.Records(t.Context(), eventstore.RecordQuery{Table: eventstore.TableVimResources, State: vimmanager.Releasing})
	if err != nil || len(rows) != 1 || rows[0].ID != (vim.Token{ID: "r-500-3", Generation: 1}).String() {
		t.Errorf("released: %v, %v", rows, err)
	}
	asked, held, d.most = 0, false, 0
	if did, err := s.RunOnce(t.Context()); did || err != nil || asked > 0 || d.most > 0 {
		t.Errorf("a node without lanes: %v, %v, %d questions", did, err, asked)
	}
}

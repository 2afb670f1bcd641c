package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	storepg "github.com/vnfm/vnfm/eventstore/postgres"
	storelite "github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/saga"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
	"github.com/vnfm/vnfm/vnf"
)

// resource is where something stands and what the VIM calls it.
type resource struct{ vim, id, owner string }

// records compares what the VIM holds with what the stopped program has written down, as VNF Manager and as VIM
// manager, and looks for work that was left lying.
func (j *judge) records(ctx context.Context, inventory []sim.Entry) (err error) {
	store, err := j.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	held := map[string]resource{}
	for _, e := range inventory {
		if was, twice := held[e.Token]; twice {
			j.book.violation("I2: token %s stands twice: %s at %s and %s at %s", e.Token, was.id, was.vim, e.ID, e.Vim)
		}
		held[e.Token] = resource{e.Vim, e.ID, e.Owner}
		if e.State != "ACTIVE" {
			j.book.violation("I2: %s %s of VNF %s is %s with nothing under way", e.Kind, e.Token, e.Owner, e.State)
		}
	}
	recorded, err := j.recorded(ctx, store, held)
	if err != nil {
		return err
	}
	j.compare("the VNF records", held, recorded)
	kept := store
	if j.vimDatabase != "" {
		vims, err := storepg.Open(ctx, storepg.Config{URL: j.vimDatabase})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, vims.Close()) }()
		kept = vims
	}
	ledger, err := j.ledger(ctx, kept)
	if err != nil {
		return err
	}
	j.compare("the VIM manager's ledger", held, ledger)
	for _, state := range saga.Unfinished {
		sagas, err := store.Sagas(ctx, eventstore.SagaQuery{State: string(state)})
		if err != nil {
			return err
		}
		for _, s := range sagas {
			j.book.violation("I1: saga %s %s of VNF %s is left %s", s.Type, s.ID, s.Key, s.State)
		}
	}
	return nil
}

// overdue is for how long a row may be due and not have been looked at when the nodes were stopped.
const overdue = 30 * time.Second

// open opens the database of the stopped program.
func (j *judge) open(ctx context.Context) (eventstore.Store, error) {
	if j.backend == sqlite {
		return storelite.Open(ctx, storelite.Config{Path: filepath.Join(j.nodes[0].data, "vnfm.db")})
	}
	return storepg.Open(ctx, storepg.Config{URL: j.database})
}

// recorded returns what the records of all VNFs say stands.
func (j *judge) recorded(ctx context.Context, store eventstore.Reader, held map[string]resource) (map[string]resource, error) {
	forms, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		return nil, err
	}
	live := readmodel.Live{Reader: store, OpOccs: readmodel.NewOpOccs(forms, 0), Instances: readmodel.NewInstances(forms, 0)}
	out := map[string]resource{}
	q := eventstore.ViewQuery{Kind: readmodel.KindVnf, Limit: 500}
	for {
		views, err := live.Views(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, view := range views {
			var v vnf.Instance
			if err := json.Unmarshal(view.Doc, &v); err != nil {
				return nil, fmt.Errorf("view of VNF %s: %w", view.ID, err)
			}
			if v.Deleted {
				continue
			}
			if v.Operation != "" || v.Cleanup != "" {
				j.book.violation("I1: VNF %s is held by operation %q, cleanup %q, with nothing under way", v.ID, v.Operation, v.Cleanup)
			}
			for _, r := range v.Leftovers {
				j.book.violation("VNF %s has %s %s:%d left after a cleanup", v.ID, r.Kind, r.ID, r.Generation)
			}
			for _, s := range v.Snapshots {
				for _, r := range s.Resources {
					out[vim.Token{ID: r.ID, Generation: r.Generation}.String()] = resource{r.Connection, r.VimID, v.ID}
				}
			}
			for _, r := range v.Resources {
				token := vim.Token{ID: r.ID, Generation: r.Generation}.String()
				if _, stands := held[token]; r.MayBeGone && !stands {
					continue // an operation was given up in the middle of it, and the record says so
				}
				if r.Kind != string(vim.Configuration) {
					out[token] = resource{r.Connection, r.VimID, v.ID}
				}
			}
		}
		if len(views) < q.Limit {
			return out, nil
		}
		q.After = views[len(views)-1].ID
	}
}

// ledger returns what the VIM manager says stands, and finds what it has not finished.
func (j *judge) ledger(ctx context.Context, store eventstore.Reader) (map[string]resource, error) {
	out := map[string]resource{}
	for _, table := range eventstore.Tables {
		if table == eventstore.TableOutboxConsumers { // who reads, not work
			continue
		}
		if table == eventstore.TableSecrets { // nobody's work: they wait for nothing
			continue
		}
		q := eventstore.RecordQuery{Table: table, Limit: 500}
		for {
			rows, err := store.Records(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				q.After = row.ID
				if table == eventstore.TableReconcile && strings.HasPrefix(row.ID, "vim/") { // what is known of a connection: it stays with it
					continue
				}
				switch row.State {
				case vimmanager.Active, vimmanager.Released, vimmanager.Failed, vimmanager.CommandDone, vimmanager.FenceState: // the NFVO manager calls it DONE too
				default:
					// What was asked of a VNF by an operation that was given up since ends by itself: it is left only when nobody looks at it any more.
					if table == eventstore.TableVnfCommands && time.Now().Before(row.Due.Add(overdue)) {
						break
					}
					j.book.violation("I1: row %s of %s is left %s", row.ID, table, row.State)
				}
				if table != eventstore.TableVimResources || row.State != vimmanager.Active {
					continue
				}
				var doc struct {
					Token    vim.Token     `json:"token"`
					Kind     vim.Kind      `json:"kind"`
					Owner    string        `json:"owner"`
					Resource *vim.Resource `json:"resource"`
				}
				if err := json.Unmarshal(row.Doc, &doc); err != nil {
					return nil, fmt.Errorf("row %s of %s: %w", row.ID, table, err)
				}
				if doc.Kind != vim.Configuration && doc.Resource != nil {
					out[doc.Token.String()] = resource{row.Group, doc.Resource.ID, doc.Owner}
				}
			}
			if len(rows) < q.Limit {
				break
			}
		}
	}
	return out, nil
}

// compare finds what only one of two sides has.
func (j *judge) compare(name string, held, written map[string]resource) {
	for token, r := range held {
		w, ok := written[token]
		switch {
		case !ok:
			j.book.violation("I2: %s of VNF %s stands at %s as %s and is not in %s", token, r.owner, r.vim, r.id, name)
		case w != r:
			j.book.violation("I2: %s stands as %v and is in %s as %v", token, r, name, w)
		}
	}
	for token, w := range written {
		if _, ok := held[token]; !ok {
			j.book.violation("I2: %s of VNF %s is in %s and not at %s", token, w.owner, name, w.vim)
		}
	}
}

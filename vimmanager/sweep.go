package vimmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/vim"
)

// Sweeper compares what the VIMs hold with the ledger, from time to time.
type Sweeper struct {
	cfg  Config
	seen map[string]bool // orphans of the sweep before, by connection and token
}

// NewSweeper returns a sweeper.
func NewSweeper(cfg Config) *Sweeper {
	return &Sweeper{cfg: cfg.withDefaults(), seen: map[string]bool{}}
}

// Run sweeps until the context ends, then returns nil.
func (s *Sweeper) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := s.RunOnce(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.WarnContext(ctx, "sweep incomplete", "error", err)
		}
	}
}

// RunOnce sweeps every connection once and reports whether anything was found to be done. A VIM that cannot be listed
// does not keep the others from being swept.
func (s *Sweeper) RunOnce(ctx context.Context) (bool, error) {
	sites, err := vim.Sites(ctx, s.cfg.Registry)
	if err != nil {
		return false, err
	}
	lanes := s.cfg.lanes()
	seen := map[string]bool{}
	acted := false
	var errs []error
	for _, at := range sites {
		n, err := s.sweep(ctx, at, lanes, seen)
		acted = acted || n > 0
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep %s: %w", at.ID, err))
			for key := range s.seen { // what is not known now is not forgotten either
				seen[key] = true
			}
		}
	}
	s.seen = seen
	return acted, errors.Join(errs...)
}

func (s *Sweeper) sweep(ctx context.Context, at vim.Site, lanes []int, seen map[string]bool) (int, error) {
	connection := at.ID
	driver := s.cfg.Drivers[at.Type]
	if driver == nil {
		return 0, fmt.Errorf("there is no driver for VIMs of type %s", at.Type)
	}
	// What the ledger says is active is read before the VIM is asked: what became active meanwhile is not missed.
	active, err := active(ctx, s.cfg.Store, connection, lanes)
	if err != nil {
		return 0, err
	}
	call, cancel := context.WithTimeout(ctx, s.cfg.Attempt)
	defer cancel()
	list, err := driver.List(call, at.Connection, "")
	if err != nil {
		return 0, fmt.Errorf("list: %w", err)
	}
	acted := 0
	there := map[string]bool{}
	known := knowledge{ask: s.cfg.Wanted, vnfs: map[string]func(vim.Token) bool{}}
	for _, r := range list {
		there[r.Token.String()] = true
		if !at.Covers(r.Owner) || !slices.Contains(lanes, eventstore.LaneOf(r.Owner)) {
			continue
		}
		did, err := s.account(ctx, connection, r, known, seen)
		if err != nil {
			return acted, err
		}
		if did {
			acted++
		}
	}
	for _, r := range active {
		if at.Covers(r.Owner) && !there[r.Token.String()] {
			acted++
			if err := s.gone(ctx, connection, r); err != nil {
				return acted, err
			}
		}
	}
	return acted, nil
}

// account makes sure that a resource of the VIM is accounted for by a row, and has the row release what is not. The row
// is read after the resource was seen, and an intent is committed before a resource can exist: one under way is known.
func (s *Sweeper) account(ctx context.Context, connection string, found vim.Resource, known knowledge, seen map[string]bool) (bool, error) {
	token := found.Token.String()
	l, err := s.cfg.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{resourceRef(token)}})
	if err != nil {
		return false, err
	}
	rec := l.Records[resourceRef(token)]
	switch {
	case s.cfg.Wanted != nil && (rec == nil || rec.State == Failed || rec.State == Active): // the records have the last word
		wanted, err := known.wants(ctx, found)
		switch {
		case err != nil:
			return false, fmt.Errorf("ask the records about %s: %w", token, err)
		case wanted && rec == nil:
			return true, s.adopt(ctx, connection, found)
		case wanted: // an older ledger may have an attempt that failed; a later one did not
			return false, nil
		}
	case rec != nil && !orphaned(rec):
		return false, nil
	}
	key := connection + "/" + token
	if seen[key] = true; !s.seen[key] {
		return false, nil
	}
	s.cfg.Logger.WarnContext(ctx, "orphan released", "vim_id", connection, "token", token, "kind", string(found.Kind), "vnf_id", found.Owner)
	k := found.Owner
	if rec != nil {
		k = rec.Key
	}
	return true, s.cfg.change(ctx, k, nil, []string{token}, func(lg *ledger) error {
		r, err := lg.resource(token)
		if err != nil {
			return err
		}
		switch {
		case r == nil:
			r = add(lg, lg.resources, resourceRef(token), k, connection)
			r.doc.Token, r.doc.Kind, r.doc.Owner = found.Token, found.Kind, found.Owner
			lg.release(r, "")
		case !orphaned(&r.Record) && (r.State != Active || len(r.doc.Waiting) > 0): // asked for again meanwhile
		case r.State == Failed: // its token may still be asked for again
			lg.clear(r, nil)
		default:
			lg.release(r, "")
		}
		return nil
	})
}

// knowledge is what the records know, asked once a sweep for each VNF. What it says may be older than the ledger's row, not
// older than the list of the VIM; and nothing is released because of one answer.
type knowledge struct {
	ask  func(ctx context.Context, vnfID string) (func(vim.Token) bool, error)
	vnfs map[string]func(vim.Token) bool
}

// wants reports whether the records know a resource.
func (k knowledge) wants(ctx context.Context, r vim.Resource) (bool, error) {
	wants := k.vnfs[r.Owner]
	if wants == nil {
		var err error
		if wants, err = k.ask(ctx, r.Owner); err != nil {
			return false, err
		}
		k.vnfs[r.Owner] = wants
	}
	return wants(r.Token), nil
}

// orphaned reports whether a row does not account for a resource that its VIM has.
func orphaned(r *eventstore.Record) bool {
	return r.State == Failed || r.State == Released || r.State == Releasing && r.Due.IsZero()
}

// adopt rebuilds the row of a resource that the records know.
func (s *Sweeper) adopt(ctx context.Context, connection string, found vim.Resource) error {
	token := found.Token.String()
	s.cfg.Logger.WarnContext(ctx, "ledger row rebuilt", "vim_id", connection, "token", token, "kind", string(found.Kind), "vnf_id", found.Owner)
	return s.cfg.change(ctx, found.Owner, nil, []string{token}, func(lg *ledger) error {
		r, err := lg.resource(token)
		if err != nil || r != nil {
			return err
		}
		r = add(lg, lg.resources, resourceRef(token), found.Owner, connection)
		r.doc.Token, r.doc.Kind, r.doc.Owner, r.doc.Resource = found.Token, found.Kind, found.Owner, &found
		r.move(Active, time.Time{})
		return nil
	})
}

// active returns the resources that the ledger says stand at a VIM. A configuration is nothing a VIM would list.
func active(ctx context.Context, store Store, connection string, lanes []int) ([]vim.Resource, error) {
	var out []vim.Resource
	q := eventstore.RecordQuery{Table: eventstore.TableVimResources, Group: connection, State: Active, Lanes: lanes, Limit: 500}
	for {
		recs, err := store.Records(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read active rows: %w", err)
		}
		for _, rec := range recs {
			q.After = rec.ID
			var d resource
			if err := json.Unmarshal(rec.Doc, &d); err != nil {
				return nil, fmt.Errorf("ledger row %s: %w", rec.ID, err)
			}
			if d.Kind != vim.Configuration && d.Resource != nil {
				out = append(out, *d.Resource)
			}
		}
		if len(recs) < q.Limit {
			return out, nil
		}
	}
}

// gone reports a resource that the ledger has and the VIM has not, unless it was released meanwhile.
func (s *Sweeper) gone(ctx context.Context, connection string, r vim.Resource) error {
	ref := resourceRef(r.Token.String())
	l, err := s.cfg.Store.Load(ctx, eventstore.Load{Records: []eventstore.RecordRef{ref}})
	if err != nil {
		return err
	}
	if rec := l.Records[ref]; rec == nil || rec.State != Active {
		return nil
	}
	s.cfg.Logger.WarnContext(ctx, "resource gone", "vim_id", connection, "token", r.Token.String(), "kind", string(r.Kind), "vnf_id", r.Owner)
	if s.cfg.Gone != nil {
		s.cfg.Gone(connection, r)
	}
	return nil
}

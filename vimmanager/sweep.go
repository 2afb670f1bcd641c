package vimmanager

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
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
	if len(lanes) == 0 {
		return false, nil
	}
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
	// What the ledger says is read before the VIM is asked: what became active meanwhile is not missed, and what a release
	// did meanwhile is not taken for what it left.
	asked, err := s.cfg.Store.Now(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the store's clock: %w", err)
	}
	active, there := tokens{}, tokens{}
	standing := eventstore.RecordQuery{Table: eventstore.TableVimResources, Group: connection, State: Active, Lanes: lanes, Heads: true, Limit: manyHeads}
	err = ledger.Each(ctx, s.cfg.Store, standing, func(r eventstore.Record) error {
		active.add(r.ID)
		return nil
	})
	if err != nil {
		return 0, err //nolint:wrapcheck // says what it was about
	}
	var left []eventstore.Record
	err = rows(ctx, s.cfg.Store, connection, Releasing, lanes, func(r *resourceRow) error {
		if givenUp(&r.Record) && at.Covers(r.Doc.Owner) {
			left = append(left, eventstore.Record{ID: r.ID, Key: r.Key, Version: r.Version})
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	acted := 0
	known := knowledge{ask: s.cfg.Wanted, vnfs: map[string]func(vim.Token) bool{}}
	err = vim.EachPage(ctx, driver, at.Connection, "", s.cfg.Page, s.cfg.Attempt, func(page []vim.Resource) error {
		for _, r := range page {
			there.add(r.Token.String())
		}
		page = slices.DeleteFunc(page, func(r vim.Resource) bool {
			return !at.Covers(r.Owner) || !slices.Contains(lanes, eventstore.LaneOf(r.Owner))
		})
		did, err := s.accounts(ctx, connection, page, known, seen)
		acted += did
		return err
	})
	if s.cfg.Gates.Listed(ctx, at.Connection, err); err != nil {
		return acted, fmt.Errorf("compare with what the VIM lists: %w", err)
	}
	n, err := s.missing(ctx, at, lanes, active, there)
	if acted += n; err != nil {
		return acted, err
	}
	for _, r := range left {
		if !there.has(r.ID) {
			acted++
			if err := s.finish(ctx, r, asked); err != nil {
				return acted, err
			}
		}
	}
	return acted, nil
}

// manyHeads is how many rows are read at once without their documents.
const manyHeads = 5000

// missing reports what the ledger had as active before its VIM was asked, has so still, and the VIM has not.
func (s *Sweeper) missing(ctx context.Context, at vim.Site, lanes []int, active, there tokens) (int, error) {
	n := 0
	if active.in(there) {
		return n, nil
	}
	err := rows(ctx, s.cfg.Store, at.ID, Active, lanes, func(r *resourceRow) error {
		if r.Doc.Kind == vim.Configuration || r.Doc.Resource == nil || !at.Covers(r.Doc.Owner) || !active.has(r.ID) || there.has(r.ID) {
			return nil
		}
		n++
		s.gone(ctx, at.ID, *r.Doc.Resource)
		return nil
	})
	return n, err
}

// tokens is a set of resource tokens, by hash: however many resources a VIM has, each takes a few bytes. That two have the same
// hash has one of them not missed until the other goes.
type tokens map[uint64]struct{}

func (t tokens) add(token string) { t[hash(token)] = struct{}{} }

func (t tokens) has(token string) bool {
	_, ok := t[hash(token)]
	return ok
}

// in reports whether another set has all of this one.
func (t tokens) in(other tokens) bool {
	for h := range t {
		if _, ok := other[h]; !ok {
			return false
		}
	}
	return true
}

func hash(token string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(token)) // never fails
	return h.Sum64()
}

// accounts makes sure that each resource of a page is accounted for by a row, and returns how many were not. The rows are read
// after the resources were seen, and an intent is committed before a resource can exist: one under way is known.
func (s *Sweeper) accounts(ctx context.Context, connection string, page []vim.Resource, known knowledge, seen map[string]bool) (int, error) {
	refs := make([]eventstore.RecordRef, len(page))
	for i, r := range page {
		refs[i] = resourceRef(r.Token.String())
	}
	l, err := s.cfg.Store.Load(ctx, eventstore.Load{Records: refs})
	if err != nil {
		return 0, err
	}
	if err := known.learn(ctx, page); err != nil {
		return 0, fmt.Errorf("ask the records: %w", err)
	}
	acted := 0
	for i, r := range page {
		r.Warnings, r.Failed = nil, nil // they may repeat secrets, and whose cannot be told here; the steps of its row hear them
		did, err := s.account(ctx, connection, r, l.Records[refs[i]], known, seen)
		if err != nil {
			return acted, err
		}
		if did {
			acted++
		}
	}
	return acted, nil
}

// account has the row of a resource agree with what its VIM shows, and the resource released that no row accounts for.
func (s *Sweeper) account(ctx context.Context, connection string, found vim.Resource, rec *eventstore.Record, known knowledge, seen map[string]bool) (bool, error) {
	token := found.Token.String()
	switch {
	case s.cfg.Wanted != nil && (rec == nil || rec.State == Failed || rec.State == Active): // the records have the last word
		wanted := known.vnfs[found.Owner](found.Token)
		switch {
		case wanted && rec == nil:
			return true, s.adopt(ctx, connection, found)
		case wanted && rec.State == Active:
			return s.refresh(ctx, rec, found)
		case wanted: // an older ledger may have an attempt that failed; a later one did not
			return false, nil
		}
	case rec != nil && rec.State == Active:
		return s.refresh(ctx, rec, found)
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
	return true, s.cfg.change(ctx, k, func(b *book) error {
		r, err := b.resource(token)
		if err != nil {
			return err
		}
		switch {
		case r == nil:
			r = ledger.Add[resource](b.Book, resourceRef(token), k, connection)
			r.Doc.Token, r.Doc.Kind, r.Doc.Owner = found.Token, found.Kind, found.Owner
			b.release(r, "")
		case !orphaned(&r.Record) && (r.State != Active || len(r.Doc.Waiting) > 0): // asked for again meanwhile
		case r.State == Failed: // its token may still be asked for again
			b.clear(r, nil)
		default:
			b.release(r, "")
		}
		return nil
	})
}

// mostKnown bounds of how many VNFs a sweep remembers what the records know, beside those of a page.
const mostKnown = 256

// knowledge is what the records know, asked for the VNFs of a page at once and remembered for a while. What it says may be older than
// the ledger's row, not older than the list of the VIM; and nothing is released because of one answer.
type knowledge struct {
	ask  func(ctx context.Context, vnfIDs []string) (map[string]func(vim.Token) bool, error) // nil: nobody asks
	vnfs map[string]func(vim.Token) bool
}

// learn asks about the VNFs of a page.
func (k knowledge) learn(ctx context.Context, page []vim.Resource) error {
	if k.ask == nil || len(page) == 0 {
		return nil
	}
	if len(k.vnfs) >= mostKnown {
		clear(k.vnfs)
	}
	unknown := map[string]bool{}
	for i := range page {
		if k.vnfs[page[i].Owner] == nil {
			unknown[page[i].Owner] = true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	found, err := k.ask(ctx, slices.Sorted(maps.Keys(unknown)))
	maps.Copy(k.vnfs, found)
	return err
}

// orphaned reports whether a row does not account for a resource that its VIM has.
func orphaned(r *eventstore.Record) bool {
	return r.State == Failed || r.State == Released || givenUp(r)
}

// givenUp reports whether a row's release failed, and nobody has asked for it again.
func givenUp(r *eventstore.Record) bool { return r.State == Releasing && r.Due.IsZero() }

// finish ends a release that was given up, of what its VIM did not have when it was asked after that. What may still come,
// by a call that has not been waited for, and what no VIM would list, has a worker release once more.
func (s *Sweeper) finish(ctx context.Context, left eventstore.Record, asked time.Time) error {
	return s.cfg.change(ctx, left.Key, func(b *book) error {
		r, err := b.resource(left.ID)
		if err != nil || r == nil || r.Version != left.Version { // somebody went on with it
			return err
		}
		if in := r.Doc.Intent; r.Doc.Kind == vim.Configuration || in != nil && asked.Before(in.Deadline.Add(b.Quarantine)) {
			b.release(r, "")
			return nil
		}
		return b.released(r)
	})
}

// adopt rebuilds the row of a resource that the records know.
func (s *Sweeper) adopt(ctx context.Context, connection string, found vim.Resource) error {
	token := found.Token.String()
	s.cfg.Logger.WarnContext(ctx, "ledger row rebuilt", "vim_id", connection, "token", token, "kind", string(found.Kind), "vnf_id", found.Owner)
	return s.cfg.change(ctx, found.Owner, func(b *book) error {
		r, err := b.resource(token)
		if err != nil || r != nil {
			return err
		}
		r = ledger.Add[resource](b.Book, resourceRef(token), found.Owner, connection)
		r.Doc.Token, r.Doc.Kind, r.Doc.Owner, r.Doc.Resource = found.Token, found.Kind, found.Owner, &found
		r.Doc.saw(found.Revision)
		r.Move(Active, time.Time{})
		return nil
	})
}

// refresh has a row that says a resource stands say at which revision, when that is not the one it had: the ledger went back
// behind a change, or a change landed that nobody waits for. It reports whether there was anything to do.
func (s *Sweeper) refresh(ctx context.Context, rec *eventstore.Record, found vim.Resource) (bool, error) {
	r, err := ledger.Decode[resource](*rec)
	if err != nil {
		return false, err //nolint:wrapcheck // says what it was about
	}
	if !found.Ready || r.Doc.Resource != nil && (found.Revision == r.Doc.Revision || found.Revision == 0) {
		return false, nil
	}
	s.cfg.Logger.WarnContext(ctx, "resource at another revision", "vim_id", rec.Group, "token", rec.ID, "kind", string(found.Kind),
		"vnf_id", found.Owner, "revision", found.Revision, "recorded", r.Doc.Revision)
	return true, s.cfg.change(ctx, rec.Key, func(b *book) error {
		r, err := b.resource(rec.ID)
		if err != nil || r == nil || r.Version != rec.Version { // somebody went on with it
			return err
		}
		r.Doc.Resource = &found
		r.Doc.saw(found.Revision)
		r.Touch()
		return nil
	})
}

// active returns the resources that the ledger says stand at a VIM. A configuration is nothing a VIM would list.
func active(ctx context.Context, store Store, connection string, lanes []int) ([]vim.Resource, error) {
	var out []vim.Resource
	err := rows(ctx, store, connection, Active, lanes, func(r *resourceRow) error {
		if r.Doc.Kind != vim.Configuration && r.Doc.Resource != nil {
			out = append(out, *r.Doc.Resource)
		}
		return nil
	})
	return out, err
}

// rows reads the resource rows of a VIM that are in a state.
func rows(ctx context.Context, store Store, connection, state string, lanes []int, each func(*resourceRow) error) error {
	q := eventstore.RecordQuery{Table: eventstore.TableVimResources, Group: connection, State: state, Lanes: lanes}
	return ledger.Each(ctx, store, q, func(rec eventstore.Record) error { //nolint:wrapcheck // says what it was about
		r, err := ledger.Decode[resource](rec)
		if err != nil {
			return err //nolint:wrapcheck // says what it was about
		}
		return each(r)
	})
}

// gone reports a resource that the ledger has and the VIM has not.
func (s *Sweeper) gone(ctx context.Context, connection string, r vim.Resource) {
	s.cfg.Logger.WarnContext(ctx, "resource gone", "vim_id", connection, "token", r.Token.String(), "kind", string(r.Kind), "vnf_id", r.Owner)
	if s.cfg.Gone != nil {
		s.cfg.Gone(connection, r)
	}
}

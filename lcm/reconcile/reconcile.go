// Package reconcile compares what VIMs have with the records, again and again: each VIM connection is listed once in a round, for all VNFs,
// and what differs is noted on the VNFs, as an event where that is news. Where the policy says so it begins the repair of a VNF, by the use
// case that people begin it with.
//
// A round changes nothing at a VIM. One that is cut off is made anew, and notes nothing twice.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vnf"
)

// Store is what a reconciler reads.
type Store interface {
	Load(ctx context.Context, l eventstore.Load) (*eventstore.Loaded, error)
	Views(ctx context.Context, q eventstore.ViewQuery) ([]eventstore.View, error)
	Records(ctx context.Context, q eventstore.RecordQuery) ([]eventstore.Record, error)
	Sagas(ctx context.Context, q eventstore.SagaQuery) ([]eventstore.SagaRow, error)
	Now(ctx context.Context) (time.Time, error)
}

// UseCases is what a reconciler does to VNFs; an lcm.Service has it.
type UseCases interface {
	// NoteDrift notes what a comparison has found, and reports whether it was news.
	NoteDrift(ctx context.Context, vnfID string, n vnf.NoteDrift) (bool, error)
	// RepairDrift begins a repair of what differs; confirmed says that a VIM which has few of the VNF's resources is to be believed. It
	// returns "" when there was nothing to repair. Unavailable when a VIM cannot tell.
	RepairDrift(ctx context.Context, vnfID string, confirmed bool) (opID string, err error)
}

// Settings are the choices of a site. Zero fields mean the default.
type Settings struct {
	Interval time.Duration // between two rounds of a connection; 1 min
	// Often is the interval of the types of VIM that are looked at more often.
	Often       map[string]time.Duration
	Call        time.Duration // bounds one call to a VIM; 20 s
	Page        int           // resources that a VIM is asked for at once; 1000
	Lists       int           // VIMs that are listed at once; 1
	Finds       int           // resources that are not listed, and are looked up one by one in a round; 100
	Differences int           // of a VNF at a connection that are kept; 20
	// Suspect is the share of the resources that the records have at a connection, in percent, beyond which that its VIM does not have
	// them is not believed; 50.
	Suspect int
	// NoWatch: VIMs that can tell that something changes are looked at from time to time only, as the others.
	NoWatch bool
	// Confirm is after how many rounds that found the same a suspect VIM is believed; 0: never.
	Confirm int
	Repair  bool // VNFs that do not say themselves are repaired
	// Repairs is how many VNFs of a connection are repaired at once; 2.
	Repairs  int
	Attempts int           // of repairing a VNF, before it is given up; 3
	Backoff  time.Duration // before the second attempt, doubled for each next one; 1 min
	Quiet    time.Duration // for which nothing may differ before attempts are counted anew; 1 h
}

// Config describes a reconciler.
type Config struct {
	Store     Store
	Doer      eventstore.Doer
	Instances *readmodel.Instances
	UseCases  UseCases
	Registry  vim.Registry
	Drivers   map[string]vim.Driver // by vimType
	Epochs    ledger.Epochs         // whose connections to look at; nil: all
	Settings  Settings
	Observer  Observer // nil: nobody
	// Listed is told how a list of a VIM ended; nil: nobody.
	Listed func(ctx context.Context, conn vim.Connection, err error)
	Logger *slog.Logger // nil: slog.Default
}

// Observer is told of rounds.
type Observer interface {
	// Round is told how a round went.
	Round(s *Status)
	// Kept is told which connections this process looks at: of others it knows nothing any more.
	Kept(connections map[string]bool)
}

// Reconciler looks at VIMs.
type Reconciler struct {
	cfg  Config
	next time.Time // when something is due, by the store's clock
	seen *watches  // nil: nothing is watched
	took time.Duration
}

// New returns a reconciler.
func New(cfg Config) *Reconciler {
	s := &cfg.Settings
	for _, d := range []struct {
		at        *time.Duration
		otherwise time.Duration
	}{{&s.Interval, time.Minute}, {&s.Call, 20 * time.Second}, {&s.Backoff, time.Minute}, {&s.Quiet, time.Hour}} {
		if *d.at <= 0 {
			*d.at = d.otherwise
		}
	}
	for _, n := range []struct {
		at        *int
		otherwise int
	}{{&s.Page, 1000}, {&s.Lists, 1}, {&s.Finds, 100}, {&s.Differences, 20}, {&s.Suspect, 50}, {&s.Repairs, 2}, {&s.Attempts, 3}} {
		if *n.at <= 0 {
			*n.at = n.otherwise
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Reconciler{cfg: cfg}
}

// idle is how long a reconciler waits at most before it looks what is due: others may have made it so, and lanes come and go.
const idle = 5 * time.Second

// Run makes rounds as they are due until the context ends, then returns nil.
func (r *Reconciler) Run(ctx context.Context) error {
	nudge := make(<-chan struct{})
	if !r.cfg.Settings.NoWatch {
		r.seen = newWatches(ctx, r)
		defer r.seen.all.Wait()
		nudge = r.seen.nudge
	}
	for {
		began := time.Now()
		did, err := r.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			r.cfg.Logger.WarnContext(ctx, "round of comparisons incomplete", "error", err)
		}
		r.took = time.Since(began)
		wait := idle
		if now, clock := r.cfg.Store.Now(ctx); clock == nil && !r.next.IsZero() {
			wait = min(idle, max(r.next.Sub(now), 0))
		}
		if did || err != nil {
			wait = max(wait, time.Second)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		case <-nudge: // no more than a fifth of the time is spent on what was seen
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(gather + 4*r.took):
			}
		}
	}
}

// RunOnce makes the round of every connection of which one is due, and reports whether there was any. A VIM that cannot be listed does
// not keep the others from being looked at.
func (r *Reconciler) RunOnce(ctx context.Context) (bool, error) {
	sites, err := vim.Sites(ctx, r.cfg.Registry)
	if err != nil {
		return false, fmt.Errorf("list the VIM connections: %w", err)
	}
	now, err := r.cfg.Store.Now(ctx)
	if err != nil {
		return false, fmt.Errorf("read the store's clock: %w", err)
	}
	lanes := eventstore.Held(r.cfg.Epochs)
	kept := map[string]bool{}
	var mine []site
	for _, at := range named(sites) {
		if slices.Contains(lanes, eventstore.LaneOf(at.key)) {
			mine = append(mine, at)
			kept[at.ID] = true
		}
	}
	if r.cfg.Observer != nil {
		r.cfg.Observer.Kept(kept)
	}
	if r.seen != nil {
		r.seen.keep(mine)
	}
	soonest := time.Time{}
	next := func(due time.Time) {
		if soonest.IsZero() || due.Before(soonest) {
			soonest = due
		}
	}
	var errs []error
	var due []site
	for _, at := range mine {
		row, err := r.row(ctx, at)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if changed := r.seen.take(at.key); changed || !row.Due.After(now) {
			due = append(due, at)
		} else {
			next(row.Due)
		}
	}
	for some := range slices.Chunk(due, r.cfg.Settings.Lists) {
		all := r.lists(ctx, some)
		for i := range all {
			again, err := r.round(ctx, &all[i], now)
			if err != nil {
				errs = append(errs, fmt.Errorf("look at %s: %w", all[i].at.ID, err))
			}
			next(again)
			all[i] = listed{} // of many VIMs it is much
		}
	}
	did := len(due) > 0
	if r.next = soonest; len(lanes) > 0 && did {
		errs = append(errs, r.forget(ctx, sites))
	}
	return did, errors.Join(errs...)
}

// site is a connection with what its row is called.
type site struct {
	vim.Site
	key string
}

// named gives sites their names: those that VNFs have of their own, under an id that may be another's, are told apart by their number.
func named(sites []vim.Site) []site {
	out, seen := make([]site, 0, len(sites)), map[string]int{}
	for _, at := range sites {
		key := at.ID
		if n := seen[at.ID]; n > 0 {
			key += "#" + strconv.Itoa(n)
		}
		seen[at.ID]++
		out = append(out, site{Site: at, key: key})
	}
	return out
}

// interval returns the time until the next round of a connection: a little more or less than it is set to, so that those of many
// connections do not fall together.
func (r *Reconciler) interval(at site, rounds int64) time.Duration {
	d := r.cfg.Settings.Interval
	if often := r.cfg.Settings.Often[at.Type]; often > 0 {
		d = min(d, often)
	}
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", at.key, rounds) // never fails
	return d*9/10 + time.Duration(int64(d/5)*int64(h.Sum32()%1000)/1000)
}

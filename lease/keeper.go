// Package lease keeps the lanes of the key space for one process: it acquires those that are free, renews those it has
// and gives them up when it stops.
//
// It owns the answer to "may I move this lane's cursors and fire its timers?", and gives it under an epoch that the
// database checks again. It promises that a process stops believing in a lease before the database would give it to
// another. It must not know what is done with a lane.
package lease

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vnfm/vnfm/eventstore"
)

// Config says whose lanes are kept where.
type Config struct {
	Store eventstore.Owner
	Owner string // unique per process run
	// TTL is how long a lease lasts without renewal; 0 means 10 s. It is renewed every third of it and trusted for two.
	TTL time.Duration
	// Now is the process's own clock; only differences of it are used.
	Now    func() time.Time
	Lanes  []int        // nil: all
	Logger *slog.Logger // nil: slog.Default
}

// Keeper holds leases. Its methods may be called by several callers at once.
type Keeper struct {
	cfg Config

	mu      sync.RWMutex
	epochs  map[int]int64
	trusted time.Time // until when the epochs may be used
	failed  error     // of the last attempt; nil when it succeeded
}

// New returns a keeper that holds nothing yet.
func New(cfg Config) *Keeper {
	if cfg.TTL <= 0 {
		cfg.TTL = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Lanes == nil {
		for lane := range eventstore.Lanes {
			cfg.Lanes = append(cfg.Lanes, lane)
		}
	}
	return &Keeper{cfg: cfg}
}

// Epoch returns the epoch under which this process holds a lane, and false when it does not hold it or has not renewed
// it in time.
func (k *Keeper) Epoch(lane int) (int64, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	e, ok := k.epochs[lane]
	return e, ok && k.cfg.Now().Before(k.trusted)
}

// Failed returns why the last attempt to renew failed, nil when it did not. It writes, so this tells whether the store can be
// written.
func (k *Keeper) Failed() error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.failed
}

// RunOnce acquires and renews, and reports whether the set of lanes held changed.
func (k *Keeper) RunOnce(ctx context.Context) (bool, error) {
	asked := k.cfg.Now() // before the request: the lease runs from when the store wrote it, not earlier
	leases, err := k.cfg.Store.Lease(ctx, eventstore.LeaseRequest{
		Owner: k.cfg.Owner, Lanes: k.cfg.Lanes, TTL: k.cfg.TTL.Milliseconds(),
	})
	if err != nil {
		k.mu.Lock()
		k.failed = err
		k.mu.Unlock()
		return false, fmt.Errorf("renew the leases of %s: %w", k.cfg.Owner, err)
	}
	epochs := make(map[int]int64, len(leases))
	for _, l := range leases {
		epochs[l.Lane] = l.Epoch
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := len(epochs) != len(k.epochs)
	for lane, e := range epochs {
		changed = changed || k.epochs[lane] != e
	}
	if changed {
		k.cfg.Logger.InfoContext(ctx, "lanes held changed", "lanes", len(epochs), "before", len(k.epochs))
	}
	k.epochs, k.failed = epochs, nil
	k.trusted = asked.Add(k.cfg.TTL * 2 / 3)
	return changed, nil
}

// Run keeps the leases until the context ends, gives them up and returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(k.cfg.TTL / 3)
	defer tick.Stop()
	for {
		if _, err := k.RunOnce(ctx); err != nil && ctx.Err() == nil {
			k.cfg.Logger.WarnContext(ctx, "leases not renewed", "error", err)
		}
		select {
		case <-ctx.Done():
			return k.release(context.WithoutCancel(ctx))
		case <-tick.C:
		}
	}
}

// Release gives all lanes up, so that another process need not wait for them to run out.
func (k *Keeper) Release(ctx context.Context) error {
	k.mu.Lock()
	k.epochs = nil
	k.mu.Unlock()
	_, err := k.cfg.Store.Lease(ctx, eventstore.LeaseRequest{Owner: k.cfg.Owner, Lanes: k.cfg.Lanes})
	if err != nil {
		return fmt.Errorf("give up the leases of %s: %w", k.cfg.Owner, err)
	}
	return nil
}

// release is Release at the end of Run: when it does not work out the leases run out by themselves.
func (k *Keeper) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.TTL)
	defer cancel()
	if err := k.Release(ctx); err != nil {
		k.cfg.Logger.WarnContext(ctx, "leases not given up", "error", err)
	}
	return nil
}

// Package lease keeps this process's share of the lanes, for each role by itself: it takes those that nobody has, renews, gives
// up what is more than its share, and everything when it stops.
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
	// Node is this process, as others see it: its ID is of this run, and it takes its share of the lanes of its roles.
	Node eventstore.Node
	// Alone says that no other process can use the store: what one before had is this one's at once.
	Alone bool
	// TTL is how long a lease lasts without renewal; 0 means 3 s. It is renewed every quarter of it and trusted for two thirds.
	TTL time.Duration
	// Moment is how long what runs under a lease has to end before the lane is given up; 0 means 100 ms, a thirtieth of TTL at
	// most. What takes longer fails at the epoch, or is looked after by the next owner.
	Moment time.Duration
	// Now is the process's own clock; only differences of it are used.
	Now    func() time.Time
	Logger *slog.Logger // nil: slog.Default
}

// Keeper holds leases. Its methods may be called by several callers at once.
type Keeper struct {
	cfg Config

	asking sync.Mutex // one request after the other
	want   []eventstore.RoleLane
	giving map[eventstore.RoleLane]time.Time // not used since, to be given up

	mu      sync.RWMutex
	epochs  map[string]*[eventstore.Lanes]int64 // by role; 0: not held
	trusted time.Time                           // until when the epochs may be used
	next    time.Time
	others  bool
	failed  error // of the last attempt; nil when it succeeded
}

// New returns a keeper that holds nothing yet.
func New(cfg Config) *Keeper {
	if cfg.TTL <= 0 {
		cfg.TTL = 3 * time.Second
	}
	if cfg.Moment <= 0 {
		cfg.Moment = min(100*time.Millisecond, cfg.TTL/30)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Keeper{cfg: cfg}
}

// Lanes are the lanes of one role, as this process has them.
type Lanes struct {
	keeper *Keeper
	role   string
}

// Role returns the lanes of a role. There are none when the keeper's node does not have it.
func (k *Keeper) Role(name string) Lanes { return Lanes{k, name} }

// Role names the role.
func (l Lanes) Role() string { return l.role }

// Epoch returns the epoch under which this process holds a lane for the role, and false when it does not hold it or has not
// renewed it in time.
func (l Lanes) Epoch(lane int) (int64, bool) {
	k := l.keeper
	k.mu.RLock()
	defer k.mu.RUnlock()
	held := k.epochs[l.role]
	if held == nil || held[lane] == 0 || !k.cfg.Now().Before(k.trusted) {
		return 0, false
	}
	return held[lane], true
}

// Failed returns why the last attempt to renew failed, nil when it did not. It writes, so this tells whether the store can be
// written.
func (k *Keeper) Failed() error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.failed
}

// Others reports whether other nodes lived when the store was asked last.
func (k *Keeper) Others() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.others
}

// Next returns when RunOnce is to be run again.
func (k *Keeper) Next() time.Time {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.next
}

// rounds is how often RunOnce asks for lanes in a row: others who ask at once may have been given what it asked for.
const rounds = 3

// RunOnce renews, takes and gives up lanes, and reports whether the set of lanes that may be used changed.
func (k *Keeper) RunOnce(ctx context.Context) (bool, error) {
	k.asking.Lock()
	defer k.asking.Unlock()
	did := false
	for range rounds {
		changed, err := k.ask(ctx)
		if err != nil {
			return did, fmt.Errorf("renew the leases of %s: %w", k.cfg.Node.ID, err)
		}
		did = did || changed
		if len(k.want) == 0 {
			break
		}
	}
	return did, nil
}

// ask makes one request and takes in its answer.
func (k *Keeper) ask(ctx context.Context) (changed bool, err error) {
	asked := k.cfg.Now() // before the request: the lease runs from when the store wrote it, not earlier
	r := eventstore.LeaseRequest{Node: k.cfg.Node, Want: k.want, TTL: k.cfg.TTL.Milliseconds(), Alone: k.cfg.Alone}
	for lane, since := range k.giving {
		if asked.Sub(since) >= k.cfg.Moment {
			r.Give = append(r.Give, lane)
		}
	}
	l, err := k.cfg.Store.Lease(ctx, r)
	answered := k.cfg.Now()
	if err != nil {
		k.mu.Lock()
		k.failed, k.next = err, answered.Add(k.cfg.TTL/8)
		k.mu.Unlock()
		return false, err
	}
	want, give := Share(k.cfg.Node.ID, l)
	giving := make(map[eventstore.RoleLane]time.Time, len(give))
	for _, lane := range give {
		if since, ok := k.giving[lane]; ok {
			giving[lane] = since
		} else {
			giving[lane] = answered
		}
	}
	k.want, k.giving = want, giving
	epochs := map[string]*[eventstore.Lanes]int64{}
	for _, h := range l.Of(k.cfg.Node.ID) {
		if _, leaving := giving[h.RoleLane]; leaving {
			continue
		}
		if epochs[h.Role] == nil {
			epochs[h.Role] = &[eventstore.Lanes]int64{}
		}
		epochs[h.Role][h.Lane] = h.Epoch
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.epochs
	k.epochs, k.failed, k.others = epochs, nil, len(l.Nodes) > 1
	k.trusted = asked.Add(k.cfg.TTL * 2 / 3)
	k.next = k.after(l, asked, answered)
	if changed = !same(before, epochs); changed {
		k.cfg.Logger.InfoContext(ctx, "lanes held changed", "lanes", count(epochs), "before", count(before), "nodes", len(l.Nodes))
	}
	return changed, nil
}

// after returns when to ask again: in a quarter of the lease; sooner when lanes are to be given up, or others will give theirs up
// for this node, or when the time of a node runs out.
func (k *Keeper) after(l eventstore.Leases, asked, answered time.Time) time.Time {
	next := asked.Add(k.cfg.TTL / 4)
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, since := range k.giving {
		sooner(since.Add(k.cfg.Moment))
	}
	if len(k.want) > 0 || short(k.cfg.Node, l) {
		sooner(answered.Add(k.cfg.TTL / 16))
	}
	for i := range l.Nodes {
		if n := &l.Nodes[i]; n.ID != k.cfg.Node.ID {
			sooner(answered.Add(time.Duration(n.Until-l.Now+1) * time.Millisecond))
		}
	}
	return next
}

// short reports whether a node has less than its share of a role's lanes, which others have yet to give up.
func short(n eventstore.Node, l eventstore.Leases) bool {
	held := map[string]int{}
	for _, h := range l.Of(n.ID) {
		held[h.Role]++
	}
	for _, role := range n.Roles {
		if rank, sharers := sharing(n.ID, role, l.Nodes); rank >= 0 && held[role] < quota(rank, sharers) {
			return true
		}
	}
	return false
}

func same(a, b map[string]*[eventstore.Lanes]int64) bool {
	if len(a) != len(b) {
		return false
	}
	for role, held := range a {
		if b[role] == nil || *b[role] != *held {
			return false
		}
	}
	return true
}

func count(epochs map[string]*[eventstore.Lanes]int64) (n int) {
	for _, held := range epochs {
		for _, e := range held {
			if e > 0 {
				n++
			}
		}
	}
	return n
}

// Run keeps the leases until the context ends, gives them up and returns nil.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		if _, err := k.RunOnce(ctx); err != nil && ctx.Err() == nil {
			k.cfg.Logger.WarnContext(ctx, "leases not renewed", "error", err)
		}
		select {
		case <-ctx.Done():
			return k.end(context.WithoutCancel(ctx))
		case <-time.After(k.Next().Sub(k.cfg.Now())):
		}
	}
}

// Release gives all lanes up and ends the node, so that other processes need not wait for its time to run out.
func (k *Keeper) Release(ctx context.Context) error {
	k.forget()
	k.asking.Lock()
	defer k.asking.Unlock()
	k.forget() // what was asked for meanwhile
	if _, err := k.cfg.Store.Lease(ctx, eventstore.LeaseRequest{Node: k.cfg.Node, Alone: k.cfg.Alone}); err != nil {
		return fmt.Errorf("give up the leases of %s: %w", k.cfg.Node.ID, err)
	}
	return nil
}

// forget stops believing in all lanes, and reports whether there were any.
func (k *Keeper) forget() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	had := len(k.epochs) > 0
	k.epochs = nil
	return had
}

// end is Release at the end of Run: what runs has a moment to end, and when it does not work out the leases run out by themselves.
func (k *Keeper) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.TTL)
	defer cancel()
	if k.forget() {
		<-time.After(k.cfg.Moment)
	}
	if err := k.Release(ctx); err != nil {
		k.cfg.Logger.WarnContext(ctx, "leases not given up", "error", err)
	}
	return nil
}

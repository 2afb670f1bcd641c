package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/lease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keeper(store eventstore.Owner, owner string, now func() time.Time) *lease.Keeper {
	return lease.New(lease.Config{
		Store: store, Owner: owner, Now: now, TTL: 9 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
}

func runOnce(t *testing.T, k *lease.Keeper, want bool) {
	t.Helper()
	if changed, err := k.RunOnce(t.Context()); err != nil || changed != want {
		t.Fatalf("RunOnce: %v, %v", changed, err)
	}
}

// design §4: "two nodes think they own a lane": a process stops trusting its lease before another can have it, and the
// one that takes over has a higher epoch. Seen failing with the trust window as long as the lease.
func TestLease_is_trusted_for_a_shorter_time_than_it_lasts(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	store := memory.New(memory.Config{Now: clock})
	a, b := keeper(store, "a", clock), keeper(store, "b", clock)
	if _, ok := a.Epoch(0); ok {
		t.Fatal("nothing is held before it was asked for")
	}
	runOnce(t, a, true)
	runOnce(t, a, false)
	first, ok := a.Epoch(0)
	if !ok {
		t.Fatal("the lane is not held")
	}
	runOnce(t, b, false)
	if _, ok := b.Epoch(0); ok {
		t.Fatal("both hold the lane")
	}
	now = now.Add(6 * time.Second)
	if _, ok := a.Epoch(0); ok {
		t.Fatal("a still trusts a lease it did not renew")
	}
	runOnce(t, b, false) // and b cannot have it yet
	now = now.Add(4 * time.Second)
	runOnce(t, b, true)
	second, ok := b.Epoch(63)
	if !ok || second <= first {
		t.Fatalf("epochs %d then %d, held %v", first, second, ok)
	}
	runOnce(t, a, true) // it learns that it lost them
	if _, ok := a.Epoch(0); ok {
		t.Fatal("a holds what b has")
	}
}

// late is a store whose answers take so long.
type late struct {
	eventstore.Owner
	after func()
}

func (l late) Lease(ctx context.Context, r eventstore.LeaseRequest) ([]eventstore.Lease, error) {
	leases, err := l.Owner.Lease(ctx, r)
	l.after()
	return leases, err
}

// A lease runs from when the store wrote it, however long the answer takes: it is trusted from the request on. Seen failing (both
// trust the lane) with the trust counted from the answer.
func TestLease_is_trusted_from_the_request_not_from_its_answer(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	store := memory.New(memory.Config{Now: clock})
	a := keeper(late{store, func() { now = now.Add(5 * time.Second) }}, "a", clock)
	runOnce(t, a, true)
	if _, ok := a.Epoch(0); !ok {
		t.Fatal("five of nine seconds are over, and the lane is not held")
	}
	now = now.Add(4 * time.Second) // nine seconds after the lease was written: another may have it
	b := keeper(store, "b", clock)
	runOnce(t, b, true)
	_, mine := a.Epoch(0)
	if _, its := b.Epoch(0); !its || mine {
		t.Errorf("a trusts it: %v, b trusts it: %v", mine, its)
	}
}

func TestRelease_lets_another_have_the_lanes_at_once(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	store := memory.New(memory.Config{Now: clock})
	a, b := keeper(store, "a", clock), keeper(store, "b", clock)
	runOnce(t, a, true)
	if err := a.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	runOnce(t, b, true)
	_, mine := a.Epoch(0)
	if _, ok := b.Epoch(0); !ok || mine {
		t.Fatalf("b holds it: %v, a holds it: %v", ok, mine)
	}
}

// flaky is a store that can be out of reach.
type flaky struct {
	eventstore.Owner
	away *atomic.Bool
}

func (f flaky) Lease(ctx context.Context, r eventstore.LeaseRequest) ([]eventstore.Lease, error) {
	if f.away.Load() {
		return nil, errors.New("away")
	}
	return f.Owner.Lease(ctx, r)
}

// Seen failing with Run renewing at the end of the lease instead of every third of it.
func TestRun_keeps_the_lanes_through_a_short_outage_and_gives_them_up_at_the_end(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Config{})
		var away atomic.Bool
		a := keeper(flaky{store, &away}, "a", time.Now)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.Run(ctx) }()
		<-time.After(time.Second)
		for range 100 {
			if _, ok := a.Epoch(0); !ok {
				t.Fatal("the lane was lost")
			}
			<-time.After(time.Second)
		}
		away.Store(true)
		<-time.After(7 * time.Second)
		if _, ok := a.Epoch(0); ok {
			t.Fatal("a trusts what it could not renew")
		}
		away.Store(false)
		<-time.After(4 * time.Second)
		if _, ok := a.Epoch(0); !ok {
			t.Fatal("the lane did not come back")
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		b := keeper(store, "b", time.Now)
		runOnce(t, b, true)
	})
}

// That the store cannot be written is told from the first attempt that fails until one succeeds.
func TestFailed_tells_of_the_last_attempt(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	full := false
	store := memory.New(memory.Config{Now: func() time.Time { return now }, Fault: func(string) error {
		if full {
			return eventstore.ErrFull
		}
		return nil
	}})
	k := keeper(store, "a", func() time.Time { return now })
	for _, full = range []bool{false, true, true, false} {
		_, err := k.RunOnce(t.Context())
		if (err != nil) != full || errors.Is(k.Failed(), eventstore.ErrFull) != full {
			t.Errorf("full %v: %v, %v", full, err, k.Failed())
		}
	}
}

package ledger_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/ledger"
)

// A call that hangs keeps neither the results of the others from being committed nor their places from being used.
func TestACallThatHangsKeepsNoneWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.Room = ledger.Places(4)
		w.call = func(ctx context.Context, id string) error {
			if id != "r00" {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		w.process()
		stop := w.run()
		began := time.Now()
		w.add("vnf", "a", ids(9)...)
		<-time.After(time.Second)
		w.want(append([]string{"r00 BEGUN"}, suffixed(ids(9)[1:], "DONE")...)...)
		w.add("vnf", "b", "other")
		<-time.After(time.Second)
		if got := w.states(); got[0] != "other DONE" {
			t.Errorf("after %s the rows are %v", time.Since(began), got)
		}
		<-time.After(21 * time.Second)
		w.want(append([]string{"other DONE"}, suffixed(ids(9), "DONE")...)...) // its time was over; what came of it is committed
		stop()
	})
}

// No more rows of a group are worked on than it has room for, and none before it has any.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		opens := time.Now().Add(9500 * time.Millisecond)
		w.cfg.Room = func(group string, now time.Time) (int, time.Time) {
			if group == "shut" && now.Before(opens) {
				return 0, opens
			}
			return 3, time.Time{}
		}
		var now, most atomic.Int64
		w.call = func(context.Context, string) error {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-time.After(time.Second)
			now.Add(-1)
			return nil
		}
		w.process()
		stop := w.run()
		w.add("vnf", "open", ids(10)...)
		w.add("vnf", "shut", "z")
		<-time.After(9400 * time.Millisecond)
		w.want(append(suffixed(ids(10), "DONE"), "z WANTED")...)
		<-time.After(1200 * time.Millisecond) // its call takes a second
		w.want(append(suffixed(ids(10), "DONE"), "z DONE")...)
		if most.Load() != 3 {
			t.Errorf("%d at once, room for 3", most.Load())
		}
		stop()
	})
}

// slow is a Doer whose commits take a minute.
type slow struct{ eventstore.Doer }

func (s slow) Do(ctx context.Context, work *eventstore.Work) (*eventstore.Commit, error) {
	<-time.After(time.Minute)
	return s.Doer.Do(ctx, work)
}

// A place is for a call: while what came of one is committed, by the Doer for that, the next is made. A step that does something
// after its commit keeps its place until then. Seen failing with the place kept until the commit, and with it always given back.
func TestAPlaceIsForACall(t *testing.T) {
	for _, then := range []func(context.Context){nil, func(context.Context) {}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.cfg.Room, w.cfg.Ends, w.then = ledger.Places(1), slow{w.doer}, then
			w.process()
			stop := w.run()
			w.add("a", "vim", "r00")
			w.add("b", "vim", "r01")
			<-time.After(time.Second)
			calls := 2
			if then != nil {
				calls = 1
			}
			w.mu.Lock()
			if len(w.calls) != calls {
				t.Errorf("%d calls were made while the first result is committed, want %d", len(w.calls), calls)
			}
			w.mu.Unlock()
			<-time.After(3 * time.Minute)
			w.want("r00 DONE", "r01 DONE")
			stop()
		})
	}
}

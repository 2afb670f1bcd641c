package reconcile_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vnfm/vnfm/lcm/reconcile"
	"github.com/vnfm/vnfm/vim"
)

// watched is a VIM that tells of changes.
type watched struct {
	driver
	changed atomic.Pointer[func()]
	watches atomic.Int32
	fails   atomic.Bool
}

func (w *watched) Watch(ctx context.Context, _ vim.Connection, changed func()) error {
	w.watches.Add(1)
	if w.fails.Load() {
		return errAway
	}
	w.changed.Store(&changed)
	<-ctx.Done()
	w.watches.Add(-1)
	return nil
}

// What a VIM tells of is looked at within a second, however many changes there are in few rounds; a watch that fails is begun again, and ends with the run.
// Seen failing without the nudge: found after a minute.
func TestWhatAVimTellsIsLookedAtAtOnce(t *testing.T) {
	for _, off := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, reconcile.Settings{})
			s.make("a", "v1", 8)
			s.vims = s.vims[:1]
			began := time.Now()
			base := s.now
			s.clock = func() time.Time { return base.Add(time.Since(began)) }
			w := &watched{driver: driver{site: s}}
			w.fails.Store(true)
			r := reconcile.New(reconcile.Config{
				Store: s.store, Doer: s, Instances: s.instances, UseCases: s, Registry: s.vims, Drivers: map[string]vim.Driver{"T": w},
				Epochs: s, Settings: reconcile.Settings{NoWatch: off}, Observer: s, Logger: slog.New(slog.DiscardHandler),
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error, 1)
			go func() { done <- r.Run(ctx) }()
			pass := func(d time.Duration) {
				for range d / (100 * time.Millisecond) {
					<-time.After(100 * time.Millisecond)
					synctest.Wait()
				}
			}
			pass(3 * time.Second)
			w.fails.Store(false)
			pass(10 * time.Second)
			if changed := w.changed.Load(); (changed == nil) != off {
				t.Fatal("watched:", changed != nil)
			}
			lists := s.lists
			s.lose("v1", "a", 0)
			if !off {
				for range 1000 {
					(*w.changed.Load())()
				}
			}
			pass(time.Second)
			want := [3]int{1, 0, 0}
			if off {
				want = [3]int{}
			}
			if got := s.counts("a"); got != want || s.lists > lists+2 {
				t.Errorf("off %v: %v after %d lists", off, got, s.lists-lists)
			}
			cancel(errors.New("the test is over"))
			if err := <-done; err != nil || off == (w.watches.Load() > 0) && off {
				t.Error(err, w.watches.Load())
			}
			synctest.Wait()
		})
	}
}

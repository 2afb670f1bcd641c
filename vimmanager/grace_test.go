package vimmanager_test

import (
	"testing"
	"time"

	"github.com/vnfm/vnfm/vim"
)

// A graceful stop: a guest that stops in time is not turned off, one that does not is, at the end of its grace, however long that
// is and whoever dies meanwhile. Seen failing with a change bounded by the build timeout alone: it is given up after ten minutes.
func TestAGracefulStop(t *testing.T) {
	stop := func(w *world, grace time.Duration) {
		w.deliver(w.changeTo("stop", 1, vm(1), 2, powered(vim.PowerOn), powered(vim.PowerOff), grace))
	}
	power := func(w *world) vim.Power { return w.vim.Inventory()[0].Power }
	t.Run("it stops by itself", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"stop":"30s"}`)
		stop(w, time.Minute)
		w.run(28 * time.Second)
		if power(w) != vim.PowerOn || len(w.replies()) != 1 {
			t.Fatalf("the power is %s, the replies %v", power(w), w.replies())
		}
		w.run(12 * time.Second)
		w.wantReplies("r1 SUCCEEDED", "stop SUCCEEDED")
		if n := count(w.driver.calls, "change"); n != 1 || power(w) != vim.PowerOff || w.result().Power != vim.PowerOff {
			t.Errorf("%d changes; the power is %s", n, power(w))
		}
	})
	for name, grace := range map[string]time.Duration{"short": 10 * time.Second, "longer than a build may take": time.Hour} {
		t.Run("it ignores the request, with a grace that is "+name, func(t *testing.T) {
			w := newVM(t)
			w.behave(`{"stop":"23h"}`)
			stop(w, grace)
			began := w.now
			for power(w) == vim.PowerOn && w.now.Before(began.Add(2*grace)) {
				w.restart() // every second
				w.run(time.Second)
			}
			if took := w.now.Sub(began); took < grace || took > grace+2*time.Second {
				t.Errorf("turned off after %s", took)
			}
			w.run(10 * time.Second)
			w.wantReplies("r1 SUCCEEDED", "stop SUCCEEDED")
			if n := count(w.driver.calls, "change"); n != 2 {
				t.Errorf("%d changes, want one that asks and one that turns off", n)
			}
		})
	}
	t.Run("without a grace it is turned off at once", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"stop":"23h"}`)
		stop(w, 0)
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "stop SUCCEEDED")
	})
	t.Run("it is undone while the guest takes its time", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"stop":"23h"}`)
		stop(w, time.Hour)
		w.run(time.Minute)
		w.deliver(w.changeTo("start", 1, vm(1), 3, powered(vim.PowerOff), powered(vim.PowerOn), time.Hour))
		w.run(time.Second)
		w.wantReplies("r1 SUCCEEDED", "stop FAILED superseded", "start SUCCEEDED")
		if power(w) != vim.PowerOn {
			t.Errorf("the power is %s", power(w))
		}
	})
	t.Run("the worker dies as it asks, and the grace goes on", func(t *testing.T) {
		w := newVM(t)
		w.behave(`{"stop":"23h"}`)
		stop(w, time.Minute)
		w.driver.after = func(op string) {
			if op == "change" {
				panic(died{})
			}
		}
		began := w.now
		w.dies(func() { w.step() })
		for power(w) == vim.PowerOn && w.now.Before(began.Add(time.Hour)) {
			w.run(time.Second)
		}
		if took := w.now.Sub(began); took < time.Minute || took > 62*time.Second {
			t.Errorf("turned off after %s", took)
		}
	})
}

package vimmanager_test

import (
	"testing"
	"time"

	"github.com/vnfm/vnfm/vimmanager"
)

// A worker dies after the VIM has released what it was asked to, before anybody heard of it, and the VIM refuses the release that
// comes after it. There is nothing that was refused: it is gone. Seen failing with the refusal passed on: who waits is told that it
// was not released.
func TestAReleaseThatIsRefusedOfWhatIsGoneIsDone(t *testing.T) {
	w := newWorld(t, "")
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	w.deliver(w.release("d1", network(1)))
	w.driver.after = func(op string) {
		if op == "release" {
			panic(died{})
		}
	}
	w.dies(func() { w.step() })
	w.driver.after = nil
	w.behave(`{"rules":[{"on":"release","outcome":"permanent"}]}`)
	w.restart()
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED", "d1 SUCCEEDED")
	w.wantReleased(network(1))
}

// What is there and refused is refused.
func TestAReleaseThatIsRefusedOfWhatStandsIsNot(t *testing.T) {
	w := newWorld(t, "")
	w.deliver(w.reserve("r1", 1, network(1)))
	w.run(time.Second)
	w.behave(`{"rules":[{"on":"release","outcome":"permanent"}]}`)
	w.deliver(w.release("d1", network(1)))
	w.run(time.Second)
	w.wantReplies("r1 SUCCEEDED", "d1 FAILED permanent")
	if got := w.state(network(1)); got != vimmanager.Releasing {
		t.Errorf("the row is %s", got)
	}
	if have := w.vim.Inventory(); len(have) != 1 {
		t.Errorf("the VIM has %v", have)
	}
}

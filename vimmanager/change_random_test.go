package vimmanager_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vimmanager"
)

// TestNoChangeIsTakenBackWhateverHappens drives machines through reserves, changes, releases, deaths, lost commits, a ledger that
// goes back, and a VIM that misbehaves in every way, then lets the faults stop: what the VIM has is what the ledger says, at the
// revision that it says; none is lower than one that was answered with success; and the next revision brings all of it. A seed
// that fails replays.
//
// Seen failing with a lower revision let through by takeChange, and by change; with what follows a change not waiting for its call;
// without the tombstone; and with a sweep that takes no note of revisions.
func TestNoChangeIsTakenBackWhateverHappens(t *testing.T) {
	seeds := 400
	if testing.Short() {
		seeds = 60
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { changes(t, rand.New(rand.NewPCG(2, uint64(seed)))) })
	}
}

// machines is how many there are.
const machines = 3

// changing is a history of changes.
type changing struct {
	*world

	rnd      *rand.Rand
	asked    [machines]int // the highest revision asked for
	released [machines]bool
	sent     []message.Message
	of       map[string]int // command to machine
	revision map[string]int // … and its revision
	lower    []string       // that came after a higher one
	back     bool           // the ledger went back
}

func changes(t *testing.T, rnd *rand.Rand) {
	c := &changing{world: newWorld(t, ""), rnd: rnd, of: map[string]int{}, revision: map[string]int{}}
	c.cfg.Wanted = knows(func(tok vim.Token) bool {
		return !c.released[slices.IndexFunc([]vim.Token{token(0), token(1), token(2)}, func(o vim.Token) bool { return o == tok })]
	})
	c.restart()
	for n := range machines {
		c.send(fmt.Sprint("r", n), n, 1, c.reserve(fmt.Sprint("r", n), 1, vm(n)))
	}
	c.run(time.Second)
	var restore func()
	for n := range 25 {
		faultless := c.fault
		c.fault = nil
		which := rnd.IntN(machines)
		switch rnd.IntN(9) {
		case 0, 1, 2, 3:
			c.ask(fmt.Sprint("c", n), which)
			if rnd.IntN(4) == 0 { // another comes while it is called
				c.driver.before = func(op string) {
					if op == "change" {
						c.driver.before = nil
						fault := c.fault
						c.fault = nil
						c.ask(fmt.Sprint("during", n), which)
						c.fault = fault
					}
				}
				c.anyhow(func() { _, _ = c.worker.RunOnce(t.Context()) })
				c.driver.before = nil
			}
		case 4:
			if n > 15 {
				id := fmt.Sprint("d", n)
				c.released[which] = true
				c.send(id, which, 0, c.release(id, vm(which)))
			}
		case 5:
			c.misbehave()
		case 6: // the network brings one again
			c.deliver(c.sent[rnd.IntN(len(c.sent))])
		case 7:
			if restore != nil && rnd.IntN(2) == 0 {
				restore()
				c.back, restore = true, nil
				c.restart()
			} else if rnd.IntN(4) == 0 {
				restore = c.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources)
			}
		case 8:
			c.sweepOnceAnyhow()
		}
		c.fault = faultless
		if rnd.IntN(4) == 0 {
			c.fault = failAt([]string{"commit", "acknowledge", "begin"}[rnd.IntN(3)], 1+rnd.IntN(4))
		}
		c.someSteps(rnd)
		c.now = c.now.Add(time.Duration(rnd.IntN(9000)) * time.Millisecond)
	}
	c.settle()
	c.judge()
}

func (c *changing) send(id string, which, revision int, m message.Message) {
	c.of[id], c.revision[id] = which, revision
	c.sent = append(c.sent, m)
	c.deliver(m)
}

// ask asks for a revision of a machine: the next, one that was, or one more than the next.
func (c *changing) ask(id string, which int) {
	revision := max(2, c.asked[which]+c.rnd.IntN(4)-1)
	if revision < c.asked[which] {
		c.lower = append(c.lower, id)
	}
	c.asked[which] = max(c.asked[which], revision)
	c.send(id, which, revision, c.change(id, 1, vm(which), revision))
}

func (c *changing) misbehave() {
	outcomes := []string{"transient", "permanent", "hang", "lose-reply", "half", "late-effect", "late-effect", "twice", "twice"}
	var rules []string
	for range c.rnd.IntN(4) {
		outcome, after := outcomes[c.rnd.IntN(len(outcomes))], ""
		if outcome == "late-effect" || outcome == "twice" { // by the end of the quarantine
			after = fmt.Sprintf(`,"after":"%ds"`, 1+c.rnd.IntN(24))
		}
		rules = append(rules, fmt.Sprintf(`{"on":"change","outcome":%q,"times":%d%s}`, outcome, 1+c.rnd.IntN(3), after))
	}
	if c.rnd.IntN(3) == 0 {
		rules = append(rules, `{"on":"find","outcome":"transient","times":2}`, `{"on":"release","outcome":"lose-reply","times":1}`)
	}
	c.behave(fmt.Sprintf(`{"delay":"%dms","rules":[%s]}`, 700*c.rnd.IntN(4), strings.Join(rules, ",")))
}

// settle ends all faults, and has whoever has heard nothing ask again.
func (c *changing) settle() {
	c.t.Helper()
	c.fault = nil
	c.behave("{}")
	c.restart()
	c.run(2 * time.Minute)
	for range 3 {
		c.sweepOnce()
		c.run(30 * time.Second)
	}
	got := c.replies()
	for _, m := range c.sent {
		answered := slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, m.ID+" ") })
		if !answered && !c.back {
			c.t.Errorf("%s was never answered", m.ID)
		}
		if !answered || m.Type == vim.TypeReleaseResource { // releases of a ledger that went back are asked for again
			c.deliver(m)
		}
	}
	c.run(2 * time.Minute)
	for range 3 {
		c.sweepOnce()
		c.run(30 * time.Second)
	}
}

func (c *changing) judge() {
	c.t.Helper()
	highest := [machines]int{1, 1, 1}
	for _, s := range c.replies() {
		if id, ok := strings.CutSuffix(s, " SUCCEEDED"); ok {
			highest[c.of[id]] = max(highest[c.of[id]], c.revision[id])
		}
	}
	for _, id := range c.lower {
		if slices.Contains(c.replies(), id+" SUCCEEDED") && !c.back {
			c.t.Errorf("%s, to revision %d, came after a higher one and was answered with success", id, c.revision[id])
		}
	}
	var want []vim.Reserve
	for n := range machines {
		if c.released[n] {
			continue
		}
		want = append(want, vm(n))
		i := slices.IndexFunc(c.vim.Inventory(), func(e sim.Entry) bool { return e.Token == token(n).String() })
		if i < 0 {
			c.t.Errorf("machine %d is not there", n)
			continue
		}
		have := c.vim.Inventory()[i]
		doc := c.doc(vm(n))
		if have.Revision < highest[n] {
			c.t.Errorf("machine %d is at revision %d, and revision %d was answered with success", n, have.Revision, highest[n])
		}
		if have.Revision != doc.Revision {
			c.t.Errorf("machine %d is at revision %d, the ledger says %d", n, have.Revision, doc.Revision)
		}
		next := max(doc.Highest, c.asked[n]) + 1
		c.deliver(c.change(fmt.Sprint("last", n), 1, vm(n), next))
		c.run(time.Minute)
		have = c.vim.Inventory()[i]
		if got := c.replies(); got[len(got)-1] != fmt.Sprintf("last%d SUCCEEDED", n) || have.Revision != next || len(vim.Differences(have.Spec, vmSpec(next))) > 0 {
			c.t.Errorf("machine %d is not whole at revision %d: %s; it is at %d and differs in %v", n, next, got[len(got)-1], have.Revision, vim.Differences(have.Spec, vmSpec(next)))
		}
	}
	c.wantInventory(want...)
	for n := range machines {
		if c.released[n] && c.state(vm(n)) != vimmanager.Released {
			c.t.Errorf("the row of machine %d, which was released, is %s", n, c.state(vm(n)))
		}
	}
}

package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/nfvo"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vimmanager"
)

// calmSteps bounds the part of a run without faults: twenty minutes of retries and deadlines at some thirty looks a second.
const calmSteps = 45_000

// soon is how far ahead work may be due for the world to wait for it; what is kept for days is left alone.
const soon = 2 * time.Hour

// chaos runs the program with clients and faults until nothing is left to do, or for so many steps.
func (w *world) chaos() {
	w.quiet = false
	w.clients.planned = 6 + w.rng.IntN(24)
	for begun := w.steps; w.steps-begun < w.opts.Steps; {
		w.trouble()
		if !w.step() && !w.clients.more() && !w.other.more() {
			return
		}
	}
}

// calm runs the program without faults until nothing is left to do (I1).
func (w *world) calm() {
	w.quiet = true
	w.tracef("calm")
	w.must(w.sim.SetBehaviour(w.behaves()))
	for begun := w.steps; w.steps-begun < calmSteps; {
		if w.step() {
			continue
		}
		// Nothing seems to be left: all look once more, also when their leases have run out.
		before := w.commits - w.stays
		w.now = w.now.Add(leaseTTL + time.Second)
		w.wake(^assembly.Wake(0))
		for w.step() {
			if w.steps-begun >= calmSteps {
				break
			}
		}
		if w.commits-w.stays == before && len(w.tasks) == 0 && w.held() {
			return
		}
	}
	w.violate("I1: not quiet after %d steps without faults", calmSteps)
	panic(stop{})
}

// held reports whether every lane of every role has an owner.
func (w *world) held() bool {
	for _, role := range roles() {
		for lane := range eventstore.Lanes {
			if !slices.ContainsFunc(w.nodes, func(n *node) bool { _, ok := n.lease.Role(role).Epoch(lane); return ok }) {
				return false
			}
		}
	}
	return true
}

// step lets one coroutine, loop or client go on, or moves the clock; false when there is nothing to wait for.
func (w *world) step() bool {
	w.steps++
	if len(w.violations) > 0 { // going on is pointless
		panic(stop{})
	}
	if !w.quiet && w.rng.IntN(20) == 0 {
		w.setClock(w.now.Add(w.between(0, 300*time.Millisecond)))
	}
	w.arrive()
	var can []func()
	for _, t := range w.tasks {
		if t.ready(w.now) {
			can = append(can, func() { w.resume(t) })
		}
	}
	for _, n := range w.nodes {
		if n.asleep.After(w.now) {
			continue
		}
		for _, l := range n.loops {
			if !l.busy && (l.awake || l.every > 0) && !l.next.After(w.now) {
				can = append(can, func() { w.turn(l) })
			}
		}
	}
	for _, r := range w.clients.waiting {
		if !r.next.After(w.now) {
			can = append(can, func() { w.send(r) })
		}
	}
	if len(w.orchestrator.fresh) > 0 && !w.quiet {
		can = append(can, w.packFresh)
	}
	if w.otherWants() {
		can = append(can, w.otherTurn)
	}
	if w.clients.more() && !w.quiet && (len(can) == 0 || w.rng.IntN(40) == 0) && w.act() {
		return true
	}
	if len(can) > 0 {
		pick(w.rng, can)()
		return true
	}
	next, any := w.nextDue()
	if !any {
		return false
	}
	w.setClock(next)
	return true
}

// turn runs a loop once.
func (w *world) turn(l *loop) {
	l.awake, l.busy = false, true
	var did bool
	var err error
	w.start(l.node, l.name, func() { did, err = l.once(context.Background()) }, func(t *task) {
		l.busy = false
		switch {
		case t.crashed:
		case err != nil:
			w.tracef("  %s %s: %v", l.node.name, l.name, firstLine(err))
			l.awake, l.next = true, w.now.Add(w.between(50*time.Millisecond, time.Second))
		case did:
			l.awake = true
		case l.every > 0:
			l.next = w.now.Add(l.every)
		}
		switch {
		case err != nil:
		case l.name == loopLease: // there may be work in lanes that had no owner
			l.node.look(^assembly.Wake(0))
		case l.resumes: // timeouts do not overtake what waits, so they wait until that was looked at
			l.node.wakeTimer()
		}
		if l.name == assembly.LoopSweep || l.name == loopLease {
			l.awake = false
			if err == nil {
				l.next = w.now.Add(l.every)
			}
		}
		if l.name == loopLease && err == nil {
			l.next = l.node.lease.Next().Add(-l.node.skew)
		}
	})
}

// look makes those of a node's loops that wait for something look again.
func (n *node) look(on assembly.Wake) {
	for _, l := range n.loops {
		l.awake = l.awake || l.on&on != 0
	}
}

func (n *node) wakeTimer() {
	for _, l := range n.loops {
		l.awake = l.awake || l.name == assembly.LoopTimer
	}
}

func (w *world) setClock(to time.Time) {
	if to.After(w.now) {
		w.now = to
		w.wake(assembly.OnRecords | assembly.OnTimeouts)
	}
}

// nextDue returns when something will happen next.
func (w *world) nextDue() (time.Time, bool) {
	var at, leases time.Time
	min := func(t *time.Time, c time.Time) {
		if c.After(w.now) && c.Before(w.now.Add(soon)) && (t.IsZero() || c.Before(*t)) {
			*t = c
		}
	}
	for _, t := range w.tasks {
		min(&at, t.wakeAt)
		min(&at, t.node.asleep)
	}
	for _, n := range w.nodes {
		min(&at, n.asleep)
		for _, l := range n.loops {
			switch {
			case l.busy:
			case l.name == loopLease:
				min(&leases, l.next)
			case l.awake:
				min(&at, l.next)
			}
		}
	}
	for _, r := range w.clients.waiting {
		min(&at, r.next)
	}
	for _, l := range w.late {
		if l.until == nil || l.until() {
			min(&at, l.due)
		}
	}
	min(&at, w.other.due(w.now))
	ctx := context.Background()
	lanes := make([]int, eventstore.Lanes)
	for i := range lanes {
		lanes[i] = i
	}
	timeouts, err := w.store.Timeouts(ctx, lanes, time.Time{}, 1000)
	w.must(err)
	for _, t := range timeouts {
		min(&at, t.Due)
	}
	for _, table := range eventstore.Tables {
		if table == eventstore.TableReconcile { // comparisons come for ever: nobody waits for them
			continue
		}
		rows, err := w.store.Records(ctx, eventstore.RecordQuery{Table: table, DueBy: w.now.Add(soon)})
		w.must(err)
		for _, r := range rows {
			min(&at, r.Due)
		}
	}
	if at.IsZero() {
		return at, false
	}
	if !leases.IsZero() && leases.Before(at) && (at.Sub(w.now) < 2*time.Minute || w.rng.IntN(2) == 0) && at.Sub(w.now) < 10*time.Minute {
		return leases, true // else every lease runs out in one jump
	}
	return at, true
}

// building reports whether the VIM manager has something under way. A backup of that moment clears away again what a command had
// in hand by the time it was given up, whatever carries the token by then: docs/reliability.md says so.
func (w *world) building() bool {
	ctx := context.Background()
	commands, err := w.store.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableVimCommands})
	w.must(err)
	rows, err := w.store.Records(ctx, eventstore.RecordQuery{Table: eventstore.TableVimResources})
	w.must(err)
	return slices.ContainsFunc(commands, func(r eventstore.Record) bool { return r.State != vimmanager.CommandDone }) ||
		slices.ContainsFunc(rows, func(r eventstore.Record) bool { return !atRest(r.State) })
}

// atRest reports whether a resource may stay in a state of the ledger. Releasing: the VIM refused, the command was answered so, and
// the next one goes on from there.
func atRest(state string) bool {
	switch state {
	case vimmanager.Active, vimmanager.Failed, vimmanager.Released, vimmanager.FenceState, vimmanager.Releasing:
		return true
	}
	return false
}

// trouble brings about faults that are not tied to a place.
func (w *world) trouble() {
	n := pick(w.rng, w.nodes)
	if w.fault(CrashAnywhere) {
		n.dead = true
		w.bury(n)
		return
	}
	if w.operating() && w.fault(ProgramChanged) {
		w.exchange(n)
		return
	}
	if w.fault(NodePaused) {
		n.asleep = w.now.Add(w.between(time.Second, 40*time.Second))
	}
	if w.fault(LeaseHandedOver) {
		n.handOver()
	}
	if w.fault(ClockJump) {
		w.setClock(w.now.Add(w.between(time.Second, 2*time.Minute)))
	}
	if w.fault(ClockSkew) {
		n.skew += w.between(-time.Minute, time.Minute)
	}
	if w.fault(VimMisbehaves) {
		w.misbehave()
	}
	if w.chance[LedgerRestored] > 0 && w.rng.IntN(150) == 0 && !w.building() {
		w.backUp()
	}
	if w.backup != nil && w.restores() {
		for _, n := range slices.Clone(w.nodes) { // no program outlives a restore: versions of rows are given out again
			n.dead = true
			w.bury(n)
		}
		w.backup()
		w.backup = nil
		w.forgotten()
		w.wake(assembly.OnRecords)
	}
	if len(w.clients.ops) > 0 && w.fault(MessagePoison) {
		w.sendPoison(pick(w.rng, w.clients.ops))
	}
}

// backUp takes a backup of the ledgers.
func (w *world) backUp() {
	w.backup, w.changed = w.store.Ledger(eventstore.TableVimCommands, eventstore.TableVimResources), false
}

// restores draws whether the ledgers go back to their backup: sooner where that does not know of a change, which is rare otherwise.
func (w *world) restores() bool {
	p := w.chance[LedgerRestored]
	if w.changed {
		w.chance[LedgerRestored] = min(1, 10*p)
	}
	restored := w.fault(LedgerRestored)
	w.chance[LedgerRestored] = p
	return restored
}

// poison is in every message that nobody can handle, whatever the program's version, and in no other.
const poison = `"POISON"`

// sendPoison sends what cannot be handled, about an operation: to those who wait for replies, or to a participant.
func (w *world) sendPoison(op opRef) {
	m := pick(w.rng, []message.Message{
		{Topic: message.TopicReplies, Type: message.ReplyType, Data: []byte(`{"outcome":` + poison + `}`)},
		{Topic: message.TopicVimCommands, Type: vim.TypeReserve, Data: []byte(`{"resources":` + poison + `}`)},
		{Topic: message.TopicVimCommands, Type: vim.TypeReleaseResource, Data: []byte(`{"token":` + poison + `}`)},
		{Topic: message.TopicVimCommands, Type: vim.TypeChangeResource, Data: []byte(`{"revision":` + poison + `}`)},
		{Topic: message.TopicNfvoCommands, Type: nfvo.TypeRequestGrant, Data: []byte(poison)},
	})
	m.ID, m.Source, m.Key, m.Time, m.ReplyTo = w.newID(), "/simulation", op.vnf, w.now, message.TopicReplies
	m.CorrelationID, m.CausationID = op.id, op.id
	w.tracef("poison %s %s of %s", m.Topic, m.Type, op.vnf)
	w.publish([]message.Message{m})
}

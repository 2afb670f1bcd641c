package simulation

import (
	"slices"
	"time"

	"github.com/vnfm/vnfm/vim/sim"
)

// Fault is a kind of fault.
type Fault string

// The kinds of faults. A crash loses all that a node keeps in memory.
const (
	CrashBeforeCommit   Fault = "crash-before-commit"
	CrashAfterCommit    Fault = "crash-after-commit"
	CrashBeforeCall     Fault = "crash-before-call"
	CrashAfterCall      Fault = "crash-after-call"
	CrashAnywhere       Fault = "crash-anywhere" // between two steps, with coroutines under way
	CommitRefused       Fault = "commit-refused" // nothing was written, and the caller is told so
	CommitUnknown       Fault = "commit-unknown" // written, and the caller never learns it
	CommitLateAck       Fault = "commit-late-ack"
	StoreAway           Fault = "store-away"
	MessageLost         Fault = "message-lost"
	MessageLate         Fault = "message-late" // overtaken by others
	MessageHeld         Fault = "message-held" // kept back until the operation it is of has ended, or longer
	MessageTwice        Fault = "message-twice"
	MessagePoison       Fault = "message-poison"
	SubscriberAway      Fault = "subscriber-away" // for a while: no answer, 401, 500 or 503
	SubscriberHangs     Fault = "subscriber-hangs"
	SubscriberForgetful Fault = "subscriber-forgetful" // it took the notification, and its answer is lost
	SubscriberRefuses   Fault = "subscriber-refuses"   // one notification, until somebody mends it
	VimMisbehaves       Fault = "vim-misbehaves"       // a rule of the simulated VIM: fails by class, hangs, loses answers, late effects …
	ChangeMisbehaves    Fault = "change-misbehaves"    // as before, of the very change that is asked for: changes are rare among the calls
	LedgerRestored      Fault = "ledger-restored"
	NodePaused          Fault = "node-paused"
	TaskStalled         Fault = "task-stalled"   // one turn or request goes on much later, others of its node at once
	TaskOvertaken       Fault = "task-overtaken" // between what it read and what it writes, another commit about the same VNF
	LeaseHandedOver     Fault = "lease-handed-over"
	ClockJump           Fault = "clock-jump"      // everybody's
	ClockSkew           Fault = "clock-skew"      // one node's own clock is set back or forward
	ProgramChanged      Fault = "program-changed" // a node is restarted with a newer program, or an older one
	NfvoAway            Fault = "nfvo-away"       // it is away, hangs, or its answer is lost
	RecordOther         Fault = "record-other"    // of a snapshot package another file comes than was said, or the connection breaks in the middle
)

// Faults lists all kinds.
func Faults() []Fault {
	return []Fault{
		CrashBeforeCommit, CrashAfterCommit, CrashBeforeCall, CrashAfterCall, CrashAnywhere, CommitRefused, CommitUnknown,
		CommitLateAck, StoreAway, MessageLost, MessageLate, MessageHeld, MessageTwice, MessagePoison, VimMisbehaves,
		ChangeMisbehaves, LedgerRestored, NodePaused, TaskStalled, TaskOvertaken, LeaseHandedOver, ClockJump, ClockSkew,
		SubscriberAway, SubscriberHangs, SubscriberForgetful, SubscriberRefuses, ProgramChanged, NfvoAway, RecordOther,
	}
}

// often is the highest probability of a fault at each of its opportunities.
var often = map[Fault]float64{ //nolint:gochecknoglobals // data
	CrashBeforeCommit: .01, CrashAfterCommit: .02, CrashBeforeCall: .02, CrashAfterCall: .03, CrashAnywhere: .004,
	CommitRefused: .03, CommitUnknown: .06, CommitLateAck: .06, StoreAway: .02,
	MessageLost: .08, MessageLate: .25, MessageHeld: .08, MessageTwice: .1, MessagePoison: .0003, VimMisbehaves: .02, ChangeMisbehaves: .5,
	LedgerRestored: .012, NodePaused: .004, TaskStalled: .03, TaskOvertaken: .1, LeaseHandedOver: .003, ClockJump: .004, ClockSkew: .003,
	SubscriberAway: .1, SubscriberHangs: .1, SubscriberForgetful: .15, SubscriberRefuses: .08, ProgramChanged: .015,
	NfvoAway: .6, RecordOther: 1,
}

// profiles are sets of faults that go together: a seed that has one has these more often, and few others. What all
// faults at once hide from one another is seen so.
var profiles = [][]Fault{ //nolint:gochecknoglobals // data
	{MessageLost, MessageHeld, MessageTwice, VimMisbehaves},
	{MessageLate, MessageTwice, MessageLost},
	{NodePaused, LeaseHandedOver, ClockSkew, CrashAnywhere, MessageTwice},
	{TaskStalled, TaskOvertaken, MessageTwice},
	{TaskOvertaken, TaskStalled, LeaseHandedOver, VimMisbehaves},
	{CommitLateAck, CommitUnknown, CommitRefused, CrashAfterCommit, CrashBeforeCommit},
	{TaskOvertaken, LeaseHandedOver, NodePaused},
	{ProgramChanged, LeaseHandedOver, MessageLate, VimMisbehaves},
	{CrashBeforeCall, CrashAfterCall, VimMisbehaves, StoreAway},
	{CrashBeforeCall, CrashAfterCall, LedgerRestored},
	{VimMisbehaves}, {VimMisbehaves, MessageTwice}, {ChangeMisbehaves}, {ChangeMisbehaves, MessageHeld, CrashAfterCall},
	{SubscriberAway, SubscriberForgetful, SubscriberRefuses, CrashAfterCall, LeaseHandedOver},
	{NfvoAway, RecordOther, CrashAfterCall, VimMisbehaves},
}

// drawFaults gives each kind its probability in this seed. Half of them are left out, so that what one fault hides from
// another is seen; and half of the seeds have a profile.
func (w *world) drawFaults() {
	w.chance = map[Fault]float64{}
	var profile []Fault
	if w.rng.IntN(2) == 0 {
		profile = pick(w.rng, profiles)
	}
	for _, f := range Faults() {
		if (f == NfvoAway || f == RecordOther) && !w.orchestrated() {
			continue
		}
		p, in := w.rng.Float64(), w.rng.IntN(2) == 0
		switch {
		case slices.Contains(profile, f):
			in, p = true, 1+p
		case profile != nil:
			in = in && w.rng.IntN(4) == 0
		}
		if f == LedgerRestored && w.rng.IntN(2) == 0 {
			in = false
		}
		if in {
			w.chance[f] = often[f] * p
		}
	}
	// Effects that land later than the VIM manager waits are the sweep's to find, and what only a ledger knew that went
	// back: made, and never told to anybody. In most seeds there is neither, and then nothing may be left for it.
	w.strict = w.chance[LedgerRestored] == 0 && w.rng.IntN(3) > 0
	w.tokenless = w.rng.IntN(2) == 0
}

// fault draws whether a fault happens here.
func (w *world) fault(f Fault) bool {
	p := w.chance[f]
	if w.quiet || p == 0 || w.rng.Float64() >= p {
		return false
	}
	w.faultsSeen++
	switch {
	case w.opts.Without[f], w.opts.SkipFaults[w.faultsSeen], w.opts.Faults < 0, w.opts.Faults > 0 && w.faultsSeen > w.opts.Faults:
		return false
	}
	w.faults[f]++
	w.tracef("fault %d %s", w.faultsSeen, f)
	return true
}

// misbehave gives the VIMs new rules.
func (w *world) misbehave() {
	on := []string{sim.OnReserve, sim.OnReserve, sim.OnChange, sim.OnChange, sim.OnChange, sim.OnRelease, sim.OnFind, sim.OnConfigure, sim.OnAny}
	outcomes := []string{
		sim.Transient, sim.Transient, sim.Permanent, sim.Quota, sim.Hang, sim.LoseReply, sim.LoseReply, sim.DuplicateReply, sim.LateEffect,
		sim.LateEffect,
	}
	if w.seed%4 == 3 { // a VIM that is held back does less of everything else
		outcomes = append(outcomes, sim.Unavailable, sim.Throttled)
	}
	b := w.behaves()
	b.Delay = sim.Duration(time.Duration(w.rng.IntN(4)) * 700 * time.Millisecond)
	b.Stop = pick(w.rng, []sim.Duration{0, sim.Duration(2 * time.Second), sim.Duration(time.Hour)}) // the last one ignores it
	for range 1 + w.rng.IntN(3) {
		r := sim.Rule{On: pick(w.rng, on), Outcome: pick(w.rng, outcomes), Times: 1 + w.rng.IntN(4)}
		if !w.strict && w.rng.IntN(3) == 0 {
			r.On, r.Outcome = sim.OnReserve, sim.LateEffect
		}
		if r.On == sim.OnChange && w.rng.IntN(4) > 0 {
			r.Outcome = pick(w.rng, []string{sim.Half, sim.Twice, sim.LoseReply, sim.LateEffect, sim.DuplicateReply, sim.Hang, sim.Permanent, sim.Permanent})
		}
		if r.Outcome == sim.LateEffect || r.Outcome == sim.Twice {
			limit := 90
			if w.strict || r.On != sim.OnReserve {
				limit = 4 // within the quarantine after a call's deadline; a release that lands later is nobody's to find
			}
			r.After = sim.Duration(time.Duration(1+w.rng.IntN(limit)) * time.Second)
		}
		b.Rules = append(b.Rules, r)
	}
	if w.rng.IntN(2) == 0 {
		r := sim.Rule{On: sim.OnChange, Outcome: pick(w.rng, []string{sim.Half, sim.Twice, sim.LoseReply, sim.LateEffect, sim.DuplicateReply, sim.Hang}), Times: 1 + w.rng.IntN(2)}
		b.Rules = append([]sim.Rule{r}, b.Rules...)
	}
	w.tracef("vim %+v", b)
	w.must(w.sim.SetBehaviour(b))
}

// misbehaveOnChange has the VIM fail, lose, halve, repeat or delay the next change, whatever rules there are beside.
func (w *world) misbehaveOnChange() {
	r := sim.Rule{On: sim.OnChange, Times: 1, Outcome: pick(w.rng, []string{
		sim.LoseReply, sim.LoseReply, sim.Half, sim.Twice, sim.LateEffect, sim.LateEffect, sim.DuplicateReply, sim.DuplicateReply, sim.DuplicateReply,
		sim.Hang, sim.Permanent, sim.Permanent, sim.Permanent,
	})}
	if r.Outcome == sim.LateEffect || r.Outcome == sim.Twice {
		r.After = sim.Duration(time.Duration(1+w.rng.IntN(4)) * time.Second) // within the quarantine after a call's deadline
	}
	b := w.sim.Behaviour()
	b.Rules = append([]sim.Rule{r}, b.Rules...)
	w.tracef("vim, of this change: %+v", r)
	w.must(w.sim.SetBehaviour(b))
}

package explore

import "fmt"

// The rules of the protocol of changes.
const (
	Highest Rule = "highest revision"   // a revision lower than one that was asked for is refused
	Before  Rule = "look before change" // what stands is looked at before it is changed: the ledger may have gone back
	Noted   Rule = "noted change"       // a worker commits to which revision it will change before it calls
	Quiet   Rule = "quiet"              // another revision waits until a call that was not answered can have no more effect
	Whole   Rule = "whole"              // what is seen of a change is not taken for all of it: it is made until it is answered
)

// ChangeRules lists all.
func ChangeRules() []Rule { return []Rule{Highest, Before, Noted, Quiet, Whole} }

// revisions is the highest one: the resource stands at the first, an operation asks for the second, and for the third, which
// takes that back.
const revisions = 3

// The states of a row, beside those that it has until it stands.
const (
	outdated = released + 1 + iota
	changing
)

// The phases of the operation.
const (
	changes  = iota // it asks for the second revision
	restores        // it asks for the third
	releases        // it lets go
	over
)

// What a worker has seen at the VIM.
const (
	nothing = iota
	lower
	equal
	higher
)

// changeRow is the ledger's row of the resource.
type changeRow struct {
	state   int8
	want    int8 // revision that it is to have; 0: as it is
	highest int8 // that was asked for
	intent  int8 // worker whose call may be under way, from 1; 0: none
	of      int8 // revision of that call
	loose   int8 // revision of a call that nobody heard the end of; 0: there is none
}

// changer is one call.
type changer struct {
	at       int8
	revision int8
	saw      int8
}

// changeState is everything there is.
type changeState struct {
	phase   int8
	asked   bool // it sent its command
	kept    bool // it ended and keeps the resource
	sent    [revisions + 1]bool
	release bool
	done    bool // a reply says that the third revision stands
	failed  bool // … that it was refused by the VIM
	gone    bool // … that the resource is released
	arrived int8 // the highest revision that the ledger was asked for, also if it has forgotten that
	lost    bool // the ledger went back to a moment before the resource
	row     changeRow
	workers [workers]changer
	late    [revisions + 1]int8 // effects of calls whose callers died, still on their way
	there   bool                // at the VIM
	stands  int8                // its revision there
	half    int8                // some of another revision stands; 0: it is whole
	wrong   string
}

// changeModel is the protocol without some of its rules.
type changeModel struct{ without map[Rule]bool }

// firstChange is where it begins: a resource that stands.
func firstChange() changeState {
	return changeState{row: changeRow{state: active, highest: 1}, there: true, stands: 1}
}

// whole reports whether a revision stands at the VIM.
func (s *changeState) whole(revision int8) bool {
	return s.there && s.stands == revision && s.half == 0
}

// say replies that a revision stands.
func (s *changeState) say(revision int8) {
	if s.done = s.done || revision == revisions; !s.whole(revision) {
		s.wrong = fmt.Sprintf("it was said that revision %d stands, which does not", revision)
	}
}

// alive reports whether a worker is at a call of a revision.
func (s *changeState) alive(revision int8) bool {
	for _, w := range s.workers {
		if w.at != idle && w.revision == revision {
			return true
		}
	}
	return false
}

// may reports whether a call of a revision may still have its effect.
func (s *changeState) may(revision int8) bool { return s.late[revision] > 0 || s.alive(revision) }

func badChange(s changeState) string {
	switch {
	case s.wrong != "":
		return s.wrong
	case s.done && s.there && !s.release && !s.whole(3):
		return "the third revision was said to stand, and does not any more"
	case !restChange(s):
		return ""
	case s.kept && s.done && !s.whole(3):
		return "what the operation keeps is not at the third revision"
	case !s.kept && s.there:
		return "what the operation has let go is there"
	}
	return ""
}

func restChange(s changeState) bool {
	return s.phase == over && s.workers == [workers]changer{} && s.late == [revisions + 1]int8{} &&
		s.row.state != outdated && s.row.state != changing && s.row.state != releasing
}

// The kinds of thing that happen beside those of the other model.
const (
	changesTo kind = "changes"   // a worker changes the resource
	halves    kind = "halves"    // … dies, and half of the change is made
	refuses   kind = "refuses"   // … is refused by the VIM
	watches   kind = "watches"   // a worker sees the revision of another's call
	repeats   kind = "repeats"   // a worker sees, once another's call is over, that its revision does not stand
	forgets   kind = "forgets"   // the ledger goes back
	requests  kind = "asks for"  // a change arrives
	frees     kind = "lets go"   // a release arrives
	tryFree   kind = "tries"     // a worker releases while a call may be under way
	freed     kind = "is free"   // a worker releases, and the row is a tombstone
	takesUp   kind = "takes up"  // a worker commits the intent of a change
	sees      kind = "sees"      // … looks at the resource
	concludes kind = "concludes" // … commits what came of it
	perishes  kind = "perishes"  // … dies
	leaves    kind = "leaves"    // … dies, and its change is on its way
	arrives   kind = "arrives"   // what is on its way has its effect
	fades     kind = "fades"     // … or none
)

// steps returns everything that may happen next. The token of an action is the revision that it is about.
func (m changeModel) steps(s changeState) []step[changeState] {
	var out []step[changeState]
	add := func(next changeState, a action, format string, args ...any) {
		out = append(out, step[changeState]{a, fmt.Sprintf(format, args...), next})
	}
	m.operate(s, add)
	m.deliver(s, add)
	for i, w := range s.workers {
		if w.at != idle {
			m.call(s, int8(i), w, add)
		} else if i == 0 || s.workers[i-1].at != idle { // one idle worker is as good as another
			m.claim(s, int8(i), add)
		}
	}
	for r := int8(2); r <= revisions; r++ {
		if s.late[r] > 0 {
			n := s
			n.late[r]--
			if n.there {
				n.stands, n.half = r, 0
			}
			add(n, action{kind: arrives, token: r}, "a change to %d lands late", r)
			n = s
			n.late[r]--
			add(n, action{kind: fades, token: r}, "a change to %d comes to nothing", r)
		}
	}
	return out
}

// operate is what the operation does: it changes, changes back, and keeps the resource or lets it go.
func (m changeModel) operate(s changeState, add func(changeState, action, string, ...any)) {
	n := s
	decides := action{kind: decides}
	switch s.phase {
	case changes:
		if !s.asked {
			n.asked, n.sent[2] = true, true
			add(n, decides, "the operation asks for revision 2")
			return
		}
		n.phase, n.asked = restores, false // it hears something, or loses patience
		add(n, decides, "the operation changes back")
	case restores:
		if !s.asked {
			n.asked, n.sent[3] = true, true
			add(n, decides, "the operation asks for revision 3")
			return
		}
		if s.done || s.failed {
			n.phase, n.kept = over, true
			add(n, decides, "the operation ends and keeps it")
		}
		n = s
		n.phase, n.asked = releases, false
		add(n, decides, "the operation lets go")
	case releases:
		if !s.asked {
			n.asked, n.release = true, true
			add(n, decides, "the operation sends its release")
		} else if s.gone {
			n.phase = over
			add(n, decides, "the operation hears that it is gone")
		}
	}
	// The ledger goes back while nothing is under way: calls that it knows nothing of are for the sweep.
	if !s.lost && s.workers == [workers]changer{} && s.late == [revisions + 1]int8{} {
		n = s
		n.lost, n.row = true, changeRow{}
		add(n, action{kind: forgets}, "the ledger goes back")
	}
}

// deliver is the network: whatever was sent may arrive at any time, and again.
func (m changeModel) deliver(s changeState, add func(changeState, action, string, ...any)) {
	for r := int8(2); r <= revisions; r++ {
		if !s.sent[r] {
			continue
		}
		n := s
		row := &n.row
		n.arrived = max(n.arrived, r)
		switch {
		case row.state == releasing || row.state == released:
		case r < row.highest && !m.without[Highest]: // superseded
		case row.want == r:
		default:
			row.highest, row.want = max(row.highest, r), r
			if row.state != changing {
				row.state = outdated
			}
		}
		add(n, action{kind: requests, token: r}, "the change to %d arrives", r)
	}
	if s.release {
		n := s
		if n.row.state == released {
			n.gone = true
		} else {
			n.row.state, n.row.want = releasing, 0
		}
		add(n, action{kind: frees}, "the release arrives")
	}
}

// call is what a worker does that is at a call, and where it may die.
func (m changeModel) call(s changeState, i int8, w changer, add func(changeState, action, string, ...any)) {
	me, r := i+1, w.revision
	by := func(k kind) action { return action{k, r, i} }
	n := s
	switch me2 := &n.workers[i]; w.at {
	case look:
		switch me2.at = started; {
		case m.without[Before]:
			me2.at = start
		case !s.there:
			me2.saw = nothing
		case s.stands > r:
			me2.saw = higher
		default: // also what is said to be at the revision: it may not be whole
			me2.at = start
		}
		add(n, by(sees), "worker %d looks, for a change to %d", me, r)
	case start:
		me2.at, me2.saw = started, equal
		if n.there {
			n.stands, n.half = r, 0
		} else {
			me2.saw = nothing
		}
		add(n, by(changesTo), "worker %d changes to %d", me, r)
		if n = s; n.there {
			if n.workers[i] = (changer{}); !n.whole(r) {
				n.half = r
			}
			add(n, by(halves), "worker %d dies, and half of %d is made", me, r)
			n = s
			n.workers[i].at, n.workers[i].saw = started, lower
			add(n, by(refuses), "worker %d is refused a change to %d", me, r)
		}
		n = s
		n.late[r] = min(2, n.late[r]+1) // a third one would do what the second does
		n.workers[i] = changer{}
		add(n, by(leaves), "worker %d dies, its change to %d is on its way", me, r)
	case started:
		n.workers[i] = changer{}
		m.conclude(&n, me, w)
		add(n, by(concludes), "worker %d commits what came of %d", me, r)
	}
	n = s
	n.workers[i] = changer{}
	add(n, by(perishes), "worker %d dies at a change to %d", me, r)
}

// conclude is the commit of what came of a call.
func (m changeModel) conclude(n *changeState, me int8, w changer) {
	row := &n.row
	ours := row.intent == me && row.of == w.revision
	if m.without[Noted] {
		ours = row.state == outdated && row.want == w.revision
	}
	switch {
	case !ours:
		return
	case row.state == releasing:
		row.intent, row.of = 0, 0
		return
	case row.want != w.revision:
		row.state = outdated
	case w.saw == equal:
		row.state, row.want = active, 0
		n.say(w.revision)
	case w.saw == higher:
		row.state, row.want, row.highest = active, 0, max(row.highest, n.stands)
	case w.saw == nothing: // of what the ledger has lost
		row.state, row.want = none, 0
		n.failed = n.failed || w.revision == revisions
	default:
		row.state, row.want = active, 0
		n.failed = n.failed || w.revision == revisions
	}
	row.intent, row.of = 0, 0
}

// claim is what an idle worker may take up.
func (m changeModel) claim(s changeState, i int8, add func(changeState, action, string, ...any)) {
	row, n := s.row, s
	by := func(k kind, r int8) action { return action{k, r, i} }
	switch row.state {
	case outdated:
		if row.loose != 0 && row.loose != row.want && s.may(row.loose) && !m.without[Quiet] {
			return
		}
		if row.want < s.arrived && !s.lost {
			n.wrong = fmt.Sprintf("revision %d is made though %d was asked for", row.want, s.arrived)
		}
		if n.workers[i] = (changer{at: look, revision: row.want}); !m.without[Noted] {
			n.row.state, n.row.intent, n.row.of = changing, i+1, row.want
		}
		if row.loose != row.want {
			n.row.loose = 0
		}
		add(n, by(takesUp, row.want), "worker %d takes the change to %d", i+1, row.want)
	case changing:
		loose := func() { // its call may not have ended
			if n.row.loose, n.row.intent, n.row.of = 0, 0, 0; s.may(row.of) {
				n.row.loose = row.of
			}
		}
		switch {
		case m.without[Whole] && s.there && (s.stands == row.of || s.half == row.of) && row.want == row.of:
			loose()
			n.row.state, n.row.want = active, 0
			n.say(row.of)
			add(n, by(watches, row.of), "worker %d takes revision %d for made", i+1, row.of)
		case s.there && s.stands >= row.of:
			loose()
			n.row.state = outdated
			add(n, by(watches, row.of), "worker %d sees revision %d, to which another changed", i+1, row.of)
		case !s.alive(row.of) && !s.there && row.want == row.of: // of what the ledger has lost
			loose()
			n.row.state, n.row.want = none, 0
			n.failed = n.failed || row.of == revisions
			add(n, by(repeats, row.of), "worker %d sees that there is nothing to be changed to %d", i+1, row.of)
		case !s.alive(row.of):
			loose()
			n.row.state = outdated
			add(n, by(repeats, row.of), "worker %d sees that revision %d does not stand", i+1, row.of)
		}
	case releasing:
		n.there, n.stands, n.half = false, 0, 0
		if row.intent != 0 && s.may(row.of) || row.loose != 0 && s.may(row.loose) {
			if s.there {
				add(n, by(tryFree, 0), "worker %d releases for the first time", i+1)
			}
			return
		}
		n.row, n.gone = changeRow{state: released}, true
		add(n, by(freed, 0), "worker %d releases", i+1)
	}
}

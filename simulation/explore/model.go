package explore

import "fmt"

// Rule is one rule of the protocol.
type Rule string

// The rules.
const (
	Tombstone  Rule = "tombstone"         // a release leaves a mark by which a later reserve is answered CANCELLED
	Generation Rule = "generation"        // a second operation asks under a new generation
	Intent     Rule = "intent"            // a worker commits that it will call before it calls
	Find       Rule = "find before start" // nothing is started before it was looked up
	Quarantine Rule = "quarantine"        // who meets an intent waits until its effect has landed or never will
	Unknown    Rule = "maybe done"        // what timed out is released, too, not only what was answered
)

// Rules lists all.
func Rules() []Rule {
	return []Rule{Tombstone, Generation, Intent, Find, Quarantine, Unknown}
}

const (
	operations = 2
	workers    = 2
)

// The states of a ledger row.
const (
	none = iota
	wanted
	starting
	active
	releasing
	released
)

var rowNames = [...]string{"none", "WANTED", "STARTING", "ACTIVE", "RELEASING", "RELEASED"}

// The phases of an operation.
const (
	reserving = iota
	holding
	letting // its release is under way
	ended
)

// What a worker is about to do.
const (
	idle    = iota
	look    // Find
	start   // Start, and its effect
	started // commit of the result
)

// row is the ledger's row of one token.
type row struct {
	state  int8
	intent int8 // worker whose call may be under way, from 1; 0: none
	early  bool // it was looked up, or released, once while the call might have been under way
}

// worker is one call.
type worker struct {
	at    int8
	token int8
}

// state is everything there is; it is comparable, so that a state is visited once. What was sent may arrive as often as the
// network likes, or never, so that one mark stands for all attempts and all copies.
type state struct {
	op      int8 // the operation under way
	phase   int8
	asked   bool // it sent its command
	wanted  bool // the second keeps what it reserved
	reserve [operations]bool
	release [operations]bool
	granted [operations]bool // a reply says that the token stands
	refused [operations]bool // … that it was cancelled
	gone    [operations]bool // … that it was released
	rows    [operations]row
	workers [workers]worker
	late    [operations]int8 // effects of calls whose callers died, still on their way
	vim     [operations]int8 // resources at the VIM, by token
}

// model is the protocol without some of its rules.
type model struct{ without map[Rule]bool }

// token returns the token that an operation asks for.
func (m model) token(op int8) int8 {
	if m.without[Generation] {
		return 0
	}
	return op
}

// kind is a kind of thing that happens.
type kind string

const (
	decides  kind = "decides"  // an operation goes on
	asks     kind = "asks"     // a reserve arrives
	lets     kind = "lets"     // a release arrives
	takes    kind = "takes"    // a worker commits the intent for a row
	looks    kind = "looks"    // … looks its token up
	starts   kind = "starts"   // … starts it
	sends    kind = "sends"    // … dies, and its start is on its way
	commits  kind = "commits"  // … commits what came of it
	dies     kind = "dies"     // … dies
	finds    kind = "finds"    // a worker finds what another's call made, before that is resolved
	settles  kind = "settles"  // a worker looks up what another's call came to, once that is resolved
	tries    kind = "tries"    // a worker looks up in vain, or releases, while a call may be under way
	discards kind = "discards" // a worker releases, and the row is a tombstone
	lands    kind = "lands"    // what is on its way has its effect
	vanishes kind = "vanishes" // … or none
)

// action is one thing that happens, to a token, by a worker.
type action struct {
	kind   kind
	token  int8
	worker int8 // its place; of an action that a worker does
}

// step is one thing that happens, in words, and what comes of it.
type step[S comparable] struct {
	action
	what string
	next S
}

// steps returns everything that may happen next.
func (m model) steps(s state) []step[state] {
	var out []step[state]
	add := func(next state, a action, format string, args ...any) {
		out = append(out, step[state]{a, fmt.Sprintf(format, args...), next})
	}
	m.orchestrate(s, add)
	m.deliver(s, add)
	m.work(s, add)
	m.land(s, add)
	return out
}

// orchestrate is what the operation under way does: it asks, hears, loses patience, lets go, and is followed by the next.
func (m model) orchestrate(s state, add func(state, action, string, ...any)) {
	if s.op >= operations {
		return
	}
	t := m.token(s.op)
	n := s
	switch s.phase {
	case reserving:
		if !s.asked {
			n.asked, n.reserve[s.op] = true, true
			add(n, action{kind: decides}, "operation %d sends its reserve", s.op+1)
			return
		}
		if s.granted[t] {
			n.phase = holding
			add(n, action{kind: decides}, "operation %d hears that it stands", s.op+1)
		}
		n = s // a refusal, or no answer in time
		n.phase, n.asked = letting, false
		if m.without[Unknown] && !s.refused[t] {
			n.phase = ended // it takes no answer for no effect
		}
		add(n, action{kind: decides}, "operation %d gives up", s.op+1)
	case holding:
		if n.phase, n.asked = letting, false; s.op == operations-1 {
			n.phase, n.wanted = ended, true
			add(n, action{kind: decides}, "operation %d ends and keeps it", s.op+1)
			return
		}
		add(n, action{kind: decides}, "operation %d lets go", s.op+1)
	case letting:
		if !s.asked {
			n.asked, n.release[t] = true, true
			add(n, action{kind: decides}, "operation %d sends its release", s.op+1)
		} else if s.gone[t] {
			n.phase = ended
			add(n, action{kind: decides}, "operation %d hears that it is gone", s.op+1)
		}
	case ended:
		n.op, n.phase, n.asked = s.op+1, reserving, false
		add(n, action{kind: decides}, "operation %d has ended", s.op+1)
	}
}

// deliver is the network.
func (m model) deliver(s state, add func(state, action, string, ...any)) {
	for op := range int8(operations) {
		if !s.reserve[op] {
			continue
		}
		n, t := s, m.token(op)
		switch r := &n.rows[t]; {
		case (r.state == released || r.state == releasing) && !m.without[Tombstone]:
			n.refused[t] = true
		case r.state == active: // answered once it was looked up
			r.state = starting
		case r.state == none || r.state == released:
			*r = row{state: wanted}
		}
		add(n, action{kind: asks, token: t}, "the reserve of operation %d arrives: %s → %s", op+1, rowNames[s.rows[t].state], rowNames[n.rows[t].state])
	}
	for t := range int8(operations) {
		if !s.release[t] {
			continue
		}
		n := s
		switch r := &n.rows[t]; r.state {
		case released:
			n.gone[t] = true
		default:
			r.state = releasing
		}
		add(n, action{kind: lets, token: t}, "the release of token %d arrives: %s → %s", t+1, rowNames[s.rows[t].state], rowNames[n.rows[t].state])
	}
}

// work is what the workers do, and where they may die.
func (m model) work(s state, add func(state, action, string, ...any)) {
	for i, w := range s.workers {
		me := int8(i + 1)
		by := func(k kind) action { return action{k, w.token, int8(i)} }
		switch w.at {
		case idle:
			m.claim(s, i, add)
			continue
		case look:
			n := s
			n.workers[i].at = start
			if s.vim[w.token] > 0 && !m.without[Find] {
				n.workers[i].at = started
			}
			add(n, by(looks), "worker %d looks %d up", me, w.token+1)
		case start:
			n := s
			n.vim[w.token]++
			n.workers[i].at = started
			add(n, by(starts), "worker %d starts %d", me, w.token+1)
			n = s
			n.late[w.token]++
			n.workers[i] = worker{}
			add(n, by(sends), "worker %d dies, its start of %d is on its way", me, w.token+1)
		case started:
			n := s
			n.workers[i] = worker{}
			switch r := &n.rows[w.token]; {
			case r.state == starting && (r.intent == me || m.without[Intent]):
				*r = row{state: active}
				n.granted[w.token] = true
			case r.state == releasing && r.intent == me:
				*r = row{state: releasing} // the release may go on
			case r.state == released:
				*r = row{state: releasing, intent: me} // what it made may stand
			}
			add(n, by(commits), "worker %d commits what came of %d", me, w.token+1)
		}
		n := s
		n.workers[i] = worker{}
		add(n, by(dies), "worker %d dies", me)
	}
}

// claim is what an idle worker may take up.
func (m model) claim(s state, i int, add func(state, action, string, ...any)) {
	for _, w := range s.workers[:i] {
		if w.at == idle {
			return // one idle worker is as good as another
		}
	}
	me := int8(i + 1)
	for t := range int8(operations) {
		by := func(k kind) action { return action{k, t, int8(i)} }
		r := s.rows[t]
		// An intent is resolved when its worker works on it no more and its effect has landed or never will.
		alive := r.intent > 0 && s.workers[r.intent-1].at != idle && s.workers[r.intent-1].token == t
		resolved := r.intent == 0 || !alive && (s.late[t] == 0 || m.without[Quarantine])
		n := s
		switch {
		case r.state == wanted:
			n.rows[t].state = starting
			if m.without[Intent] {
				n.rows[t] = row{state: wanted} // whoever looks sees nothing of the call
			} else {
				n.rows[t].intent = me
			}
			n.workers[i] = worker{at: look, token: t}
			add(n, by(takes), "worker %d takes %d", me, t+1)
		case r.state == starting && resolved:
			if s.vim[t] > 0 && !m.without[Find] {
				n.rows[t] = row{state: active}
				n.granted[t] = true
			} else {
				n.rows[t] = row{state: wanted}
			}
			add(n, by(settles), "worker %d settles the call behind %d: %s", me, t+1, rowNames[n.rows[t].state])
		case r.state == starting && s.vim[t] > 0:
			n.rows[t] = row{state: active}
			n.granted[t] = true
			add(n, by(finds), "worker %d finds what the call behind %d made", me, t+1)
		case r.state == starting && !r.early:
			n.rows[t].early = true
			add(n, by(tries), "worker %d looks the call behind %d up in vain", me, t+1)
		case r.state == releasing && resolved:
			n.vim[t] = 0
			n.rows[t] = row{state: released}
			n.gone[t] = true
			add(n, by(discards), "worker %d releases %d", me, t+1)
		case r.state == releasing && !r.early:
			n.vim[t] = 0
			n.rows[t].early = true
			add(n, by(tries), "worker %d releases %d for the first time", me, t+1)
		}
	}
}

// land is what a dead caller's call does in the end.
func (m model) land(s state, add func(state, action, string, ...any)) {
	for t := range int8(operations) {
		if s.late[t] > 0 {
			n := s
			n.late[t]--
			n.vim[t]++
			add(n, action{kind: lands, token: t}, "a start of %d lands late", t+1)
			n = s
			n.late[t]--
			add(n, action{kind: vanishes, token: t}, "a start of %d comes to nothing", t+1)
		}
	}
}

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

// step is one thing that happens.
type step struct {
	what string
	next state
}

// steps returns everything that may happen next.
func (m model) steps(s state) []step {
	var out []step
	add := func(next state, format string, args ...any) {
		out = append(out, step{fmt.Sprintf(format, args...), next})
	}
	m.orchestrate(s, add)
	m.deliver(s, add)
	m.work(s, add)
	m.land(s, add)
	return out
}

// orchestrate is what the operation under way does: it asks, hears, loses patience, lets go, and is followed by the next.
func (m model) orchestrate(s state, add func(state, string, ...any)) {
	if s.op >= operations {
		return
	}
	t := m.token(s.op)
	n := s
	switch s.phase {
	case reserving:
		if !s.asked {
			n.asked, n.reserve[s.op] = true, true
			add(n, "operation %d sends its reserve", s.op+1)
			return
		}
		if s.granted[t] {
			n.phase = holding
			add(n, "operation %d hears that it stands", s.op+1)
		}
		n = s // a refusal, or no answer in time
		n.phase, n.asked = letting, false
		if m.without[Unknown] && !s.refused[t] {
			n.phase = ended // it takes no answer for no effect
		}
		add(n, "operation %d gives up", s.op+1)
	case holding:
		if n.phase, n.asked = letting, false; s.op == operations-1 {
			n.phase, n.wanted = ended, true
			add(n, "operation %d ends and keeps it", s.op+1)
			return
		}
		add(n, "operation %d lets go", s.op+1)
	case letting:
		if !s.asked {
			n.asked, n.release[t] = true, true
			add(n, "operation %d sends its release", s.op+1)
		} else if s.gone[t] {
			n.phase = ended
			add(n, "operation %d hears that it is gone", s.op+1)
		}
	case ended:
		n.op, n.phase, n.asked = s.op+1, reserving, false
		add(n, "operation %d has ended", s.op+1)
	}
}

// deliver is the network.
func (m model) deliver(s state, add func(state, string, ...any)) {
	for op := range int8(operations) {
		if !s.reserve[op] {
			continue
		}
		n, t := s, m.token(op)
		switch r := &n.rows[t]; {
		case (r.state == released || r.state == releasing) && !m.without[Tombstone]:
			n.refused[t] = true
		case r.state == active:
			n.granted[t] = true
		case r.state == none || r.state == released:
			r.state = wanted
		}
		add(n, "the reserve of operation %d arrives: %s → %s", op+1, rowNames[s.rows[t].state], rowNames[n.rows[t].state])
	}
	for t := range int8(operations) {
		if !s.release[t] {
			continue
		}
		n := s
		switch r := &n.rows[t]; r.state {
		case none, wanted, released:
			r.state = released
			n.gone[t] = true
		default:
			r.state = releasing
		}
		add(n, "the release of token %d arrives: %s → %s", t+1, rowNames[s.rows[t].state], rowNames[n.rows[t].state])
	}
}

// work is what the workers do, and where they may die.
func (m model) work(s state, add func(state, string, ...any)) {
	for i, w := range s.workers {
		me := int8(i + 1)
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
			add(n, "worker %d looks %d up", me, w.token+1)
		case start:
			n := s
			n.vim[w.token]++
			n.workers[i].at = started
			add(n, "worker %d starts %d", me, w.token+1)
			n = s
			n.late[w.token]++
			n.workers[i] = worker{}
			add(n, "worker %d dies, its start of %d is on its way", me, w.token+1)
		case started:
			n := s
			n.workers[i] = worker{}
			switch r := &n.rows[w.token]; {
			case r.state == starting && (r.intent == me || m.without[Intent]):
				r.state, r.intent = active, 0
				n.granted[w.token] = true
			case r.state == releasing && r.intent == me:
				r.intent = 0 // the release may go on
			}
			add(n, "worker %d commits what came of %d", me, w.token+1)
		}
		n := s
		n.workers[i] = worker{}
		add(n, "worker %d dies", me)
	}
}

// claim is what an idle worker may take up.
func (m model) claim(s state, i int, add func(state, string, ...any)) {
	me := int8(i + 1)
	for t := range int8(operations) {
		r := s.rows[t]
		// An intent is resolved when its worker works on it no more and its effect has landed or never will.
		alive := r.intent > 0 && s.workers[r.intent-1].at != idle && s.workers[r.intent-1].token == t
		resolved := r.intent == 0 || !alive && (s.late[t] == 0 || m.without[Quarantine])
		switch {
		case r.state == wanted:
			n := s
			n.rows[t].state = starting
			if m.without[Intent] {
				n.rows[t] = row{state: wanted} // whoever looks sees nothing of the call
			} else {
				n.rows[t].intent = me
			}
			n.workers[i] = worker{at: look, token: t}
			add(n, "worker %d takes %d", me, t+1)
		case r.state == starting && resolved:
			n := s
			n.rows[t].intent = 0
			if s.vim[t] > 0 && !m.without[Find] {
				n.rows[t].state = active
				n.granted[t] = true
			} else {
				n.rows[t].state = wanted
			}
			add(n, "worker %d settles the call behind %d: %s", me, t+1, rowNames[n.rows[t].state])
		case r.state == releasing && resolved:
			n := s
			n.vim[t] = 0
			n.rows[t] = row{state: released}
			n.gone[t] = true
			add(n, "worker %d releases %d", me, t+1)
		}
	}
}

// land is what a dead caller's call does in the end.
func (m model) land(s state, add func(state, string, ...any)) {
	for t := range int8(operations) {
		if s.late[t] > 0 {
			n := s
			n.late[t]--
			n.vim[t]++
			add(n, "a start of %d lands late", t+1)
			n = s
			n.late[t]--
			add(n, "a start of %d comes to nothing", t+1)
		}
	}
}

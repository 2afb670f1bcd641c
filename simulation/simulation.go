// Package simulation runs the whole program, on several virtual nodes over one shared store, under a seeded scheduler
// that decides everything: which loop of which node goes next, where it is interrupted, what a client asks, what fails,
// and when the clock moves. A seed is a history: it can be run again, step by step the same.
//
// It owns the world around the program: the store in memory, the simulated VIMs, clients, subscribers, another
// orchestrator at the VIM manager, the clock and the faults; the checkers of invariants I1 to I9; and the judges of what
// the parts of the program promise each other, asked at every commit and every call to a VIM. It promises that a seed run
// twice makes the same trace, and that nothing on a simulated path starts a goroutine of its own, opens a socket or waits
// for the wall clock. It must not be imported by the program.
//
// A loop's turn or a client's request is a coroutine. It can be suspended wherever it reads the store, between the read
// and the write of a change (the store's key locks are left out on purpose: the guards of the commit must do without
// them), and before and after each call to a VIM or a subscriber. A node that crashes loses all its coroutines and
// everything it kept in memory; a paused one comes back with leases that others hold by then.
//
// Mutants take one safeguard out, from outside the program: a wrapper around the store, the driver or the sender. A mutant that no
// seed finds is a hole in the simulation.
package simulation

import (
	"fmt"
	"time"
)

// Options say how a seed is run. The zero value is the ordinary run.
type Options struct {
	// Trace keeps the readable trace in the result.
	Trace bool
	// Mutant takes a safeguard out; "" takes none.
	Mutant Mutant
	// Without turns kinds of faults off.
	Without map[Fault]bool
	// Faults is the number of faults carried out at most; 0 means any number, -1 none.
	Faults int
	// SkipFaults and SkipActions leave single ones out, by their number in the run, from 1.
	SkipFaults, SkipActions map[int]bool
	// Steps bounds the part of the run with faults; 0 means 6000.
	Steps int
}

// Result is what a run did and found.
type Result struct {
	Seed       uint64
	Hash       string // of the trace
	Steps      int
	Commits    int
	Calls      int // to a VIM
	Actions    int // of clients
	Told       int // deliveries to subscribers, those that failed included
	GivenUp    int // notifications
	FaultsSeen int // faults drawn, those left out included
	Faults     map[Fault]int
	Operations map[string]int // by type and the state in which faults ended
	Happened   map[Event]int
	Elapsed    time.Duration // on the virtual clock
	Violations []string
	Trace      []string
}

// Failed reports whether an invariant was broken.
func (r *Result) Failed() bool { return len(r.Violations) > 0 }

// Run runs one seed.
func Run(seed uint64, o Options) *Result {
	if o.Steps == 0 {
		o.Steps = 6000
	}
	w := newWorld(seed, o)
	func() {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(stop); !ok {
					panic(v)
				}
			}
		}()
		w.setUp()
		w.chaos()
		w.upgrade()
		w.calm()
		w.settle()
	}()
	w.abandon()
	return w.result()
}

// Twice runs a seed two times; that the traces differ is a violation of its own.
func Twice(seed uint64, o Options) *Result {
	first := Run(seed, o)
	second := Run(seed, o)
	if first.Hash != second.Hash {
		first.Violations = append(first.Violations, fmt.Sprintf("not deterministic: traces %s and %s", first.Hash, second.Hash))
	}
	return first
}

// stop ends a run early: what was found makes going on pointless.
type stop struct{}

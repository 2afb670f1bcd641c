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

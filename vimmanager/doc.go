// Package vimmanager carries out VIM commands: each is written into a ledger in the commit that consumes it, and workers
// drive the ledger's rows against the VIM drivers until the command can be answered.
//
// It owns the ledger tables vim_commands (a row per command, by command id) and vim_resources (a row per resource token,
// plus one "fence:<vnf>" row per VNF). It promises that one token has at most one resource, whatever dies, hangs, comes
// twice or comes late; that a reserve answered FAILED or CANCELLED leaves nothing; that the release of an exact token is
// always accepted and outlasts every late reserve of it; and that a command is answered once, in the commit of its last
// result. It decides nothing about lifecycles: whether to try again is the saga's business, and a later attempt joins
// the rows that are there.
//
// # A resource row
//
//	          ┌────────────── not there, worker died ◄──────────────┐
//	          ▼                                                      │
//	reserve: WANTED ─intent─► STARTING ─no answer─► UNRESOLVED ──────┤ deadline, Find, quarantine, Find
//	          ▲                │   │ answer              │ found     │
//	          │ reserve        │   ├─────► BUILDING ◄────┤           ▼ not there, no answer
//	          │                │   ▼          │ ready    │         FAILED
//	          │                │  ACTIVE ◄────┴──────────┘           ▲
//	          │                │              │ failed               │
//	          │                │              ▼                      │
//	          └────────────────┴─► FAILED  CLEARING ─────────────────┘
//
//	release, from anywhere: RELEASING ──► RELEASED (the tombstone: a reserve is answered CANCELLED)
//
// Every call to a VIM lies between two commits. The intent is committed first, with the time by which the call will
// have been given up; a worker that dies leaves it behind. Whoever meets an unresolved intent looks the token up, waits
// for the deadline, looks, waits for a quarantine time, and looks again, before it believes that nothing is there. No
// Start without a Find by token before it. A reserve that joins an ACTIVE row makes it UNRESOLVED: it is answered once a
// look has found the resource, and when none is there the row begins anew.
//
// # The sweep
//
// The Sweeper compares what each VIM lists as ours with the ledger. It releases, through the ledger, what no row
// accounts for once it was seen twice, and what a row accounts for that the records no longer know (a ledger that went back
// builds once more what was cleared away since), and reports what the ledger has and the VIM has not. It finishes a release
// that failed and that nobody asked for again: it is tried once more while the VIM has the resource, and has ended when it has
// not. When the ledger was lost or restored to an older point, Find before Start takes what is there back as its commands
// come again, a release works without a row, and Config.Wanted lets the sweep rebuild the rows of resources the records
// know. Without Wanted, a resource without a row is released: never point an empty ledger at a VIM in use without it.
package vimmanager

// Package vimmanager carries out VIM commands: each is written into a ledger in the commit that consumes it, and workers
// drive the ledger's rows against the VIM drivers until the command can be answered.
//
// It owns the ledger tables vim_commands (a row per command, by command id) and vim_resources (a row per resource token,
// plus one "fence:<vnf>" row per VNF). It promises that one token has at most one resource, whatever dies, hangs, comes
// twice or comes late; that a reserve answered FAILED or CANCELLED leaves nothing; that a resource is never taken back to a
// lower revision of its spec; that the release of an exact token is always accepted and outlasts every late reserve and change
// of it; and that a command is answered in the commit of its result. A command that comes again is answered with its reply, or
// with a message that says that it is being worked on. The VIM manager decides nothing about lifecycles: whether to try again is
// the saga's business, and a later attempt joins the row that is there.
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
//	change:   ACTIVE ──► OUTDATED ─intent─► CHANGING ─the revision stands, or the change failed─► ACTIVE
//	                        ▲                  │
//	                        └──────────────────┘ not whole, no answer, or a higher revision is wanted
//
//	release, from anywhere: RELEASING ──► RELEASED (the tombstone: a reserve or change is answered CANCELLED)
//
// Every call to a VIM lies between two commits. The intent is committed first, with the time by which the call will
// have been given up; a worker that dies leaves it behind. Whoever meets an unresolved intent looks the token up, waits
// for the deadline, looks, waits for a quarantine time, and looks again, before it believes that nothing is there. No
// Start and no Change without a Find by token before it. A reserve that joins an ACTIVE row makes it UNRESOLVED: it is answered
// once a look has found the resource, and when none is there the row begins anew.
//
// A row keeps the highest revision that it has seen, in a command or at the VIM; a change to a lower one is refused. A change
// whose call was not answered is made again until all of it stands: the same change twice does no harm. Another revision, and a
// release, wait until that call can have no more effect. A change that turns a power off with a grace lets the guest stop by itself
// until the grace is over; no other bound cuts that short.
//
// # The sweep
//
// The Sweeper compares what each VIM lists as ours with the ledger. It releases, through the ledger, what no row
// accounts for once it was seen twice, and what a row accounts for that the records no longer know (a ledger that went back
// builds once more what was cleared away since), notes at which revision a resource stands, and reports what the ledger has and
// the VIM has not. It finishes a release
// that failed and that nobody asked for again: it is tried once more while the VIM has the resource, and has ended when it has
// not. When the ledger was lost or restored to an older point, Find before Start takes what is there back as its commands
// come again, a release works without a row, and Config.Wanted lets the sweep rebuild the rows of resources the records
// know. Without Wanted, a resource without a row is released: never point an empty ledger at a VIM in use without it.
package vimmanager

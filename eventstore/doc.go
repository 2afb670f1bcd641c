// Package eventstore is the one seam to a database: it writes a Commit in one transaction or not at all, and reads back
// streams, the log, sagas, timeouts, messages, views and ledger rows.
//
// It owns atomicity, order and the guards. It promises: a Commit's fields are all written or none; versions of a stream
// are 1..n and offsets of a lane 1..m without holes, visible to readers in that order; every guard that does not hold
// fails the whole transaction; a transaction whose acknowledgement was lost is looked up by its id, never written twice.
// It never publishes, never interprets an event, and never asks the wall clock: time is the back-end's (the database's
// on PostgreSQL, injected in simulation).
//
// # How a change is made
//
// A Work names the keys it locks, what it must load, and a Decide function. A back-end executes a batch of works in
// two round trips: lock the keys in order and load everything; then, after Decide has turned what was loaded into
// Commits, write all of them and commit. The Committer forms the batches: works whose keys are disjoint ride together
// while the commit before them is in flight. A batch that fails is run again one work at a time, so that the one that
// failed isolates itself.
//
// # Lanes
//
// A key belongs to one of 64 lanes. A commit has one lane: that of its first key. Offsets of events and of outbox
// messages are counted per lane, in a row updated last in the transaction, which is lock and counter at once.
//
// The conformance suite is eventstoretest; memory, sqlite and postgres are the back-ends.
package eventstore

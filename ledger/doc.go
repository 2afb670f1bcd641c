// Package ledger is how participants remember what they were asked for and do it: rows with a document of the participant's
// own, and a worker that makes a step of each row that is due.
//
// Every step that leaves the process has one shape: an intent is committed, a call is made, what came of it is committed. Book
// and Do are the rows of one commit; Worker finds due rows, or is handed them by the commit that made them due, keeps the number
// of calls within the room of each group, and makes the steps. What is due of one key at once is taken together: one commit for
// all intents, the calls side by side, and one commit for all results that are there. Rows whose retention is over are removed.
//
// It owns the order of these things and no meaning: states, documents and calls are the participant's. A step may be made twice,
// by two processes, or stop anywhere; what it commits must be right whatever has happened to the row meanwhile.
package ledger

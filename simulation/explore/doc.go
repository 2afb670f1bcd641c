// Package explore visits every state that a small model of the VIM manager's protocol can reach: one planned resource, two
// operations one after the other, any number of attempts at each command, two workers, a network on which whatever was sent
// may arrive at any time, again, or never, and a VIM that keeps no tokens and whose effects may land after the caller has died.
//
// It says that the rules are enough (no state has a resource twice, none at rest has one that nobody holds, and rest can
// always be reached) and which of them are needed: without any one of Rules there is a history that goes wrong, and Explore
// returns the shortest. A test holds the VIM manager itself against every step of the model; package simulation, which needs no
// model, runs the whole program.
//
// A second model is that of changes: a resource that stands, an operation that changes it, changes it back and may let it go, calls
// that land late, by half, or not at all, and a ledger that goes back while nothing is under way. A revision that was said to stand
// stands until a release. ExploreChanges visits its states, and a test takes the VIM manager through every class of its steps.
//
// What the models take for granted: a call has its effect, or never will, before the deadline and the quarantine of the
// intent behind it have passed, and the ledger does not go back behind a call. Where that does not hold it takes the sweep, which
// the models do not have; nor do they have the fence, what takes time to build, and, the first one, calls that fail.
package explore

// Package lcm is the use cases: one file per LCM operation, with the command handler on top (load, process, one commit)
// and the saga (steps and compensation) below.
//
// It never talks to a VIM or an orchestrator: its sagas send commands. It never publishes: it adds to one commit. It
// promises that an operation and its saga move in one commit, and that whatever an operation leaves at a VIM is on the
// instance's record: as its resources, or as leftovers that Cleanup releases.
//
// Read it in this order: service.go (what the edge calls), instantiate.go and terminate.go (operations), plan.go with
// its siblings (what is to be made, with ids fixed before the grant), grant.go and resolve.go (references become the
// VIM's ids), host.go (what a turn of a saga means for the operation and the instance), errorhandling.go, cleanup.go.
package lcm

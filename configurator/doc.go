// Package configurator configures VNFs once their resources stand, and coordinates operations with them: the participant of
// vnfm.vnf.commands.
//
// How a VNF is configured is behind a small contract, configuration.Configurer; a site that has none plans no such step. The
// participant has the shape of the VIM manager: a command is written into the ledger table vnf_commands in the commit that
// consumes it, a worker commits that a call may be under way, calls, and commits what came of it with the reply. There is one row
// for each configuration, by its token: further attempts at it join the row, and one that succeeded is answered at once.
//
// Unlike a resource, a configuration is nothing that could be looked for. So the Configurer is called again with the same token
// until it says how it went, also when a process died, or an answer was lost, after it had its effect.
//
// A coordination is a row of its own (coordinate.go): it is asked for, looked at when it is due, and called off when nobody waits for
// it any more. Whoever waits is told what is known of it so far by the word that it is being worked on.
package configurator

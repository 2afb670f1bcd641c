// Package lcm is the use cases: one file per LCM operation, with the command handler on top (load, process, one commit)
// and the saga (steps and compensation) below.
//
// It never talks to a VIM or an orchestrator: its sagas send commands. It never publishes: it adds to one commit.
package lcm

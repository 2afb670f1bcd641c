// Package assembly joins the machinery of a node: consumers, participants, sagas, what follows the log, what tells subscribers and what
// clears away, on one database or on two.
//
// Package server runs what it makes, each loop by itself; package simulation takes the same loops step by step. So what the simulation
// proves is what runs: a consumer, a loop or a role that is added here is in both. It must not know settings, nor how a database, a bus
// or a VIM is reached.
package assembly

// Package vnfm is a VNF Manager (ETSI NFV): it onboards VNF packages and runs the lifecycle of network functions for
// orchestrators that speak SOL003. It is event-sourced and saga-orchestrated.
//
// This package holds only what every layer shares: the error type with its kinds. The tree below it is named after
// what things are; read it in the order in which one operation happens:
//
//	console      what browsers get at /ui: the archive made of ui/, served from memory
//	api          the HTTP edge: routes, ProblemDetails, the idempotency filter
//	access       who calls and what they may do: tokens, certificates, roles, limits, the record of denials
//	lcm          the use cases, one file per LCM operation: command handler on top, saga below
//	vnf          the two aggregates (VnfInstance, VnfLcmOpOcc): Process and Apply, pure
//	eventstore   one commit, in one transaction or not at all; memory, SQLite, PostgreSQL
//	outbox, bus  committed messages to their consumers, in order per VNF
//	inbox        each message handled once, its effect committed with its mark
//	ledger       rows of participants, and the worker that makes a step of each that is due
//	vimmanager   the ledger of VIM commands and resources; drives the VIM drivers
//	configurator tells VNFs their configuration, and coordinates operations with them
//	management   how VNFs and element managers are reached; credentials sealed
//	vimregistry  VIM connections: registered ones, and those of one VNF; credentials sealed
//	saga         the orchestrator: steps, retries, compensation, timeouts; knows no VNF
//	filter       attribute filters: what a client may select by, and what it means for a document
//	secret       credentials and other secret values, sealed before they are stored
//	durable      files that are there whole after a crash, or not at all
//	backup       a file of the data folder, of one moment, and back
//	vault        the keys that VNFs' own secret values are sealed with
//	egress       the way out to peers over HTTP, guarded
//	timer        due timeouts become saga input
//	notify       subscriptions; what happened, to those who want to hear of it
//	readmodel    the views an API reader sees, written in the same commit
//	tail         readers of the log who wait for more of it
//	audit        looks, while the program runs, for what must never be
//	assembly     joins the machinery of a node; server runs it, simulation steps it
//	server       the composition root: settings, sockets, databases
//
// docs/architecture.md walks the same path with symbols. The API, the CLI, the settings and the event formats are what
// the project promises to keep; Go packages are not.
package vnfm

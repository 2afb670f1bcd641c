package server

import "slices"

// The roles that the work of the program is divided into. Each has lanes of its own, shared by the nodes that have the role. This is
// the table of what belongs to whom:
//
//	role          whose lanes it has                          what it does in them, and beside them
//	api           none                                        serves requests; keeps the record of denials
//	orchestrator  main                                        consumer "replies" ("vim-replies"), timeouts of sagas; audits, in lane 0
//	relay         main; the ledger's, when it is another      deletes what all consumers of an outbox have passed
//	projector     main                                        follower "lifecycle": log and metrics
//	notifier      main                                        planner "notifications", delivery to subscribers
//	vim-manager   the ledger's                                consumers "vim-manager" and "configuration", their workers, the sweep
//	nfvo-manager  the ledger's; main, when that is another    consumer "nfvo-manager", its worker; onboarding; packages: fetched and read
//
// The timeouts go with the replies: one of a key may not overtake its replies, so who fires it has to know which replies wait.
const (
	roleOrchestrator = "orchestrator"
	roleRelay        = "relay"
	roleProjector    = "projector"
	roleNotifier     = "notifier"
	roleVim          = "vim-manager"
	roleNfvo         = "nfvo-manager"
)

// knows is eventstore.Node.Knows of this program: raise it with each message, event or saga definition that the program before
// does not understand.
const knows = 1

// mainRoles and ledgerRoles are the roles with lanes in each database, when there are two.
func mainRoles() []string {
	return []string{roleOrchestrator, roleRelay, roleProjector, roleNotifier, roleNfvo}
}

// union returns the roles of both, each once.
func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

func ledgerRoles() []string { return []string{roleRelay, roleVim, roleNfvo} }

package server

import (
	"slices"

	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/readmodel"
)

// contract counts the changes of messages and saga definitions that the program before did not understand: raise it with each.
const contract = 1

// knows is eventstore.Node.Knows of this program. Forms of events are never taken back, so that their number tells the newer program.
func knows() int {
	n := contract
	for _, f := range readmodel.Forms() {
		n += f.Schema
	}
	return n
}

// sideRoles returns which of this process's roles have lanes in the main database and in that of the ledgers. Each role has lanes of its
// own, shared by the nodes that have the role. This is the table of what belongs to whom:
//
//	role          whose lanes it has                          what it does in them, and beside them
//	api           none                                        serves requests; keeps the record of denials
//	orchestrator  main                                        consumer "replies" ("vim-replies"), timeouts of sagas; audits, in lane 0
//	relay         main; the ledger's, when it is another      deletes what all consumers of an outbox have passed
//	projector     main                                        follower "lifecycle": log and metrics
//	notifier      main                                        planner "notifications", delivery to subscribers
//	vim-manager   the ledger's                                consumers "vim-manager" and "configuration", their workers, the sweep; compares VIMs with the records
//	nfvo-manager  the ledger's; main, when that is another    consumer "nfvo-manager", its worker; onboarding; packages: fetched and read
//
// The timeouts go with the replies: one of a key may not overtake its replies, so who fires it has to know which replies wait.
func (s *Server) sideRoles() (main, ledger []string) {
	main = []string{lease.RoleOrchestrator, lease.RoleRelay, lease.RoleProjector, lease.RoleNotifier, lease.RoleNfvo}
	ledger = []string{lease.RoleRelay, lease.RoleVim, lease.RoleNfvo}
	if s.stores.vims == s.stores.main {
		main = append(main, lease.RoleVim)
		ledger = nil
	}
	foreign := func(role string) bool { return !s.cfg.Has(role) }
	return slices.DeleteFunc(main, foreign), slices.DeleteFunc(ledger, foreign)
}

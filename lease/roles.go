package lease

// The roles that the work of the program is divided into. Of each role but RoleAPI the work is shared by the lanes of the key space.
const (
	RoleAPI          = "api"
	RoleOrchestrator = "orchestrator"
	RoleRelay        = "relay"
	RoleProjector    = "projector"
	RoleNotifier     = "notifier"
	RoleVim          = "vim-manager"
	RoleNfvo         = "nfvo-manager"
)

// AllRoles lists the roles.
func AllRoles() []string {
	return []string{RoleAPI, RoleOrchestrator, RoleRelay, RoleProjector, RoleNotifier, RoleVim, RoleNfvo}
}

package access

import (
	"slices"
	"strings"
)

// Permission is what a route needs of its caller.
type Permission string

// The permissions.
const (
	// Open routes ask nobody for a name: API versions, health.
	Open Permission = "open"
	// ReadLcm and WriteLcm are for /vnflcm: instances, operations and their error handling, subscriptions.
	ReadLcm  Permission = "lcm:read"
	WriteLcm Permission = "lcm:write"
	// ReadPackages and WritePackages are for /vnfpkgm.
	ReadPackages  Permission = "packages:read"
	WritePackages Permission = "packages:write"
	// ReadOwn is for what we show beyond the standards: events, the past, progress, sagas. Operate is for what an operator
	// decides there: clean-up, stuck resources. It is for dry runs, too: they change nothing, but cost what an operation costs to
	// plan, and only who may begin the operation has a use for them.
	ReadOwn Permission = "site:read"
	Operate Permission = "site:operate"
	// Administer is for the site itself: VIM connections, the simulator, the audit, parked messages.
	Administer Permission = "site:administer"
)

// Permissions lists all, for checks and tables.
var Permissions = []Permission{Open, ReadLcm, WriteLcm, ReadPackages, WritePackages, ReadOwn, Operate, Administer}

// Means says what a permission is for, to people.
func (p Permission) Means() string { return permissions[p] }

var permissions = map[Permission]string{
	Open:          "asked of nobody: who only wants to know how the server is",
	ReadLcm:       "read VNF instances, operations and subscriptions (`/vnflcm`)",
	WriteLcm:      "change them, and begin, retry, roll back, fail and cancel operations",
	ReadPackages:  "read VNF packages (`/vnfpkgm`)",
	WritePackages: "onboard, change and delete VNF packages",
	ReadOwn:       "read what no standard shows: events, the past, progress, sagas, notifications, VIM connections without their credentials",
	Operate:       "decide about what is stuck: clean up, resolve, send notifications again",
	Administer:    "the site itself: VIM connections, the simulated VIM, the audit, denials, parked messages",
}

// Role is what a caller is to this site.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
	NFVO     Role = "nfvo" // an orchestrator: /vnflcm and /vnfpkgm, nothing of ours
	EM       Role = "em"   // an element manager: SOL002's view of /vnflcm, without VIM connections
)

// roles is the one table of what each role may do.
var roles = map[Role][]Permission{
	Viewer:   {ReadLcm, ReadPackages, ReadOwn},
	Operator: {ReadLcm, WriteLcm, ReadPackages, WritePackages, ReadOwn, Operate},
	Admin:    {ReadLcm, WriteLcm, ReadPackages, WritePackages, ReadOwn, Operate, Administer},
	NFVO:     {ReadLcm, WriteLcm, ReadPackages, WritePackages},
	EM:       {ReadLcm, WriteLcm},
}

// Roles lists the names of all roles in order.
func Roles() []Role {
	return []Role{Viewer, Operator, Admin, NFVO, EM}
}

// Means says who has a role, to people.
func (r Role) Means() string {
	return map[Role]string{
		Viewer: "reads", Operator: "runs VNFs", Admin: "runs the site", NFVO: "an orchestrator: the standard's interfaces, nothing of ours",
		EM: "an element manager: `/vnflcm` as SOL002 has it, without VIM connections",
	}[r]
}

// RoleNames lists the names of all roles for people.
func RoleNames() string {
	words := make([]string, len(Roles()))
	for i, r := range Roles() {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}

// Known reports whether a word is a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

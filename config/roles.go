package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vnfm/vnfm/lease"
)

// allRoles stands for all of them.
const allRoles = "all"

// Has reports whether this process has a role.
func (c *Config) Has(role string) bool {
	return slices.Contains(c.Roles, role) || slices.Contains(c.Roles, allRoles)
}

// roleProblems says what is wrong with the roles.
func (c *Config) roleProblems() (problems []string) {
	split := false
	for _, role := range lease.AllRoles() {
		split = split || !c.Has(role)
	}
	for _, role := range c.Roles {
		if role != allRoles && !slices.Contains(lease.AllRoles(), role) {
			return []string{fmt.Sprintf("roles: there is no role %q; there are %s", role, strings.Join(lease.AllRoles(), ", "))}
		}
	}
	switch {
	case len(c.Roles) == 0:
		problems = append(problems, "roles: a process has one role at least")
	case split && c.Database == "":
		problems = append(problems, "roles: processes that share the work need a database that they share: set database to a postgres:// URL")
	case split && strings.HasPrefix(c.Vim.Database, "sqlite:"):
		problems = append(problems, "roles: processes that share the work need a database that they share: set vim-database to a postgres:// URL")
	case split && c.Vim.Simulated && c.Vim.SimURL == "":
		problems = append(problems, "roles: the simulated VIMs in this process are not those of another: set vim-sim-url (vnfmd sim-vim), or leave them out (--no-vim-simulated)")
	}
	return problems
}

package server_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/lease"
	"github.com/vnfm/vnfm/secret"
	"github.com/vnfm/vnfm/server"
	"github.com/vnfm/vnfm/vim/sim"
	"github.com/vnfm/vnfm/vim/sim/remote"
)

// Each role in a process of its own, two of them VIM managers, over one PostgreSQL, and with another for the VIM side: a VNF is
// instantiated and terminated, the VIM managers have half of the lanes each, and a process without the role api serves health,
// readiness and metrics, nothing else.
func TestEachRoleInAProcessOfItsOwn(t *testing.T) {
	for name, args := range map[string]func(t *testing.T) []string{
		"one database": func(t *testing.T) []string { t.Helper(); return []string{"--database=" + dbtest.Postgres(t)} },
		"two databases": func(t *testing.T) []string {
			t.Helper()
			return []string{"--database=" + dbtest.Postgres(t), "--vim-database=" + dbtest.Postgres(t)}
		},
	} {
		t.Run(name, func(t *testing.T) { apart(t, args(t)) })
	}
}

func apart(t *testing.T, args []string) {
	simulated, err := sim.Open(sim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	vims := httptest.NewServer(remote.Handler(simulated))
	t.Cleanup(vims.Close)
	key := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(key, []byte(secret.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	process := func(role string) *program {
		return newProgram(t, settings(t, append([]string{"--roles=" + role, "--data=" + t.TempDir(), "--secret-key-file=" + key, "--vim-sim-url=" + vims.URL}, args...)...),
			server.Options{Guide: io.Discard})
	}
	var managers []*program
	for _, role := range append(lease.AllRoles(), lease.RoleVim) {
		if role == lease.RoleAPI {
			continue
		}
		p := process(role)
		p.open()
		if role == lease.RoleVim {
			managers = append(managers, p)
		}
	}
	api := process(lease.RoleAPI)
	api.start() // with the sample package, which another process has read
	for _, m := range managers {
		m.await("half of the lanes", func() bool { return strings.Contains(m.metrics(), `role="vim-manager"} 32`) })
		m.must(200, "GET", "/readyz", nil)
		if code, _, _ := m.request("GET", "/vnflcm/v2/vnf_instances", nil); code != 404 {
			t.Errorf("a process without the API answers %d", code)
		}
	}
	var vnfs []string
	for i := range 4 {
		vnf := api.create(fmt.Sprint("apart", i))
		api.run(vnf, "instantiate", instantiate)
		vnfs = append(vnfs, vnf)
	}
	if len(simulated.Inventory()) == 0 {
		t.Error("nothing is at the VIM")
	}
	for _, vnf := range vnfs {
		api.run(vnf, "terminate", terminate)
	}
	if left := simulated.Inventory(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// Settings that cannot work say so in one line.
func TestRolesThatCannotWork(t *testing.T) {
	const postgres = "postgres://x/y"
	for want, c := range map[string]config.Config{
		`there is no role "vim"`: {Roles: []string{"api", "vim"}, Database: postgres},
		"a process has one role": {Database: postgres},
		"set database":           {Roles: []string{"api"}},
		"set vim-database":       {Roles: []string{"api"}, Database: postgres, Vim: config.Vim{Database: "sqlite:x"}},
		"set vim-sim-url":        {Roles: []string{"api"}, Database: postgres, Vim: config.Vim{Simulated: true}},
	} {
		lines := 0
		for line := range strings.SplitSeq(c.Validate().Error(), "\n") {
			if strings.Contains(line, "roles: ") && strings.Contains(line, want) {
				lines++
			}
		}
		if lines != 1 {
			t.Errorf("%q is said %d times in: %v", want, lines, c.Validate())
		}
	}
}

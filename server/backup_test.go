package server_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/server"
)

// A backup is taken while operations run, and the folder goes back to it while the VIMs stay where they are: what was under way goes
// on and ends, what the VIMs lost since is seen and repaired, and what they have and no record knows is swept.
func TestBackupWhileItRunsAndBackToIt(t *testing.T) {
	for name, args := range map[string][]string{"one database": nil, "two databases": {"--vim-database=sqlite:vim.db"}} {
		t.Run(name, func(t *testing.T) {
			p := startProgram(t, append(args, "--vim-sweep-interval=1s")...)
			kept := p.create("kept")
			p.run(kept, "instantiate", instantiate)
			file := filepath.Join(t.TempDir(), "vnfm.backup")
			underWay := []string{p.create("a"), p.create("b"), p.create("c")}
			ops := make([]string, len(underWay))
			for i, id := range underWay {
				ops[i] = p.begin(id, "instantiate", instantiate)
			}
			var out bytes.Buffer
			if err := server.Backup(t.Context(), p.cfg, &out, file, "v1", false); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), "secret.key is not in it") {
				t.Errorf("nothing is said of the key: %s", &out)
			}
			for _, op := range ops {
				p.completed(op)
			}
			p.run(kept, "terminate", terminate)
			later := p.create("later")
			p.run(later, "instantiate", instantiate)

			if err := server.RestoreBackup(t.Context(), p.cfg, &out, file, true); err == nil || !strings.Contains(err.Error(), "used by another vnfmd") {
				t.Errorf("while the program runs: %v", err)
			}
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			if err := server.RestoreBackup(t.Context(), p.cfg, &out, file, false); vnfm.KindOf(err) != vnfm.Conflict {
				t.Errorf("onto a folder that is used: %v", err)
			}
			out.Reset()
			if err := server.RestoreBackup(t.Context(), p.cfg, &out, file, true); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "put the key file back") || !strings.Contains(out.String(), "has what was there before") {
				t.Errorf("it says %s", &out)
			}

			p.start()
			if code, _ := p.call("GET", "/vnflcm/v2/vnf_instances/"+later, nil); code != 404 {
				t.Errorf("what began since is still known: %d", code)
			}
			for _, op := range ops {
				p.completed(op)
			}
			drift := "/vnfm/v1/vnf_instances/" + kept
			if got := p.must(200, "GET", drift+"/drift", nil); !strings.Contains(text(got), "missing") {
				t.Errorf("the VIM lost all of a VNF, and drift tells %v", got)
			}
			code, h, b := p.request("POST", drift+"/sync", map[string]any{"repair": true, "confirmed": true})
			if code != 202 {
				t.Fatalf("a repair: %d %s", code, b)
			}
			p.completed(pathOf(h))
			want := p.resources(append(underWay, kept)...)
			p.await("the sweep of what no record knows", func() bool { return len(p.inventory()) == want })
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			if err := server.Audit(t.Context(), p.cfg, &out, true); err != nil {
				t.Errorf("the audit: %v: %s", err, &out)
			}
		})
	}
}

// resources returns how many resources instances have at the VIMs by their records.
func (p *program) resources(ids ...string) int {
	p.t.Helper()
	n := 0
	for _, id := range ids {
		looks, _ := field(p.must(200, "GET", "/vnfm/v1/vnf_instances/"+id+"/drift", nil), "vims").([]any)
		for _, l := range looks {
			recorded, _ := field(l, "recorded").(float64)
			n += int(recorded)
		}
	}
	return n
}

// A folder that is empty takes a backup, with the key when it is in it; without it the key must be put back, and is not replaced.
func TestRestoreIntoAnEmptyFolder(t *testing.T) {
	for _, withKey := range []bool{false, true} {
		p := startProgram(t)
		p.must(201, "POST", "/vnfm/v1/vims", secretive(map[string]any{"id": "site-c"}))
		file := filepath.Join(t.TempDir(), "vnfm.backup")
		var out bytes.Buffer
		if err := server.Backup(t.Context(), p.cfg, &out, file, "v1", withKey); err != nil {
			t.Fatal(err)
		}
		if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("others may read the backup: %v %v", i.Mode(), err)
		}
		if err := server.Backup(t.Context(), p.cfg, &out, file, "v1", withKey); vnfm.KindOf(err) != vnfm.Conflict {
			t.Errorf("onto a file that is there: %v", err)
		}
		c := settings(t, "--data="+t.TempDir())
		out.Reset()
		if err := server.RestoreBackup(t.Context(), c, &out, file, false); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "put the key file back") == withKey {
			t.Errorf("key in it: %v: %s", withKey, &out)
		}
		if withKey {
			restored := newProgram(t, c, server.Options{Guide: io.Discard})
			restored.start()
			restored.run(restored.create("new"), "instantiate", instantiate)
			restored.must(200, "GET", "/vnfm/v1/vims/site-c", nil)
		} else if _, err := server.New(t.Context(), c, server.Options{Log: io.Discard}); err == nil || !strings.Contains(err.Error(), "key file") {
			t.Errorf("a start without the key: %v", err)
		}
	}
}

// Settings with PostgreSQL are refused in words that say what to do.
func TestBackupOfPostgreSQLIsRefused(t *testing.T) {
	c := settings(t, "--data="+t.TempDir(), "--database=postgres://127.0.0.1/none")
	var out bytes.Buffer
	for _, err := range []error{server.Backup(t.Context(), c, &out, "x", "v1", false), server.RestoreBackup(t.Context(), c, &out, "x", false)} {
		if vnfm.KindOf(err) != vnfm.Invalid || !strings.Contains(err.Error(), "PostgreSQL") {
			t.Error(err)
		}
	}
}

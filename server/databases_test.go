package server_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/server"
)

// twoDatabases are the settings of a program whose VIM manager and NFVO manager have a database of their own.
var twoDatabases = map[string]func(t *testing.T) []string{
	"two sqlite files": func(*testing.T) []string { return []string{"--vim-database=sqlite:vims.db"} },
	"two postgres databases": func(t *testing.T) []string {
		t.Helper()
		return []string{"--database=" + dbtest.Postgres(t), "--vim-database=" + dbtest.Postgres(t)}
	},
	"postgres and a sqlite file": func(t *testing.T) []string {
		t.Helper()
		return []string{"--database=" + dbtest.Postgres(t), "--vim-database=sqlite:vims.db"}
	},
}

// The VIM manager and the NFVO manager work in a database of their own (design.md §5): operations run, also over a
// restart, both outboxes are pruned by cursors in the other database, and the offline commands see both. Seen failing
// with the pruner told that all cursors are in its own database (nothing is pruned), and with the replies consumer
// subscribed to the main side's bus (the operation does not go on).
func TestTheVimManagerHasItsOwnDatabase(t *testing.T) {
	for name, args := range twoDatabases {
		t.Run(name, func(t *testing.T) {
			p := startProgram(t, args(t)...)
			vnf := p.create("apart")
			p.delay(100 * time.Millisecond)
			op := p.begin(vnf, "instantiate", instantiate)
			p.await("a first resource", func() bool { return len(p.inventory()) > 0 })
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			p.start()
			p.delay(0)
			p.completed(op)
			for _, check := range []string{"database", "lanes", "vim-database", "vim-lanes"} {
				if ready := fmt.Sprint(p.must(200, "GET", "/readyz", nil)); !strings.Contains(ready, check) {
					t.Errorf("readiness does not tell of %s: %s", check, ready)
				}
			}
			p.run(vnf, "terminate", terminate)
			if left := p.inventory(); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			main, vims, err := p.server.Outboxes(t.Context())
			if err != nil || main == 0 || vims == 0 {
				t.Errorf("%d messages in the main outbox, %d in the VIM manager's, %v: want some in both", main, vims, err)
			}
			if err := p.server.Prune(t.Context()); err != nil {
				t.Fatal(err)
			}
			// A cursor is not moved for a few messages of another topic: what came after the last configuration, if any, stays.
			if m, v, err := p.server.Outboxes(t.Context()); err != nil || m == 0 || m > main || v != 0 {
				t.Errorf("pruned: %d messages of %d in the main outbox, %d of %d in the VIM manager's, %v", m, main, v, vims, err)
			}
			if page := p.metrics(); !strings.Contains(page, `vnfm_lease_lanes{database="vim",role="vim-manager"} 64`) || !strings.Contains(page, `vnfm_outbox_oldest_seconds{consumer="vim-replies"} 0`) {
				t.Errorf("the metrics do not tell of the second database:\n%s", page)
			}
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := server.Verify(t.Context(), p.cfg, &out); err != nil {
				t.Errorf("verify: %v: %s", err, &out)
			}
			if err := server.Rebuild(t.Context(), p.cfg, &out, true); err != nil {
				t.Errorf("rebuild --check: %v: %s", err, &out)
			}
		})
	}
}

// design.md §4, "VIM manager's database is lost or restored to an older point": Find and the sweep rebuild it; the
// cursors, which are on both sides, find their place again. Seen failing without across: no reply is delivered.
func TestVimManagersDatabaseIsLostOrRestoredToAnOlderPoint(t *testing.T) {
	for _, restored := range []string{"lost", "restored to an older point"} {
		t.Run(restored, func(t *testing.T) {
			p := newProgram(t, settings(t, "--data="+t.TempDir(), "--vim-database=sqlite:vims.db", "--vim-sweep-interval=50ms"), server.Options{Guide: io.Discard})
			p.start()
			first := p.create("first")
			p.run(first, "instantiate", instantiate)
			file := filepath.Join(p.cfg.Data, "vims.db")
			older := stopAndRead(p, file)
			p.start()
			p.run(first, "terminate", terminate)
			p.run(first, "instantiate", instantiate)
			second := p.create("second")
			p.run(second, "instantiate", instantiate)
			if err := p.server.Prune(t.Context()); err != nil { // what the older ledger would have to read is gone
				t.Fatal(err)
			}
			third := p.create("third")
			p.delay(100 * time.Millisecond)
			op := p.begin(third, "instantiate", instantiate)
			before := p.inventory()
			p.await("a first resource", func() bool { return len(p.inventory()) > len(before) })
			held := p.inventory()
			stopAndRead(p, file)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if restored != "lost" {
				if err := os.WriteFile(file, older, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p.start()
			p.delay(0)
			p.completed(op)
			now := p.inventory()
			for token, id := range held {
				if now[token] != id {
					t.Errorf("resource %s is %q at the VIM now, was %q", token, now[token], id)
				}
			}
			for _, vnf := range []string{first, second, third} {
				p.run(vnf, "terminate", terminate)
			}
			p.await("an empty VIM", func() bool { return len(p.inventory()) == 0 })
		})
	}
}

// stopAndRead stops the program and returns what is in a database file then.
func stopAndRead(p *program, file string) []byte {
	p.t.Helper()
	if err := p.stop(); err != nil {
		p.t.Fatal(err)
	}
	if exists(file + "-wal") {
		p.t.Fatalf("%s is not closed", file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

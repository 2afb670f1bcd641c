package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/server"
)

// Who only looks at a database makes none, and says that there is none.
func TestLookingAtNothingMakesNothing(t *testing.T) {
	for name, args := range map[string][]string{
		"an empty folder": nil, "no folder": {"--data=" + filepath.Join(t.TempDir(), "none")},
		"two files": {"--vim-database=sqlite:vims.db"},
	} {
		dir := t.TempDir()
		c := settings(t, append([]string{"--data=" + dir}, args...)...)
		var out bytes.Buffer
		for what, run := range map[string]func(ctx context.Context) error{
			"verify":  func(ctx context.Context) error { return server.Verify(ctx, c, &out) },
			"check":   func(ctx context.Context) error { return server.Rebuild(ctx, c, &out, true) },
			"audit":   func(ctx context.Context) error { return server.Audit(ctx, c, &out, true) },
			"rebuild": func(ctx context.Context) error { return server.Rebuild(ctx, c, &out, false) },
			"rotate":  func(ctx context.Context) error { return server.RotateSecrets(ctx, c, &out) },
		} {
			if err := run(t.Context()); vnfm.KindOf(err) != vnfm.NotFound || !strings.Contains(err.Error(), "vnfm.db") && !strings.Contains(err.Error(), "vims.db") {
				t.Errorf("%s, %s: %v: %s", name, what, err, &out)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: there is %v, %v", name, left, err)
		}
		if _, err := os.Stat(c.Data); name == "no folder" && !os.IsNotExist(err) {
			t.Errorf("%s: it was made: %v", name, err)
		}
	}
}

// An empty PostgreSQL database stays one.
func TestLookingAtAnEmptyDatabaseMakesNothing(t *testing.T) {
	c := settings(t, append(backends["postgres"](t), "--data="+t.TempDir())...)
	var out bytes.Buffer
	if err := server.Verify(t.Context(), c, &out); vnfm.KindOf(err) != vnfm.NotFound {
		t.Errorf("%v: %s", err, &out)
	}
	if err := server.Migrate(t.Context(), c, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := server.Verify(t.Context(), c, &out); err != nil {
		t.Errorf("after migrate: %v", err)
	}
}

// What the program keeps is its owner's alone: whatever it makes, and what an older program made.
func TestNothingInTheFolderIsForOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := newProgram(t, settings(t, "--data="+dir, "--vim-database=sqlite:vims.db"), server.Options{Guide: &bytes.Buffer{}})
	open := func() (out []string) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if i, err := d.Info(); err == nil && i.Mode().Perm()&0o077 != 0 && (path == dir || filepath.Dir(path) == dir && !d.IsDir()) {
				out = append(out, i.Mode().String()+" "+path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	p.start()
	p.run(p.create("kept"), "instantiate", instantiate)
	if got := open(); len(got) > 0 {
		t.Errorf("made for others too: %v", got)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o750); err != nil { // as older programs made it
		t.Fatal(err)
	}
	for _, name := range []string{"vnfm.db", "vims.db"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	if got := open(); len(got) > 0 {
		t.Errorf("left open to others: %v", got)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // somebody wanted it so
		t.Fatal(err)
	}
	p.start()
	if !strings.Contains(p.log.String(), "chmod 700") {
		t.Error("it is not said")
	}
}

// A server whose database is damaged is not ready and says why, the audit says what is damaged, and both while the server runs.
func TestADamagedDatabaseIsNotReady(t *testing.T) {
	p := startProgram(t)
	for range 30 {
		p.create(strings.Repeat("long ", 200))
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.cfg.Data, "vnfm.db")
	db, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root := rootOf(t, file, "views")
	copy(db[(root-1)*4096:], bytes.Repeat([]byte{0xa5}, 4096))
	if err := os.WriteFile(file, db, 0o600); err != nil {
		t.Fatal(err)
	}
	p.opts.Guide = nil
	p.open()
	p.await("the damage to be said", func() bool {
		code, answer := p.call("GET", "/readyz", nil)
		return code == 503 && strings.Contains(text(answer, "detail"), "damaged")
	})
	r := p.must(200, "GET", "/vnfm/v1/audit", nil)
	if text(r, "ok") != "false" || text(r, "complete") != "false" || text(r, "findings", 0, "check") != "database-damaged" || text(r, "findings", 0, "do") == "" {
		t.Errorf("audit: %v, %v", field(r, "findings"), field(r, "unmade"))
	}
	if code, answer := p.call("GET", "/vnflcm/v2/vnf_instances", nil); code != 500 || !strings.Contains(text(answer, "detail"), "damaged") {
		t.Errorf("a request: %d %v", code, answer)
	}
	p.must(200, "GET", "/healthz", nil)
}

// rootOf returns the first page of a table.
func rootOf(t *testing.T, file, table string) (page int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "select rootpage from sqlite_schema where name = ?", table).Scan(&page); err != nil {
		t.Fatal(err)
	}
	return page
}

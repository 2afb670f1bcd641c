package server_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEachLineOfAnOperationSaysWhose runs an operation that fails and is undone: each line of the log that is about it has the VNF and the
// operation. Seen failing with the events of operations, which had no VNF, and with moves of resources, which had no operation.
func TestEachLineOfAnOperationSaysWhose(t *testing.T) {
	p := startProgram(t, "--log-access", "--log-level=info")
	p.must(200, "PUT", "/vnfm/v1/sim/behaviour", map[string]any{"seed": 1, "rules": []any{map[string]any{"on": "configure", "outcome": "permanent", "times": 1}}})
	id := p.create("logged")
	uri := p.begin(id, "instantiate", instantiate)
	op := uri[strings.LastIndex(uri, "/")+1:]
	p.ends(uri, "ROLLED_BACK")
	p.await("its last line", func() bool { return strings.Contains(p.log.String(), "type=opocc.rolled-back") })
	kinds := map[string]int{}
	for line := range strings.Lines(p.log.String()) {
		about := strings.Contains(line, op) || strings.Contains(line, "resource moved")
		if !about || strings.Contains(line, "msg=request ") && !strings.Contains(line, "instantiate") {
			continue
		}
		kinds[regexp.MustCompile(`msg=("[^"]*"|\S+)`).FindString(line)]++
		for _, want := range []string{"vnf_id=" + id, "opocc_id=" + op} {
			if !strings.Contains(line, want) {
				t.Errorf("a line without %s: %s", want, line)
			}
		}
	}
	for _, kind := range []string{`msg="lifecycle event"`, `msg="resource moved"`, "msg=request"} {
		if kinds[kind] == 0 {
			t.Errorf("no line is %s: %v", kind, kinds)
		}
	}
}

// TestReloadTakesOver: limits, the log of requests and certificates change while the program runs; a file of certificates that cannot be
// used leaves everything as it was.
func TestReloadTakesOver(t *testing.T) {
	p := startProgram(t, "--log-level=info")
	cfg := p.cfg
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	cfg.APIToken, p.token = "twelve-or-more", "twelve-or-more"
	p.start()
	fresh := *cfg
	fresh.HTTP.Rate, fresh.HTTP.Burst, fresh.Log.Access = 0.001, 1, true
	if err := p.server.Reload(t.Context(), &fresh); err != nil {
		t.Fatal(err)
	}
	p.await("a refusal", func() bool { code, _ := p.call("GET", "/vnfm/v1/vims", nil); return code == 429 })
	p.await("its line", func() bool {
		return strings.Contains(p.log.String(), "route=/vnfm/v1/vims status=429 took=")
	})
	wrong := fresh
	wrong.HTTP.Rate, wrong.TLS.CertFile, wrong.TLS.KeyFile = 0, filepath.Join(t.TempDir(), "none.pem"), filepath.Join(t.TempDir(), "none.key")
	if err := p.server.Reload(t.Context(), &wrong); err == nil {
		t.Error("certificates that are not there are taken over")
	}
	if code, _ := p.call("GET", "/vnfm/v1/vims", nil); code != 429 {
		t.Errorf("settings that are wrong changed the limits: %d", code)
	}
	if err := p.server.Reload(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	p.await("a request that is taken", func() bool { code, _ := p.call("GET", "/vnfm/v1/vims", nil); return code == 200 })
}

// TestTheLogLevelChanges: an administrator has the node log more, for a time or until the settings are read again; who did it is in the log,
// also where the level leaves such lines out. Seen failing with the level alone set.
func TestTheLogLevelChanges(t *testing.T) {
	p := startProgram(t, "--log-level=error")
	is := func(level, by string) {
		t.Helper()
		l := p.must(200, "GET", "/vnfm/v1/log_level", nil)
		if text(l, "level") != level || text(l, "setting") != "error" || text(l, "by") != by && (by != "" || l.(map[string]any)["by"] != nil) || text(l, "node") == "" {
			t.Errorf("the level is %v, want %s by %s", l, level, by)
		}
	}
	is("error", "")
	p.must(200, "PUT", "/vnfm/v1/log_level", map[string]any{"level": "info"})
	is("info", "local")
	p.create("logged")
	p.await("a line of the new level", func() bool { return strings.Contains(p.log.String(), "type=vnf.instance-created") })
	if line := `level=WARN msg="log level changed" node=`; !strings.Contains(p.log.String(), line) || !strings.Contains(p.log.String(), "was=error level=info caller=local") {
		t.Errorf("nobody says who changed the level: %s", p.log.String())
	}
	p.must(200, "PUT", "/vnfm/v1/log_level", map[string]any{"level": "debug", "seconds": 3600})
	is("debug", "local")
	for _, body := range []map[string]any{{"level": "INFO"}, {"level": "info+1"}, {}, {"level": "info", "seconds": -1}, {"level": "info", "seconds": 1 << 40}} {
		if code, out := p.call("PUT", "/vnfm/v1/log_level", body); code != 400 {
			t.Errorf("%v: %d %v", body, code, out)
		}
	}
	is("debug", "local")
	if err := p.server.Reload(t.Context(), p.cfg); err != nil {
		t.Fatal(err)
	}
	is("error", "")
	p.must(200, "PUT", "/vnfm/v1/log_level", map[string]any{"level": "error"})
	p.create("quiet")
	if n := strings.Count(p.log.String(), "type=vnf.instance-created"); n != 1 {
		t.Errorf("%d lines of VNFs, want that before the level was taken back", n)
	}
}

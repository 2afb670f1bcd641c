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

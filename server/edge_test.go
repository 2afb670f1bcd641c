package server_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/server"
)

// With an API token nobody gets in without it; health and readiness are for everyone.
func TestTheApiTokenIsAskedFor(t *testing.T) {
	p := newProgram(t, settings(t, "--data="+t.TempDir(), "--api-token=canary-token"), server.Options{})
	p.start()
	const path = "/vnflcm/v2/vnf_instances"
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer canary-toke", "Bearer canary-tokens", "Basic canary-token"} {
		code, h, b := p.request("GET", path, nil, "Authorization", header)
		if code != 401 || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") || strings.Contains(string(b), "canary") {
			t.Errorf("with %q: status %d, WWW-Authenticate %q: %s", header, code, h.Get("WWW-Authenticate"), b)
		}
	}
	p.must(200, "GET", "/healthz", nil)
	p.token = "canary-token"
	p.must(200, "GET", path, nil)
	if strings.Contains(p.log.String(), "canary") {
		t.Error("the token is in the log")
	}
}

// The metrics page has what was done and what waits.
func TestMetricsTellWhatHappened(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		p := startProgram(t, args...)
		p.run(p.create("measured"), "instantiate", instantiate)
		wanted := []string{
			`vnfm_lcm_events_total{type="vnf.instantiated`, `vnfm_eventstore_commits_total `, `vnfm_eventstore_up{database="main"} 1`,
			`vnfm_outbox_messages_total{topic="vnfm.vim.commands"} `, `vnfm_saga_step_seconds_count{direction="do",`,
			`vnfm_vim_call_seconds_count{call="start",class="ok",vim_id="sim-1"} `, `vnfm_lease_lanes{database="main"} 64`,
			`vnfm_saga_instances{state="RUNNING"} 0`, `vnfm_saga_instances{state="STUCK"} 0`,
			`vnfm_inbox_parked_messages{consumer="vim-manager"} 0`, `vnfm_outbox_oldest_seconds{consumer="replies"} 0`,
			`vnfm_eventstore_waiting_works{database="main"} `, "\ngo_goroutines ", "\nprocess_",
		}
		var missing []string
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the metrics do not have %q", missing)
			}
		})
		p.await("the metrics", func() bool { // some follow the log, or show what is on its way just now
			page := p.metrics()
			missing = slices.DeleteFunc(slices.Clone(wanted), func(w string) bool { return strings.Contains(page, w) })
			return len(missing) == 0
		})
	})
}

// A saga that waits for somebody is in the metrics.
func TestMetricsTellWhoIsWaitedFor(t *testing.T) {
	p := startProgram(t, "--operation-on-failure=INSTANTIATE=hold")
	p.must(200, "PUT", "/vnfm/v1/sim/behaviour", map[string]any{"seed": 1, "delay": "0s", "rules": []any{map[string]any{"on": "configure", "outcome": "permanent", "times": 1}}})
	op := p.begin(p.create("held"), "instantiate", instantiate)
	p.await("FAILED_TEMP", func() bool { return text(p.must(200, "GET", op, nil), "operationState") == "FAILED_TEMP" })
	if page := p.metrics(); !strings.Contains(page, `vnfm_saga_instances{state="HELD"} 1`) {
		t.Errorf("no held saga in the metrics:\n%s", page)
	}
}

// metrics returns the metrics page.
func (p *program) metrics() string {
	p.t.Helper()
	code, _, page := p.request("GET", "/metrics", nil)
	if code != 200 {
		p.t.Fatalf("metrics: status %d: %s", code, page)
	}
	return string(page)
}

package server_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/internal/authtest"
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
			`vnfm_vim_call_seconds_count{call="start",class="ok",vim_id="sim-1"} `, `vnfm_lease_lanes{database="main",role="orchestrator"} 64`,
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

// write puts a file into a folder and returns its path.
func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// encrypted prepares a server with a certificate of a test authority, and returns where its files are.
func encrypted(t *testing.T, ca *authtest.Authority, args ...string) (p *program, dir string) {
	t.Helper()
	dir = t.TempDir()
	cert, key := ca.Issue("vnfm")
	p = newProgram(t, settings(t, append([]string{
		"--data=" + t.TempDir(), "--tls-cert-file=" + write(t, dir, "cert.pem", cert), "--tls-key-file=" + write(t, dir, "key.pem", key),
	}, args...)...), server.Options{})
	return p, dir
}

// dial makes the program's requests over TLS, each over a connection of its own.
func (p *program) dial(c *tls.Config) *http.Transport {
	tr := &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}
	p.client = &http.Client{Transport: tr, Timeout: 20 * time.Second}
	return tr
}

// The API speaks TLS 1.2 or newer, and a new certificate is used without a restart; one that is broken is not.
func TestCertificatesAreReadAgain(t *testing.T) {
	ca := authtest.NewAuthority(t)
	p, dir := encrypted(t, ca)
	serial := ""
	tr := p.dial(&tls.Config{RootCAs: ca.Pool(), VerifyConnection: func(s tls.ConnectionState) error {
		serial = s.PeerCertificates[0].Subject.CommonName
		return nil
	}})
	p.start()
	if !strings.HasPrefix(p.url, "https://") || serial != "vnfm" {
		t.Fatalf("%s, certificate of %q", p.url, serial)
	}
	if _, h, _ := p.request("GET", "/healthz", nil); h.Get("Strict-Transport-Security") == "" {
		t.Errorf("no Strict-Transport-Security: %v", h)
	}
	write(t, dir, "cert.pem", []byte("half written"))
	p.await("the broken file to be seen", func() bool {
		p.must(200, "GET", "/healthz", nil)
		return strings.Contains(p.log.String(), "cannot be used")
	})
	cert, key := ca.Issue("vnfm-2")
	write(t, dir, "key.pem", key)
	write(t, dir, "cert.pem", cert)
	p.await("the new certificate", func() bool { p.must(200, "GET", "/healthz", nil); return serial == "vnfm-2" })
	tr.TLSClientConfig.MaxVersion = tls.VersionTLS11
	if code, _, _ := p.request("GET", "/healthz", nil); code != 0 {
		t.Error("TLS 1.1 is spoken")
	}
}

// Clients with a certificate have the role that the settings give its name; with "require" nobody else gets as far as HTTP.
func TestClientCertificates(t *testing.T) {
	ca, stranger := authtest.NewAuthority(t), authtest.NewAuthority(t)
	for _, mode := range []string{"accept", "require"} {
		ca0 := write(t, t.TempDir(), "ca.pem", ca.PEM())
		p, _ := encrypted(t, ca, "--tls-client-ca-file="+ca0, "--tls-client-auth="+mode, "--auth-certificates=dns:nfvo.example=nfvo;cn:noc=viewer")
		use := func(c ...tls.Certificate) { p.dial(&tls.Config{RootCAs: ca.Pool(), Certificates: c}) }
		use(ca.Pair("x", "nfvo.example"))
		p.start()
		p.must(200, "GET", "/vnflcm/v2/vnf_instances", nil)
		p.must(403, "GET", "/vnfm/v1/vims", nil)
		use(ca.Pair("noc"))
		p.must(200, "GET", "/vnfm/v1/vims", nil)
		p.must(403, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": "x"})
		use(ca.Pair("nobody"))
		p.must(401, "GET", "/vnflcm/v2/vnf_instances", nil)
		use()
		want := map[string]int{"accept": 401, "require": 0}[mode]
		if code, _ := p.call("GET", "/vnflcm/v2/vnf_instances", nil); code != want {
			t.Errorf("%s: without a certificate %d", mode, code)
		}
		use(stranger.Pair("x", "nfvo.example"))
		if code, _ := p.call("GET", "/vnflcm/v2/vnf_instances", nil); code == 200 {
			t.Errorf("%s: a certificate of another authority is taken", mode)
		}
	}
}

// The whole edge with an issuer: it may be away at the start, roles hold, every event says who, and what is denied is
// recorded, in the log, the metrics and the database, over a restart.
func TestCallersOfAnIssuer(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		issuer := authtest.NewIssuer(t)
		issuer.Down(true)
		p := newProgram(t, settings(t, append([]string{
			"--data=" + t.TempDir(), "--auth-issuer=" + issuer.URL, "--auth-roles=noc=operator;boss=admin", "--api-token=canary-token",
		}, args...)...), server.Options{Guide: io.Discard})
		p.token = "canary-token" // works while the issuer is away
		p.start()
		ann := issuer.Token(map[string]any{"sub": "ann", "roles": "noc"})
		boss := issuer.Token(map[string]any{"sub": "eve", "roles": "boss"})
		p.token = ann
		p.must(503, "GET", "/vnflcm/v2/vnf_instances", nil)
		issuer.Down(false)
		p.await("the issuer to be asked again", func() bool { code, _ := p.call("GET", "/vnflcm/v2/vnf_instances", nil); return code == 200 })
		id := p.create("fw")
		op := p.run(id, "instantiate", instantiate)
		all, _ := p.must(200, "GET", "/vnfm/v1/vnf_instances/"+id+"/events", nil).([]any)
		for _, e := range all {
			asked := strings.HasPrefix(text(e, "command"), "lcm.")
			if who := text(e, "actor"); asked && who != "oidc:ann" || !asked && who != "vnfm" {
				t.Errorf("%s %s by %s: actor %s", text(e, "stream"), text(e, "type"), text(e, "command"), who)
			}
		}
		if text(all, 0, "role") != "operator" {
			t.Errorf("the first event says %v", all[0])
		}
		if who := text(p.must(200, "GET", "/vnfm/v1/vnf_lcm_op_occs/"+path.Base(op)+"/progress", nil), "startedBy"); who != "oidc:ann" {
			t.Errorf("started by %s", who)
		}
		p.must(403, "GET", "/vnfm/v1/audit/denials", nil)
		p.token = "forged"
		p.must(401, "GET", op, nil)
		p.must(401, "GET", op, nil)
		p.token = boss
		if page := p.metrics(); !strings.Contains(page, `vnfm_api_denials_total{reason="invalid_token",status="401"} 2`) {
			t.Error("the denials are not in the metrics")
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		p.start()
		var got []string
		denials, _ := p.must(200, "GET", "/vnfm/v1/audit/denials", nil).([]any)
		for _, d := range denials {
			got = append(got, strings.Join([]string{text(d, "caller"), text(d, "route"), text(d, "status"), text(d, "count")}, " "))
		}
		slices.Sort(got)
		if want := []string{"address:127.0.0.1 /vnflcm/v2/vnf_lcm_op_occs/{id} 401 2", "oidc:ann /vnfm/v1/audit/denials 403 1"}; !slices.Equal(got, want) {
			t.Errorf("recorded %q", got)
		}
		for _, secret := range []string{"canary", "forged", ann, boss} {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("%s is in the log", secret)
			}
		}
	})
}

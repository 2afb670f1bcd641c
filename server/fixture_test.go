package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/server"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// backends are the databases a test runs on: the settings that choose them.
var backends = map[string]func(t *testing.T) []string{
	"sqlite":   func(*testing.T) []string { return nil },
	"postgres": func(t *testing.T) []string { t.Helper(); return []string{"--database=" + dbtest.Postgres(t)} },
}

// onEach runs a test on every back-end.
func onEach(t *testing.T, f func(t *testing.T, args []string)) {
	t.Helper()
	for name, args := range backends {
		t.Run(name, func(t *testing.T) { f(t, args(t)) })
	}
}

// settings returns the settings that vnfmd would have with these flags, and short times.
func settings(t *testing.T, args ...string) *config.Config {
	t.Helper()
	var c config.Config
	k, err := kong.New(&c, kong.DefaultEnvars(config.EnvPrefix))
	if err != nil {
		t.Fatal(err)
	}
	short := []string{"--listen=127.0.0.1:0", "--vim-call-timeout=2s", "--vim-quarantine=100ms", "--vim-poll-interval=20ms",
		"--operation-backoff=50ms", "--operation-step-timeout=10s", "--lane-lease=2s", "--http-stop-timeout=10s", "--log-level=warn"}
	if _, err := k.Parse(append(short, args...)); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return &c
}

// program is a server running in this process; stop and start it again as often as you like.
type program struct {
	t      *testing.T
	cfg    *config.Config
	opts   server.Options
	server *server.Server
	url    string
	cancel context.CancelFunc
	ended  chan error
	client *http.Client
	token  string
	log    logs
}

// logs is what a server said, for the case of failure.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// newProgram prepares a server that is not started.
func newProgram(t *testing.T, cfg *config.Config, o server.Options) *program {
	t.Helper()
	p := &program{t: t, cfg: cfg, opts: o}
	p.opts.Log = &p.log
	transport := &http.Transport{}
	p.client = &http.Client{Transport: etsitest.Transport(t, transport), Timeout: 20 * time.Second}
	t.Cleanup(func() {
		if p.cancel != nil {
			if err := p.stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
		transport.CloseIdleConnections()
		if t.Failed() {
			lines := strings.Split(p.log.String(), "\n")
			t.Logf("log:\n%s", strings.Join(lines[max(0, len(lines)-25):], "\n"))
		}
	})
	return p
}

// startProgram starts a server on a folder of its own and waits until it is ready, with the sample package.
func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	p := newProgram(t, settings(t, append([]string{"--data=" + t.TempDir()}, args...)...), server.Options{Guide: io.Discard})
	p.start()
	return p
}

// open starts the server and waits until it answers.
func (p *program) open() {
	p.t.Helper()
	s, err := server.New(p.t.Context(), p.cfg, p.opts)
	if err != nil {
		p.t.Fatal(err)
	}
	p.server, p.url = s, s.URL()
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.WithoutCancel(p.t.Context()))
	p.ended = make(chan error, 1)
	go func() { p.ended <- s.Run(ctx) }()
	p.await("an answer", func() bool { code, _ := p.call("GET", "/healthz", nil); return code == 200 })
}

func (p *program) start() {
	p.t.Helper()
	p.open()
	p.await("readiness", func() bool { code, _ := p.call("GET", "/readyz", nil); return code == 200 })
}

// stop ends the server as SIGTERM would.
func (p *program) stop() error {
	p.t.Helper()
	p.cancel()
	p.cancel = nil
	select {
	case err := <-p.ended:
		return err
	case <-time.After(time.Minute):
		return errors.New("the server does not stop")
	}
}

// await polls until ok, for up to a minute.
func (p *program) await(what string, ok func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// request makes one request and returns status, header and body; status 0 when there was no answer.
func (p *program) request(method, path string, body any, header ...string) (int, http.Header, []byte) {
	p.t.Helper()
	var r io.Reader
	if body != nil {
		j, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, r)
	if err != nil {
		p.t.Fatal(err)
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, nil, nil // the server may be down on purpose
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, nil
	}
	return res.StatusCode, res.Header, b
}

// call makes one request and returns the status and the decoded JSON answer.
func (p *program) call(method, path string, body any, header ...string) (int, any) {
	p.t.Helper()
	code, h, b := p.request(method, path, body, header...)
	var v any
	if len(b) > 0 && strings.Contains(h.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &v); err != nil {
			p.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return code, v
}

// must makes a request that has to end with a status and returns the answer.
func (p *program) must(want int, method, path string, body any, header ...string) any {
	p.t.Helper()
	code, v := p.call(method, path, body, header...)
	if code != want {
		p.t.Fatalf("%s %s: status %d, want %d: %v", method, path, code, want, v)
	}
	return v
}

// delay makes every call to the simulated VIM take a time.
func (p *program) delay(d time.Duration) {
	p.t.Helper()
	p.must(200, "PUT", "/vnfm/v1/sim/behaviour", map[string]any{"seed": 1, "delay": d.String(), "rules": []any{}})
}

// create makes an instance of the sample package.
func (p *program) create(name string) string {
	p.t.Helper()
	return text(p.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": samples.VnfdID, "vnfInstanceName": name}), "id")
}

var (
	instantiate = map[string]any{"flavourId": "standard"}
	terminate   = map[string]any{"terminationType": "FORCEFUL"}
)

// begin starts an operation and returns the path of its occurrence.
func (p *program) begin(vnf, task string, body any, header ...string) string {
	p.t.Helper()
	code, h, b := p.request("POST", "/vnflcm/v2/vnf_instances/"+vnf+"/"+task, body, header...)
	if code != 202 {
		p.t.Fatalf("%s: status %d: %s", task, code, b)
	}
	return pathOf(h)
}

// pathOf returns the path of an answer's Location: a server that was started again listens elsewhere.
func pathOf(h http.Header) string {
	l := h.Get("Location")
	return l[strings.Index(l, "/vnflcm"):]
}

// completed waits until an operation has ended and wants it COMPLETED.
func (p *program) completed(op string) {
	p.t.Helper()
	var v any
	p.await("the end of "+op, func() bool {
		_, v = p.call("GET", op, nil)
		switch text(v, "operationState") {
		case "COMPLETED", "FAILED", "ROLLED_BACK", "FAILED_TEMP":
			return true
		}
		return false
	})
	if text(v, "operationState") != "COMPLETED" {
		p.t.Fatalf("%s ended %v", op, v)
	}
}

// run begins an operation and waits until it is COMPLETED.
func (p *program) run(vnf, task string, body any, header ...string) string {
	p.t.Helper()
	op := p.begin(vnf, task, body, header...)
	p.completed(op)
	return op
}

// inventory returns what the simulated VIMs hold: token by token the VIM's id.
func (p *program) inventory() map[string]string {
	p.t.Helper()
	all, ok := p.must(200, "GET", "/vnfm/v1/sim/inventory", nil).([]any)
	if !ok {
		p.t.Fatal("the inventory is no array")
	}
	out := map[string]string{}
	for _, e := range all {
		if _, twice := out[text(e, "token")]; twice {
			p.t.Errorf("%v is there twice", e)
		}
		out[text(e, "token")] = text(e, "id")
	}
	return out
}

// field walks a decoded JSON value: field(v, "a", 0, "b"). It returns nil where there is nothing.
func field(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			a, _ := v.([]any)
			if k >= len(a) {
				return nil
			}
			v = a[k]
		}
	}
	return v
}

func text(v any, path ...any) string { return fmt.Sprint(field(v, path...)) }

// exists reports whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

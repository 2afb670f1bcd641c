package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/internal/etsitest"
)

// bin holds the two programs, built once.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "vnfm-e2e-")
	if err != nil {
		panic(err)
	}
	bin = dir
	build := exec.Command("go", "build", "-o", dir, "../cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as they are released, also where the race detector needs it
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	code := dbtest.Run(m)
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// backends are the databases a walk runs on: the arguments that choose them.
var backends = map[string]func(t *testing.T) []string{
	"sqlite":   func(*testing.T) []string { return nil },
	"postgres": func(t *testing.T) []string { t.Helper(); return []string{"--database", dbtest.Postgres(t)} },
}

// daemon is one vnfmd process over a data folder; kill and start again as often as you like.
type daemon struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	url  string
	log  *logged
	done chan error
	http *http.Client
}

// logged is what a process wrote, to be read while it runs.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// startDaemon starts vnfmd dev on a free port and waits until it is ready.
func startDaemon(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, args: append([]string{"dev", "-v", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--vim-call-timeout", "2s",
		"--vim-quarantine", "200ms", "--operation-backoff", "100ms", "--lane-lease", "2s"}, args...)}
	d.http = &http.Client{Transport: etsitest.Transport(t, http.DefaultTransport), Timeout: 30 * time.Second}
	d.start()
	t.Cleanup(func() {
		d.kill()
		if t.Failed() {
			t.Logf("log of vnfmd:\n%s", tail(d.log.String(), 20))
		}
	})
	return d
}

var apiLine = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func (d *daemon) start() {
	d.t.Helper()
	d.log = &logged{}
	d.cmd = exec.Command(filepath.Join(bin, "vnfmd"), d.args...)
	d.cmd.Stderr = d.log
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.done = make(chan error, 1)
	found := make(chan string, 1)
	go func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			if u := apiLine.FindString(s.Text()); u != "" {
				select {
				case found <- u:
				default:
				}
			}
		}
		d.done <- d.cmd.Wait()
	}()
	select {
	case d.url = <-found:
	case err := <-d.done:
		d.t.Fatalf("vnfmd ended before it was up: %v\n%s", err, d.log)
	case <-time.After(30 * time.Second):
		d.t.Fatalf("vnfmd is not up\n%s", d.log)
	}
	d.await("readiness", func() bool { code, _ := d.call("GET", "/readyz", nil); return code == 200 })
}

// kill ends the process as a power cut would.
func (d *daemon) kill() {
	if d.cmd.Process.Kill() == nil {
		<-d.done
		d.done <- nil
	}
}

// stop ends it as an operator would and returns its exit code.
func (d *daemon) stop() int {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	select {
	case <-d.done:
		d.done <- nil
	case <-time.After(30 * time.Second):
		d.t.Fatal("vnfmd does not stop")
	}
	return d.cmd.ProcessState.ExitCode()
}

// await polls until ok, for up to a minute.
func (d *daemon) await(what string, ok func() bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// call makes one request; a body that is no reader is sent as JSON. It returns the status and the decoded JSON answer.
func (d *daemon) call(method, path string, body any, header ...string) (int, any) {
	code, _, v := d.request(method, path, body, header...)
	return code, v
}

func (d *daemon) request(method, path string, body any, header ...string) (int, http.Header, any) {
	d.t.Helper()
	var r io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r, contentType = b, "application/zip"
	default:
		j, err := json.Marshal(b)
		if err != nil {
			d.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	url := path
	if !strings.HasPrefix(path, "http") {
		url = d.url + path
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, url, r)
	if err != nil {
		d.t.Fatal(err)
	}
	if r != nil {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := d.http.Do(req)
	if err != nil {
		return 0, nil, nil // the server may be down on purpose
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, nil
	}
	var v any
	if len(b) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &v); err != nil {
			d.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return res.StatusCode, res.Header, v
}

// must makes a request that has to end with a status and returns the answer.
func (d *daemon) must(want int, method, path string, body any, header ...string) any {
	d.t.Helper()
	code, v := d.call(method, path, body, header...)
	if code != want {
		d.t.Fatalf("%s %s: status %d, want %d: %v", method, path, code, want, v)
	}
	return v
}

// vnfm runs the command line and returns its standard output; it fails the test unless the exit code is as wanted.
func (d *daemon) vnfm(wantCode int, args ...string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), filepath.Join(bin, "vnfm"), args...)
	cmd.Env = append(os.Environ(), "VNFM_SERVER="+d.url, "NO_COLOR=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		d.t.Fatalf("vnfm %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, wantCode, &out, &errs)
	}
	return out.String()
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

func list(v any, path ...any) []any {
	a, _ := field(v, path...).([]any)
	return a
}

func tail(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/internal/etsitest"
)

// notRun is how many blocks of commands may be marked as not run.
const notRun = 13

// languages are those of blocks: commands, and what is none.
var languages = []string{"console", "sh", "yaml", "json", "mermaid", "text", "http", "promql", "go"}

// TestEveryBlockIsRun: each block of a page says what it is, and each of commands is run by a test, or marked with the reason why not. Seen failing with
// a page of which nobody says how it is run.
func TestEveryBlockIsRun(t *testing.T) {
	marked := 0
	for _, p := range pagesOf(t) {
		skip := false
		for _, x := range p.parts {
			if x.kind == "not run" {
				if marked++; len(x.text) < 20 {
					t.Errorf("%s:%d does not say why it is not run", p.name, x.line)
				}
				skip = true
				continue
			}
			if x.commands == nil && !slices.Contains(languages, x.kind) && !slices.Contains([]string{"before", "let", "file", "serves", "until"}, x.kind) {
				t.Errorf("%s:%d: a block of %q is none of %v", p.name, x.line, x.kind, languages)
			}
			if (x.kind == "console" || x.kind == "sh") && !skip && p.run == "" {
				t.Errorf("%s:%d: nobody says how the page is run", p.name, x.line)
			}
			if x.kind == "console" && !skip && len(x.commands) == 0 {
				t.Errorf("%s:%d: a block of commands has none", p.name, x.line)
			}
			skip = false
		}
		switch way, _, _ := strings.Cut(p.run, " "); way {
		case "", "dev", "postgres", "alone", "kubernetes", "kafka", "openstack":
		default:
			t.Errorf("%s is run %q, which no test does", p.name, p.run)
		}
	}
	if marked > notRun {
		t.Errorf("%d blocks are not run; %d may be", marked, notRun)
	}
}

// TestPagesAreRun runs the commands of README and the how-tos, in their order, beside a real server: each does what it says, and prints what
// the page shows. Seen failing with a level in a page that the sample has not, and with another number in an output.
func TestPagesAreRun(t *testing.T) {
	ran := 0
	slots := make(chan struct{}, 3)
	for _, p := range pagesOf(t) {
		way, flags, _ := strings.Cut(p.run, " ")
		if way != "dev" && way != "postgres" && way != "alone" {
			continue
		}
		ran++
		t.Run(filepath.Base(p.name), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			t.Cleanup(func() { <-slots })
			r := newReader(t, &p)
			args := strings.Fields(flags)
			switch way {
			case "postgres":
				database := dbtest.Postgres(t)
				r.env = append(r.env, "VNFM_TEST_DATABASE="+database)
				args = append(args, "--database", database)
				fallthrough
			case "dev":
				r.beside(startDaemon(t, args...))
			case "alone":
				if strings.Contains(p.text, "$VNFM_TEST_DATABASE") {
					r.env = append(r.env, "VNFM_TEST_DATABASE="+dbtest.Postgres(t))
				}
			}
			r.run()
		})
	}
	if ran < 20 {
		t.Errorf("only %d pages are run", ran)
	}
}

// reader does what a page tells them, in one shell.
type reader struct {
	t     *testing.T
	page  *page
	home  string
	env   []string
	means [][2]string // what words of the page stand for
	in    io.WriteCloser
	out   *logged
	cmd   *exec.Cmd
	n     int
	slow  time.Duration // what a command may take; 0: three minutes, as a program may be built
}

func newReader(t *testing.T, p *page) *reader {
	t.Helper()
	r := &reader{t: t, page: p, home: t.TempDir()}
	for _, port := range []string{"8080", "8081", "8082", "8083", "8090", "8091", "9999"} {
		here := freeAddress(t)
		r.means = append(r.means, [2]string{"localhost:" + port, here}, [2]string{"127.0.0.1:" + port, here})
		if port == "8080" {
			r.env = append(r.env, "VNFM_SERVER=http://"+here, "VNFM_LISTEN="+here)
		}
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	goes, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		r.env = append(r.env, name+"="+strings.Split(string(goes), "\n")[i])
	}
	r.env = append(r.env, "GOBIN="+r.home, "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+r.home, "TZ=UTC", "NO_COLOR=1", "REPO="+root,
		"VNFM_VIM_CALL_TIMEOUT=2s", "VNFM_VIM_QUARANTINE=200ms", "VNFM_OPERATION_BACKOFF=100ms")
	return r
}

// freeAddress is an address of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// beside has the page run beside a server, each request and answer being checked by the documents of the interfaces.
func (r *reader) beside(d *daemon) {
	u, err := url.Parse(d.url)
	if err != nil {
		r.t.Fatal(err)
	}
	way := httptest.NewServer(&httputil.ReverseProxy{Transport: etsitest.Transport(r.t, nil), FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(u)
		p.Out.Host = p.In.Host
	}})
	r.t.Cleanup(way.Close)
	for _, host := range []string{"localhost:8080", "127.0.0.1:8080"} {
		r.means = append([][2]string{{host, strings.TrimPrefix(way.URL, "http://")}}, r.means...)
	}
	r.env = append(r.env, "VNFM_SERVER="+way.URL, "VNFM_DATA="+d.args[slices.Index(d.args, "--data")+1])
	d.await("the sample package", func() bool {
		code, all := d.call("GET", "/vnfpkgm/v2/vnf_packages?filter=(eq,onboardingState,ONBOARDED)", nil)
		list, _ := all.([]any)
		return code == http.StatusOK && len(list) > 0
	})
}

// run does everything that the page has.
func (r *reader) run() {
	r.t.Helper()
	r.start()
	skip, serves, until, file := false, "", "", ""
	for _, x := range r.page.parts {
		switch x.kind {
		case "before":
			for _, c := range commandsOf("sh", x.text+"\n") {
				r.do(x.line, c, "", "")
			}
		case "let":
			word, command, _ := strings.Cut(x.text, " = ")
			value := strings.TrimSpace(r.do(x.line, shown{command: command}, "", ""))
			if value == "" {
				r.t.Fatalf("%s:%d: %s stands for nothing", r.page.name, x.line, word)
			}
			r.means = append([][2]string{{word, value}}, r.means...)
		case "file":
			file = x.text
		case "serves":
			serves = x.text
		case "until":
			until = x.text
		case "not run":
			skip = true
		default:
			switch {
			case file != "":
				if err := os.WriteFile(filepath.Join(r.home, file), []byte(r.meant(x.text)), 0o600); err != nil {
					r.t.Fatal(err)
				}
			case !skip:
				for i, c := range x.commands {
					if i == len(x.commands)-1 {
						r.do(x.line, c, serves, until)
					} else {
						r.do(x.line, c, "", "")
					}
				}
			}
			skip, serves, until, file = false, "", "", ""
		}
	}
}

// start starts the shell. It ends, with all that it began, with the test.
func (r *reader) start() {
	r.t.Helper()
	r.out = &logged{}
	r.cmd = exec.Command("bash")
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = r.home, append(os.Environ(), r.env...), r.out, r.out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.cmd.WaitDelay = 5 * time.Second
	var err error
	if r.in, err = r.cmd.StdinPipe(); err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.shell("begin", `ready() { until curl -sf -o /dev/null $VNFM_SERVER/readyz; do sleep 0.05; done; until vnfm package list | grep -q ONBOARDED; do sleep 0.05; done; }`)
	r.t.Cleanup(func() {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		_ = r.cmd.Wait()
	})
}

// meant is a text of the page with what its words stand for here.
func (r *reader) meant(text string) string {
	var pairs []string
	for _, m := range r.means {
		pairs = append(pairs, m[0], m[1])
	}
	return strings.NewReplacer(pairs...).Replace(text) // what a word stands for is no word
}

var ended = regexp.MustCompile(`\x01(\d+)\n`)

// do runs one command, and compares what it prints with what the page has.
func (r *reader) do(line int, c shown, serves, until string) string {
	r.t.Helper()
	at := fmt.Sprintf("%s:%d: %s", r.page.name, line, strings.TrimSpace(c.command))
	command := r.meant(c.command)
	if serves != "" || until != "" {
		out := filepath.Join(r.home, "out"+strconv.Itoa(r.n))
		r.n++
		r.shell(at, "{ exec "+command+"\n} </dev/null >"+out+" 2>&1 & last=$!; exit_ok=")
		if serves != "" {
			if out, code := r.shell(at, "for i in $(seq 1500); do curl -s -o /dev/null "+r.meant(serves)+" && exit_ok=1 && break; sleep 0.02; done; test -n \"$exit_ok\" || { cat "+out+"; false; }"); code != 0 {
				r.t.Fatalf("%s: nobody answers at %s\n%s", at, serves, out)
			}
			return ""
		}
		r.await(at, out, r.meant(until))
		r.shell(at, "kill $last")
		return ""
	}
	if strings.HasSuffix(strings.TrimSpace(command), "&") || strings.Contains(command, "&\n") { // what goes on must not write between what others print
		command = "{ " + command + "\n} >" + filepath.Join(r.home, "out"+strconv.Itoa(r.n))
		r.n++
	}
	out, code := r.shell(at, "{ "+command+"\n} </dev/null 2>&1")
	shownOutput := strings.TrimSpace(c.output)
	lines := strings.Split(shownOutput, "\n")
	refused := regexp.MustCompile(`^vnfmd?: `).MatchString(lines[len(lines)-1]) || strings.Contains(c.command, "exit code 1")
	if (code != 0) != refused {
		r.t.Errorf("%s ends with %d:\n%s", at, code, out)
	}
	out = strings.ReplaceAll(out, r.home+"/", "")
	if shownOutput != "" && !prints(out, r.meant(shownOutput)) {
		r.t.Errorf("%s prints\n%s\nthe page has\n%s", at, out, c.output)
	}
	return out
}

// shell runs a line in the shell, and returns what it printed and its exit code.
func (r *reader) shell(at, line string) (string, int) {
	r.t.Helper()
	before := len(r.out.String())
	if _, err := io.WriteString(r.in, line+"\nprintf '\\001%d\\n' $?\n"); err != nil {
		r.t.Fatalf("%s: %v", at, err)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), cmp.Or(r.slow, 3*time.Minute))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		now := r.out.String()[before:]
		if m := ended.FindStringSubmatchIndex(now); m != nil {
			code, _ := strconv.Atoi(now[m[2]:m[3]])
			return now[:m[0]], code
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.t.Fatalf("%s does not end:\n%s", at, now)
		}
	}
}

// await waits until a file has a text.
func (r *reader) await(at, file, text string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		b, _ := os.ReadFile(file)
		if bytes.Contains(b, []byte(text)) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.t.Fatalf("%s does not print %q:\n%s", at, text, b)
		}
	}
}

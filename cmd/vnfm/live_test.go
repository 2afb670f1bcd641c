package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/vnfm/vnfm/client"
	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/server"
)

// startServer runs the whole program in this process, with the sample package onboarded, and returns its URL.
func startServer(t *testing.T) string {
	t.Helper()
	var c config.Config
	k, err := kong.New(&c, kong.DefaultEnvars(config.EnvPrefix))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"--listen=127.0.0.1:0", "--data=" + t.TempDir(), "--vim-poll-interval=20ms", "--log-level=error"}); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := server.New(t.Context(), &c, server.Options{Guide: new(bytes.Buffer), Log: &log, Version: "v0-test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v\n%s", err, &log)
		}
	})
	api, err := client.New(client.Config{Server: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.After(time.Minute)
	for {
		all, err := api.Packages(t.Context())
		if err == nil && len(all) == 1 && all[0].OnboardingState == "ONBOARDED" {
			return checked(t, s.URL())
		}
		select {
		case <-deadline:
			t.Fatalf("there is no sample package: %v, %v", all, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// checked is a way to a server on which each request and answer is checked by the documents of the interfaces.
func checked(t *testing.T, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	way := httptest.NewServer(&httputil.ReverseProxy{Transport: etsitest.Transport(t, nil), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(way.Close)
	return way.URL
}

// at runs one command line against a server.
func at(ctx context.Context, url, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := program{in: strings.NewReader(stdin), stdout: &out, stderr: &errs, now: time.Now, zone: time.UTC}
	code = p.run(ctx, append([]string{"--server", url, "--poll", "20ms"}, args...))
	return code, out.String(), errs.String()
}

// caller returns what runs a command line at a server, and returns all that it prints; it must end with the exit code that is wanted.
func caller(t *testing.T, url string) func(want int, args ...string) string {
	t.Helper()
	return func(want int, args ...string) string {
		t.Helper()
		code, out, errs := at(t.Context(), url, "", args...)
		if code != want {
			t.Errorf("%v: exit %d: %s%s", args, code, out, errs)
		}
		return out + errs
	}
}

// crash is a way to a server on which a command dies at its n-th request that changes something: before the server gets it, or before
// the answer comes back.
type crash struct {
	*httptest.Server
	left  atomic.Int64
	after bool
	die   atomic.Pointer[context.CancelFunc]
}

func newCrash(t *testing.T, to string) *crash {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	c := &crash{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		die := c.die.Load()
		if r.Method == http.MethodGet || die == nil || c.left.Add(-1) != 0 {
			proxy.ServeHTTP(w, r)
			return
		}
		if c.after {
			r = r.WithContext(context.WithoutCancel(r.Context()))
			proxy.ServeHTTP(httptest.NewRecorder(), r)
		}
		(*die)()
		panic(http.ErrAbortHandler) // no answer
	}))
	t.Cleanup(c.Close)
	return c
}

// apply may die before or after each of its requests: run again it ends where the file says, with one VNF of the name, and each operation
// done once. Seen failing with an operation under way not waited for.
func TestApplyIsSafeToRepeat(t *testing.T) {
	to := startServer(t)
	way := newCrash(t, to)
	for _, after := range []bool{false, true} {
		for n := int64(1); n <= 3; n++ { // create, instantiate, operate
			name := "crash-" + map[bool]string{false: "before-", true: "after-"}[after] + string(rune('0'+n))
			file := "name: " + name + "\npackage: Sample Firewall\nflavour: standard\nstate: STOPPED\nproperties: {log_level: debug}\n"
			ctx, die := context.WithCancel(t.Context())
			way.after = after
			way.left.Store(n)
			way.die.Store(&die)
			code, _, errs := at(ctx, way.URL, file, "apply", "-f", "-", "--yes")
			die()
			way.die.Store(nil)
			if code != exitInterrupted || !strings.Contains(errs, "run it again") {
				t.Errorf("%s: it did not die: exit %d: %s", name, code, errs)
			}
			if code, out, errs := at(t.Context(), to, file, "apply", "-f", "-", "--yes"); code != exitOK {
				t.Errorf("%s: exit %d: %s%s", name, code, out, errs)
			}
			if code, out, errs := at(t.Context(), to, file, "plan", "-f", "-"); code != exitOK || out != "0 VNFs to change, 1 as wanted\n" {
				t.Errorf("%s: exit %d: %s%s", name, code, out, errs)
			}
			_, out, errs := at(t.Context(), to, "", "op", "list", "--vnf", name, "--columns", "operation,state", "--no-headers")
			if got := strings.Join(strings.Fields(out), " "); got != "INSTANTIATE COMPLETED OPERATE COMPLETED" {
				t.Errorf("%s: the operations are %s %s", name, got, errs)
			}
		}
	}
}

// The beginning of an id stands for it, also of what has no name; the whole of one is never taken for how another begins.
func TestBeginningsOfIds(t *testing.T) {
	to := startServer(t)
	for _, id := range []string{"edge-1", "edge-10", "edge-20"} {
		if code, _, errs := at(t.Context(), to, "", "vim", "register", id, "--type", "VNFM.SIM.V_1"); code != exitOK {
			t.Fatal(errs)
		}
	}
	for word, want := range map[string]string{"edge-1": "edge-1", "edge-2": "edge-20", "edge-10": "edge-10"} {
		code, out, errs := at(t.Context(), to, "", "vim", "show", word, "-o", "name")
		if code != exitOK || strings.TrimSpace(out) != want {
			t.Errorf("%s: exit %d: %q, want %q: %s", word, code, out, want, errs)
		}
	}
	for word, want := range map[string]string{"edge-": "edge-20", "edgy": "edgy"} {
		if code, out, errs := at(t.Context(), to, "", "vim", "check", word); code == exitOK || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s%s", word, code, out, errs)
		}
	}
}

// A VNFC is named as vnf show names it, by its machine, by the beginning of either, or by a VDU that has no other. Seen failing with words sent
// to the server as they are.
func TestVnfcsAreNamedAsTheyAreShown(t *testing.T) {
	to := startServer(t)
	all := caller(t, to)
	call := func(want int, args ...string) string { t.Helper(); return strings.TrimSpace(all(want, args...)) }
	call(exitOK, "vnf", "create", "--vnfd", "Sample Firewall", "--name", "fw1")
	call(exitOK, "vnf", "instantiate", "fw1", "--flavour", "redundant")
	of := func(path string) string {
		return call(exitOK, "vnf", "show", "fw1", "-o", "jsonpath={.instantiatedVnfInfo."+path+"}")
	}
	id, machine := of("vnfcInfo[0].id"), of("vnfcResourceInfo[0].computeResource.resourceId")
	if out := call(exitOK, "vnf", "show", "fw1"); !strings.Contains(out, id+"  STARTED  "+machine) {
		t.Errorf("%s of %s is not shown:\n%s", id, machine, out)
	}
	for _, word := range []string{id, id[:8], machine, machine[:20]} {
		if out := call(exitOK, "vnf", "heal", "fw1", "--vnfc", word, "--dry-run", "-o", "json"); !strings.Contains(out, id) {
			t.Errorf("%s means no other than %s:\n%s", word, id, out)
		}
	}
	if out := call(exitOK, "vnf", "operate", "fw1", "--to", "STOPPED", "--vnfc", "manager", "--dry-run"); !strings.Contains(out, "Plan: 0 to create, 1 to change") {
		t.Errorf("of a VDU with one VNFC: %s", out)
	}
	if out := call(exitUsage, "vnf", "heal", "fw1", "--vnfc", "gateway", "--dry-run"); !strings.Contains(out, "more than one VNFC") {
		t.Errorf("of a VDU with two: %s", out)
	}
	if out := call(exitServer, "vnf", "heal", "fw1", "--vnfc", "nope", "--dry-run"); !strings.Contains(out, `no VNFC "nope"`) {
		t.Error(out)
	}
}

// An operation that ends while apply looks is seen: between its two questions, for the VNF and for what is under way, the VNF is stopped. Seen
// failing without the second look at the VNF: it was stopped once more.
func TestApplySeesWhatEndsWhileItLooks(t *testing.T) {
	to := startServer(t)
	file := "name: meanwhile\npackage: Sample Firewall\nflavour: standard\n"
	if code, _, errs := at(t.Context(), to, file, "apply", "-f", "-", "--yes"); code != exitOK {
		t.Fatal(errs)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "vnf_lcm_op_occs") {
			once.Do(func() {
				if code, _, errs := at(t.Context(), to, "", "vnf", "operate", "meanwhile", "--to", "STOPPED"); code != exitOK {
					t.Error(errs)
				}
			})
		}
		proxy.ServeHTTP(w, r)
	}))
	defer between.Close()
	if code, out, errs := at(t.Context(), between.URL, file+"state: STOPPED\n", "apply", "-f", "-", "--yes"); code != exitOK || !strings.Contains(out, "1 as wanted") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	_, out, _ := at(t.Context(), to, "", "op", "list", "--vnf", "meanwhile", "--columns", "operation", "--no-headers")
	if n := strings.Count(out, "OPERATE"); n != 1 {
		t.Errorf("%d times OPERATE:\n%s", n, out)
	}
}

// The walk of a VNF by its file alone: what get writes is what apply takes, and each difference is one request.
func TestApplyBringsAVnfToWhatIsWanted(t *testing.T) {
	to := startServer(t)
	file := func(rest string) string { return "name: w1\npackage: Sample Firewall\nflavour: standard\n" + rest }
	for _, c := range []struct {
		file, steps string
	}{
		{file("state: NOT_INSTANTIATED\nmetadata: {site: ulm}\n"), "create"},
		{file("level: busy\nscale: {throughput: 0}\nproperties: {session_limit: 5000}\n"), "instantiate scale"},
		{file("scale: {throughput: 1, sessions: 0}\n"), "scale"},
		{file("state: STOPPED\nmetadata: {site: null}\nproperties: {log_level: debug}\n"), "modify operate"},
		{file("state: STARTED\n"), "operate"},
		{file("metadata: {site: null}\n"), ""},
		{"name: w1\nstate: ABSENT\n", "terminate delete"},
		{"name: w1\nstate: ABSENT\n", ""},
	} {
		code, out, errs := at(t.Context(), to, c.file, "apply", "-f", "-", "--yes", "-o", "jsonpath={[*].steps[*].verb}")
		if code != exitOK || strings.TrimSpace(out) != c.steps {
			t.Errorf("%s: exit %d: %q, want %q: %s", c.file, code, out, c.steps, errs)
		}
		_, whole, _ := at(t.Context(), to, "", "get")
		if whole == "" {
			continue
		}
		if code, out, errs := at(t.Context(), to, whole, "plan", "-f", "-"); code != exitOK || !strings.HasPrefix(out, "0 VNFs to change") {
			t.Errorf("what get writes differs from what is: exit %d: %s%s\n%s", code, out, errs, whole)
		}
	}
	for file, want := range map[string]string{
		"name: w1\npackage: Sample Firewall\n":                    "flavour",
		"package: Sample Firewall\n":                              "name",
		"name: w1\ncolour: red\n":                                 "colour",
		"name: w1\nstate: GONE\n":                                 "GONE",
		"name: w1\nstate: ABSENT\n---\nname: w1\nstate: ABSENT\n": "twice",
		"name: w1\npackage: nobody\nflavour: standard\n":          "nobody",
		"name: w2\npackage: Sample Firewall\nflavour: nope\n":     "standard, redundant",
		file("level: nope\n"):                                     "basic, busy, peak",
		file("scale: {nope: 1}\n"):                                `no aspect "nope"`,
		"":                                                        "nothing",
		"name: [\n":                                               "-",
		"name: w1\npackage: Sample Firewall\nstate: INSTANTIATED\n": "flavour",
	} {
		if code, out, errs := at(t.Context(), to, file, "apply", "-f", "-", "--yes"); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%q: exit %d: %s%s", file, code, out, errs)
		}
	}
	// Without a terminal nothing is done without --yes.
	if code, out, errs := at(t.Context(), to, file(""), "apply", "-f", "-"); code != exitUsage || !strings.Contains(out, "create") || !strings.Contains(errs, "--yes") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// TestMain keeps the contexts of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "vnfm-config")
	if err == nil {
		err = os.Setenv("VNFM_CONTEXTS", filepath.Join(dir, "config.yaml"))
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // only a folder for the tests
	os.Exit(code)
}

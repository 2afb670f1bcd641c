package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/internal/etsitest"
	"github.com/vnfm/vnfm/samples"
	"github.com/vnfm/vnfm/secret"
)

// site is nodes on one PostgreSQL, and the simulated VIMs in a process of their own.
type site struct {
	t    *testing.T
	args []string
	vim  *daemon
	made int
}

func newSite(t *testing.T) *site {
	t.Helper()
	key := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(key, []byte(secret.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t}
	s.vim = s.process("sim-vim", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	s.args = []string{"serve", "--listen", "127.0.0.1:0", "--database", dbtest.Postgres(t), "--secret-key-file", key, "--vim-sim-url", s.vim.url,
		"--vim-call-timeout", "2s", "--vim-quarantine", "200ms", "--operation-backoff", "100ms", "--lane-lease", "2s", "--http-drain", "500ms"}
	return s
}

// node starts one more node and waits until it is ready.
func (s *site) node() *daemon {
	s.t.Helper()
	s.made++
	d := s.process(append(slices.Clone(s.args), "--node", fmt.Sprintf("n%d", s.made), "--data", s.t.TempDir())...)
	d.await("readiness", func() bool { code, _ := d.call("GET", "/readyz", nil); return code == 200 })
	return d
}

// nodes starts nodes, with the sample package on the first, and waits until all have work of each role.
func (s *site) nodes(n int) []*daemon {
	s.t.Helper()
	out := []*daemon{s.node()}
	out[0].onboard(samples.CSAR())
	for len(out) < n {
		out = append(out, s.node())
	}
	out[0].await("equal shares", func() bool { return out[0].shares(64/n, 64/n+1) == n })
	return out
}

var upLine = regexp.MustCompile(`(?:is|are) up" .*url=(http://127\.0\.0\.1:\d+)`)

// process starts vnfmd, and waits until it says where it listens.
func (s *site) process(args ...string) *daemon {
	s.t.Helper()
	d := &daemon{t: s.t, args: args, log: &logged{}, done: make(chan error, 1)}
	d.http = &http.Client{Transport: etsitest.Transport(s.t, &http.Transport{DisableKeepAlives: true}), Timeout: 30 * time.Second}
	d.cmd = exec.Command(filepath.Join(bin, "vnfmd"), args...)
	d.cmd.Stdout, d.cmd.Stderr = io.Discard, d.log
	if err := d.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { d.done <- d.cmd.Wait() }()
	s.t.Cleanup(func() {
		d.kill()
		if s.t.Failed() {
			s.t.Logf("log of vnfmd %s:\n%s", args, tail(d.log.String(), 12))
		}
	})
	d.await("vnfmd to be up", func() bool {
		m := upLine.FindStringSubmatch(d.log.String())
		if m != nil {
			d.url = m[1]
		}
		return m != nil
	})
	return d
}

// lanes returns how many lanes of each role each node has, by its name; "" has those that nobody has.
func (d *daemon) lanes() map[string]map[string]int {
	d.t.Helper()
	c := d.must(200, "GET", "/vnfm/v1/cluster", nil)
	names := map[string]string{"<nil>": ""}
	for _, n := range list(c, "nodes") {
		names[text(n, "id")] = text(n, "name")
	}
	out := map[string]map[string]int{}
	for _, l := range list(c, "lanes") {
		name := names[text(l, "nodeId")]
		if out[name] == nil {
			out[name] = map[string]int{}
		}
		count, _ := field(l, "count").(float64)
		out[name][text(l, "role")] = int(count)
	}
	return out
}

// shares returns how many nodes have so many lanes of each of the six roles with lanes.
func (d *daemon) shares(least, most int) (n int) {
	for _, held := range d.lanes() {
		even := len(held) == 6
		for _, count := range held {
			even = even && count >= least && count <= most
		}
		if even {
			n++
		}
	}
	return n
}

// state returns what became of a node, by its name.
func (d *daemon) state(name string) string {
	for _, n := range list(d.must(200, "GET", "/vnfm/v1/cluster", nil), "nodes") {
		if text(n, "name") == name {
			return text(n, "state")
		}
	}
	return ""
}

func (d *daemon) make(name string) string {
	d.t.Helper()
	return text(d.must(201, "POST", "/vnflcm/v2/vnf_instances", map[string]any{"vnfdId": samples.VnfdID, "vnfInstanceName": name}), "id")
}

// instantiate begins to instantiate a VNF, and returns the path of the operation.
func (d *daemon) instantiate(vnf string) string {
	d.t.Helper()
	code, h, v := d.request("POST", "/vnflcm/v2/vnf_instances/"+vnf+"/instantiate", map[string]any{"flavourId": "standard"})
	if code != 202 {
		d.t.Fatalf("instantiate: %d %v", code, v)
	}
	l := h.Get("Location")
	return l[strings.Index(l, "/vnflcm"):]
}

// ends waits until an operation is COMPLETED.
func (d *daemon) ends(op string) {
	d.t.Helper()
	state := ""
	d.await("the end of "+op, func() bool {
		_, v := d.call("GET", op, nil)
		state = text(v, "operationState")
		return slices.Contains([]string{"COMPLETED", "FAILED", "ROLLED_BACK", "FAILED_TEMP"}, state)
	})
	if state != "COMPLETED" {
		d.t.Fatalf("%s is %s", op, state)
	}
}

// held returns how many resources the VIMs have; none may be there twice.
func (s *site) held() int {
	s.t.Helper()
	all, _ := s.vim.must(200, "GET", "/vnfm/v1/sim/inventory", nil).([]any)
	seen := map[string]bool{}
	for _, r := range all {
		if seen[text(r, "token")] {
			s.t.Errorf("%v is there twice", r)
		}
		seen[text(r, "token")] = true
	}
	return len(all)
}

// Three nodes share the work. One is killed while twelve VNFs are instantiated: all come to their end, with exactly the resources
// they need, and the others have its lanes. One that is stopped has given its lanes up when it ends.
func TestANodeIsKilledAndAnotherStopped(t *testing.T) {
	s := newSite(t)
	nodes := s.nodes(3)
	first := nodes[0]
	first.ends(first.instantiate(first.make("model")))
	each := s.held()
	s.vim.must(200, "PUT", "/vnfm/v1/sim/behaviour", map[string]any{"seed": 1, "delay": "300ms", "rules": []any{}})
	var ops []string
	for i := range 12 {
		d := nodes[i%3]
		ops = append(ops, d.instantiate(d.make(fmt.Sprint("v", i))))
	}
	first.await("the work to be under way", func() bool { return s.held() > 2*each })
	nodes[1].kill()
	for _, op := range ops {
		first.ends(op)
	}
	if n := s.held(); n != 13*each {
		t.Errorf("the VIMs have %d resources, want %d", n, 13*each)
	}
	first.await("the death of a node", func() bool { return first.state("n2") == "DIED" })
	if page := first.vnfm(0, "cluster", "status"); !strings.Contains(page, "DIED") || !strings.Contains(page, "0 timers are due") {
		t.Errorf("vnfm cluster status says\n%s", page)
	}
	first.await("the others to have its lanes", func() bool { return first.shares(32, 32) == 2 })

	if code := nodes[2].stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if state, lanes := first.state("n3"), first.lanes()["n3"]; state != "STOPPED" || len(lanes) != 0 {
		t.Errorf("a node that has ended is %s and has %v", state, lanes)
	}
	first.await("the last to have all lanes", func() bool { return first.shares(64, 64) == 1 })
	first.ends(first.instantiate(first.make("last")))
}

// balancer sends each request to a node that says it is ready, and to another only when the connection is refused.
type balancer struct {
	mu    sync.Mutex
	nodes []*daemon
	next  int
}

func (b *balancer) ready() []*daemon {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	n := b.next % max(1, len(b.nodes))
	return append(slices.Clone(b.nodes[n:]), b.nodes[:n]...)
}

// set says which nodes there are: those of all that answer that they are ready.
func (b *balancer) set(all []*daemon) {
	var ready []*daemon
	for _, d := range all {
		if code, _ := d.call("GET", "/readyz", nil); code == 200 {
			ready = append(ready, d)
		}
	}
	b.mu.Lock()
	b.nodes = ready
	b.mu.Unlock()
}

// do makes a request, and returns the status; 0 when it failed.
func (b *balancer) do(method, path string, body string) (int, error) {
	var err error
	for _, d := range b.ready() {
		var req *http.Request
		if req, err = http.NewRequestWithContext(d.t.Context(), method, d.url+path, bytes.NewReader([]byte(body))); err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/json")
		var res *http.Response
		if res, err = d.http.Do(req); errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, errors.Join(err, res.Body.Close())
	}
	return 0, fmt.Errorf("no node: %w", err)
}

// All three nodes are replaced, one after the other and the new one first, under constant load: no request fails.
func TestARollingRestartLosesNoRequest(t *testing.T) {
	s := newSite(t)
	nodes := s.nodes(3)
	b := &balancer{}
	var mu sync.Mutex
	all := slices.Clone(nodes)
	over := make(chan struct{})
	var loops sync.WaitGroup
	loop := func(every time.Duration, f func(i int)) {
		loops.Go(func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for i := 0; ; i++ {
				f(i)
				select {
				case <-over:
					return
				case <-tick.C:
				}
			}
		})
	}
	look := func(int) {
		mu.Lock()
		now := slices.Clone(all)
		mu.Unlock()
		b.set(now)
	}
	look(0)
	loop(50*time.Millisecond, look)
	var made, asked int
	check := func(want int, method, path, body string) {
		if code, err := b.do(method, path, body); code != want || err != nil {
			t.Errorf("%s %s: %d, %v", method, path, code, err)
		}
	}
	loop(20*time.Millisecond, func(i int) {
		check(201, "POST", "/vnflcm/v2/vnf_instances", fmt.Sprintf(`{"vnfdId":%q,"vnfInstanceName":"load%d"}`, samples.VnfdID, i))
		made++
	})
	for range 2 {
		loop(10*time.Millisecond, func(int) {
			check(200, "GET", "/vnflcm/v2/vnf_lcm_op_occs", "")
			mu.Lock()
			asked++
			mu.Unlock()
		})
	}
	for i := range 3 {
		fresh := s.node()
		mu.Lock()
		all = append(all, fresh)
		mu.Unlock()
		op := fresh.instantiate(fresh.make(fmt.Sprint("rolled", i)))
		if code := nodes[i].stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		fresh.ends(op)
	}
	close(over)
	loops.Wait()
	if made < 20 || asked < 50 {
		t.Errorf("%d instances were made and %d lists read: that is no load", made, asked)
	}
}

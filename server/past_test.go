package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/google/go-cmp/cmp"

	"github.com/vnfm/vnfm/server"
)

// follow reads server-sent events behind an id until stop says enough or the tail ends, and returns what came, as stream
// and version, and the last id.
func (p *program) follow(path, last string, stop func(event string) bool) (seen []string, id string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		p.t.Fatalf("GET %s: %d %s", path, res.StatusCode, b)
	}
	id = last
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	next := ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			next = value
		case "data":
			var e struct {
				Stream, Type string
				Version      int
			}
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				p.t.Fatal(err)
			}
			id, seen = next, append(seen, fmt.Sprintf("%s@%d", e.Stream, e.Version))
			if stop(e.Type) {
				return seen, id
			}
		}
	}
	if err := lines.Err(); err != nil {
		p.t.Errorf("the tail broke off: %v", err)
	}
	return seen, id
}

// A tail ends when the server stops, which does not wait for it, and goes on at the next server where it was: of a whole
// operation nothing is lost and nothing comes twice. What the live system showed is what the past shows.
func TestATailGoesOnAcrossARestart(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		cfg := settings(t, append(args, "--data="+t.TempDir())...)
		before := goleak.IgnoreCurrent()
		p := newProgram(t, cfg, server.Options{Guide: io.Discard})
		p.start()
		vnf := p.create("followed")
		p.delay(100 * time.Millisecond)
		paths := map[string]string{"of the VNF": "/vnfm/v1/vnf_instances/" + vnf + "/events", "of the log": "/vnfm/v1/events?vnf=" + vnf + "&from=-1h"}
		type part struct {
			seen []string
			id   string
		}
		first := map[string]chan part{}
		started := make(chan struct{}, len(paths))
		for name, path := range paths {
			first[name] = make(chan part, 1)
			go func() {
				seen, id := p.follow(path, "", func(event string) bool {
					if event == "opocc.resource-reserved" {
						select {
						case started <- struct{}{}:
						default:
						}
					}
					return false
				})
				first[name] <- part{seen, id}
			}()
		}
		op := p.begin(vnf, "instantiate", instantiate)
		<-started
		asked := time.Now()
		if err := p.stop(); err != nil {
			t.Fatalf("the stop is not orderly: %v", err)
		}
		if took := time.Since(asked); took > cfg.HTTP.StopTimeout/2 {
			t.Errorf("the stop took %v", took)
		}
		parts := map[string]part{}
		for name := range paths {
			parts[name] = <-first[name]
		}
		p.client.CloseIdleConnections()
		goleak.VerifyNone(t, before)

		p.start()
		p.delay(0)
		p.completed(op)
		var want []string
		for _, e := range p.must(200, "GET", "/vnfm/v1/vnf_instances/"+vnf+"/events", nil).([]any) {
			want = append(want, fmt.Sprintf("%s@%v", text(e, "stream"), field(e, "version")))
		}
		for name, path := range paths {
			rest, _ := p.follow(path, parts[name].id, func(event string) bool { return event == "vnf.instantiated" })
			if len(parts[name].seen) == 0 || len(rest) == 0 {
				t.Errorf("%s: %d events before, %d after: nothing was tried", name, len(parts[name].seen), len(rest))
			}
			if d := cmp.Diff(want, append(parts[name].seen, rest...)); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
		live, _ := p.must(200, "GET", "/vnflcm/v2/vnf_instances/"+vnf, nil).(map[string]any)
		now, _ := p.must(200, "GET", "/vnfm/v1/vnf_instances/"+vnf+"?at=-0s", nil).(map[string]any)
		for _, m := range []map[string]any{live, now} {
			delete(m, "_links")
			delete(m, "moment")
		}
		if d := cmp.Diff(live, now); d != "" {
			t.Errorf("the state of this moment is not what is shown: %s", d)
		}
	})
}

package server_test

import (
	"io"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/vnfm/vnfm/server"
)

// An operation is one trace across all hops: the request, the saga's commands to the VIM manager and the NFVO manager
// and their replies, and each call to a VIM. Seen failing with the VIM manager's Context hook removed (no spans of
// calls), and with the spans of steps begun without the saga's trace context (they are traces of their own).
func TestAnOperationIsOneTrace(t *testing.T) {
	onEach(t, func(t *testing.T, args []string) {
		spans := tracetest.NewInMemoryExporter()
		cfg := settings(t, append(args, "--data="+t.TempDir(), "--vim-sweep-interval=50ms")...)
		p := newProgram(t, cfg, server.Options{Guide: io.Discard, Spans: []sdktrace.SpanProcessor{sdktrace.NewSimpleSpanProcessor(spans)}})
		p.start()
		vnf := p.create("traced")
		for _, task := range []struct {
			name  string
			trace string // of the client
			body  any
			call  string // made for each resource
		}{
			{"instantiate", "0af7651916cd43dd8448eb211c80319c", instantiate, "vim start"},
			{"terminate", "1bf7651916cd43dd8448eb211c80319c", terminate, "vim release"},
		} {
			held := p.inventory()
			spans.Reset()
			op := p.run(vnf, task.name, task.body, "traceparent", "00-"+task.trace+"-b7ad6b7169203331-01")
			for token, id := range p.inventory() {
				held[token] = id
			}
			if len(held) == 0 {
				t.Fatal("no resources")
			}
			saga := p.must(200, "GET", "/vnfm/v1/sagas/"+op[strings.LastIndex(op, "/")+1:], nil)
			steps := map[string]int{}
			attempts, _ := field(saga, "attempts").([]any)
			for _, a := range attempts {
				steps[text(a, "direction")+" "+text(a, "step")]++
			}
			if len(steps) < 2 {
				t.Errorf("%s: only steps %v", task.name, steps)
			}
			p.await("the spans of all steps", func() bool { // that of the last is made after its commit can be seen
				made := map[string]int{}
				for _, s := range spans.GetSpans() {
					made[s.Name]++
				}
				for step, n := range steps {
					if made[step] < n {
						return false
					}
				}
				return true
			})
			byName, tokens := map[string]int{}, map[string]bool{}
			for _, s := range spans.GetSpans() {
				if s.Name == "GET" { // the test looking
					continue
				}
				byName[s.Name]++
				if got := s.SpanContext.TraceID().String(); got != task.trace {
					t.Errorf("%s: span %s is in trace %s, not the request's", task.name, s.Name, got)
				}
				if !s.Parent.IsValid() {
					t.Errorf("%s: span %s has no parent", task.name, s.Name)
				}
				for _, a := range s.Attributes {
					if a.Key == "token" && s.Name == task.call {
						tokens[a.Value.AsString()] = true
					}
				}
			}
			if byName["POST"] != 1 {
				t.Errorf("%s: %d spans of the request, want 1", task.name, byName["POST"])
			}
			for token := range held {
				if !tokens[token] {
					t.Errorf("%s: no span %q for resource %s", task.name, task.call, token)
				}
			}
			for step, n := range steps {
				if byName[step] != n {
					t.Errorf("%s: %d spans of step %q, want %d", task.name, byName[step], step, n)
				}
			}
			if task.name == "instantiate" && byName["vim assets"] == 0 {
				t.Error("the NFVO manager's question to the VIM has no span")
			}
		}
	})
}

package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/telemetry"
	"github.com/vnfm/vnfm/vim"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	parent  = "00-" + traceID + "-b7ad6b7169203331-01"
)

func tracing(t *testing.T) (*telemetry.Tracing, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tr, err := telemetry.NewTracing(t.Context(), "", 1, "node", sdktrace.NewSimpleSpanProcessor(spans))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Stop(context.WithoutCancel(t.Context())) })
	return tr, spans
}

func TestTracing_context(t *testing.T) {
	tr, _ := tracing(t)
	if got := tr.Traceparent(t.Context()); got != "" {
		t.Errorf("without a span the traceparent is %q", got)
	}
	if got := tr.Traceparent(tr.Context(t.Context(), parent)); got != parent {
		t.Errorf("%q became %q on its way", parent, got)
	}
	for _, odd := range []string{"", "00-x", strings.Repeat("0", 55)} {
		if got := tr.Traceparent(tr.Context(t.Context(), odd)); got != "" {
			t.Errorf("%q became %q", odd, got)
		}
	}
}

// An ended command attempt is a span with the times at which it happened; one without a reply is none yet.
func TestCommitObserver_steps(t *testing.T) {
	tr, spans := tracing(t)
	reg := prometheus.NewRegistry()
	o := telemetry.NewCommitObserver(reg, tr)
	sent := time.Unix(100, 0)
	o.OnCommit(&eventstore.Commit{
		Sagas: []eventstore.SagaRow{{ID: "s", Type: "instantiate", State: "RUNNING", Data: []byte(`{"x":1,"traceparent":"` + parent + `","y":2}`)}},
		Steps: []eventstore.StepRow{
			{Saga: "s", Step: "ports", Direction: "do", Attempt: 2, State: "FAILED", Sent: sent, Replied: sent.Add(3 * time.Second), Class: "quota", Reason: "no ports left"},
			{Saga: "s", Step: "computes", Direction: "do", State: "SENT", Sent: sent},
		},
		Parked: []eventstore.ParkedMessage{{ID: "m"}},
	})
	got := spans.GetSpans()
	if len(got) != 1 {
		t.Fatalf("%d spans, want 1", len(got))
	}
	s := got[0]
	if s.Name != "do ports" || s.SpanContext.TraceID().String() != traceID || s.EndTime.Sub(s.StartTime) != 3*time.Second || s.Status.Description != "no ports left" {
		t.Errorf("span %q of trace %s, %v long: %v", s.Name, s.SpanContext.TraceID(), s.EndTime.Sub(s.StartTime), s.Status)
	}
	values := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		m := f.GetMetric()[0]
		values[f.GetName()] = m.GetCounter().GetValue() + m.GetHistogram().GetSampleSum()
	}
	for name, want := range map[string]float64{"vnfm_eventstore_commits_total": 1, "vnfm_saga_transitions_total": 1, "vnfm_saga_step_seconds": 3, "vnfm_inbox_parked_messages_total": 1} {
		if values[name] != want {
			t.Errorf("%s is %v, want %v", name, values[name], want)
		}
	}
}

// plain is a driver that finds nothing and lists no assets one by one; listing is one that can.
type plain struct{ vim.Driver }

func (plain) Find(context.Context, vim.Connection, vim.Kind, vim.Token) (vim.Resource, error) {
	return vim.Resource{}, &vim.Error{Op: "find", Class: message.NotFound}
}

func (plain) Start(ctx context.Context, _ vim.Connection, _ vim.StartRequest) (vim.Resource, error) {
	return vim.Resource{}, ctx.Err()
}

type listing struct {
	plain
	vim.AssetFinder
}

// A call for an operation is a span of its trace and a sample; a call for nobody is a sample only.
func TestNewDriver(t *testing.T) {
	tr, spans := tracing(t)
	reg := prometheus.NewRegistry()
	d := telemetry.NewDriver(reg, tr, plain{})
	telemetry.NewDriver(reg, tr, plain{}) // of another type: they share the metric
	if _, ok := d.(vim.AssetFinder); ok {
		t.Error("a driver that cannot look assets up seems to")
	}
	if _, ok := telemetry.NewDriver(prometheus.NewRegistry(), tr, listing{}).(vim.AssetFinder); !ok {
		t.Error("a driver that can look assets up no longer does")
	}
	conn := vim.Connection{ID: "v1"}
	if _, err := d.Find(t.Context(), conn, vim.Compute, vim.Token{}); vim.ClassOf(err) != message.NotFound {
		t.Errorf("the error became %v", err)
	}
	if n := len(spans.GetSpans()); n != 0 {
		t.Errorf("%d spans of a call for nobody", n)
	}
	ctx := tr.Context(t.Context(), parent)
	_, _ = d.Find(ctx, conn, vim.Compute, vim.Token{})
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = d.Start(ended, conn, vim.StartRequest{Owner: "vnf"})
	got := spans.GetSpans()
	if len(got) != 2 || got[0].Name != "vim find" || got[0].Status.Description != "" || got[1].Status.Description != string(message.UnknownOutcome) {
		t.Fatalf("spans: %+v", got)
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 2 {
		t.Fatalf("metrics: %v, %v", families, err)
	}
	if up := families[1].GetMetric(); families[1].GetName() != "vnfm_vim_up" || len(up) != 1 || up[0].GetGauge().GetValue() != 0 {
		t.Errorf("a VIM that did not answer is up: %v", families[1])
	}
	counts := map[string]uint64{}
	for _, m := range families[0].GetMetric() {
		var key string
		for _, l := range m.GetLabel() {
			key += l.GetValue() + " "
		}
		counts[key] = m.GetHistogram().GetSampleCount()
	}
	if counts["find not-found v1 "] != 2 || counts["start unknown-outcome v1 "] != 1 {
		t.Errorf("counted %v", counts)
	}
}

func TestNewLogger(t *testing.T) {
	var b bytes.Buffer
	var level slog.LevelVar
	level.Set(slog.LevelWarn)
	l := telemetry.NewLogger(&b, &level, "json", "n1")
	l.InfoContext(t.Context(), "quiet")
	l.WarnContext(t.Context(), "loud")
	if s := b.String(); strings.Contains(s, "quiet") || !strings.Contains(s, `"msg":"loud","node":"n1"`) {
		t.Errorf("logged %s", s)
	}
	level.Set(slog.LevelInfo)
	if l.InfoContext(t.Context(), "heard now"); !strings.Contains(b.String(), "heard now") {
		t.Error("the level that was changed is not in force")
	}
}

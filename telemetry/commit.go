package telemetry

import (
	"bytes"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/vnfm/vnfm/eventstore"
)

// CommitObserver follows commits in memory and turns them into metrics and spans. It never delays a commit by I/O.
type CommitObserver struct {
	tracing  *Tracing
	commits  prometheus.Counter
	events   *prometheus.CounterVec
	messages *prometheus.CounterVec
	steps    *prometheus.HistogramVec
	sagas    *prometheus.CounterVec
	parked   prometheus.Counter
}

// NewCommitObserver registers the commit metrics.
func NewCommitObserver(reg prometheus.Registerer, tracing *Tracing) *CommitObserver {
	o := &CommitObserver{
		tracing: tracing,
		commits: prometheus.NewCounter(prometheus.CounterOpts{Name: "vnfm_eventstore_commits_total", Help: "Changes written."}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vnfm_eventstore_events_total",
			Help: "Events written, by type."}, []string{"type"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vnfm_outbox_messages_total",
			Help: "Messages committed, by topic."}, []string{"topic"}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "vnfm_saga_step_seconds",
			Help: "Time from sending a command to its reply, by step, direction and state.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)},
			[]string{"step", "direction", "state"}),
		sagas: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vnfm_saga_transitions_total",
			Help: "Sagas written, by type and state."}, []string{"type", "state"}),
		parked: prometheus.NewCounter(prometheus.CounterOpts{Name: "vnfm_inbox_parked_messages_total", Help: "Messages parked."}),
	}
	reg.MustRegister(o.commits, o.events, o.messages, o.steps, o.sagas, o.parked)
	return o
}

// OnCommit observes one commit as written.
func (o *CommitObserver) OnCommit(c *eventstore.Commit) {
	o.commits.Inc()
	o.parked.Add(float64(len(c.Parked)))
	for i := range c.Events {
		o.events.WithLabelValues(c.Events[i].Type).Inc()
	}
	for i := range c.Messages {
		o.messages.WithLabelValues(c.Messages[i].Topic).Inc()
	}
	parents := map[string]string{}
	for i := range c.Sagas {
		s := &c.Sagas[i]
		o.sagas.WithLabelValues(s.Type, s.State).Inc()
		parents[s.ID] = traceparent(s.Data)
	}
	for i := range c.Steps {
		o.step(&c.Steps[i], parents[c.Steps[i].Saga])
	}
}

// step makes the metric and the span of one command attempt that has ended.
func (o *CommitObserver) step(s *eventstore.StepRow, parent string) {
	if s.Replied.IsZero() {
		return
	}
	o.steps.WithLabelValues(s.Step, s.Direction, s.State).Observe(s.Replied.Sub(s.Sent).Seconds())
	if parent == "" {
		return
	}
	_, span := o.tracing.tracer.Start(o.tracing.Context(context.Background(), parent), s.Direction+" "+s.Step,
		trace.WithTimestamp(s.Sent), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("opocc_id", s.Saga), attribute.String("step", s.Step), attribute.String("item", s.Item),
			attribute.Int("attempt", s.Attempt), attribute.String("message_id", s.CommandID)))
	if s.Reason != "" {
		span.SetStatus(codes.Error, s.Reason)
	}
	span.End(trace.WithTimestamp(later(s.Replied, s.Sent)))
}

// traceparent finds the trace context in a saga's stored form without decoding all of it: this runs in every commit.
func traceparent(data []byte) string {
	_, rest, ok := bytes.Cut(data, []byte(`"traceparent":"`))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// Tracing makes spans and carries their context across hops as a W3C traceparent.
type Tracing struct {
	Provider   trace.TracerProvider
	Propagator propagation.TextMapPropagator
	tracer     trace.Tracer
	stop       func(context.Context) error
}

// NewTracing sets tracing up. With an empty endpoint spans are made, so that logs and messages carry trace ids, but go
// nowhere. Processors see every span as well: tests pass an in-memory exporter's.
func NewTracing(ctx context.Context, endpoint string, ratio float64, node string, processors ...sdktrace.SpanProcessor) (*Tracing, error) {
	opts := []sdktrace.TracerProviderOption{
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName("vnfm"), semconv.ServiceInstanceID(node))),
	}
	if endpoint != "" {
		exp, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
		if err != nil {
			return nil, fmt.Errorf("trace exporter: %w", err)
		}
		opts = append(opts, sdktrace.WithBatcher(exp))
	}
	for _, p := range processors {
		opts = append(opts, sdktrace.WithSpanProcessor(p))
	}
	p := sdktrace.NewTracerProvider(opts...)
	return &Tracing{Provider: p, Propagator: propagation.TraceContext{}, tracer: p.Tracer("github.com/vnfm/vnfm"), stop: p.Shutdown}, nil
}

// Stop sends what is left and ends tracing.
func (t *Tracing) Stop(ctx context.Context) error { return t.stop(ctx) }

// Traceparent returns the W3C traceparent of the span in ctx, "" when there is none.
func (t *Tracing) Traceparent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	t.Propagator.Inject(ctx, c)
	return c["traceparent"]
}

// Context returns ctx with the remote span that a traceparent names; ctx itself when it names none.
func (t *Tracing) Context(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return t.Propagator.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}

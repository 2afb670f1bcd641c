package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// driver measures the calls of a VIM driver: how many, how long, and of which class their errors are. A call made for an
// operation is a span of the operation's trace; what the VIM manager does by itself (the sweep) makes none.
type driver struct {
	vim.Driver
	calls  *prometheus.HistogramVec
	up     *prometheus.GaugeVec
	tracer trace.Tracer
}

// Unwrap returns the driver that is measured, for what it can do beside.
func (d *driver) Unwrap() vim.Driver { return d.Driver }

// finder is a driver that can look assets up.
type finder struct {
	*driver
	assets vim.AssetFinder
}

// observer is a driver that can tell how resources stand, observingFinder one that can do both.
type observer struct {
	*driver
	looks vim.Observer
}

type observingFinder struct {
	finder
	looks vim.Observer
}

var (
	_ vim.Driver      = (*driver)(nil)
	_ vim.AssetFinder = finder{}
	_ vim.Observer    = observer{}
	_ vim.Observer    = observingFinder{}
)

// NewDriver wraps a driver and registers its metric, which all drivers share. What the driver can do beside (vim.AssetFinder,
// vim.Observer) it can still do.
func NewDriver(reg prometheus.Registerer, tracing *Tracing, d vim.Driver) vim.Driver {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "vnfm_vim_call_seconds", Help: "Time of calls to VIMs, by connection, call and class of error (ok: none).",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
	}, []string{"vim_id", "call", "class"})
	if err := reg.Register(h); err != nil {
		var there prometheus.AlreadyRegisteredError
		if !errors.As(err, &there) {
			panic(err)
		}
		h = there.ExistingCollector.(*prometheus.HistogramVec) //nolint:forcetypeassert // it has the same name and labels
	}
	up := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "vnfm_vim_up", Help: "1 when the VIM answered the last call to it, whatever it said, 0 when it did not, by connection."}, []string{"vim_id"})
	if err := reg.Register(up); err != nil {
		var there prometheus.AlreadyRegisteredError
		if !errors.As(err, &there) {
			panic(err)
		}
		up = there.ExistingCollector.(*prometheus.GaugeVec) //nolint:forcetypeassert // it has the same name and labels
	}
	measured := &driver{Driver: d, calls: h, up: up, tracer: tracing.tracer}
	f, finds := d.(vim.AssetFinder)
	o, looks := d.(vim.Observer)
	switch {
	case finds && looks:
		return observingFinder{finder{measured, f}, o}
	case finds:
		return finder{measured, f}
	case looks:
		return observer{measured, o}
	}
	return measured
}

// measure makes one call.
func measure[T any](ctx context.Context, d *driver, conn, call string, f func(context.Context) (T, error), about ...attribute.KeyValue) (T, error) {
	start := time.Now()
	var span trace.Span
	if trace.SpanContextFromContext(ctx).IsValid() {
		ctx, span = d.tracer.Start(ctx, "vim "+call, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(append(about, attribute.String("vim_id", conn))...))
		defer span.End()
	}
	out, err := f(ctx)
	class := "ok"
	if err != nil {
		class = string(vim.ClassOf(err))
		if span != nil && vim.ClassOf(err) != message.NotFound {
			span.SetStatus(codes.Error, class)
		}
	}
	answers := 1.0
	if class == string(message.Unavailable) || class == string(message.UnknownOutcome) {
		answers = 0
	}
	d.up.WithLabelValues(conn).Set(answers)
	d.calls.WithLabelValues(conn, call, class).Observe(time.Since(start).Seconds())
	return out, err
}

func tokenOf(t vim.Token) attribute.KeyValue { return attribute.String("token", t.String()) }

func kindOf(k vim.Kind) attribute.KeyValue { return attribute.String("kind", string(k)) }

// Start measures Start.
func (d *driver) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (vim.Resource, error) {
	return measure(ctx, d, conn.ID, "start", func(ctx context.Context) (vim.Resource, error) { return d.Driver.Start(ctx, conn, r) },
		kindOf(r.Kind), tokenOf(r.Token), attribute.String("vnf_id", r.Owner))
}

// Change measures Change.
func (d *driver) Change(ctx context.Context, conn vim.Connection, r vim.ChangeRequest) (vim.Resource, error) {
	return measure(ctx, d, conn.ID, "change", func(ctx context.Context) (vim.Resource, error) { return d.Driver.Change(ctx, conn, r) },
		kindOf(r.Kind), tokenOf(r.Token), attribute.String("vnf_id", r.Owner), attribute.Int("revision", r.Revision))
}

// Poll measures Poll.
func (d *driver) Poll(ctx context.Context, conn vim.Connection, kind vim.Kind, id string) (vim.Resource, error) {
	return measure(ctx, d, conn.ID, "poll", func(ctx context.Context) (vim.Resource, error) { return d.Driver.Poll(ctx, conn, kind, id) },
		kindOf(kind), attribute.String("resource", id))
}

// Find measures Find. That nothing was found is an answer, not a failure, but counted under its class.
func (d *driver) Find(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (vim.Resource, error) {
	return measure(ctx, d, conn.ID, "find", func(ctx context.Context) (vim.Resource, error) { return d.Driver.Find(ctx, conn, kind, token) },
		kindOf(kind), tokenOf(token))
}

// Release measures Release.
func (d *driver) Release(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (bool, error) {
	return measure(ctx, d, conn.ID, "release", func(ctx context.Context) (bool, error) { return d.Driver.Release(ctx, conn, kind, token) },
		kindOf(kind), tokenOf(token))
}

// List measures List.
func (d *driver) List(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ListPage, error) {
	return measure(ctx, d, conn.ID, "list", func(ctx context.Context) (vim.ListPage, error) { return d.Driver.List(ctx, conn, r) })
}

// Assets measures Assets.
func (d *driver) Assets(ctx context.Context, conn vim.Connection) (vim.Assets, error) {
	return measure(ctx, d, conn.ID, "assets", func(ctx context.Context) (vim.Assets, error) { return d.Driver.Assets(ctx, conn) })
}

// FindFlavour measures FindFlavour.
func (f finder) FindFlavour(ctx context.Context, conn vim.Connection, name string) (vim.Flavour, error) {
	return measure(ctx, f.driver, conn.ID, "find-flavour", func(ctx context.Context) (vim.Flavour, error) { return f.assets.FindFlavour(ctx, conn, name) })
}

// FindImage measures FindImage.
func (f finder) FindImage(ctx context.Context, conn vim.Connection, name, checksum string) (vim.Image, error) {
	return measure(ctx, f.driver, conn.ID, "find-image", func(ctx context.Context) (vim.Image, error) { return f.assets.FindImage(ctx, conn, name, checksum) })
}

// Observe measures Observe.
func (o observer) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	return observe(ctx, o.driver, o.looks, conn, r)
}

// Observe measures Observe.
func (o observingFinder) Observe(ctx context.Context, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	return observe(ctx, o.driver, o.looks, conn, r)
}

func observe(ctx context.Context, d *driver, o vim.Observer, conn vim.Connection, r vim.ListRequest) (vim.ObservedPage, error) {
	return measure(ctx, d, conn.ID, "observe", func(ctx context.Context) (vim.ObservedPage, error) { return o.Observe(ctx, conn, r) })
}

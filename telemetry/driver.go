package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/vim"
)

// Driver measures the calls of a VIM driver: how many, how long, and of which class their errors are.
type Driver struct {
	vim.Driver
	calls *prometheus.HistogramVec
}

// NewDriver wraps a driver and registers its metric. What the driver can do beside (vim.AssetFinder) it can still do.
func NewDriver(reg prometheus.Registerer, d vim.Driver) vim.Driver {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "vnfm_vim_call_seconds", Help: "Time of calls to VIMs, by connection, call and class of error (ok: none).",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
	}, []string{"vim_id", "call", "class"})
	reg.MustRegister(h)
	measured := &Driver{Driver: d, calls: h}
	if f, ok := d.(vim.AssetFinder); ok {
		return struct {
			*Driver
			vim.AssetFinder
		}{measured, f}
	}
	return measured
}

// observe records one call that began at start and ended with err.
func (d *Driver) observe(conn, call string, start time.Time, err error) {
	class := "ok"
	if err != nil {
		class = string(vim.ClassOf(err))
	}
	d.calls.WithLabelValues(conn, call, class).Observe(time.Since(start).Seconds())
}

// Start measures Start.
func (d *Driver) Start(ctx context.Context, conn vim.Connection, r vim.StartRequest) (res vim.Resource, err error) {
	defer func(t time.Time) { d.observe(conn.ID, "start", t, err) }(time.Now())
	return d.Driver.Start(ctx, conn, r)
}

// Poll measures Poll.
func (d *Driver) Poll(ctx context.Context, conn vim.Connection, kind vim.Kind, id string) (res vim.Resource, err error) {
	defer func(t time.Time) { d.observe(conn.ID, "poll", t, err) }(time.Now())
	return d.Driver.Poll(ctx, conn, kind, id)
}

// Find measures Find.
func (d *Driver) Find(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (res vim.Resource, err error) {
	defer func(t time.Time) { d.observe(conn.ID, "find", t, err) }(time.Now())
	return d.Driver.Find(ctx, conn, kind, token)
}

// Release measures Release.
func (d *Driver) Release(ctx context.Context, conn vim.Connection, kind vim.Kind, token vim.Token) (done bool, err error) {
	defer func(t time.Time) { d.observe(conn.ID, "release", t, err) }(time.Now())
	return d.Driver.Release(ctx, conn, kind, token)
}

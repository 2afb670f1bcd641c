package telemetry

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Requests counts the requests to a handler and how long each waited for its answer to begin: the length of an event stream says
// nothing about the program. Routes are patterns, so that there are as many as the program has, whatever clients ask for.
func Requests(next http.Handler, reg prometheus.Registerer) (http.Handler, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vnfm_http_requests_total", Help: "Requests answered, by route, method and status.",
	}, []string{"route", "method", "code"})
	waits := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "vnfm_http_response_seconds", Help: "Time until an answer began, by route and method.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
	}, []string{"route", "method"})
	for _, c := range []prometheus.Collector{requests, waits} {
		if err := reg.Register(c); err != nil {
			return nil, err //nolint:wrapcheck // says which metric
		}
	}
	route := promhttp.WithLabelFromRequest("route", routeOf)
	return promhttp.InstrumentHandlerTimeToWriteHeader(waits, promhttp.InstrumentHandlerCounter(requests, next, route), route), nil
}

// routeOf returns the pattern that served a request: "console" for the console's files, "none" for what is at no route.
func routeOf(r *http.Request) string {
	switch {
	case r.Pattern != "" && r.Pattern != "/":
		return r.Pattern
	case r.URL.Path == "/metrics":
		return r.URL.Path
	case r.URL.Path == "/ui" || strings.HasPrefix(r.URL.Path, "/ui/"):
		return "console"
	}
	return "none"
}

// BuildInfo returns a gauge that is 1 and says in its labels what runs.
func BuildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "vnfm_build_info", Help: "1; its labels say which version runs, built by which Go, and for how many processors at once.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version(), "procs": strconv.Itoa(runtime.GOMAXPROCS(0))},
	}, func() float64 { return 1 })
}

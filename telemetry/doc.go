// Package telemetry sets up what operators see of a running program: structured logs, OpenTelemetry traces and
// Prometheus metrics.
//
// An operation is one trace. The HTTP request begins it; the trace context rides in the saga, in every message and in
// the ledger; CommitObserver turns what each commit says of commands and replies into spans under it, with the times at
// which they happened. Metrics are named vnfm_<package>_<what>_<unit>.
package telemetry

package config

import "time"

// Reconcile says how VIMs are compared with the records, and what is done about what differs.
type Reconcile struct {
	Interval    time.Duration `default:"1m" help:"How often each VIM connection is compared with the records of all VNFs; 0: never."`
	Kubernetes  time.Duration `default:"8s" help:"The same for Kubernetes, where a look is cheap; never less often than reconcile-interval."`
	Watch       bool          `default:"true" negatable:"" help:"Compare a VIM connection also when its VIM tells that something was changed there, which Kubernetes does: within a second or two. The node that compares the connection watches it."`
	Policy      string        `default:"report" enum:"report,repair" help:"What is done about a VNF that differs from its records: report it, or repair it, too. A VNF whose configurable property isAutohealEnabled is true is always repaired, one where it is false never."`
	Repairs     int           `default:"2" help:"VNFs of one VIM connection that are repaired at once without anybody's asking."`
	Attempts    int           `default:"3" help:"Repairs of one VNF without anybody's asking; then it is given up, which is shown, until it has been as recorded for reconcile-quiet."`
	Backoff     time.Duration `default:"1m" help:"Wait between two repairs of one VNF; doubled for each next one."`
	Quiet       time.Duration `default:"1h" help:"How long nothing may differ before the repairs of a VNF are counted anew."`
	Confirm     int           `default:"0" help:"Rounds in which a VIM that shows much less than the records say (operation-sync-suspect) has to show the same before it is believed. 0: it never is without a person (vnfm vnf sync --repair --confirm)."`
	Differences int           `default:"20" help:"Differences of one VNF at one VIM connection that an event tells in full; the others are counted."`
	Lists       int           `default:"8" help:"VIM connections that are asked at once what they have; one that hangs does not have those beside it wait for each other."`
	Finds       int           `default:"100" help:"Resources that a VIM does not list and is asked for one by one in a round; if there are more, the list alone counts."`
}

// problems says what is out of range.
func (r *Reconcile) problems(bad func(format string, args ...any)) {
	for _, d := range []struct {
		name string
		v    time.Duration
		zero bool
	}{
		{"reconcile-interval", r.Interval, true}, {"reconcile-kubernetes", r.Kubernetes, false}, {"reconcile-backoff", r.Backoff, false},
		{"reconcile-quiet", r.Quiet, false},
	} {
		if d.v < 0 || d.v == 0 && !d.zero {
			bad("%s: %v is not a positive duration", d.name, d.v)
		}
	}
	for _, n := range []struct {
		name     string
		v, least int
	}{
		{"reconcile-repairs", r.Repairs, 1}, {"reconcile-attempts", r.Attempts, 1}, {"reconcile-confirm", r.Confirm, 0},
		{"reconcile-differences", r.Differences, 1}, {"reconcile-finds", r.Finds, 1}, {"reconcile-lists", r.Lists, 1},
	} {
		if n.v < n.least {
			bad("%s: %d is less than %d", n.name, n.v, n.least)
		}
	}
}

package telemetry

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/lcm/reconcile"
)

// Rounds shows what came of the last comparison of each VIM connection that this process looks at.
type Rounds struct {
	resources, vnfs, last, took, suspect, failing, givenUp, left *prometheus.GaugeVec
	known                                                        map[string]bool
}

// NewRounds registers the metrics of rounds.
func NewRounds(reg prometheus.Registerer) (*Rounds, error) {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, append([]string{"vim_id"}, labels...))
	}
	r := &Rounds{
		known:     map[string]bool{},
		resources: gauge("vnfm_drift_resources", "Resources that differ from the records, as the last comparison found them, by VIM connection and type of difference.", "type"),
		vnfs:      gauge("vnfm_drift_vnfs", "VNFs of which something differs from the records, by VIM connection."),
		last:      gauge("vnfm_reconcile_last_timestamp_seconds", "When the VIM connection was last compared with the records, in Unix time."),
		took:      gauge("vnfm_reconcile_seconds", "How long the last comparison with the VIM connection took."),
		suspect:   gauge("vnfm_reconcile_suspect", "1 while the VIM connection shows so much less than the records say that nothing is repaired by it."),
		failing:   gauge("vnfm_reconcile_failing", "1 while the VIM connection cannot be looked at."),
		left:      gauge("vnfm_reconcile_left_behind_resources", "Resources that failed operations have left at the VIM connection, by the records, busy VNFs' included: clean them up."),
		givenUp:   gauge("vnfm_reconcile_given_up", "VNFs that are repaired no more without anybody's asking: it was done as often as it may be."),
	}
	for _, c := range r.all() {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

func (r *Rounds) all() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{r.resources, r.vnfs, r.last, r.took, r.suspect, r.failing, r.givenUp, r.left}
}

// Round implements reconcile.Observer.
func (r *Rounds) Round(s *reconcile.Status) {
	flag := func(g *prometheus.GaugeVec, on bool) {
		v := 0.0
		if on {
			v = 1
		}
		g.WithLabelValues(s.Connection).Set(v)
	}
	r.known[s.Connection] = true
	for name, n := range map[string]int{"missing": s.Missing, "changed": s.Changed, "orphaned": s.Orphaned, "unsure": s.Unsure} {
		r.resources.WithLabelValues(s.Connection, name).Set(float64(n))
	}
	r.vnfs.WithLabelValues(s.Connection).Set(float64(s.Drifted))
	r.last.WithLabelValues(s.Connection).Set(float64(s.At.Unix()))
	r.took.WithLabelValues(s.Connection).Set(s.Took.Seconds())
	r.left.WithLabelValues(s.Connection).Set(float64(s.LeftBehind))
	r.givenUp.WithLabelValues(s.Connection).Set(float64(s.GivenUp))
	flag(r.suspect, s.Suspect)
	flag(r.failing, s.Err != "")
}

// Kept implements reconcile.Observer: what another process looks at is that one's to show.
func (r *Rounds) Kept(connections map[string]bool) {
	for id := range r.known {
		if connections[id] {
			continue
		}
		delete(r.known, id)
		for _, g := range r.all() {
			g.DeletePartialMatch(prometheus.Labels{"vim_id": id})
		}
	}
}

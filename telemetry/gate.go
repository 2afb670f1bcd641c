package telemetry

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/vimmanager/gate"
)

// Gates shows how calls to VIM connections are held back.
type Gates struct{ held *prometheus.GaugeVec }

var _ gate.Observer = (*Gates)(nil)

// NewGates registers the metric of gates.
func NewGates(reg prometheus.Registerer) (*Gates, error) {
	g := &Gates{held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "vnfm_vim_held", Help: "1 while calls to a VIM connection are held back: OPEN, it is away; HALF_OPEN, one call at a time tries it; PAUSED, it asked for time.",
	}, []string{"vim_id", "state"})}
	if err := reg.Register(g.held); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return g, nil
}

// Held implements gate.Observer.
func (g *Gates) Held(connection string, state gate.State) {
	for _, s := range []gate.State{gate.Open, gate.HalfOpen, gate.Paused} {
		v := 0.0
		if s == state {
			v = 1
		}
		g.held.WithLabelValues(connection, string(s)).Set(v)
	}
}

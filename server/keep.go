package server

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/assembly"
	"github.com/vnfm/vnfm/eventstore"
)

// orEver is a setting of how long something is kept as packages have it: 0 is for ever.
func orEver(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// again is when rows that are old enough, but needed, are looked at again.
func again(keep time.Duration) time.Duration { return min(keep, time.Hour) }

// kept counts what was removed because it had been kept for long enough.
type kept struct {
	removed *prometheus.CounterVec
}

// sagasKept is what sagas are called among what is kept; ledger rows are called by their table.
const sagasKept = "saga_instances"

func newKept(reg prometheus.Registerer) (*kept, error) {
	k := &kept{removed: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "vnfm_keep_removed_total", Help: "Rows removed because they had been kept for as long as the settings say (keep-), by table.",
	}, []string{"table"})}
	for _, table := range []string{sagasKept, eventstore.TableVimCommands, eventstore.TableVimResources, eventstore.TableVnfCommands, eventstore.TableNfvoCommands} {
		k.removed.WithLabelValues(table) // there from the start, at 0
	}
	if err := reg.Register(k.removed); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return k, nil
}

func (k *kept) ledger(table string, n int) { k.removed.WithLabelValues(table).Add(float64(n)) }

// oldest returns how long ago the first of the sagas that are kept ended; 0 when there is none, or the database does not answer.
func (s *Server) oldest(store eventstore.Reader) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.HTTP.ReadyTimeout)
	defer cancel()
	now, err := store.Now(ctx)
	if err != nil {
		return 0
	}
	first, err := store.Sagas(ctx, eventstore.SagaQuery{EndedBy: now, Limit: 1})
	if err != nil || len(first) == 0 {
		return 0
	}
	return now.Sub(first[0].EndedAt).Seconds()
}

// watchKept tells how long ago the first of the sagas that are kept ended.
func (s *Server) watchKept(p *parts) {
	s.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "vnfm_keep_oldest_seconds", Help: "How long ago the first of the sagas that are kept ended, or was last found to be needed. Much more than keep-sagas: nobody sweeps.",
	}, func() float64 { return s.oldest(p.main.Store) }))
}

// needed reports whether commands about what the ledgers have of a key may still come.
func (p *parts) needed(ctx context.Context, key string) (bool, error) {
	sides := make([]eventstore.Reader, 0, 2)
	for _, d := range p.sides() {
		sides = append(sides, d.Store)
	}
	return assembly.Needed(ctx, key, p.main.Store, sides...) //nolint:wrapcheck // says what it was about
}

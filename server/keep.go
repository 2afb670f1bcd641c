package server

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vnfm/vnfm/config"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/saga"
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
	sweeper *saga.Sweeper // nil: sagas are kept for ever
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

// buildKeep makes the sweep of ended sagas.
func (s *Server) buildKeep(p *parts) {
	s.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "vnfm_keep_oldest_seconds", Help: "How long ago the first of the sagas that are kept ended, or was last found to be needed. Much more than keep-sagas: nobody sweeps.",
	}, func() float64 { return s.oldest(p.main.store) }))
	if s.cfg.Keep.Sagas == 0 {
		return
	}
	s.kept.sweeper = saga.NewSweeper(saga.SweeperConfig{
		Store: p.main.store, Doer: p.main.committer, Epochs: p.main.leases.Role(config.RoleOrchestrator), Keep: s.cfg.Keep.Sagas, Consumers: []string{consumerReplies, consumerVimReplies},
		Along: lcm.Swept, Swept: func(n int) { s.kept.ledger(sagasKept, n) }, Logger: s.log,
	})
	s.work(p, config.RoleOrchestrator, s.kept.sweeper.Run)
}

// needed reports whether commands about what the ledgers have of a key may still come: one of its sagas has not ended, or messages of
// it are parked, on either side.
func (s *Server) needed(p *parts) func(ctx context.Context, key string) (bool, error) {
	return func(ctx context.Context, key string) (bool, error) {
		live, err := p.main.store.Sagas(ctx, eventstore.SagaQuery{Key: key, Live: true, Limit: 1})
		if err != nil {
			return false, fmt.Errorf("list the sagas of %s: %w", key, err)
		}
		if len(live) > 0 {
			return true, nil
		}
		for _, d := range p.sides() {
			parked, err := d.store.Parked(ctx, eventstore.ParkedQuery{Key: key, Limit: 1})
			if err != nil {
				return false, fmt.Errorf("list the parked messages of %s: %w", key, err)
			}
			if len(parked) > 0 {
				return true, nil
			}
		}
		return false, nil
	}
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/saga/sagabench"
)

// goals are what the engine is meant to reach on PostgreSQL: processor time per saga, and the share of the floor.
var goals = map[int]struct {
	cpu   time.Duration
	share float64
}{64: {time.Millisecond, 0.12}, 512: {500 * time.Microsecond, 0.25}}

// measureEngine runs three-step sagas with durable commands and replies; every tenth fails at its third step and undoes
// two.
func measureEngine(ctx context.Context, t table, cluster *dbtest.Cluster, floor float64, d time.Duration) error {
	for _, backend := range []string{"postgresql", "sqlite"} {
		for _, clients := range []int{64, 512} {
			if _, err := engine(ctx, t, cluster, floor, backend, clients, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// engine measures sagas and returns the processor time of one.
func engine(ctx context.Context, t table, cluster *dbtest.Cluster, floor float64, backend string, clients int, d time.Duration) (time.Duration, error) {
	store, committers, done, err := open(ctx, cluster, backend)
	if err != nil {
		return 0, err
	}
	defer done()
	var database time.Duration
	r, err := sagabench.Run(ctx, store, sagabench.Options{Clients: clients, Duration: d, Committers: committers,
		Measuring: func(begins bool) {
			if begins {
				database = -cluster.CPU()
			} else {
				database += cluster.CPU()
			}
		}})
	if err != nil {
		return 0, err
	}
	perSaga := time.Duration(0)
	if backend == "postgresql" && r.Sagas > 0 {
		perSaga = database / time.Duration(r.Sagas)
	}
	name := fmt.Sprintf("engine saga, %s, %d clients", backend, clients)
	t.row(name+": rate", fmt.Sprintf("%.0f/s", r.PerSecond), fmt.Sprintf("%.2f of the floor%s", r.PerSecond/floor, goal(backend, clients, false)))
	t.row(name+": processor time", fmt.Sprintf("%.2f ms", ms(r.CPU+perSaga)),
		fmt.Sprintf("program %.2f, PostgreSQL %.2f%s", ms(r.CPU), ms(perSaga), goal(backend, clients, true)))
	t.row(name+": commits", fmt.Sprintf("%.1f", r.Commits), fmt.Sprintf("in %.2f database transactions", r.Transactions))
	t.row(name+": p50 under load", fmt.Sprintf("%.1f ms", ms(r.P50)), fmt.Sprintf("p99 %.1f ms; uncontended p50 %.1f ms (goal < 25)", ms(r.P99), ms(r.UncontendedP50)))
	return r.CPU + perSaga, nil
}

func goal(backend string, clients int, cpu bool) string {
	g, ok := goals[clients]
	switch {
	case backend != "postgresql" || !ok:
		return ""
	case cpu:
		return fmt.Sprintf(" (goal ≤ %.1f ms)", ms(g.cpu))
	}
	return fmt.Sprintf(" (goal ≥ %.2f)", g.share)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// open makes an empty store.
func open(ctx context.Context, cluster *dbtest.Cluster, backend string) (s eventstore.Store, committers int, done func(), err error) {
	if backend == "postgresql" {
		url, drop, err := cluster.Database(ctx)
		if err != nil {
			return nil, 0, nil, err
		}
		pg, err := postgres.Open(ctx, postgres.Config{URL: url})
		if err != nil {
			drop()
			return nil, 0, nil, err
		}
		return pg, 2, func() { _ = pg.Close(); drop() }, nil
	}
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return nil, 0, nil, err
	}
	lite, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "vnfm.db")})
	if err != nil {
		return nil, 0, nil, err
	}
	return lite, 1, func() { _ = lite.Close(); _ = os.RemoveAll(dir) }, nil
}

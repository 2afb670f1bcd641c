package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/samples/shapes"
)

// measureGrowth says what an instantiate and a terminate leave in the database, table by table with their indexes: what is kept
// for ever, for a week and for an hour alike, but without what is pruned within seconds.
func measureGrowth(ctx context.Context, t table, cluster *dbtest.Cluster) error {
	const clients, each = 8, 25
	url, drop, err := cluster.Database(ctx)
	if err != nil {
		return err
	}
	defer drop()
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	before := map[string]int64{}
	args := []string{"--listen=127.0.0.1:0", "--data=" + dir, "--log-level=error", "--database=" + url}
	_, err = serve(ctx, args, clients, "simple", func(l *load) (result, error) {
		l.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
		if err := l.onboard(ctx, shapes.CSAR(shapes.Web)); err != nil {
			return result{}, err
		}
		if before, err = cluster.Tables(ctx, url); err != nil {
			return result{}, err
		}
		failed := make(chan error, clients)
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range each {
					if err := l.upAndDown(ctx); err != nil {
						failed <- err
						return
					}
				}
			})
		}
		wg.Wait()
		select {
		case err := <-failed:
			return result{}, err
		case <-time.After(50 * time.Second): // idle cursors were moved, and the pruner has looked
			return result{}, nil
		}
	})
	if err != nil {
		return err
	}
	after, err := cluster.Tables(ctx, url)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, size := range after {
		total += size
	}
	for _, size := range before {
		total -= size
	}
	t.row("database growth per instantiate and terminate of "+shapes.Web, fmt.Sprintf("%.1f kB", float64(total)/clients/each/1000), "with indexes; by table:")
	for name, size := range after {
		if grown := float64(size-before[name]) / clients / each / 1000; grown >= 0.1 {
			t.row("  "+name, fmt.Sprintf("%.1f kB", grown), "")
		}
	}
	return nil
}

// upAndDown creates, instantiates and terminates a VNF.
func (l *load) upAndDown(ctx context.Context) error {
	id, err := l.create(ctx)
	if err != nil {
		return err
	}
	if err := l.operate(ctx, id, "instantiate", `{"flavourId":"`+l.flavour+`"}`); err != nil {
		return err
	}
	return l.operate(ctx, id, "terminate", `{"terminationType":"FORCEFUL"}`)
}

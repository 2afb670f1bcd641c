package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
)

// measurePages measures the processor time of lists of small instances: created, named, not instantiated.
func measurePages(ctx context.Context, t table, cluster *dbtest.Cluster, backend string) error {
	const instances = 1000
	dir, err := os.MkdirTemp("", "vnfm-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"--listen=127.0.0.1:0", "--data=" + dir, "--log-level=error", "--http-rate=0"}
	var store eventstore.Store
	if backend == "postgresql" {
		where, drop, err := cluster.Database(ctx)
		if err != nil {
			return err
		}
		defer drop()
		args = append(args, "--database="+where)
		if store, err = postgres.Open(ctx, postgres.Config{URL: where}); err != nil {
			return err
		}
	} else if store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "vnfm.db")}); err != nil {
		return err
	}
	if err := errors.Join(fillSmall(ctx, store, instances), store.Close()); err != nil {
		return err
	}
	for _, page := range []int{100, 0} {
		entries := page
		if page == 0 {
			entries = instances
		}
		_, err := serve(ctx, append(args, fmt.Sprint("--http-page-size=", page)), 1, "", func(l *load) (result, error) {
			for _, q := range []struct{ what, query string }{{"summaries", ""}, {"whole", "?all_fields"}} {
				each, size, err := l.cost(ctx, cluster, "/vnflcm/v2/vnf_instances"+q.query)
				if err != nil {
					return result{}, err
				}
				goal := 1.0
				if page == 0 {
					goal = 6
				}
				t.row(fmt.Sprintf("%s: list of %d small instances, %s", backend, entries, q.what), fmt.Sprintf("%.2f ms", ms(each)),
					fmt.Sprintf("processor time, %d bytes (goal ≤ %.0f ms)", size, goal))
				_ = t.w.Flush()
			}
			return result{}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fillSmall writes the events and views of small instances.
func fillSmall(ctx context.Context, store eventstore.Store, n int) error {
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		return err
	}
	instances := readmodel.NewInstances(registry, 1)
	l := &eventstore.Loaded{Now: time.Now().UTC().Truncate(time.Microsecond)}
	c := &eventstore.Commit{}
	for i := range n {
		id := uuid.NewString()
		created := &vnf.InstanceCreated{
			ID: id, Name: fmt.Sprint("fw", i), VnfdID: uuid.NewString(), VnfdVersion: "1.0", Provider: "provider", ProductName: "product",
			SoftwareVersion: "2.0", PackageID: "pkg", Metadata: map[string]json.RawMessage{"site": json.RawMessage(`"here"`)},
		}
		if err := instances.Append(l, c, id, eventstore.Metadata{Actor: "bench"}, created); err != nil {
			return err
		}
		in, err := instances.Read(l, c, id)
		if err != nil {
			return err
		}
		c.Views = append(c.Views, readmodel.InstanceView(&in.Value))
	}
	return write(ctx, store, "fill", c)
}

// cost returns the processor time of one answer, and its size in bytes: what program and database use while a client reads it, less
// what the same client uses for the same bytes from somebody who only sends them.
func (l *load) cost(ctx context.Context, cluster *dbtest.Cluster, path string) (each time.Duration, size int, err error) {
	res, err := l.client.Get(l.url + path) //nolint:noctx // to warm up
	if err != nil {
		return 0, 0, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return 0, 0, err
	}
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer bare.Close()
	use := func(l *load) (least time.Duration, err error) {
		const batches, times = 8, 50 // the least of some: others use the machine, too
		for range batches {
			before := processorTime() + cluster.CPU()
			for range times {
				if err := l.fetch(ctx, path); err != nil {
					return 0, err
				}
			}
			if used := (processorTime() + cluster.CPU() - before) / times; least == 0 || used < least {
				least = used
			}
		}
		return least, nil
	}
	sent, err := use(&load{url: bare.URL, client: l.client})
	if err != nil {
		return 0, 0, err
	}
	each, err = use(l)
	return each - sent, len(body), err
}

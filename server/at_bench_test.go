package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vnfm/vnfm/access"
	"github.com/vnfm/vnfm/aggregate"
	"github.com/vnfm/vnfm/api"
	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/postgres"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/lcm"
	"github.com/vnfm/vnfm/readmodel"
	"github.com/vnfm/vnfm/vnf"
	"github.com/vnfm/vnfm/vnfpkg"
)

// BenchmarkAt measures GET …?at= of a VNF instance with 10,000 events, at versions and times all over its past. The goal is
// a p50 below 20 ms.
func BenchmarkAt(b *testing.B) {
	for name, open := range map[string]func() (eventstore.Store, error){
		"sqlite": func() (eventstore.Store, error) {
			return sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "vnfm.db")})
		},
		"postgres": func() (eventstore.Store, error) {
			return postgres.Open(b.Context(), postgres.Config{URL: dbtest.Postgres(b)})
		},
	} {
		b.Run(name, func(b *testing.B) {
			store, err := open()
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = store.Close() }()
			const events = 10_000
			times := longLife(b, store, events)
			handler := api.New(api.Config{
				LCM: struct{ lcm.API }{}, Packages: struct{ *vnfpkg.Service }{}, Views: store, Log: slog.Default(),
				Authenticate: func(*http.Request) (*access.Caller, error) {
					return &access.Caller{Name: "bench", Roles: []access.Role{access.Admin}}, nil
				},
			})
			took := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for i := range b.N {
				n := i * 7919 % events // all over
				at := fmt.Sprint(n + 1)
				if i%2 == 1 {
					at = times[n].Format(time.RFC3339Nano)
				}
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/vnfm/v1/vnf_instances/bench?at="+at, nil)
				w := httptest.NewRecorder()
				began := time.Now()
				handler.ServeHTTP(w, r)
				took = append(took, time.Since(began))
				if w.Code != http.StatusOK {
					b.Fatalf("at %s: %d %s", at, w.Code, w.Body)
				}
			}
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// longLife writes an instance that is instantiated and terminated again and again, and returns the times of its events.
func longLife(b *testing.B, store eventstore.Store, events int) []time.Time {
	b.Helper()
	registry, err := aggregate.NewRegistry(readmodel.Forms()...)
	if err != nil {
		b.Fatal(err)
	}
	repo := readmodel.NewInstances(registry, 0)
	in := &vnf.InstanceInstantiated{Info: &vnf.InstantiatedInfo{FlavourID: "f", VnfState: "STARTED"}}
	for i := range 10 {
		id := fmt.Sprint("resource-", i)
		in.Resources = append(in.Resources, vnf.Resource{ID: id, Kind: "compute", Connection: "vim", VimID: id})
		in.Info.Vnfcs = append(in.Info.Vnfcs, vnf.Vnfc{ID: id, VduID: "vdu", Handle: vnf.Handle{Connection: "vim", VimID: id}, Cps: []vnf.VnfcCp{
			{ID: "cp", CpdID: "cpd", Addresses: vnf.Protocol{MAC: "fa:16:3e:00:00:01", IPs: []vnf.IP{{Type: "IPV4", Address: "10.0.0.1"}}}},
		}})
	}
	life := []aggregate.Event{&vnf.OperationBegun{OpID: "o"}, in, &vnf.OperationBegun{OpID: "o"}, &vnf.InstanceTerminated{OpID: "o"}}
	doer := eventstore.NewCommitter(store, eventstore.CommitterConfig{})
	for n := 0; n < events; {
		_, err := doer.Do(b.Context(), &eventstore.Work{
			Keys: []string{"bench"}, Load: func() eventstore.Load { return repo.Load("bench") },
			Decide: func(l *eventstore.Loaded) (*eventstore.Commit, error) {
				c := &eventstore.Commit{}
				for i := range 20 {
					e := life[(n+i)%len(life)]
					if n+i == 0 {
						e = &vnf.InstanceCreated{ID: "bench", Name: "bench"}
					}
					if err := repo.Append(l, c, "bench", eventstore.Metadata{Actor: "bench"}, e); err != nil {
						return nil, err
					}
				}
				return c, nil
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		n += 20
	}
	var times []time.Time
	for len(times) < events {
		more, err := store.ReadStream(context.WithoutCancel(b.Context()), repo.Stream("bench"), int64(len(times)), 1000)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range more {
			times = append(times, e.Time)
		}
	}
	return times
}

package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/saga/sagabench"
)

// BenchmarkBareCommits is the floor: single-row transactions on as many connections.
func BenchmarkBareCommits(b *testing.B) {
	url := dbtest.Postgres(b)
	for _, n := range []int{1, 8, 16, 32, 64} {
		b.Run(fmt.Sprintf("%d connections", n), func(b *testing.B) {
			var rate float64
			for range b.N {
				r, err := dbtest.BareCommits(b.Context(), url, n, 2*time.Second)
				if err != nil {
					b.Fatal(err)
				}
				rate += r
			}
			b.ReportMetric(rate/float64(b.N), "commits/s")
		})
	}
}

func BenchmarkStore(b *testing.B) {
	s := openAt(b, dbtest.Postgres(b))
	defer func() { _ = s.Close() }()
	eventstoretest.Benchmark(b, s, eventstoretest.Bench{Committers: 2, ServerCPU: dbtest.ServerCPU})
}

// BenchmarkSagas is the load of bench's engine rows, for profiles: three-step sagas of many clients.
func BenchmarkSagas(b *testing.B) {
	for _, clients := range []int{64, 512} {
		b.Run(fmt.Sprint(clients, " clients"), func(b *testing.B) {
			s := openAt(b, dbtest.Postgres(b))
			defer func() { _ = s.Close() }()
			var database time.Duration
			for b.Loop() {
				r, err := sagabench.Run(b.Context(), s, sagabench.Options{
					Clients: clients, Duration: 5 * time.Second, Uncontended: 1, Committers: 2,
					Measuring: func(begins bool) {
						if database = dbtest.ServerCPU() - database; begins {
							database = dbtest.ServerCPU()
						}
					},
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(r.PerSecond, "sagas/s")
				b.ReportMetric(float64(r.CPU.Microseconds()), "program-µs/saga")
				b.ReportMetric(float64(database.Microseconds())/float64(r.Sagas), "database-µs/saga")
				b.ReportMetric(r.Transactions, "tx/saga")
			}
		})
	}
}

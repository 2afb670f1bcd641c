package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/internal/dbtest"
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

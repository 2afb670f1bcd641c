package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/saga/sagabench"
)

func BenchmarkStore(b *testing.B) {
	s, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "vnfm.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	eventstoretest.Benchmark(b, s, eventstoretest.Bench{Committers: 1})
}

// BenchmarkSagas is the load of bench's engine rows, for profiles: three-step sagas of many clients.
func BenchmarkSagas(b *testing.B) {
	for _, clients := range []int{64, 512} {
		b.Run(fmt.Sprint(clients, " clients"), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "vnfm.db")})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			for b.Loop() {
				r, err := sagabench.Run(b.Context(), s, sagabench.Options{Clients: clients, Duration: 5 * time.Second, Uncontended: 1, Committers: 1})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(r.PerSecond, "sagas/s")
				b.ReportMetric(float64(r.CPU.Microseconds()), "program-µs/saga")
				b.ReportMetric(r.Transactions, "tx/saga")
			}
		})
	}
}

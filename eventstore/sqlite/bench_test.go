package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/vnfm/vnfm/eventstore/eventstoretest"
	"github.com/vnfm/vnfm/eventstore/sqlite"
)

func BenchmarkStore(b *testing.B) {
	s, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "vnfm.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	eventstoretest.Benchmark(b, s, eventstoretest.Bench{Committers: 1})
}

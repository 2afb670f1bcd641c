package sagabench_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/vnfm/vnfm/eventstore"
	"github.com/vnfm/vnfm/eventstore/memory"
	"github.com/vnfm/vnfm/eventstore/sqlite"
	"github.com/vnfm/vnfm/saga/sagabench"
)

// Issue 8 §3: an item costs the same in a saga of ten and in one of four thousand.
func BenchmarkItems(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) eventstore.Store{
		"memory": func(*testing.B) eventstore.Store { return memory.New(memory.Config{}) },
		"sqlite": func(b *testing.B) eventstore.Store {
			s, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "vnfm.db")})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.Close() })
			return s
		},
	} {
		for _, size := range []int{10, 100, 1000, 4000} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				const wanted = 8000
				store := open(b)
				for b.Loop() {
					cpu, err := sagabench.Items(b.Context(), store, size, wanted, sagabench.Options{Committers: 1})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(cpu.Microseconds()), "cpu-µs/item")
				}
			})
		}
	}
}

// The cost of an item does not grow with its saga: were a turn to look at all items, it would cost many times as much.
// Seen failing with the tally counted anew in every turn.
func TestItems_cost_the_same_in_a_large_saga(t *testing.T) {
	cost := func(size int) float64 {
		best := 0.0
		for range 2 {
			cpu, err := sagabench.Items(t.Context(), memory.New(memory.Config{}), size, 4000, sagabench.Options{Committers: 1})
			if err != nil {
				t.Fatal(err)
			}
			if c := cpu.Seconds(); best == 0 || c < best {
				best = c
			}
		}
		return best
	}
	small, large := cost(10), cost(4000)
	t.Logf("%.1f µs an item in a saga of 10, %.1f µs in one of 4,000", small*1e6, large*1e6)
	if large > 2*small {
		t.Errorf("an item of a large saga costs %.1f times as much", large/small)
	}
}

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vnfm/vnfm/saga/sagabench"
)

// printTable prints Markdown, as docs/benchmarks.md has it.
func printTable(w io.Writer, floor float64, o sagabench.Options, rows []row) {
	_, _ = fmt.Fprintf(w, "Bare PostgreSQL commits, the floor: %.0f/s. %d clients, %s each; every tenth saga undoes two steps.\n\n",
		floor, o.Clients, o.Duration)
	head := []string{
		"engine", "sagas/s", "of the floor", "p50 ms", "p99 ms", "alone p50 ms", "processor ms", "program", "PostgreSQL", "against the first",
		"WAL kB", "writing transactions", "all transactions", "log syncs", "memory MiB",
	}
	line(w, head)
	line(w, strings.Split(strings.Repeat("---,", len(head)-1)+"---", ","))
	for _, r := range rows {
		n := float64(r.report.Sagas)
		if n == 0 {
			line(w, []string{r.engine.name, "no saga ended"})
			continue
		}
		total := cost(r)
		line(w, []string{
			r.engine.name,
			fmt.Sprintf("%.0f", r.report.PerSecond),
			fmt.Sprintf("%.3f", r.report.PerSecond/floor),
			fmt.Sprintf("%.1f", ms(r.report.P50)),
			fmt.Sprintf("%.1f", ms(r.report.P99)),
			fmt.Sprintf("%.1f", ms(r.report.UncontendedP50)),
			fmt.Sprintf("%.2f", ms(total)),
			fmt.Sprintf("%.2f", ms(r.report.CPU)),
			fmt.Sprintf("%.2f", ms(total-r.report.CPU)),
			fmt.Sprintf("× %.1f", float64(total)/float64(cost(rows[0]))),
			fmt.Sprintf("%.1f", r.server.wal/n/1000),
			fmt.Sprintf("%.2f", r.server.write/n),
			fmt.Sprintf("%.2f", r.server.all/n),
			fmt.Sprintf("%.2f", r.server.syncs/n),
			fmt.Sprintf("%.0f", r.memory),
		})
	}
}

func line(w io.Writer, cells []string) { _, _ = fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

// cost is the processor time of a saga, program and PostgreSQL.
func cost(r row) time.Duration {
	return r.report.CPU + r.server.cpu/time.Duration(max(r.report.Sagas, 1))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

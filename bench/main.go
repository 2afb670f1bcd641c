// Command bench measures the program against the physical limit of the machine it runs on and prints one table: the
// bare PostgreSQL commit rate of the same run is the floor, and rates are given as shares of it. Nothing passes or fails
// here; machines differ, ratios less.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
)

func main() {
	debug.SetGCPercent(400) // as vnfmd does
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d := flag.Duration("for", 8*time.Second, "time of each measured load")
	only := flag.String("only", "", "floor, engine, instantiate, growth, size or program; empty: all of these; or pages; or scale, scale-postgresql, scale-sqlite, with pages; or operations; or kafka")
	instances := flag.Int("instances", 100_000, "instances of -only scale on PostgreSQL, each with ten operations; SQLite has a fifth")
	profile := flag.String("cpuprofile", "", "file to write a processor profile of the loads to")
	client := clientFlags()
	flag.Parse()
	if client.URL != "" {
		if err := client.run(ctx, *d); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	if err := run(ctx, *d, *only, *instances); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// table collects rows: what was measured, the figure, and the goal or the ratio beside it.
type table struct{ w *tabwriter.Writer }

func (t table) row(what, figure, note string) {
	_, _ = fmt.Fprintf(t.w, "%s\t%s\t%s\n", what, figure, note)
}

func run(ctx context.Context, d time.Duration, only string, instances int) error {
	if only == "kafka" {
		t := table{tabwriter.NewWriter(os.Stdout, 2, 4, 2, ' ', 0)}
		t.row("WHAT", "FIGURE", "AGAINST")
		return errors.Join(measureKafka(ctx, t, d), t.w.Flush())
	}
	cluster, err := dbtest.Start(true)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop() }()
	t := table{tabwriter.NewWriter(os.Stdout, 2, 4, 2, ' ', 0)}
	defer func() { _ = t.w.Flush() }()
	t.row("WHAT", "FIGURE", "AGAINST")
	if strings.HasPrefix(only, "scale") {
		var err error
		for backend, n := range map[string]int{"postgresql": instances, "sqlite": instances / 5} {
			if only == "scale" || only == "scale-"+backend {
				err = errors.Join(err, measurePages(ctx, t, cluster, backend), measureScale(ctx, t, cluster, backend, n, d))
			}
		}
		return err
	}
	if only == "pages" {
		return errors.Join(measurePages(ctx, t, cluster, "sqlite"), measurePages(ctx, t, cluster, "postgresql"))
	}
	if only == "operations" {
		return measureOperations(ctx, t)
	}
	floor, err := measureFloor(ctx, t, cluster, d)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"engine", func() error { return measureEngine(ctx, t, cluster, floor, d) }},
		{"instantiate", func() error { return measureInstantiate(ctx, t, cluster, floor, d) }},
		{"growth", func() error { return measureGrowth(ctx, t, cluster) }},
		{"size", func() error { return measureSize(ctx, t, cluster) }},
		{"program", func() error { return measureProgram(ctx, t) }},
	} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.measure(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		_ = t.w.Flush()
	}
	return nil
}

// measureFloor finds the best rate of bare commits over 8 to 64 connections.
func measureFloor(ctx context.Context, t table, cluster *dbtest.Cluster, d time.Duration) (float64, error) {
	best, at := 0.0, 0
	for _, n := range []int{8, 16, 32, 64} {
		rate, err := dbtest.BareCommits(ctx, cluster.URL(), n, d/4)
		if err != nil {
			return 0, err
		}
		if rate > best {
			best, at = rate, n
		}
	}
	t.row("bare PostgreSQL commits", fmt.Sprintf("%.0f/s", best), fmt.Sprintf("the floor; best of 8 to 64 connections, at %d", at))
	return best, nil
}

// Command peers measures the same three-step saga, with durable commands and replies, on this engine and on others, one
// after the other on one PostgreSQL, and prints one table. docs/benchmarks.md says what differs between them.
//
// It is a module of its own, so that the product depends on none of them. Each engine runs in a process of its own, which
// this program starts: itself with -engine. They are measured by the same code, that of saga/sagabench.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"

	"github.com/vnfm/vnfm/internal/dbtest"
	"github.com/vnfm/vnfm/saga/sagabench"
)

// engine is one row of the table.
type engine struct {
	key, name string
	run       func(ctx context.Context, url string, o sagabench.Options) (sagabench.Report, error)
}

// engines are the rows, in order; the others are compared with the first.
var engines = []engine{
	{"vnfm", "this engine", runVnfm},
	{"vnfm-apart", "this engine, all replies sent", runVnfmApart},
	{"dbos-steps", "DBOS, steps in process", runDBOSSteps},
	{"dbos-awaited", "DBOS, queued, results awaited", runDBOSAwaited},
	{"dbos-sent", "DBOS, queued, replies sent", runDBOSSent},
	{"river", "River, jobs completed with what they do", runRiver},
	{"river-batched", "River, jobs completed in batches", runRiverBatched},
	{"temporal", "Temporal", runTemporal},
}

func main() {
	debug.SetGCPercent(400) // as vnfmd does; for all of them
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var (
		o    sagabench.Options
		only = flag.String("only", "", "engines to measure, separated by commas: "+keys()+"; empty: all")
		one  = flag.String("engine", "", "measure this engine in this process, for the process that started it")
		url  = flag.String("url", "", "of the database of -engine")
	)
	flag.DurationVar(&o.Duration, "for", 15*time.Second, "time of each measured load")
	flag.IntVar(&o.Clients, "clients", 64, "sagas under way at once")
	flag.IntVar(&o.Uncontended, "alone", 20, "sagas run one after the other first")
	flag.Parse()
	var err error
	if *one != "" {
		err = child(ctx, *one, *url, o)
	} else {
		err = parent(ctx, os.Stdout, *only, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// keys names the engines.
func keys() string {
	var out []string
	for _, e := range engines {
		out = append(out, e.key)
	}
	return strings.Join(out, ", ")
}

// parent measures the floor and then one engine after the other.
func parent(ctx context.Context, w io.Writer, only string, o sagabench.Options) error {
	cluster, err := dbtest.Start(true)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Stop() }()
	floor, err := measureFloor(ctx, cluster, o.Duration)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	var rows []row
	for _, e := range engines {
		if only != "" && !strings.Contains(","+only+",", ","+e.key+",") {
			continue
		}
		r, err := measure(ctx, cluster, e, o)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", e.name, r.report)
		rows = append(rows, r)
	}
	printTable(w, floor, o, rows)
	return nil
}

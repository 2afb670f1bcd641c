// Command torture runs the real program and does to it what may happen to it: kill -9, pauses, stops, a database that
// crashes or drops its connections, a disk without room, a VIM that misbehaves or dies, clients that hang up and ask
// again, several of these at once, at random, for minutes. On PostgreSQL three nodes share the database; the simulated VIMs
// are a process of their own, which remembers what the program may have forgotten. On Kafka there are three brokers and two VIM managers with
// a database of their own besides, and Kafka Connect where a capture publishes (kafka-cdc): they are killed, stopped and restarted one after the other, and slots
// are dropped. Then it lets all of it come to rest and judges: every operation has ended, the simulated VIM
// holds exactly what the records say, no answer was taken back, no request had two effects, the events are whole and
// give the views.
//
//	go run ./torture -minutes 5 -backend sqlite,postgres -out DIR
//
// It ends with exit code 1 when anything is wrong, and leaves in DIR what is needed to find out why: the report, the
// log of every vnfmd process, and the data folder. The seed decides what is chosen; what the processes make of it is
// theirs, so the same seed is the same kind of run, not the same run. The simulation package is for that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// options say what to run.
type options struct {
	minutes float64
	// backends are what is tortured, names of the back-ends with commas between them.
	backends string
	seed     int64
	out      string
	clients  int
	// together tortures the back-ends at the same time instead of one after the other.
	together bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var o options
	flag.Float64Var(&o.minutes, "minutes", 5, "how long to torture each back-end")
	flag.StringVar(&o.backends, "backend", sqlite+","+postgres, "what to torture, with commas between: sqlite, postgres, kafka-polling (the relays publish), kafka-cdc (Kafka Connect does)")
	flag.Int64Var(&o.seed, "seed", time.Now().UnixNano()%1e6, "what the random choices begin with")
	flag.StringVar(&o.out, "out", filepath.Join("bin", "torture"), "folder for the report, logs and data; made when it is not there")
	flag.IntVar(&o.clients, "clients", 6, "clients that work at once")
	flag.BoolVar(&o.together, "together", false, "torture all back-ends at the same time")
	flag.Parse()
	found, err := torture(ctx, o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
	}
	if err != nil || found > 0 {
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// torture runs what the options say, writes the reports and returns how many violations were found.
func torture(ctx context.Context, o options, w io.Writer) (int, error) {
	known := []string{sqlite, postgres, polling, cdc}
	backends := strings.Split(o.backends, ",")
	for _, b := range backends {
		if !slices.Contains(known, b) {
			return 0, fmt.Errorf("there is no back-end %q; there are %s", b, strings.Join(known, ", "))
		}
	}
	out, err := filepath.Abs(o.out)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, err
	}
	bin := filepath.Join(out, "vnfmd")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/vnfm/vnfm/cmd/vnfmd")
	if said, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build vnfmd: %w: %s", err, said)
	}
	reports := make([]*report, len(backends))
	errs := make([]error, len(backends))
	one := func(i int, backend string) {
		r, err := runOne(ctx, o, bin, filepath.Join(out, backend), backend, w)
		if err != nil {
			errs[i] = fmt.Errorf("%s: %w", backend, err)
			fmt.Fprintln(os.Stderr, "torture:", errs[i]) // the others go on, maybe for hours
			return
		}
		reports[i] = r
		errs[i] = r.text(w, 20)
	}
	var running sync.WaitGroup
	for i, backend := range backends {
		if o.together {
			running.Go(func() { one(i, backend) })
		} else if one(i, backend); errs[i] != nil {
			break
		}
	}
	running.Wait()
	found := 0
	reports = slices.DeleteFunc(reports, func(r *report) bool { return r == nil })
	for _, r := range reports {
		found += r.Found
	}
	return found, errors.Join(errors.Join(errs...), writeReports(out, reports))
}

// Command simrun runs seeds of the simulation: one with its trace, many, or as many as fit into a time. A seed that fails
// is shrunk to the fewest faults and client actions that still fail.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/vnfm/vnfm/simulation"
)

func main() { os.Exit(run()) }

func run() int {
	seed := flag.Uint64("seed", 0, "run this seed alone")
	verbose := flag.Bool("v", false, "print the trace of -seed")
	seeds := flag.Uint64("seeds", 2000, "run so many seeds")
	from := flag.Uint64("from", 1, "the first of them")
	long := flag.Duration("long", 0, "run seeds for so long, instead of -seeds")
	mutant := flag.String("mutant", "", "take a safeguard out; \"all\" runs every mutant until a seed finds it, at most -seeds")
	shrink := flag.Bool("shrink", true, "shrink what fails")
	once := flag.Bool("once", false, "run each seed once only, without comparing traces")
	flag.Parse()
	o := simulation.Options{Mutant: simulation.Mutant(*mutant)}
	switch {
	case *mutant == "all":
		return mutants(*seeds)
	case *seed != 0:
		o.Trace = *verbose
		r := simulation.Twice(*seed, o)
		for _, line := range r.Trace {
			_, _ = fmt.Fprintln(os.Stdout, line)
		}
		report(r)
		if r.Failed() {
			if *shrink {
				simulation.Shrink(r.Seed, o).Print(os.Stdout)
			}
			return 1
		}
		return 0
	}
	return many(*from, *seeds, *long, *shrink, *once, o)
}

func many(from, seeds uint64, long time.Duration, shrink, once bool, o simulation.Options) int {
	begin := time.Now()
	var sum simulation.Sum
	failed := 0
	for s := from; ; s++ {
		if long > 0 && time.Since(begin) >= long || long == 0 && s >= from+seeds {
			break
		}
		var r *simulation.Result
		if once {
			r = simulation.Run(s, o)
		} else {
			r = simulation.Twice(s, o)
		}
		sum.Add(r)
		if r.Failed() {
			failed++
			report(r)
			if shrink && failed <= 3 {
				simulation.Shrink(s, o).Print(os.Stdout)
			}
		}
	}
	took := time.Since(begin)
	_, _ = fmt.Fprintf(os.Stdout, "%d seeds in %s (%.1f/s), %d failed\n", sum.Seeds, took.Round(time.Millisecond), float64(sum.Seeds)/took.Seconds(), failed)
	_, _ = fmt.Fprintf(os.Stdout, "%d client actions, %d commits, %d VIM calls, %s of virtual time\n", sum.Actions, sum.Commits, sum.Calls, sum.Elapsed.Round(time.Second))
	for _, f := range slices.Sorted(maps.Keys(sum.Faults)) {
		_, _ = fmt.Fprintf(os.Stdout, "  %-22s %d\n", f, sum.Faults[f])
	}
	for _, s := range slices.Sorted(maps.Keys(sum.Operations)) {
		_, _ = fmt.Fprintf(os.Stdout, "  operations %-11s %d\n", s, sum.Operations[s])
	}
	if failed > 0 {
		return 1
	}
	return 0
}

func report(r *simulation.Result) {
	_, _ = fmt.Fprintf(os.Stdout, "seed %d trace %s: %d steps, %d commits, %d calls, %d actions, %d faults, %s\n", r.Seed, r.Hash, r.Steps, r.Commits, r.Calls,
		r.Actions, r.FaultsSeen, r.Elapsed.Round(time.Second))
	for _, v := range r.Violations {
		_, _ = fmt.Fprintln(os.Stdout, "  ✗", v)
	}
}

// mutants looks for each mutant with the seeds from 1 on.
func mutants(seeds uint64) int {
	code := 0
	for _, m := range simulation.Mutants() {
		begin := time.Now()
		h := simulation.Hunt(m, seeds, 5)
		if len(h) == 0 {
			_, _ = fmt.Fprintf(os.Stdout, "%-18s SURVIVED %d seeds (%s)\n", m, seeds, time.Since(begin).Round(time.Second))
			code = 1
			continue
		}
		_, _ = fmt.Fprintf(os.Stdout, "%-18s found, median of %d hunts: %d seeds (%s)   %s\n", m, len(h), simulation.Median(h), time.Since(begin).Round(time.Second), h[0].Violation)
	}
	return code
}

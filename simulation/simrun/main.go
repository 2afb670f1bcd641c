// Command simrun runs seeds of the simulation: one with its trace, many, or as many as fit into a time, on all
// processors. A seed that fails is shrunk to the fewest faults and client actions that still fail.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"github.com/vnfm/vnfm/simulation"
)

func main() { os.Exit(run(os.Args[1:])) }

// run returns the exit code: 0 when all is well, 1 when something was found, or nothing was simulated, 2 for wrong arguments.
func run(args []string) int {
	flag := flag.NewFlagSet("simrun", flag.ContinueOnError)
	seed := flag.Uint64("seed", 0, "run this seed alone")
	verbose := flag.Bool("v", false, "print the trace of -seed")
	seeds := flag.Uint64("seeds", 2000, "run so many seeds")
	from := flag.Uint64("from", 1, "the first of them")
	long := flag.Duration("long", 0, "run seeds for so long, instead of -seeds")
	mutant := flag.String("mutant", "", "take a safeguard out and look for it, in windows of at most -seeds; \"all\": one after the other")
	windows := flag.Int("windows", 5, "look for each mutant from so many starting seeds")
	shrink := flag.Bool("shrink", true, "shrink what fails")
	once := flag.Bool("once", false, "run each seed once only, without comparing traces")
	profile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	if err := flag.Parse(args); err != nil {
		return 2
	}
	if *seed == 0 && *long <= 0 && *seeds == 0 || *mutant != "" && *windows < 1 {
		_, _ = fmt.Fprintln(os.Stderr, "nothing to run: -seeds and -windows are at least 1")
		return 2
	}
	debug.SetGCPercent(400) // runs are short and their memory is small
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			return 2
		}
		defer pprof.StopCPUProfile()
	}
	o := simulation.Options{Mutant: simulation.Mutant(*mutant)}
	switch {
	case *seed != 0:
		return one(*seed, *verbose, *shrink, o)
	case *mutant == "all":
		return mutants(simulation.Mutants(), *seeds, *windows)
	case *mutant != "":
		return mutants([]simulation.Mutant{o.Mutant}, *seeds, *windows)
	}
	return many(*from, *seeds, *long, *shrink, *once, o)
}

func one(seed uint64, verbose, shrink bool, o simulation.Options) int {
	o.Trace = verbose
	r := simulation.Twice(seed, o)
	for _, line := range r.Trace {
		_, _ = fmt.Fprintln(os.Stdout, line)
	}
	report(r)
	if !r.Failed() {
		return 0
	}
	if shrink {
		simulation.Shrink(r.Seed, o).Print(os.Stdout)
	}
	return 1
}

// many runs seeds until there are enough of them, or the time is over.
func many(from, seeds uint64, long time.Duration, shrink, once bool, o simulation.Options) int {
	begin := time.Now()
	var mu sync.Mutex
	var sum simulation.Sum
	next, failed := from, 0
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		if long > 0 && time.Since(begin) >= long || long == 0 && next >= from+seeds {
			return 0, false
		}
		next++
		return next - 1, true
	}
	work := func() {
		for s, ok := take(); ok; s, ok = take() {
			r := simulation.Twice
			if once {
				r = simulation.Run
			}
			done := r(s, o)
			mu.Lock()
			sum.Add(done)
			if done.Failed() {
				failed++
				report(done)
				if shrink && failed <= 3 {
					simulation.Shrink(s, o).Print(os.Stdout)
				}
			}
			mu.Unlock()
		}
	}
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(work)
	}
	wg.Wait()
	took := time.Since(begin)
	_, _ = fmt.Fprintf(os.Stdout, "%d seeds in %s (%.1f/s), %d failed\n", sum.Seeds, took.Round(time.Millisecond), float64(sum.Seeds)/took.Seconds(), failed)
	_, _ = fmt.Fprintf(os.Stdout, "%d client actions, %d commits, %d VIM calls, %d deliveries to subscribers, %d notifications given up, %s of virtual time\n", sum.Actions, sum.Commits, sum.Calls, sum.Told, sum.GivenUp, sum.Elapsed.Round(time.Second))
	for _, f := range slices.Sorted(maps.Keys(sum.Faults)) {
		_, _ = fmt.Fprintf(os.Stdout, "  %-22s %d\n", f, sum.Faults[f])
	}
	for _, s := range slices.Sorted(maps.Keys(sum.Operations)) {
		_, _ = fmt.Fprintf(os.Stdout, "  operations %-11s %d\n", s, sum.Operations[s])
	}
	for _, e := range slices.Sorted(maps.Keys(sum.Happened)) {
		_, _ = fmt.Fprintf(os.Stdout, "  %-50s %d\n", e, sum.Happened[e])
	}
	lacks := sum.Vacuous()
	for _, lack := range lacks {
		_, _ = fmt.Fprintln(os.Stdout, "  nothing is shown:", lack)
	}
	if failed > 0 || len(lacks) > 0 {
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

// mutants looks for each mutant in windows of seeds, and fails when it is not found in one of them.
func mutants(all []simulation.Mutant, seeds uint64, windows int) int {
	code := 0
	for _, m := range all {
		begin := time.Now()
		found := simulation.Hunt(m, seeds, windows)
		took := time.Since(begin).Round(100 * time.Millisecond)
		if len(found) < windows {
			_, _ = fmt.Fprintf(os.Stdout, "%-18s SURVIVED %d of %d windows of %d seeds (%s)\n", m, windows-len(found), windows, seeds, took)
			code = 1
			continue
		}
		median, worst := simulation.Median(found)
		_, _ = fmt.Fprintf(os.Stdout, "%-18s found, median %d seeds, worst of %d windows %d (%s)   %s\n", m, median, windows, worst, took, found[0].Violation)
	}
	return code
}

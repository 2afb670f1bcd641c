// Command mutants puts small faults into the sources, one at a time, and looks whether the tests find them: the unit tests of the
// package first, then seeds of the simulation. It fails when fewer than 95 of 100 are found, and when a fault cannot be put in any
// more because the text it changes is gone or there twice. The sources are not touched: Go is given the changed file as an overlay.
//
// The faults are in faults/, a file for each package; see Parse for their form.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// share is how many of those that are not equivalent must be found.
const share = 0.95

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout)) //nolint:gocritic // the signal's handler goes with the process
}

// run returns the exit code: 0 when enough were found, 1 when not, 2 for wrong arguments and faults that cannot be put in.
func run(ctx context.Context, args []string, out io.Writer) int {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(out)
	only := flags.String("only", "", "a regular expression: put in only the faults whose names it matches")
	seeds := flags.Int("seeds", 60, "seeds of the simulation that look for what unit tests do not find; 0: none")
	parallel := flags.Int("parallel", 2, "faults tried at once")
	limit := flags.Duration("limit", 5*time.Minute, "longest time of one package's tests, and of the seeds")
	root := flags.String("root", ".", "the module's folder")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		_, _ = fmt.Fprintln(out, err)
		return 2
	}
	all, err := read(filepath.Join(*root, "internal", "mutants", "faults"))
	if err != nil {
		_, _ = fmt.Fprintln(out, err)
		return 2
	}
	all = slices.DeleteFunc(all, func(m *Mutant) bool { return !match.MatchString(m.Name) })
	if len(all) == 0 {
		_, _ = fmt.Fprintln(out, "there is no fault to put in")
		return 2
	}
	b := &bench{root: *root, seeds: *seeds, limit: *limit}
	begin := time.Now()
	results := b.tryAll(ctx, all, max(1, *parallel), out)
	return report(results, time.Since(begin), out)
}

// tryAll tries all faults, so many at once, and tells of each as it ends.
func (b *bench) tryAll(ctx context.Context, all []*Mutant, parallel int, out io.Writer) []result {
	var mu sync.Mutex
	var wg sync.WaitGroup
	results := make([]result, len(all))
	next := make(chan int)
	for range parallel {
		wg.Go(func() {
			for i := range next {
				r := b.try(ctx, all[i])
				mu.Lock()
				results[i] = r
				_, _ = fmt.Fprintln(out, r)
				mu.Unlock()
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	wg.Wait()
	return results
}

// report sums up and returns the exit code.
func report(results []result, took time.Duration, out io.Writer) int {
	count := map[outcome]int{}
	for _, r := range results {
		count[r.outcome]++
	}
	found := count[byUnitTests] + count[bySeeds]
	counted := found + count[survived]
	_, _ = fmt.Fprintf(out, "\n%d faults in %s: %d found by unit tests, %d by seeds, %d survived, %d equivalent, %d broken\n",
		len(results), took.Round(time.Second), count[byUnitTests], count[bySeeds], count[survived], count[equivalent], count[broken])
	for _, o := range []outcome{survived, broken} {
		for _, r := range results {
			if r.outcome == o {
				_, _ = fmt.Fprintf(out, "%s\n  %s\n%s", r, r.mutant.Note, indent(r.mutant.Old, "- ")+indent(r.mutant.New, "+ "))
			}
		}
	}
	switch {
	case count[broken] > 0:
		return 2
	case float64(found) < share*float64(counted):
		_, _ = fmt.Fprintf(out, "fewer than %.0f %% were found\n", share*100)
		return 1
	}
	return 0
}

func indent(text, with string) string {
	if text == "" {
		return ""
	}
	return "  " + with + strings.ReplaceAll(text, "\n", "\n  "+with) + "\n"
}

package simulation

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Sum adds results up.
type Sum struct {
	Seeds, Commits, Calls, Actions, Told, GivenUp int
	Elapsed                                       time.Duration
	Faults                                        map[Fault]int
	Operations                                    map[string]int
	Happened                                      map[Event]int
}

// Add adds a result.
func (s *Sum) Add(r *Result) {
	if s.Faults == nil {
		s.Faults, s.Operations, s.Happened = map[Fault]int{}, map[string]int{}, map[Event]int{}
	}
	s.Seeds++
	s.Commits += r.Commits
	s.Calls += r.Calls
	s.Actions += r.Actions
	s.Told += r.Told
	s.GivenUp += r.GivenUp
	s.Elapsed += r.Elapsed
	for f, n := range r.Faults {
		s.Faults[f] += n
	}
	for e, n := range r.Happened {
		s.Happened[e] += n
	}
	for o, n := range r.Operations {
		s.Operations[o] += n
	}
}

// Shrunk is the smallest failing run found of a seed.
type Shrunk struct {
	Options Options
	Result  *Result
	Runs    int
}

// Shrink runs a failing seed again with pieces switched off, and keeps off what it fails without: kinds of faults, all
// faults after a number, single faults, single actions. The trace of what is left is in the result.
func Shrink(seed uint64, o Options) *Shrunk {
	s := &Shrunk{Options: o, Result: Run(seed, o), Runs: 1}
	if !s.Result.Failed() {
		return s
	}
	try := func(o Options) bool {
		if s.Runs >= 400 {
			return false
		}
		s.Runs++
		r := Run(seed, o)
		if r.Failed() {
			s.Options, s.Result = o, r
		}
		return r.Failed()
	}
	for _, f := range Faults() {
		if s.Result.Faults[f] > 0 {
			with := s.Options
			with.Without = plus(with.Without, f)
			try(with)
		}
	}
	for n := s.Result.FaultsSeen; n > 0; n /= 2 { // fewer and fewer
		with := s.Options
		if with.Faults = n / 2; with.Faults == 0 {
			with.Faults = -1
		}
		if !try(with) {
			break
		}
	}
	for n := 1; n <= s.Result.FaultsSeen; n++ {
		with := s.Options
		with.SkipFaults = plus(with.SkipFaults, n)
		try(with)
	}
	for n := 1; n <= s.Result.Actions; n++ {
		with := s.Options
		with.SkipActions = plus(with.SkipActions, n)
		try(with)
	}
	with := s.Options
	with.Trace = true
	try(with)
	return s
}

func plus[K comparable](m map[K]bool, k K) map[K]bool {
	out := map[K]bool{k: true}
	for o := range m {
		out[o] = true
	}
	return out
}

// Print writes the trace and what was broken.
func (s *Shrunk) Print(out io.Writer) {
	for _, line := range s.Result.Trace {
		_, _ = fmt.Fprintln(out, line)
	}
	_, _ = fmt.Fprintf(out, "seed %d shrunk in %d runs to %v, actions left out: %d of %d\n", s.Result.Seed, s.Runs, s.Result.Faults,
		len(s.Options.SkipActions), s.Result.Actions)
	for _, v := range s.Result.Violations {
		_, _ = fmt.Fprintln(out, "  ✗", v)
	}
}

// Found says after how many seeds a mutant was found, and by what.
type Found struct {
	Seeds     uint64
	Violation string
}

// window is how far apart the windows of Hunt begin.
const window = 100_000

// Hunt looks for a mutant in several windows of up to so many seeds, on all processors, and returns after how many seeds
// each window found it; those that did not are left out. Every seed up to the first that fails is run.
func Hunt(m Mutant, seeds uint64, windows int) []Found {
	var out []Found
	for n := range uint64(windows) { //nolint:gosec // a small number
		if f := hunt(m, 1+n*window, seeds); f != nil {
			out = append(out, *f)
		}
	}
	return out
}

func hunt(m Mutant, from, seeds uint64) *Found {
	var mu sync.Mutex
	var first *Found
	next := uint64(0)
	take := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next, next <= seeds && (first == nil || next < first.Seeds)
	}
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for n, ok := take(); ok; n, ok = take() {
				r := Run(from+n-1, Options{Mutant: m})
				found := r.Failed() && !Run(from+n-1, Options{}).Failed() // and it is the mutant's doing
				mu.Lock()
				if found && (first == nil || n < first.Seeds) {
					first = &Found{n, r.Violations[0]}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return first
}

// Median returns the median and the highest number of seeds.
func Median(all []Found) (median, worst uint64) {
	n := make([]uint64, len(all))
	for i, f := range all {
		n[i] = f.Seeds
	}
	slices.Sort(n)
	return n[len(n)/2], n[len(n)-1]
}

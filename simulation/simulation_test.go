package simulation_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/vnfm/vnfm/simulation"
)

// each runs f for numbers up to n, on all processors, until one fails.
func each(t *testing.T, n int, f func(seed uint64)) {
	t.Helper()
	work := make(chan uint64)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for s := range work {
				f(s)
			}
		})
	}
	for s := 1; s <= n && !t.Failed(); s++ {
		work <- uint64(s) //nolint:gosec // counts from 1
	}
	close(work)
	wg.Wait()
}

// TestSeeds is design.md §11: invariants I1 to I7 hold in every seed. Each mutant is a way in which it was seen failing.
func TestSeeds(t *testing.T) {
	var mu sync.Mutex
	var sum simulation.Sum
	each(t, seeds, func(seed uint64) {
		r := simulation.Run(seed, simulation.Options{})
		mu.Lock()
		defer mu.Unlock()
		sum.Add(r)
		if r.Failed() {
			t.Errorf("seed %d (make sim SEED=%d):\n%s", seed, seed, strings.Join(r.Violations, "\n"))
		}
	})
	t.Logf("%d seeds, %d actions, %d commits, %d calls, faults %v", sum.Seeds, sum.Actions, sum.Commits, sum.Calls, sum.Faults)
	for _, lack := range sum.Vacuous() {
		t.Error(lack)
	}
}

// Runs in which little happens show nothing, however few they are. Seen failing with no look at fewer than a hundred.
func TestVacuousRunsAreFound(t *testing.T) {
	full := func(seeds int) simulation.Sum {
		s := simulation.Sum{Seeds: seeds, Actions: 5 * seeds, Commits: 100 * seeds, Calls: 10 * seeds, Told: seeds, GivenUp: seeds,
			Faults: map[simulation.Fault]int{}, Happened: map[simulation.Event]int{}, Operations: map[string]int{"COMPLETED": 1, "ROLLED_BACK": 1, "FAILED_TEMP": 1}}
		for _, f := range simulation.Faults() {
			s.Faults[f] = 1
		}
		for _, e := range simulation.Events() {
			s.Happened[e] = 3 * seeds
		}
		for _, e := range simulation.RareEvents() {
			s.Happened[e] = 1
		}
		return s
	}
	for _, seeds := range []int{1, 6, 100, 2000} {
		for name, c := range map[string]struct {
			empty func(s *simulation.Sum)
			from  int // so many seeds show it
		}{
			"all is well":          {func(*simulation.Sum) {}, 1 << 30},
			"no seed":              {func(s *simulation.Sum) { s.Seeds = 0 }, 1},
			"no client":            {func(s *simulation.Sum) { s.Actions = 0 }, 1},
			"no commit":            {func(s *simulation.Sum) { s.Commits = 0 }, 1},
			"no VIM call":          {func(s *simulation.Sum) { s.Calls = 0 }, 6},
			"no operation":         {func(s *simulation.Sum) { clear(s.Operations) }, 6},
			"no fault":             {func(s *simulation.Sum) { clear(s.Faults) }, 6},
			"a fault is gone":      {func(s *simulation.Sum) { delete(s.Faults, simulation.Faults()[0]) }, 100},
			"a state is gone":      {func(s *simulation.Sum) { delete(s.Operations, "FAILED_TEMP") }, 100},
			"an event is gone":     {func(s *simulation.Sum) { delete(s.Happened, simulation.ChangeHalf) }, 100},
			"what is rare is gone": {func(s *simulation.Sum) { delete(s.Happened, simulation.Ended("OPERATE", "FAILED")) }, 1000},
			"nobody is told":       {func(s *simulation.Sum) { s.Told = 0 }, 100},
			"nothing given up":     {func(s *simulation.Sum) { s.GivenUp = 0 }, 100},
		} {
			s := full(seeds)
			c.empty(&s)
			if got := s.Vacuous(); (len(got) > 0) != (seeds >= c.from) {
				t.Errorf("%s, %d seeds: %q", name, seeds, got)
			}
		}
	}
}

// A seed is one history. Seen failing with random ids in place of the world's own.
func TestASeedRunTwiceMakesTheSameTrace(t *testing.T) {
	each(t, max(seeds/10, 4), func(seed uint64) {
		if r := simulation.Twice(seed+10_000, simulation.Options{}); r.Failed() {
			t.Errorf("seed %d: %v", seed+10_000, r.Violations)
		}
	})
}

// What was switched off must not happen.
func TestFaultsAndActionsCanBeSwitchedOff(t *testing.T) {
	if r := simulation.Run(3, simulation.Options{Faults: -1}); r.Failed() || len(r.Faults) != 0 || r.Commits == 0 {
		t.Errorf("without faults: %v, %v", r.Faults, r.Violations)
	}
	all := map[int]bool{}
	for n := 1; n < 100; n++ {
		all[n] = true
	}
	if r := simulation.Run(3, simulation.Options{SkipActions: all, Trace: true}); r.Failed() || len(r.Operations) != 0 {
		t.Errorf("without actions: %v, %v", r.Operations, r.Violations)
	}
}

// Each mutant lacks one safeguard; the simulation finds it. make sim-mutants hunts them all; here are those that few
// seeds find, as many as quick says.
func TestMutantsAreFound(t *testing.T) {
	for _, m := range simulation.Quick()[:quick] {
		t.Run(string(m), func(t *testing.T) {
			found := simulation.Hunt(m, 240, 1)
			if len(found) == 0 {
				t.Fatal("no seed finds it")
			}
			t.Logf("seed %d: %s", found[0].Seeds, found[0].Violation)
		})
	}
}

// A seed that fails is shrunk to fewer faults and still fails. One with few is taken: it is run again for each. The mutant is one that
// fails in the middle: one that never comes to rest costs all the quiet steps in each of some hundred runs.
func TestAFailingSeedIsShrunk(t *testing.T) {
	o := simulation.Options{Mutant: simulation.NoIntent, Steps: 800}
	for seed := uint64(1); seed < 200; seed++ {
		r := simulation.Run(seed, o)
		if n := total(r.Faults); !r.Failed() || n < 3 || n > 15 {
			continue
		}
		s := simulation.Shrink(seed, o)
		if !s.Result.Failed() || len(s.Result.Trace) == 0 || total(s.Result.Faults) >= total(r.Faults) {
			t.Errorf("seed %d: %d faults, shrunk %d, failed %v", seed, total(r.Faults), total(s.Result.Faults), s.Result.Failed())
		}
		t.Logf("seed %d: %d faults, %d in the end, %d runs", seed, total(r.Faults), total(s.Result.Faults), s.Runs)
		return
	}
	t.Error("no seed fails")
}

func total(m map[simulation.Fault]int) int {
	n := 0
	for _, k := range m {
		n += k
	}
	return n
}

//go:build race

package simulation_test

// seeds is how many are run, quick how many mutants are hunted. The race detector makes each several times slower, and gives
// no memory back: it takes about 100 MB for each.
const (
	seeds = 6
	quick = 3
)

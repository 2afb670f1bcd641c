//go:build !race

package simulation_test

// seeds is how many are run, quick how many mutants are hunted.
const (
	seeds = 120
	quick = 17
)

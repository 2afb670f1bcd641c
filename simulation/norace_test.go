//go:build !race

package simulation_test

// seeds is how many are run.
const seeds = 120

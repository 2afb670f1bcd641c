//go:build race

package simulation_test

// seeds is how many are run; the race detector makes each several times slower.
const seeds = 10

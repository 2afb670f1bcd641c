//go:build race

package lcm_test

// The race detector makes all ten times slower: it looks at every third command of what fails at each, and at a part of the random
// histories. make test-deep runs them all.
const (
	stride       = 3
	histories    = 30
	allHistories = false
)

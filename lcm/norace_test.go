//go:build !race

package lcm_test

const (
	stride       = 1
	histories    = 150
	allHistories = true // enough for every change to end in every way
)

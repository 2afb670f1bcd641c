package main

import "testing"

// What runs nothing is not green. Seen failing (0) for each of those that must not be 0.
func TestRunningNothingIsAnError(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"-seeds", "0"}, 2},
		{[]string{"-seeds", "0", "-mutant", "all"}, 2},
		{[]string{"-windows", "0", "-mutant", "no-undo"}, 2},
		{[]string{"-seeds", "many"}, 2},
		{[]string{"-long", "1ns"}, 1},
		{[]string{"-seeds", "2", "-once"}, 0},
	} {
		if got := run(c.args); got != c.want {
			t.Errorf("%v: %d, want %d", c.args, got, c.want)
		}
	}
}

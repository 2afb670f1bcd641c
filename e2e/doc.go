// Package e2e holds the black-box tests: they build the two programs, run them as real processes, kill them, and look at
// the program only through its API and its command line.
package e2e

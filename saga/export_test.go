package saga

import "testing"

// InForms runs a test with sagas stored in each of the forms: with their items in their row, in rows of their own, and growing
// out of their row on the way.
func InForms(t *testing.T, f func(t *testing.T)) {
	for name, bytes := range map[string]int{"in a row": inlineBytes, "in rows": 0, "grown": 1800} {
		t.Run(name, func(t *testing.T) {
			defer func(n int) { inlineBytes = n }(inlineBytes)
			inlineBytes = bytes
			f(t)
		})
	}
}

// InRows has sagas stored with their items in rows of their own until the test ends.
func InRows(t *testing.T) {
	before := inlineBytes
	t.Cleanup(func() { inlineBytes = before })
	inlineBytes = 0
}

//go:build kubernetes || broker || openstack

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// readPages runs the pages of a way on a laboratory that the caller has, once it has prepared their reader; there are some at least.
func readPages(t *testing.T, way string, some int, prepare func(r *reader, flags string)) {
	t.Helper()
	for _, p := range pagesOf(t) {
		if is, flags, _ := strings.Cut(p.run, " "); is == way {
			some--
			t.Run(filepath.Base(p.name), func(t *testing.T) {
				r := newReader(t, &p)
				prepare(r, flags)
				r.run()
			})
		}
	}
	if some > 0 {
		t.Errorf("%d pages too few are run on %s", some, way)
	}
}

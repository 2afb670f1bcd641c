//go:build openstack

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vnfm/vnfm/samples/shapes"
)

// TestPagesOnOpenStack runs the page whose commands need a cloud, in the project where nobody else is; the project has afterwards what it had before.
func TestPagesOnOpenStack(t *testing.T) {
	c := newCloud(t)
	c.image("store-front") // that of the other VDU is uploaded from the package
	before := c.inventory()
	readPages(t, "openstack", 1, func(r *reader, flags string) {
		r.slow = 10 * time.Minute
		for name, content := range map[string][]byte{"password": []byte(c.Password), "store.csar": withImage(t, shapes.CSAR(shapes.Store))} {
			if err := os.WriteFile(filepath.Join(r.home, name), content, 0o600); err != nil {
				r.t.Fatal(err)
			}
		}
		r.means = append([][2]string{{"http://127.0.0.1:15000/v3", c.URL}, {"username=vnfm", "username=" + c.Username}, {"project=nfv", "project=" + c.Project}}, r.means...)
		r.env = append(r.env, "OS_CLIENT_CONFIG_FILE="+os.Getenv("VNFM_TEST_CLOUDS"), "OS_CLOUD=life", "no_proxy=127.0.0.1")
		r.beside(startDaemon(r.t, strings.Fields(flags)...))
	})
	if now := c.inventory(); !slices.Equal(now, before) {
		t.Errorf("in the end there are\n%s\nbefore there were\n%s", strings.Join(now, "\n"), strings.Join(before, "\n"))
	}
}

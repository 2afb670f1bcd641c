//go:build kubernetes

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/samples/shapes"
)

// TestPagesOnKubernetes runs the pages whose commands need a cluster, as TestPagesAreRun does the others. What they make in the cluster is
// theirs alone: the namespaces that they name.
func TestPagesOnKubernetes(t *testing.T) {
	kubeconfig, err := os.ReadFile(os.Getenv("VNFM_TEST_KUBECONFIG"))
	if err != nil {
		t.Fatalf("VNFM_TEST_KUBECONFIG must name the kubeconfig of a cluster (make test-kubernetes starts one): %v", err)
	}
	readPages(t, "kubernetes", 2, func(r *reader, flags string) {
		if err := os.WriteFile(filepath.Join(r.home, "admin.kubeconfig"), kubeconfig, 0o600); err != nil {
			t.Fatal(err)
		}
		for name, shape := range map[string]string{"cnf-manifests.csar": shapes.Manifests, "cnf-chart.csar": shapes.Charts} {
			if err := os.WriteFile(filepath.Join(r.home, name), shapes.CSAR(shape), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r.env = append(r.env, "KUBECONFIG="+filepath.Join(r.home, "admin.kubeconfig"))
		r.beside(startDaemon(r.t, strings.Fields(flags)...))
	})
}

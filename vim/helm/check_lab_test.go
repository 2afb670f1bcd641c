//go:build kubernetes

package helm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/helm"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// A check of a Helm connection tells what one of a Kubernetes connection does, which Helm it is, and whether releases can be stored.
func TestCheckOfAHelmConnection(t *testing.T) {
	l := kubetest.New(t, helm.Type)
	facts, err := helm.New(helm.Config{}).Check(t.Context(), l.Conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		area        vim.Area
		name, value string
	}{
		{vim.AreaVersion, "Helm", "v4"}, {vim.AreaVersion, "Kubernetes", "v1"}, {vim.AreaRight, "store releases (secrets)", "allowed"},
		{vim.AreaRight, "create deployments.apps", "allowed"},
	} {
		if !slices.ContainsFunc(facts, func(f vim.Fact) bool {
			return f.Area == want.area && f.Name == want.name && strings.HasPrefix(f.Value, want.value) && !f.Lacks
		}) {
			t.Errorf("no %v in %+v", want, facts)
		}
	}
}

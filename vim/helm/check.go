package helm

import (
	"context"
	"runtime/debug"

	"github.com/vnfm/vnfm/vim"
)

var _ vim.Checker = (*Driver)(nil)

// Check tells what the check of a Kubernetes connection does, the rights on the Secrets in which Helm keeps its releases among what is needed,
// and which Helm it is.
func (d *Driver) Check(ctx context.Context, conn vim.Connection) ([]vim.Fact, error) {
	facts, err := d.objects.Check(ctx, conn)
	if err != nil {
		return nil, err //nolint:wrapcheck // an Error of that driver
	}
	stored := true
	for i := range facts {
		f := &facts[i]
		if f.Area != vim.AreaRight {
			continue
		}
		switch f.Name {
		case "create secrets", "patch secrets", "list secrets", "delete secrets":
			f.Lacks = f.Value != "allowed"
			stored = stored && !f.Lacks
		}
	}
	storage := vim.Fact{Area: vim.AreaRight, Name: "store releases (secrets)", Value: "allowed"}
	if !stored {
		storage.Value, storage.Lacks = "not allowed", true
	}
	return append([]vim.Fact{{Area: vim.AreaVersion, Name: "Helm", Value: version()}, storage}, facts...), nil
}

// version is that of the Helm in this program.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "helm.sh/helm/v4" {
				return m.Version
			}
		}
	}
	return "v4"
}

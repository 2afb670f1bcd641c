package kubernetes

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// taken tells which fields of a manifest others have taken from an object (vim.Observed). Who removes a field leaves no trace, and a field that is
// not there may be one that the cluster drops: so it is asked, without effect, what it would make of the manifest. It is asked once an
// object that lacks something, as long as that is as it is.
func (c *cluster) taken(ctx context.Context, u *unstructured.Unstructured) func(json.RawMessage) ([]string, string) {
	type answer struct {
		fields []string
		by     string
	}
	var mu sync.Mutex
	known := map[string]answer{}
	return func(manifest json.RawMessage) ([]string, string) {
		mu.Lock()
		defer mu.Unlock()
		a, there := known[string(manifest)]
		if !there {
			if kube.Others(u) {
				a.fields, a.by = kube.Taken(u, manifest)
			}
			if gone := kube.Missing(u, manifest); len(gone) > 0 {
				a.fields = append(a.fields, c.removed(ctx, u, manifest, gone)...)
				slices.Sort(a.fields)
			}
			known[string(manifest)] = a
		}
		return a.fields, a.by
	}
}

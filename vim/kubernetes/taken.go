package kubernetes

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// trial is how long a cluster may take to say what it would make of a manifest.
const trial = 10 * time.Second

// taken tells which fields of a manifest others have taken from an object (vim.Observed). Who removes a field leaves no trace, and a field that is
// not there may be one that the cluster drops: so it is asked, without effect, what it would make of the manifest. It is asked once an
// object and comparison, of those that lack something.
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

// removed are those of the fields that an object lacks which it would have if it were made now. What the cluster does not answer to is taken
// for what it drops.
func (c *cluster) removed(ctx context.Context, u *unstructured.Unstructured, manifest json.RawMessage, lacks []string) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trial)
	defer cancel()
	t, owner, revision, ours := bears(u)
	if !ours {
		return nil
	}
	to, k, err := c.prepare("observe", t, owner, revision, vim.Spec{Unit: &vim.UnitSpec{Objects: manifest, Replicas: kube.Wanted(u)}})
	if err != nil {
		return nil
	}
	to.SetNamespace(u.GetNamespace())
	to.SetName(u.GetName())
	would, err := c.In(k, u.GetNamespace()).Apply(ctx, u.GetName(), to, metav1.ApplyOptions{
		FieldManager: kube.FieldManager, Force: true, DryRun: []string{metav1.DryRunAll},
	})
	if err != nil {
		return nil
	}
	would.SetManagedFields(nil)
	dropped := kube.Missing(would, manifest)
	return slices.DeleteFunc(lacks, func(path string) bool { return slices.Contains(dropped, path) })
}

package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/lru"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

const (
	// trial is how long a cluster may take to say what it would make of a manifest.
	trial = 10 * time.Second
	// remembered is how long that is taken to be so of an object that nobody changes: a kind may be defined anew, and a policy put in force.
	remembered = time.Hour
	// refused is how long a cluster is not asked again that does not say it, for a reason that does not pass by itself: somebody may repair it.
	refused = 5 * time.Minute
)

// trials remembers what clusters said, of each object the last answer. It may be used by several callers at once.
type trials struct {
	known *lru.Cache[tried]
	now   func() time.Time
}

// tried is what a cluster said of an object and a manifest.
type tried struct {
	version string // of the object
	digest  [sha256.Size]byte
	removed []string
	until   time.Time
}

func trialKey(conn, uid string) string { return conn + "/" + uid }

// of returns what was said of an object as it is and a manifest; false when it is to be asked.
func (t *trials) of(conn string, u *unstructured.Unstructured, digest [sha256.Size]byte) ([]string, bool) {
	x, there := t.known.Get(trialKey(conn, string(u.GetUID())))
	if there == 0 || x.version != u.GetResourceVersion() || x.digest != digest || !t.now().Before(x.until) {
		return nil, false
	}
	return x.removed, true
}

// told remembers what was said, in place of what was said of the object before.
func (t *trials) told(conn string, u *unstructured.Unstructured, digest [sha256.Size]byte, removed []string, last time.Duration) {
	const beside = 256 // what an entry takes beside its texts
	key := trialKey(conn, string(u.GetUID()))
	x := tried{u.GetResourceVersion(), digest, slices.Clone(removed), t.now().Add(last)}
	size := beside + len(key) + len(x.version)
	for _, path := range removed {
		size += len(path) + 16
	}
	t.known.Put(key, 1, x, size)
}

// forget forgets an object.
func (t *trials) forget(conn, uid string) { t.known.Drop(trialKey(conn, uid)) }

// removed are those of the fields that an object lacks which it would have if it were made now. What the cluster does not answer to is taken
// for what it drops.
func (c *cluster) removed(ctx context.Context, u *unstructured.Unstructured, manifest json.RawMessage, lacks []string) []string {
	digest := sha256.Sum256(manifest)
	if known, there := c.trials.of(c.ID, u, digest); there {
		return known
	}
	out, err := c.try(ctx, u, manifest, lacks)
	switch vim.ClassOf(err) {
	case "":
		c.trials.told(c.ID, u, digest, out, remembered)
	case message.Permanent, message.Auth, message.NotFound, message.Quota:
		c.trials.told(c.ID, u, digest, nil, refused)
	default: // it passes
	}
	return out
}

// try asks a cluster, without effect, what it would make of a manifest.
func (c *cluster) try(ctx context.Context, u *unstructured.Unstructured, manifest json.RawMessage, lacks []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trial)
	defer cancel()
	const op = "observe"
	t, owner, revision, ours := bears(u)
	if !ours {
		return nil, nil
	}
	to, k, err := c.prepare(op, t, owner, revision, vim.Spec{Unit: &vim.UnitSpec{Objects: manifest, Replicas: kube.Wanted(u)}})
	if err != nil {
		return nil, err
	}
	to.SetNamespace(u.GetNamespace())
	to.SetName(u.GetName())
	would, err := c.In(k, u.GetNamespace()).Apply(ctx, u.GetName(), to, metav1.ApplyOptions{
		FieldManager: kube.FieldManager, Force: true, DryRun: []string{metav1.DryRunAll},
	})
	if err != nil {
		return nil, kube.ErrorOf(op, kube.RefOf(u), err)
	}
	would.SetManagedFields(nil)
	dropped := kube.Missing(would, manifest)
	return slices.DeleteFunc(lacks, func(path string) bool { return slices.Contains(dropped, path) }), nil
}

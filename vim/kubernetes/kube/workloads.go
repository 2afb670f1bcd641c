package kube

import (
	"context"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// templates are where the kinds that make pods have the template of these.
var templates = map[string][]string{ //nolint:gochecknoglobals // data
	"apps/Deployment": {"spec", "template"}, "apps/StatefulSet": {"spec", "template"}, "apps/DaemonSet": {"spec", "template"},
	"apps/ReplicaSet": {"spec", "template"}, "/ReplicationController": {"spec", "template"}, "batch/Job": {"spec", "template"},
	"batch/CronJob": {"spec", "jobTemplate", "spec", "template"},
}

// Template returns where an object has its template of pods; nil when it makes none.
func Template(r Ref) []string { return templates[r.Kind.Group+"/"+r.Kind.Kind] }

// replicated are the kinds whose pods are counted by spec.replicas.
var replicated = map[string]bool{ //nolint:gochecknoglobals // data
	"apps/Deployment": true, "apps/StatefulSet": true, "apps/ReplicaSet": true, "/ReplicationController": true,
}

// Counted reports whether the pods that an object makes are counted by spec.replicas.
func Counted(r Ref) bool { return replicated[r.Kind.Group+"/"+r.Kind.Kind] }

// HasPods reports whether pods are looked for of an object: those it makes, or itself.
func HasPods(r Ref) bool { return Template(r) != nil || r.Kind.Group == "" && r.Kind.Kind == "Pod" }

// Standing is how an object stands by what it says of itself: ready, failed for good, or neither. A workload does not fail by what it
// says: its pods tell why.
func Standing(u *unstructured.Unstructured) (ready bool, failed *vim.Error) {
	at := RefOf(u)
	if u.GetDeletionTimestamp() != nil {
		return false, nil
	}
	if at.Kind.Group == "" && at.Kind.Kind == "PersistentVolumeClaim" { // it may wait for a pod that comes after it
		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
		return phase != "Lost", nil
	}
	s, err := status.Compute(u)
	switch {
	case err != nil: // not as its kind should be: nothing to wait for
		return true, nil //nolint:nilerr // no error of the cluster
	case s.Status == status.CurrentStatus:
		return true, nil
	case s.Status == status.FailedStatus && Template(at) == nil:
		return false, &vim.Error{Op: "poll", Resource: at.String(), Class: message.Permanent, Hint: s.Message}
	}
	return false, nil
}

// Wanted is how many pods an object wants, 0 when it does not count them.
func Wanted(u *unstructured.Unstructured) int {
	n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
	return int(n)
}

// Running is how many of the pods are ready.
func Running(all []vim.Pod) int {
	n := 0
	for _, p := range all {
		if p.Ready {
			n++
		}
	}
	return n
}

// Zones are those of the nodes.
func (c *Cluster) Zones(ctx context.Context, op string) (vim.Assets, error) {
	out := vim.Assets{Zones: []string{}}
	seen := map[string]bool{}
	for o := (metav1.ListOptions{Limit: PageSize}); ; {
		l, err := c.Dynamic.Resource(nodes).List(ctx, o)
		if err != nil {
			at := Ref{Kind: nodes.GroupVersion().WithKind("Node"), Name: "*"}
			if e := ErrorOf(op, at, err); e.Class != message.Auth || !Forbidden(err) {
				return vim.Assets{}, e
			}
			return out, nil // a tenant need not see nodes
		}
		for i := range l.Items {
			if z := l.Items[i].GetLabels()["topology.kubernetes.io/zone"]; z != "" && !seen[z] {
				seen[z] = true
				out.Zones = append(out.Zones, z)
			}
		}
		if o.Continue = l.GetContinue(); o.Continue == "" {
			return out, nil
		}
	}
}

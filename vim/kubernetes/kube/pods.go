package kube

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// PageSize is how many objects are read at once.
const PageSize = 500

// Pods returns the pods in a namespace that a selector of labels chooses and that are not going, in order of name. An error is about
// what they are of.
func (c *Cluster) Pods(ctx context.Context, op string, of Ref, namespace, selector string) ([]corev1.Pod, error) {
	found, err := c.podObjects(ctx, op, of, namespace, selector)
	return AsPods(found), err
}

// AllPods returns the pods that a selector chooses in all namespaces, or in the connection's where it may list those of that one only.
func (c *Cluster) AllPods(ctx context.Context, op string, of Ref, selector string) ([]corev1.Pod, error) {
	found, err := c.Pods(ctx, op, of, "", selector)
	if vim.ClassOf(err) == message.Auth && c.Namespace != "" {
		return c.Pods(ctx, op, of, c.Namespace, selector)
	}
	return found, err
}

// AnyPods reports whether there are pods in a namespace that a selector of labels chooses, also such that are going.
func (c *Cluster) AnyPods(ctx context.Context, op string, of Ref, namespace, selector string) (bool, error) {
	found, err := c.podObjects(ctx, op, of, namespace, selector)
	return len(found) > 0, err
}

func (c *Cluster) podObjects(ctx context.Context, op string, of Ref, namespace, selector string) ([]unstructured.Unstructured, error) {
	var found []unstructured.Unstructured
	for o := (metav1.ListOptions{LabelSelector: selector, Limit: PageSize}); ; {
		l, err := c.Dynamic.Resource(pods).Namespace(namespace).List(ctx, o)
		if err != nil {
			return nil, ErrorOf(op, of, err)
		}
		found = append(found, l.Items...)
		if o.Continue = l.GetContinue(); o.Continue == "" {
			return found, nil
		}
	}
}

// AsPods reads objects as pods, those that are not going, in order of name.
func AsPods(found []unstructured.Unstructured) []corev1.Pod {
	out := make([]corev1.Pod, 0, len(found))
	for i := range found {
		var p corev1.Pod
		if runtime.DefaultUnstructuredConverter.FromUnstructured(found[i].Object, &p) == nil && p.DeletionTimestamp == nil {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Evict deletes pods of a unit, whose token is in their labels, by their ids; those that are gone are, and those in other namespaces.
func (c *Cluster) Evict(ctx context.Context, op, unit string, ids []string, in func(namespace string) bool) error {
	for _, id := range ids {
		at, uid, ok := ParseID(id)
		if !ok || at.Kind != podKind || !in(at.Namespace) {
			continue // of another place, where it was
		}
		u, err := c.Dynamic.Resource(pods).Namespace(at.Namespace).Get(ctx, at.Name, metav1.GetOptions{})
		if kerrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return ErrorOf(op, at, err)
		}
		if string(u.GetUID()) != uid || u.GetLabels()[LabelUnit] != unit || u.GetDeletionTimestamp() != nil {
			continue
		}
		err = c.Dynamic.Resource(pods).Namespace(at.Namespace).Delete(ctx, at.Name, Deletion(uid, false))
		if err != nil && !kerrors.IsNotFound(err) && !kerrors.IsConflict(err) {
			return ErrorOf(op, at, err)
		}
	}
	return nil
}

// podKind is the kind of pods.
var podKind = pods.GroupVersion().WithKind("Pod") //nolint:gochecknoglobals // data

// Told tells of the pods that run or are to; most is how many there should be, 0 when that is not known.
func Told(found []corev1.Pod, most int) []vim.Pod {
	var out []vim.Pod
	for i := range found {
		p := &found[i]
		if p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded {
			continue
		}
		x := vim.Pod{ID: Ref{podKind, p.Namespace, p.Name}.ID(string(p.UID)), Name: p.Name, Node: p.Spec.NodeName, Ready: ready(p)}
		for _, ip := range p.Status.PodIPs {
			x.Addresses = append(x.Addresses, vim.IP{Address: ip.IP})
		}
		out = append(out, x)
	}
	if most > 0 && len(out) > most { // one that is about to go, of a roll-out
		slices.SortStableFunc(out, func(a, b vim.Pod) int {
			if a.Ready != b.Ready && a.Ready {
				return -1
			} else if a.Ready != b.Ready {
				return 1
			}
			return 0
		})
		out = out[:most]
		slices.SortFunc(out, func(a, b vim.Pod) int { return cmp.Compare(a.Name, b.Name) })
	}
	return out
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// hopeless are the reasons for which a container waits that do not pass by themselves.
var hopeless = []string{ //nolint:gochecknoglobals // data
	"ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff",
}

// Patience is how long a pod may be unable to start, by a clock that times of the cluster are compared with.
type Patience struct {
	For time.Duration
	Now func() time.Time
}

func (p Patience) over(t metav1.Time) bool { return !t.IsZero() && p.Now().Sub(t.Time) >= p.For }

// Stuck says why the pods of a workload cannot start; nil as long as they may. Pods of how the workload was before say nothing of it, nor does it itself
// until its controller has seen how it is to be.
func (p Patience) Stuck(u *unstructured.Unstructured, found []corev1.Pod) *vim.Error {
	at := RefOf(u)
	fail := func(class message.Class, hint string) *vim.Error {
		return &vim.Error{Op: "poll", Resource: at.String(), Class: class, Hint: hint}
	}
	if seen, told, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration"); told && seen < u.GetGeneration() {
		return nil
	}
	for i := range found {
		why, class := unable(&found[i])
		if why != "" && !former(u, &found[i]) && p.over(since(&found[i])) {
			return fail(class, "the pod "+found[i].Name+" cannot start: "+why)
		}
	}
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		text := func(field string) string { s, _ := m[field].(string); return s }
		var began metav1.Time
		if t, err := time.Parse(time.RFC3339, text("lastTransitionTime")); err == nil {
			began = metav1.NewTime(t)
		}
		switch {
		case text("type") == "ReplicaFailure" && text("status") == "True" && p.over(began):
			class := message.Permanent
			if strings.Contains(text("message"), "exceeded quota") {
				class = message.Quota
			}
			return fail(class, "no pod can be made: "+text("message"))
		case text("type") == "Progressing" && text("reason") == "ProgressDeadlineExceeded",
			text("type") == "Failed" && text("status") == "True": // of a job
			return fail(message.Permanent, text("message"))
		}
	}
	return nil
}

// former reports whether a pod is of how its workload was before: that of a StatefulSet says so; of others, its containers have other images than those that are
// wanted now.
func former(u *unstructured.Unstructured, p *corev1.Pod) bool {
	if is, known := older(u, p); known {
		return is
	}
	path := Template(RefOf(u))
	if path == nil {
		return false
	}
	for _, list := range []struct {
		name string
		has  []corev1.Container
	}{{"containers", p.Spec.Containers}, {"initContainers", p.Spec.InitContainers}} {
		wanted, _, _ := unstructured.NestedSlice(u.Object, slices.Concat(path, []string{"spec", list.name})...)
		for _, x := range wanted {
			c, _ := x.(map[string]any)
			if slices.ContainsFunc(list.has, func(of corev1.Container) bool { return of.Name == c["name"] && of.Image != c["image"] }) {
				return true
			}
		}
	}
	return false
}

// since is when a pod was made: what keeps it from starting is not there before.
func since(p *corev1.Pod) metav1.Time {
	at := p.CreationTimestamp
	for _, c := range p.Status.Conditions { // one that ran, and does not any more
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionFalse && c.LastTransitionTime.After(at.Time) {
			at = c.LastTransitionTime
		}
	}
	return at
}

// unable says in the pod's own words why it cannot start; "" when it may.
func unable(p *corev1.Pod) (string, message.Class) {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		w := s.State.Waiting
		if w == nil || !slices.Contains(hopeless, w.Reason) {
			continue
		}
		why := w.Reason
		if w.Message != "" {
			why += ": " + w.Message
		}
		if last := s.LastTerminationState.Terminated; last != nil && w.Reason == "CrashLoopBackOff" {
			why += " (last ended as " + last.Reason + ")"
		}
		return why + " (container " + s.Name + ", image " + s.Image + ")", message.Permanent
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			class := message.Permanent
			if strings.Contains(c.Message, "Insufficient") {
				class = message.Quota
			}
			return c.Message, class
		}
	}
	return "", ""
}

package kube //nolint:testpackage // what is not exported is tested where no cluster is needed

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A pod of a StatefulSet is in the way when it is of a template of before, is to be replaced, and has not been ready for long. Such a pod does not fail what
// is wanted now; one of the template that is wanted does, though its image is another's, too. Seen failing without each of the conditions.
func TestBlocking(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC)
	p := Patience{For: time.Minute, Now: func() time.Time { return now }}
	type set struct {
		kind, how, when, updated  string
		partition, seen, template int64
	}
	with := func(f func(*set)) set {
		s := set{kind: "StatefulSet", how: "OrderedReady", when: "RollingUpdate", updated: "web-a", seen: 3, template: 3}
		f(&s)
		return s
	}
	for name, x := range map[string]struct {
		set             set
		of              string
		age             time.Duration
		ready           bool
		blocking, stuck bool
	}{
		"of before":              {with(func(*set) {}), "web-b", time.Hour, false, true, false},
		"as it is to be":         {with(func(*set) {}), "web-a", time.Hour, false, false, true},
		"ready":                  {with(func(*set) {}), "web-b", time.Hour, true, false, false},
		"young":                  {with(func(*set) {}), "web-b", time.Second, false, false, false},
		"in parallel":            {with(func(s *set) { s.how = "Parallel" }), "web-b", time.Hour, false, false, false},
		"when somebody says":     {with(func(s *set) { s.when = "OnDelete" }), "web-b", time.Hour, false, false, false},
		"at the partition":       {with(func(s *set) { s.partition = 2 }), "web-b", time.Hour, false, true, false},
		"before the partition":   {with(func(s *set) { s.partition = 3 }), "web-b", time.Hour, false, false, true},
		"not seen by it yet":     {with(func(s *set) { s.seen = 2 }), "web-b", time.Hour, false, false, false},
		"nothing said of it yet": {with(func(s *set) { s.updated = "" }), "web-b", time.Hour, false, false, true},
		"of another kind":        {with(func(s *set) { s.kind = "Deployment" }), "web-b", time.Hour, false, false, true},
	} {
		s := x.set
		u := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apps/v1", "kind": s.kind, "metadata": map[string]any{"name": "web", "namespace": "shop", "generation": s.template},
			"spec": map[string]any{
				"podManagementPolicy": s.how, "updateStrategy": map[string]any{"type": s.when, "rollingUpdate": map[string]any{"partition": s.partition}},
				"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}}},
			},
			"status": map[string]any{"observedGeneration": s.seen, "updateRevision": s.updated},
		}}
		pod := corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web-2", Namespace: "shop", UID: "u", CreationTimestamp: metav1.NewTime(now.Add(-x.age)), Labels: map[string]string{labelRevision: x.of}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
		}
		if x.ready {
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		} else {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", Image: "i", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}}
		}
		if got := p.Blocking(u, []corev1.Pod{pod}); (len(got) > 0) != x.blocking {
			t.Errorf("%s: %q are in the way", name, got)
		}
		if got := p.Stuck(u, []corev1.Pod{pod}); (got != nil) != x.stuck {
			t.Errorf("%s: %v", name, got)
		}
	}
}

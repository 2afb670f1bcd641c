package kube

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// labelRevision is on the pods of a StatefulSet: of which of its templates they are.
const labelRevision = "controller-revision-hash"

// revision is the template that the pods of a StatefulSet are to be of, and the first of them, by number, that is: those before it stay as they are; ok
// is false of other kinds, and until the controller has seen how the set is to be.
func revision(u *unstructured.Unstructured) (name string, first int, ok bool) {
	if at := RefOf(u); at.Kind.Group != "apps" || at.Kind.Kind != "StatefulSet" {
		return "", 0, false
	}
	name, _, _ = unstructured.NestedString(u.Object, "status", "updateRevision")
	n, _, _ := unstructured.NestedInt64(u.Object, "spec", "updateStrategy", "rollingUpdate", "partition")
	seen, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	return name, int(n), name != "" && seen >= u.GetGeneration()
}

// older reports whether a pod is of a template that its StatefulSet had before, and is to be replaced; known is false of pods of other kinds.
func older(u *unstructured.Unstructured, p *corev1.Pod) (is, known bool) {
	name, first, ok := revision(u)
	of := p.Labels[labelRevision]
	if !ok || of == "" {
		return false, false
	}
	n, err := strconv.Atoi(p.Name[strings.LastIndexByte(p.Name, '-')+1:])
	return of != name && err == nil && n >= first, true
}

// Blocking returns the ids of pods that keep a StatefulSet from becoming what it is to be: it makes its pods in order, waits for each to be ready, and so for ever for
// one of a template that was wrong, though that is not wanted any more. They are not ready, and have not been for as long as is borne: nothing is lost with them.
func (p Patience) Blocking(u *unstructured.Unstructured, found []corev1.Pod) (ids []string) {
	how, _, _ := unstructured.NestedString(u.Object, "spec", "podManagementPolicy")
	when, _, _ := unstructured.NestedString(u.Object, "spec", "updateStrategy", "type")
	if how == "Parallel" || when == "OnDelete" { // they go by themselves; somebody wants to say when
		return nil
	}
	for i := range found {
		x := &found[i]
		if is, _ := older(u, x); is && !ready(x) && p.over(since(x)) {
			ids = append(ids, Ref{podKind, x.Namespace, x.Name}.ID(string(x.UID)))
		}
	}
	return ids
}

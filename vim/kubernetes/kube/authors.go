package kube

import (
	"encoding/json"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// autoscalers is how those of a cluster call themselves: its controllers scale nothing else by the subresource that is made for it.
const autoscalers = "kube-controller-manager"

// Autoscaled reports whether a HorizontalPodAutoscaler says how many pods an object has.
func Autoscaled(u *unstructured.Unstructured) bool {
	return slices.ContainsFunc(u.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool {
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if m.Manager != autoscalers || m.Subresource != "scale" || m.FieldsV1 == nil || json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields) != nil {
			return false
		}
		_, has := fields.Spec["f:replicas"]
		return has
	})
}

// Author tells who set a field of an object last, and when, of those that are not us: "kubectl (2026-01-02T03:04:05Z)"; "" when nobody else
// did, or the cluster does not say. Lists cannot be on the way.
func Author(u *unstructured.Unstructured, path ...string) string {
	who, at := "", time.Time{}
	for _, m := range u.GetManagedFields() {
		if m.Manager == FieldManager || m.FieldsV1 == nil {
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		has := true
		for _, step := range path {
			raw, there := fields["f:"+step]
			if fields = nil; !there || json.Unmarshal(raw, &fields) != nil {
				has = false
				break
			}
		}
		var then time.Time
		if m.Time != nil {
			then = m.Time.Time
		}
		if has && (who == "" || then.After(at)) {
			who, at = m.Manager, then
		}
	}
	if who == "" || at.IsZero() {
		return who
	}
	return who + " (" + at.UTC().Format(time.RFC3339) + ")"
}

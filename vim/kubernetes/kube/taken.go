package kube

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Others reports whether managers other than us have set fields of an object, beside what its cluster says of it.
func Others(u *unstructured.Unstructured) bool {
	return slices.ContainsFunc(u.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool {
		return m.Manager != FieldManager && m.Subresource == "" && m.FieldsV1 != nil
	})
}

// Taken lists the fields of a manifest that others have set to something else since they were ours, and by whom: a manager that changes a field of another takes it from that one. No
// values are told. How many pods are wanted is none of it: that is counted.
func Taken(u *unstructured.Unstructured, manifest json.RawMessage) (fields []string, by string) {
	var wanted map[string]any
	if json.Unmarshal(manifest, &wanted) != nil {
		return nil, ""
	}
	ours := ours(u, wanted)
	found := map[string]bool{}
	for _, m := range u.GetManagedFields() {
		if m.Manager == FieldManager || m.Subresource != "" || m.FieldsV1 == nil {
			continue
		}
		each(m.FieldsV1.GetRawBytes(), wanted, u.Object, "", func(path string, want, is any) {
			if ours[path] || path == "spec.replicas" || left(wanted, path, want) || reflect.DeepEqual(want, is) {
				return
			}
			found[path] = true
			if by == "" {
				by = m.Manager
			}
		})
	}
	return slices.Sorted(maps.Keys(found)), by
}

// ours are the fields of a manifest that a cluster says are ours.
func ours(u *unstructured.Unstructured, wanted map[string]any) map[string]bool {
	out := map[string]bool{}
	for _, m := range u.GetManagedFields() {
		if m.Manager == FieldManager && m.FieldsV1 != nil {
			each(m.FieldsV1.GetRawBytes(), wanted, u.Object, "", func(path string, _, _ any) { out[path] = true })
		}
	}
	return out
}

// each calls f for the leaves of a set of fields that a manifest has a value for, with that and the value that there is.
func each(set json.RawMessage, want, is any, path string, f func(path string, want, is any)) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(set, &fields) != nil {
		return
	}
	below := 0
	for key, sub := range fields {
		kind, rest, _ := strings.Cut(key, ":")
		switch kind {
		case "f":
			below++
			w, _ := want.(map[string]any)
			i, _ := is.(map[string]any)
			if next, there := w[rest]; there {
				each(sub, next, number(i[rest]), strings.TrimPrefix(path+"."+rest, "."), f)
			}
		case "k":
			below++
			var keys map[string]any
			w, _ := want.([]any)
			i, _ := is.([]any)
			if json.Unmarshal([]byte(rest), &keys) == nil {
				if next, there := element(w, keys); there {
					now, _ := element(i, keys)
					each(sub, next, now, path+"["+name(keys)+"]", f)
				}
			}
		}
	}
	if below == 0 && path != "" {
		f(path, want, number(is))
	}
}

// number is a value as JSON has it: all numbers are alike.
func number(v any) any {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case []any, map[string]any:
		b, err := json.Marshal(n)
		var out any
		if err != nil || json.Unmarshal(b, &out) != nil {
			return v
		}
		return out
	}
	return v
}

// element finds the element of a list that has some keys; one that it leaves out has the value that a cluster gives it.
func element(list []any, keys map[string]any) (any, bool) {
	for _, e := range list {
		m, ok := e.(map[string]any)
		same, some := ok, false
		for k, v := range keys {
			if has, there := m[k]; there {
				some, same = true, same && reflect.DeepEqual(number(has), v)
			}
		}
		if same && some {
			return e, true
		}
	}
	return nil, false
}

// name tells an element by its keys.
func name(keys map[string]any) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		b, _ := json.Marshal(keys[k]) // it was JSON
		out = append(out, k+"="+strings.Trim(string(b), `"`))
	}
	return strings.Join(out, ",")
}

package kube

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// unkept are fields of a manifest that no cluster keeps as they are given: what they say is kept elsewhere, or counted.
var unkept = []string{"status", "stringData", "spec.replicas", "metadata.namespace", "metadata.generateName", "metadata.creationTimestamp"} //nolint:gochecknoglobals // data

// Missing lists the fields of a manifest that an object does not have, by their paths: somebody has removed them, or its cluster drops them. An
// element of a list counts where elements have names; what is empty in the manifest does not count, nor what it leaves to others, nor what we are said to have set.
func Missing(u *unstructured.Unstructured, manifest json.RawMessage) []string {
	var wanted map[string]any
	if json.Unmarshal(manifest, &wanted) != nil {
		return nil
	}
	ours := ours(u, wanted)
	var out []string
	missing(wanted, u.Object, "", func(path string, want any) {
		if !ours[path] && !slices.Contains(unkept, path) && !left(wanted, path, want) {
			out = append(out, path)
		}
	})
	slices.Sort(out)
	return out
}

// missing calls f for what is in a value and not in another, with its path and the value.
func missing(want, is any, path string, f func(path string, want any)) {
	switch w := want.(type) {
	case map[string]any:
		i, ok := is.(map[string]any)
		if !ok {
			return // another kind of value is no removal
		}
		for key, v := range w {
			below := strings.TrimPrefix(path+"."+key, ".")
			if now, there := i[key]; there {
				missing(v, now, below, f)
			} else if !empty(v) {
				f(below, v)
			}
		}
	case []any:
		i, ok := is.([]any)
		if !ok {
			return
		}
		for _, v := range w {
			e, _ := v.(map[string]any)
			id, named := e["name"]
			if !named {
				return // which of its elements is which, nobody can say
			}
			keys := map[string]any{"name": id}
			below := path + "[" + name(keys) + "]"
			if now, there := element(i, keys); there {
				missing(v, now, below, f)
			} else {
				f(below, v)
			}
		}
	}
}

func empty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case map[string]any:
		return len(x) == 0
	case []any:
		return len(x) == 0
	}
	return false
}

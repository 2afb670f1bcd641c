package kube

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// injectors are the annotations by which a manifest asks for the certificates of an authority: whatever it has in their place is overwritten.
var injectors = []string{ //nolint:gochecknoglobals // data
	"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca",
	"service.beta.openshift.io/inject-cabundle", "service.alpha.openshift.io/inject-cabundle",
}

// left reports whether a manifest leaves a field to whoever runs in its cluster: the rules of a role that is put together from others, and an authority's
// certificates where the manifest asks an injector for them, or has something else in their place.
func left(wanted map[string]any, path string, want any) bool {
	if _, together := wanted["aggregationRule"]; together && path == "rules" {
		return true
	}
	if path != "caBundle" && !strings.HasSuffix(path, ".caBundle") {
		return false
	}
	meta, _ := wanted["metadata"].(map[string]any)
	notes, _ := meta["annotations"].(map[string]any)
	if slices.ContainsFunc(injectors, func(note string) bool { return notes[note] != nil && notes[note] != "" }) {
		return true
	}
	text, _ := want.(string)
	pem, err := base64.StdEncoding.DecodeString(text)
	return err != nil || !bytes.Contains(pem, []byte("-----BEGIN"))
}

// Leave takes out of what is to be applied to an object what the manifest leaves to others, where they hold it: applied, it would be a conflict. What nobody
// else holds stays in: an injector has not come yet.
func Leave(to, u *unstructured.Unstructured) {
	for _, m := range u.GetManagedFields() {
		if m.Manager != FieldManager && m.Subresource == "" && m.FieldsV1 != nil {
			leave(m.FieldsV1.GetRawBytes(), to.Object, to.Object, "")
		}
	}
}

// leave takes those of a set of fields out of a value that the manifest leaves to others.
func leave(set json.RawMessage, wanted map[string]any, in any, path string) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(set, &fields) != nil {
		return
	}
	for key, sub := range fields {
		switch kind, rest, _ := strings.Cut(key, ":"); kind {
		case "f":
			m, _ := in.(map[string]any)
			next, there := m[rest]
			if below := strings.TrimPrefix(path+"."+rest, "."); there && left(wanted, below, next) {
				delete(m, rest)
			} else if there {
				leave(sub, wanted, next, below)
			}
		case "k":
			var keys map[string]any
			list, _ := in.([]any)
			if json.Unmarshal([]byte(rest), &keys) == nil {
				if next, there := element(list, keys); there {
					leave(sub, wanted, next, path+"["+name(keys)+"]")
				}
			}
		}
	}
}

// Package manifest reads the Kubernetes objects of a VNF package: files of YAML or JSON with one document or several, as
// kubectl reads them. It looks at what names an object and where it belongs, and never at what the object says. It fetches
// nothing.
package manifest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/vnfm/vnfm"
)

// MaxBytes is how large a file of manifests may be: a cluster takes no larger object.
const MaxBytes = 3 << 20

// Object is one object.
type Object struct {
	APIVersion string
	Kind       string
	Namespace  string // "" when it names none
	Name       string
	content    map[string]any
}

// Group is that of the object's API; "" of the core.
func (o *Object) Group() string {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// JSON returns the object.
func (o *Object) JSON() (json.RawMessage, error) {
	b, err := json.Marshal(o.content)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "the %s %s", o.Kind, o.Name)
	}
	return b, nil
}

var separator = regexp.MustCompile(`(?m)^---([ \t].*)?\r?$`)

// Read reads the objects of a file, at most max of them. Returns Unprocessable, naming the file, for what is no object.
func Read(file string, text []byte, most int) ([]Object, error) {
	if len(text) > MaxBytes {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the manifests in %s are larger than %d bytes", file, MaxBytes)
	}
	var out []Object
	for n, doc := range separator.Split(string(text), -1) {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		raw, err := yaml.YAMLToJSONStrict([]byte(doc))
		if err != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "document %d of %s cannot be read: %v", n+1, file, err)
		}
		if string(bytes.TrimSpace(raw)) == "null" { // comments
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var m map[string]any
		if err := dec.Decode(&m); err != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "document %d of %s is no object", n+1, file)
		}
		if out, err = add(out, m, file, n+1, most); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func add(out []Object, m map[string]any, file string, n, most int) ([]Object, error) {
	text := func(in map[string]any, name string) string { s, _ := in[name].(string); return s }
	o := Object{APIVersion: text(m, "apiVersion"), Kind: text(m, "kind"), content: m}
	if o.Kind == "" || o.APIVersion == "" {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "document %d of %s names no apiVersion and kind", n, file)
	}
	if o.Kind == "List" && o.APIVersion == "v1" {
		items, _ := m["items"].([]any)
		for _, item := range items {
			one, ok := item.(map[string]any)
			if !ok {
				return nil, vnfm.Errorf(vnfm.Unprocessable, "the list in document %d of %s has an item that is no object", n, file)
			}
			var err error
			if out, err = add(out, one, file, n, most); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	meta, ok := m["metadata"].(map[string]any)
	if m["metadata"] != nil && !ok {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the metadata in document %d of %s are no mapping", n, file)
	}
	o.Namespace, o.Name = text(meta, "namespace"), text(meta, "name")
	if len(out) == most {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the manifests have more than %d objects", most)
	}
	return append(out, o), nil
}

// wide are the kinds whose objects belong to no namespace.
var wide = []string{ //nolint:gochecknoglobals // data
	"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass", "PriorityClass",
	"IngressClass", "RuntimeClass", "Node", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "APIService", "CSIDriver",
	"VolumeAttachment", "TokenReview", "SubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview",
	"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterTrustBundle", "FlowSchema", "PriorityLevelConfiguration",
}

// Homeless reports whether an object that belongs into a namespace names none.
func Homeless(objects []Object) bool {
	return slices.ContainsFunc(objects, func(o Object) bool { return o.Namespace == "" && !slices.Contains(wide, o.Kind) })
}

// Place puts objects into a namespace: all of them, or those that name none. What refers to an account among them by its
// namespace follows it.
func Place(objects []Object, namespace string, all bool) {
	moved := map[string]bool{} // accounts
	for i := range objects {
		o := &objects[i]
		if slices.Contains(wide, o.Kind) || o.Namespace != "" && !all {
			continue
		}
		if o.Kind == "ServiceAccount" {
			moved[o.Namespace+"/"+o.Name] = true
		}
		o.Namespace = namespace
		meta, _ := o.content["metadata"].(map[string]any)
		if meta == nil {
			meta = map[string]any{}
			o.content["metadata"] = meta
		}
		meta["namespace"] = namespace
		if spec, _ := o.content["spec"].(map[string]any); o.Kind == "LocalSubjectAccessReview" { // asks about where it is
			if attributes, _ := spec["resourceAttributes"].(map[string]any); attributes != nil {
				attributes["namespace"] = namespace
			}
		}
	}
	for i := range objects {
		subjects, _ := objects[i].content["subjects"].([]any)
		for _, s := range subjects {
			m, _ := s.(map[string]any)
			ns, _ := m["namespace"].(string)
			if name, _ := m["name"].(string); m["kind"] == "ServiceAccount" && moved[ns+"/"+name] {
				m["namespace"] = namespace
			}
		}
	}
}

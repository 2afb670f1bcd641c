package kubernetes

import (
	"bytes"
	"encoding/json"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

// object reads the manifest of a unit.
func object(op string, t vim.Token, s vim.Spec) (*unstructured.Unstructured, error) {
	bad := func(hint string) error {
		return &vim.Error{Op: op, Resource: t.String(), Class: message.Permanent, Hint: hint}
	}
	if s.Snapshot != nil {
		return nil, bad("Kubernetes takes no snapshots of containers: they are made again of their images; take those of the volumes with the tools of the storage")
	}
	if s.Unit == nil {
		return nil, bad("Kubernetes has objects, and nothing else")
	}
	dec := json.NewDecoder(bytes.NewReader(s.Unit.Objects))
	dec.UseNumber()
	m := map[string]any{}
	if err := dec.Decode(&m); err != nil || dec.More() {
		return nil, bad("the manifest is not one object in JSON")
	}
	plain, err := numbers(m)
	if err != nil {
		return nil, bad("the manifest has a number that is none: " + err.Error())
	}
	u := &unstructured.Unstructured{Object: plain.(map[string]any)} //nolint:forcetypeassert // it was one
	if meta, ok := u.Object["metadata"].(map[string]any); u.Object["metadata"] != nil && !ok || meta == nil && ok {
		return nil, bad("the metadata of the manifest are no mapping")
	}
	if gv := u.GroupVersionKind(); gv.Kind == "" || gv.Version == "" {
		return nil, bad("the manifest names no apiVersion and kind")
	}
	if u.GetName() == "" && u.GetGenerateName() == "" && !nameless(u) {
		return nil, bad("the manifest of a " + u.GetKind() + " has no name")
	}
	return u, nil
}

// nameless reports whether an object needs no name: a question that is asked once.
func nameless(u *unstructured.Unstructured) bool {
	return u.GroupVersionKind().Group == "authorization.k8s.io"
}

// numbers makes the numbers of a document those that the API machinery knows.
func numbers(v any) (any, error) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			n, err := numbers(e)
			if err != nil {
				return nil, err
			}
			x[k] = n
		}
	case []any:
		for i, e := range x {
			n, err := numbers(e)
			if err != nil {
				return nil, err
			}
			x[i] = n
		}
	case json.Number:
		if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return n, nil
		}
		return x.Float64() //nolint:wrapcheck // names the number
	}
	return v, nil
}

// prepare makes a manifest what is sent: in its namespace, with a name, with the count of pods that is wanted, and with what
// tells whose it is. What only a cluster writes is taken out.
func (c *cluster) prepare(op string, token vim.Token, owner string, revision int, s vim.Spec) (*unstructured.Unstructured, *kube.Kind, error) {
	u, err := object(op, token, s)
	if err != nil {
		return nil, nil, err
	}
	k, err := c.Kind(u.GroupVersionKind())
	if err != nil {
		return nil, nil, kube.ErrorOf(op, kube.RefOf(u), err)
	}
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	delete(u.Object, "status")
	if err := c.place(op, u, k, s); err != nil {
		return nil, nil, err
	}
	if u.GetName() == "" {
		u.SetName(u.GetGenerateName() + kube.Short(token.String(), 10))
	}
	u.SetGenerateName("")
	r := kube.RefOf(u)
	set := func(value any, path ...string) {
		if err == nil {
			err = unstructured.SetNestedField(u.Object, value, path...)
		}
	}
	if s.Unit.Replicas > 0 && kube.Counted(r) {
		set(int64(s.Unit.Replicas), "spec", "replicas")
	}
	if at := kube.Template(r); at != nil {
		labels := append(append([]string{}, at...), "metadata", "labels")
		set(kube.Label(owner), append(labels[:len(labels):len(labels)], kube.LabelOwner)...)
		set(kube.TokenLabel(token), append(labels[:len(labels):len(labels)], kube.LabelUnit)...)
	}
	if _, said, _ := unstructured.NestedMap(u.Object, "spec", "persistentVolumeClaimRetentionPolicy"); r.Kind.Kind == "StatefulSet" && r.Kind.Group == "apps" && !said {
		set("Delete", "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
		set("Retain", "spec", "persistentVolumeClaimRetentionPolicy", "whenScaled")
	}
	if nameless(u) { // it bears no metadata but its namespace
		delete(u.Object, "metadata")
		if r.Namespace != "" {
			u.SetNamespace(r.Namespace)
		}
		return u, k, err
	}
	for k, v := range map[string]string{kube.LabelOwner: kube.Label(owner), kube.LabelToken: kube.TokenLabel(token)} {
		set(v, "metadata", "labels", k)
	}
	for k, v := range map[string]string{
		kube.AnnotationToken: token.String(), kube.AnnotationOwner: owner, kube.AnnotationRevision: strconv.Itoa(revision), kube.AnnotationObject: r.String(),
	} {
		set(v, "metadata", "annotations", k)
	}
	if err != nil {
		return nil, nil, &vim.Error{Op: op, Resource: r.String(), Class: message.Permanent, Hint: "the manifest is not one of a " + r.Kind.Kind + ": " + err.Error()}
	}
	return u, k, nil
}

// place sets the namespace: the grant's, else the manifest's own, else the connection's.
func (c *cluster) place(op string, u *unstructured.Unstructured, k *kube.Kind, s vim.Spec) error {
	if !k.Namespaced {
		u.SetNamespace("")
		return nil
	}
	switch {
	case s.Placement != nil && s.Placement.Group != "":
		u.SetNamespace(s.Placement.Group)
	case u.GetNamespace() != "":
	case c.Namespace != "":
		u.SetNamespace(c.Namespace)
	default:
		return &vim.Error{Op: op, Resource: kube.RefOf(u).String(), Class: message.Permanent, Hint: "nothing says which namespace it belongs to"}
	}
	return nil
}

// bears is what an object says whose it is; ok is false when it is none of ours. An object that a cluster has made of one of
// ours is none.
func bears(u *unstructured.Unstructured) (token vim.Token, owner string, revision int, ok bool) {
	notes := u.GetAnnotations()
	at, known := kube.ParseRef(notes[kube.AnnotationObject])
	token, err := vim.ParseToken(notes[kube.AnnotationToken])
	if err != nil || !known || !at.Same(kube.RefOf(u)) || u.GetLabels()[kube.LabelToken] != kube.TokenLabel(token) {
		return vim.Token{}, "", 0, false
	}
	revision, err = strconv.Atoi(notes[kube.AnnotationRevision])
	if err != nil {
		revision = 0
	}
	return token, notes[kube.AnnotationOwner], revision, true
}

package kubernetes

import (
	"bytes"
	"encoding/json"
	"strconv"

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

// template returns where an object has its template of pods; nil when it makes none.
func template(r ref) []string { return templates[r.Kind.Group+"/"+r.Kind.Kind] }

// replicated are the kinds whose pods are counted by spec.replicas.
var replicated = map[string]bool{ //nolint:gochecknoglobals // data
	"apps/Deployment": true, "apps/StatefulSet": true, "apps/ReplicaSet": true, "/ReplicationController": true,
}

// hasPods reports whether pods are looked for of an object: those it makes, or itself.
func hasPods(r ref) bool { return template(r) != nil || r.Kind.Group == "" && r.Kind.Kind == "Pod" }

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
func (c *cluster) prepare(op string, token vim.Token, owner string, revision int, s vim.Spec) (*unstructured.Unstructured, *kind, error) {
	u, err := object(op, token, s)
	if err != nil {
		return nil, nil, err
	}
	k, err := c.kind(u.GroupVersionKind())
	if err != nil {
		return nil, nil, errorOf(op, refOf(u), err)
	}
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	delete(u.Object, "status")
	if err := c.place(op, u, k, s); err != nil {
		return nil, nil, err
	}
	if u.GetName() == "" {
		u.SetName(u.GetGenerateName() + short(token.String(), 10))
	}
	u.SetGenerateName("")
	r := refOf(u)
	set := func(value any, path ...string) {
		if err == nil {
			err = unstructured.SetNestedField(u.Object, value, path...)
		}
	}
	if s.Unit.Replicas > 0 && replicated[r.Kind.Group+"/"+r.Kind.Kind] {
		set(int64(s.Unit.Replicas), "spec", "replicas")
	}
	if at := template(r); at != nil {
		labels := append(append([]string{}, at...), "metadata", "labels")
		set(label(owner), append(labels[:len(labels):len(labels)], LabelOwner)...)
		set(tokenLabel(token), append(labels[:len(labels):len(labels)], LabelUnit)...)
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
	for k, v := range map[string]string{LabelOwner: label(owner), LabelToken: tokenLabel(token)} {
		set(v, "metadata", "labels", k)
	}
	for k, v := range map[string]string{
		AnnotationToken: token.String(), AnnotationOwner: owner, AnnotationRevision: strconv.Itoa(revision), AnnotationObject: r.String(),
	} {
		set(v, "metadata", "annotations", k)
	}
	if err != nil {
		return nil, nil, &vim.Error{Op: op, Resource: r.String(), Class: message.Permanent, Hint: "the manifest is not one of a " + r.Kind.Kind + ": " + err.Error()}
	}
	return u, k, nil
}

// place sets the namespace: the grant's, else the manifest's own, else the connection's.
func (c *cluster) place(op string, u *unstructured.Unstructured, k *kind, s vim.Spec) error {
	if !k.namespaced {
		u.SetNamespace("")
		return nil
	}
	switch {
	case s.Placement != nil && s.Placement.Group != "":
		u.SetNamespace(s.Placement.Group)
	case u.GetNamespace() != "":
	case c.namespace != "":
		u.SetNamespace(c.namespace)
	default:
		return &vim.Error{Op: op, Resource: refOf(u).String(), Class: message.Permanent, Hint: "nothing says which namespace it belongs to"}
	}
	return nil
}

// bears is what an object says whose it is; ok is false when it is none of ours. An object that a cluster has made of one of
// ours is none.
func bears(u *unstructured.Unstructured) (token vim.Token, owner string, revision int, ok bool) {
	notes := u.GetAnnotations()
	at, known := parseRef(notes[AnnotationObject])
	token, err := vim.ParseToken(notes[AnnotationToken])
	if err != nil || !known || !at.same(refOf(u)) || u.GetLabels()[LabelToken] != tokenLabel(token) {
		return vim.Token{}, "", 0, false
	}
	revision, err = strconv.Atoi(notes[AnnotationRevision])
	if err != nil {
		revision = 0
	}
	return token, notes[AnnotationOwner], revision, true
}

package kubernetes

import (
	"context"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// marker leads from a token to its object.
type marker struct {
	object ref
	owner  string
	uid    string // the marker's own
}

// markerRef names the marker of a token.
func (c *cluster) markerRef(t vim.Token) ref {
	return ref{configMaps.GroupVersion().WithKind("ConfigMap"), c.markers, markerName(t)}
}

// mark makes the marker of a token; there may be one. One that leads elsewhere is an earlier attempt's, of which nothing can
// stand: the manifest of a token never changes its name, but a grant or a connection may have changed the namespace. What it
// leads to is looked for before the marker is changed.
func (c *cluster) mark(ctx context.Context, op string, t vim.Token, owner string, to ref) (*marker, error) {
	at := c.markerRef(t)
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": at.Name, "namespace": at.Namespace,
			"labels": map[string]any{LabelOwner: label(owner), LabelMarker: tokenLabel(t)},
		},
		"data": map[string]any{"object": to.String(), "owner": owner, "token": t.String()},
	}}
	made, err := c.dynamic.Resource(configMaps).Namespace(c.markers).Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager})
	if kerrors.IsAlreadyExists(err) {
		m, err := c.marker(ctx, op, t)
		if err != nil {
			return nil, err
		}
		if !m.object.same(to) {
			return nil, &vim.Error{Op: op, Resource: to.String(), Class: message.Exists, Hint: "the token already belongs to " + m.object.String()}
		}
		return m, nil
	}
	if err != nil {
		return nil, errorOf(op, at, err)
	}
	return &marker{object: to, owner: owner, uid: string(made.GetUID())}, nil
}

// marker reads the marker of a token. NotFound when there is none.
func (c *cluster) marker(ctx context.Context, op string, t vim.Token) (*marker, error) {
	at := c.markerRef(t)
	u, err := c.dynamic.Resource(configMaps).Namespace(c.markers).Get(ctx, at.Name, metav1.GetOptions{})
	if err != nil {
		return nil, errorOf(op, at, err)
	}
	data, _, _ := unstructured.NestedStringMap(u.Object, "data")
	to, ok := parseRef(data["object"])
	if !ok || data["token"] != t.String() {
		return nil, &vim.Error{Op: op, Resource: at.String(), Class: message.Exists, Hint: "the ConfigMap " + at.Name + " in " + at.Namespace + " is no marker of this token"}
	}
	return &marker{object: to, owner: data["owner"], uid: string(u.GetUID())}, nil
}

// unmark removes the marker of a token; that there is none is as well.
func (c *cluster) unmark(ctx context.Context, op string, t vim.Token) error {
	at := c.markerRef(t)
	err := c.dynamic.Resource(configMaps).Namespace(c.markers).Delete(ctx, at.Name, metav1.DeleteOptions{})
	if err != nil && !kerrors.IsNotFound(err) {
		return errorOf(op, at, err)
	}
	return nil
}

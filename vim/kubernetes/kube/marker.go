package kube

import (
	"context"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Marker leads from a token to its object.
type Marker struct {
	Object Ref
	Owner  string
	UID    string // the marker's own
}

// markerRef names the marker of a token.
func (c *Cluster) markerRef(t vim.Token) Ref {
	return Ref{configMaps.GroupVersion().WithKind("ConfigMap"), c.Markers, MarkerName(t)}
}

// Mark makes the marker of a token; there may be one. One that leads elsewhere is an earlier attempt's, of which nothing can
// stand: the manifest of a token never changes its name, but a grant or a connection may have changed the namespace. What it
// leads to is looked for before the marker is changed.
func (c *Cluster) Mark(ctx context.Context, op string, t vim.Token, owner string, to Ref) (*Marker, error) {
	at := c.markerRef(t)
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": at.Name, "namespace": at.Namespace,
			"labels": map[string]any{LabelOwner: Label(owner), LabelMarker: TokenLabel(t)},
		},
		"data": map[string]any{"object": to.String(), "owner": owner, "token": t.String()},
	}}
	made, err := c.Dynamic.Resource(configMaps).Namespace(c.Markers).Create(ctx, u, metav1.CreateOptions{FieldManager: FieldManager})
	if kerrors.IsAlreadyExists(err) {
		m, err := c.Marker(ctx, op, t)
		if err != nil {
			return nil, err
		}
		if !m.Object.Same(to) {
			return nil, &vim.Error{Op: op, Resource: to.String(), Class: message.Exists, Hint: "the token already belongs to " + m.Object.String()}
		}
		return m, nil
	}
	if err != nil {
		return nil, ErrorOf(op, at, err)
	}
	return &Marker{Object: to, Owner: owner, UID: string(made.GetUID())}, nil
}

// Marker reads the marker of a token. NotFound when there is none.
func (c *Cluster) Marker(ctx context.Context, op string, t vim.Token) (*Marker, error) {
	at := c.markerRef(t)
	u, err := c.Dynamic.Resource(configMaps).Namespace(c.Markers).Get(ctx, at.Name, metav1.GetOptions{})
	if err != nil {
		return nil, ErrorOf(op, at, err)
	}
	data, _, _ := unstructured.NestedStringMap(u.Object, "data")
	to, ok := ParseRef(data["object"])
	if !ok || data["token"] != t.String() {
		return nil, &vim.Error{Op: op, Resource: at.String(), Class: message.Exists, Hint: "the ConfigMap " + at.Name + " in " + at.Namespace + " is no marker of this token"}
	}
	return &Marker{Object: to, Owner: data["owner"], UID: string(u.GetUID())}, nil
}

// Unmark removes the marker of a token; that there is none is as well.
func (c *Cluster) Unmark(ctx context.Context, op string, t vim.Token) error {
	at := c.markerRef(t)
	err := c.Dynamic.Resource(configMaps).Namespace(c.Markers).Delete(ctx, at.Name, metav1.DeleteOptions{})
	if err != nil && !kerrors.IsNotFound(err) {
		return ErrorOf(op, at, err)
	}
	return nil
}

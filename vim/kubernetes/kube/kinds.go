package kube

import (
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
)

// Kind is what a cluster says about a kind of object.
type Kind struct {
	GVK        schema.GroupVersionKind
	Resource   schema.GroupVersionResource
	Namespaced bool
	Verbs      []string
}

// Kept reports whether objects of a kind stay and can be read: a review or a binding is only created.
func (k *Kind) Kept() bool {
	return slices.Contains(k.Verbs, "get") && slices.Contains(k.Verbs, "delete")
}

// Kind looks a kind up. One that is not known may have been defined since: the cluster is asked once more.
func (c *Cluster) Kind(gvk schema.GroupVersionKind) (*Kind, error) {
	m, err := c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.Mapper.Reset()
		m, err = c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	k := &Kind{GVK: gvk, Resource: m.Resource, Namespaced: m.Scope.Name() == meta.RESTScopeNameNamespace}
	list, err := c.Discovery.ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if err != nil {
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	for i := range list.APIResources {
		if r := &list.APIResources[i]; r.Name == m.Resource.Resource {
			k.Verbs = r.Verbs
		}
	}
	return k, nil
}

// Listed returns the kinds whose objects can be listed, each in one version, in an order that stays.
func (c *Cluster) Listed(namespacedOnly bool) ([]Kind, error) {
	lists, err := c.Discovery.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // a group whose server is away holds none of ours that can be seen
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	var out []Kind
	for _, l := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}
		for i := range l.APIResources {
			r := &l.APIResources[i]
			if namespacedOnly && !r.Namespaced {
				continue
			}
			out = append(out, Kind{gv.WithKind(r.Kind), gv.WithResource(r.Name), r.Namespaced, r.Verbs})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Resource.String() < out[j].Resource.String() })
	return out, nil
}

// In returns the objects of a kind in a namespace; those of a kind without namespaces whatever it is.
func (c *Cluster) In(k *Kind, namespace string) dynamic.ResourceInterface {
	if !k.Namespaced {
		return c.Dynamic.Resource(k.Resource)
	}
	return c.Dynamic.Resource(k.Resource).Namespace(namespace)
}

// configMaps are what markers are.
var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"} //nolint:gochecknoglobals // data

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"} //nolint:gochecknoglobals // data

var nodes = schema.GroupVersionResource{Version: "v1", Resource: "nodes"} //nolint:gochecknoglobals // data

// Deletion is how an object is deleted: in the foreground it stays until what the cluster made of it is gone, too.
func Deletion(uid string, foreground bool) metav1.DeleteOptions {
	policy := metav1.DeletePropagationBackground
	if foreground {
		policy = metav1.DeletePropagationForeground
	}
	o := metav1.DeleteOptions{PropagationPolicy: &policy}
	if uid != "" {
		o.Preconditions = metav1.NewUIDPreconditions(uid)
	}
	return o
}

package kubernetes

import (
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
)

// kind is what a cluster says about a kind of object.
type kind struct {
	gvk        schema.GroupVersionKind
	resource   schema.GroupVersionResource
	namespaced bool
	verbs      []string
}

// kept reports whether objects of a kind stay and can be read: a review or a binding is only created.
func (k *kind) kept() bool {
	return slices.Contains(k.verbs, "get") && slices.Contains(k.verbs, "delete")
}

// kind looks a kind up. One that is not known may have been defined since: the cluster is asked once more.
func (c *cluster) kind(gvk schema.GroupVersionKind) (*kind, error) {
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	k := &kind{gvk: gvk, resource: m.Resource, namespaced: m.Scope.Name() == meta.RESTScopeNameNamespace}
	list, err := c.discovery.ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if err != nil {
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	for i := range list.APIResources {
		if r := &list.APIResources[i]; r.Name == m.Resource.Resource {
			k.verbs = r.Verbs
		}
	}
	return k, nil
}

// listed returns the kinds whose objects can be listed, each in one version, in an order that stays.
func (c *cluster) listed(namespacedOnly bool) ([]kind, error) {
	lists, err := c.discovery.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // a group whose server is away holds none of ours that can be seen
		return nil, err //nolint:wrapcheck // classified by the caller
	}
	var out []kind
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
			out = append(out, kind{gv.WithKind(r.Kind), gv.WithResource(r.Name), r.Namespaced, r.Verbs})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].resource.String() < out[j].resource.String() })
	return out, nil
}

// in returns the objects of a kind in a namespace; those of a kind without namespaces whatever it is.
func (c *cluster) in(k *kind, namespace string) dynamic.ResourceInterface {
	if !k.namespaced {
		return c.dynamic.Resource(k.resource)
	}
	return c.dynamic.Resource(k.resource).Namespace(namespace)
}

// configMaps are what markers are.
var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"} //nolint:gochecknoglobals // data

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"} //nolint:gochecknoglobals // data

// deletion is how an object is deleted: in the foreground it stays until what the cluster made of it is gone, too.
func deletion(uid string, foreground bool) metav1.DeleteOptions {
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

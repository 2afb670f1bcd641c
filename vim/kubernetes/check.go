package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes/kube"
)

var _ vim.Checker = (*Driver)(nil)

// The resources that a check asks.
var (
	reviews        = schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews"} //nolint:gochecknoglobals // data
	storageClasses = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}                 //nolint:gochecknoglobals // data
	quotas         = schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}                                          //nolint:gochecknoglobals // data
)

// right is something that a connection should be allowed.
type right struct {
	verb, group, resource string
	needed                bool // without it nothing works; else some packages may do without
}

// rights are what VNFs of most packages want. Markers are ConfigMaps.
var rights = func() (out []right) { //nolint:gochecknoglobals // data
	for _, verb := range []string{"create", "get", "list", "delete"} {
		out = append(out, right{verb, "", "configmaps", true})
	}
	out = append(out, right{"list", "", "pods", true}, right{"delete", "", "pods", false}) // to make one again
	for _, r := range []struct{ group, resource string }{
		{"apps", "deployments"}, {"apps", "statefulsets"}, {"", "services"}, {"", "secrets"}, {"", "persistentvolumeclaims"}, {"", "serviceaccounts"},
	} {
		for _, verb := range []string{"create", "patch", "list", "delete"} {
			out = append(out, right{verb, r.group, r.resource, false})
		}
	}
	return append(out, right{"create", "", "namespaces", false})
}()

// Check asks a cluster for its version, for what the connection may do in its namespace, for the quotas of that and for storage classes.
func (d *Driver) Check(ctx context.Context, conn vim.Connection) ([]vim.Fact, error) {
	const op = "check"
	c, err := d.cluster(conn)
	if err != nil {
		return nil, err
	}
	c.Discovery.Invalidate()
	version, err := c.Discovery.ServerVersion()
	if err != nil {
		return nil, kube.ErrorOf(op, kube.Ref{Name: conn.ID}, err)
	}
	out := []vim.Fact{{Area: vim.AreaVersion, Name: "Kubernetes", Value: version.GitVersion}}
	for _, r := range rights {
		allowed, why, err := c.may(ctx, r)
		if err != nil {
			return nil, kube.ErrorOf(op, kube.Ref{Kind: reviews.GroupVersion().WithKind("SelfSubjectAccessReview"), Name: r.verb + " " + r.resource}, err)
		}
		f := vim.Fact{Area: vim.AreaRight, Name: strings.TrimSuffix(r.verb+" "+r.resource+"."+r.group, "."), Value: "allowed"}
		if !allowed {
			f.Value, f.Lacks = strings.TrimSpace("not allowed "+why), r.needed
		}
		out = append(out, f)
	}
	return append(append(out, c.limits(ctx)...), c.classes(ctx)...), nil
}

// may asks whether the connection is allowed something in its namespace; in all of them where it names none.
func (c *cluster) may(ctx context.Context, r right) (allowed bool, why string, err error) {
	attributes := map[string]any{"verb": r.verb, "group": r.group, "resource": r.resource}
	if r.resource != "namespaces" {
		attributes["namespace"] = c.Namespace
	}
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": reviews.GroupVersion().String(), "kind": "SelfSubjectAccessReview", "spec": map[string]any{"resourceAttributes": attributes},
	}}
	said, err := c.Dynamic.Resource(reviews).Create(ctx, u, metav1.CreateOptions{})
	if err != nil {
		return false, "", err //nolint:wrapcheck // classified by the caller
	}
	allowed, _, _ = unstructured.NestedBool(said.Object, "status", "allowed")
	if reason, _, _ := unstructured.NestedString(said.Object, "status", "reason"); reason != "" {
		why = "(" + reason + ")"
	}
	return allowed, why, nil
}

// limits are the quotas of the connection's namespace; without one nothing is known of the namespaces to come.
func (c *cluster) limits(ctx context.Context) (out []vim.Fact) {
	if c.Namespace == "" {
		return nil
	}
	l, err := c.Dynamic.Resource(quotas).Namespace(c.Namespace).List(ctx, metav1.ListOptions{Limit: kube.PageSize})
	if err != nil {
		return []vim.Fact{{Area: vim.AreaQuota, Name: c.Namespace, Value: "cannot be read"}}
	}
	for i := range l.Items {
		hard, _, _ := unstructured.NestedStringMap(l.Items[i].Object, "status", "hard")
		used, _, _ := unstructured.NestedStringMap(l.Items[i].Object, "status", "used")
		for name, most := range hard {
			out = append(out, vim.Fact{Area: vim.AreaQuota, Name: name, Value: fmt.Sprintf("%s of %s used", used[name], most), Lacks: used[name] == most})
		}
	}
	slices.SortFunc(out, func(a, b vim.Fact) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// classes are the storage classes.
func (c *cluster) classes(ctx context.Context) (out []vim.Fact) {
	l, err := c.Dynamic.Resource(storageClasses).List(ctx, metav1.ListOptions{Limit: kube.PageSize})
	if err != nil {
		return []vim.Fact{{Area: vim.AreaStorageClass, Name: "all", Value: "cannot be listed"}}
	}
	for i := range l.Items {
		x := &l.Items[i]
		provisioner, _, _ := unstructured.NestedString(x.Object, "provisioner")
		if x.GetAnnotations()["storageclass.kubernetes.io/is-default-class"] == "true" {
			provisioner += ", default"
		}
		out = append(out, vim.Fact{Area: vim.AreaStorageClass, Name: x.GetName(), Value: provisioner})
	}
	return out
}

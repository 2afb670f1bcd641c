//go:build kubernetes

package kubernetes_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// A comparison is shown the pods that a workload has now, and the fields of its manifest that others have set to something else, by whom; of what only its cluster has set, nothing.
func TestObserveShowsPodsAndFields(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	spec := unit(2, deployment(nil, nil))
	r, res, err := l.Start(t, d, spec)
	if err != nil {
		t.Fatal(err)
	}
	res = l.Settled(t, d, res)
	observed := func() vim.Observed {
		t.Helper()
		page, err := d.Observe(t.Context(), l.Conn, vim.ListRequest{Owner: r.Owner})
		if err != nil || len(page.Resources) != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
		return page.Resources[0]
	}
	o := observed()
	if len(o.Resource.Pods) != 2 || !slices.EqualFunc(o.Resource.Pods, res.Pods, func(a, b vim.Pod) bool { return a.ID == b.ID && a.Ready }) {
		t.Errorf("%+v, and it was made with %+v", o.Resource.Pods, res.Pods)
	}
	if got := o.Differs(spec); len(got) != 0 {
		t.Errorf("nobody has changed anything, and there differ %v: %s", got, o.Found(vim.AttributeObjects, spec))
	}
	gone := res.Pods[0]
	begun := time.Now()
	if err := l.Direct.Resource(kubetest.Pods).Namespace(l.Namespace).Delete(t.Context(), gone.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for {
		pods := observed().Resource.Pods
		if len(pods) == 2 && !slices.ContainsFunc(pods, func(p vim.Pod) bool { return p.ID == gone.ID }) {
			break
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("after %s it has %+v", time.Since(begun), pods)
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Log("the other pod is shown after", time.Since(begun))
	if _, err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Patch(t.Context(), res.Name, types.StrategicMergePatchType,
		[]byte(`{"spec":{"minReadySeconds":1,"template":{"spec":{"containers":[{"name":"c","image":"registry.example/app:2"}]}}}}`), metav1.PatchOptions{FieldManager: "mallory"}); err != nil {
		t.Fatal(err)
	}
	o = observed()
	if got := o.Differs(spec); !slices.Equal(got, []vim.Attribute{vim.AttributeObjects}) || o.By[vim.AttributeObjects] != "mallory" ||
		o.Found(vim.AttributeObjects, spec) != "spec.template.spec.containers[name=c].image" {
		t.Errorf("%v, %s, by %s", got, o.Found(vim.AttributeObjects, spec), o.By[vim.AttributeObjects])
	}
}

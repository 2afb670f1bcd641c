//go:build kubernetes

package kubernetes_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// What somebody removes from an object is seen, though that leaves no trace in it, and a change puts it back.
func TestWhatIsRemovedOfAnObjectIsSeen(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	object := deployment(map[string]any{"team": "blue"}, nil)
	spec, _ := object["spec"].(map[string]any)
	spec["minReadySeconds"] = int64(1)
	template, _ := spec["template"].(map[string]any)
	pod, _ := template["spec"].(map[string]any)
	pod["containers"] = []any{map[string]any{
		"name": "c", "image": "registry.example/app:1", "env": []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B", "value": "2"}},
	}}
	want := unit(1, object)
	r, res, err := l.Start(t, d, want)
	if err != nil {
		t.Fatal(err)
	}
	res = l.Settled(t, d, res)
	seen := func() []string {
		t.Helper()
		page, err := d.Observe(t.Context(), l.Conn, vim.ListRequest{Owner: r.Owner})
		if err != nil || len(page.Resources) != 1 || page.Resources[0].Taken == nil {
			t.Fatalf("%+v, %v", page, err)
		}
		o := &page.Resources[0]
		fields, _ := o.Taken(want.Unit.Objects)
		if differs := slices.Contains(o.Differs(want), vim.AttributeObjects); differs != (len(fields) > 0) {
			t.Errorf("%v are gone; a difference: %v", fields, differs)
		}
		return fields
	}
	if fields := seen(); len(fields) != 0 {
		t.Errorf("as made: %q", fields)
	}
	patch := `[{"op":"remove","path":"/spec/template/spec/containers/0/env/1"},{"op":"remove","path":"/spec/template/metadata/annotations/team"}]`
	if _, err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Patch(t.Context(), res.Name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	gone := []string{"spec.template.metadata.annotations", "spec.template.spec.containers[name=c].env[name=B]"}
	if fields := seen(); !slices.Equal(fields, gone) {
		t.Errorf("removed: %q, want %q", fields, gone)
	}
	id := res.ID
	for range 50 { // while its controller writes of it, a change is to be tried again
		res, err = d.Change(t.Context(), l.Conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: id, Revision: 2, From: want, To: want})
		if vim.ClassOf(err) != message.Transient {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	l.Settled(t, d, res)
	if fields := seen(); len(fields) != 0 {
		t.Errorf("put back: %q", fields)
	}
}

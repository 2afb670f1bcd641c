//go:build kubernetes

package kubernetes_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// What others do to objects of ours is heard of within two seconds, over broken connections and watches that are too old (410), and who did it is told.
// What only a status says, and what others do to objects of theirs, is not.
func TestWatch(t *testing.T) {
	l := kubetest.New(t, kubernetes.Type)
	d := kubernetes.New(kubernetes.Config{})
	token := vim.Token{ID: "7f1f6c1e-5b0c-4f0e-9d53-0d0c5c1a7e99", Generation: 1}
	t.Cleanup(func() {
		for range 100 {
			if done, err := d.Release(context.Background(), l.Conn, vim.Unit, token); done || err != nil {
				return
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan struct{}, 1)
	done := make(chan error, 1)
	go func() {
		done <- d.Watch(ctx, l.Conn, func() {
			select {
			case heard <- struct{}{}:
			default:
			}
		})
	}()
	soon := func(what string) {
		t.Helper()
		select {
		case <-heard:
		case <-time.After(2 * time.Second):
			t.Errorf("not heard within two seconds: %s", what)
		}
	}
	begun := time.Now()
	r, err := d.Start(t.Context(), l.Conn, vim.StartRequest{Token: token, Kind: vim.Unit, Owner: "0a5f7c1e-0000-4000-8000-00000000w001", Spec: unit(1, deployment(nil, nil))})
	if err != nil {
		t.Fatal(err)
	}
	quiet := func() { // what follows of what was done
		for {
			select {
			case <-heard:
			case <-time.After(time.Second):
				return
			}
		}
	}
	scale := func(by string, n string) {
		t.Helper()
		if _, err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Patch(t.Context(), r.Name, types.MergePatchType,
			[]byte(`{"spec":{"replicas":`+n+`}}`), metav1.PatchOptions{FieldManager: by}); err != nil {
			t.Fatal(err)
		}
	}
	for n, first := 0, true; first; n++ { // the watch of the last kind may begin after the creation
		select {
		case <-heard:
			first = false
		case <-time.After(time.Second):
			if scale("mallory", strconv.Itoa(5+n%2)); n > 60 {
				t.Fatal("nothing was heard of within a minute")
			}
		}
	}
	quiet()
	t.Log("watching after", time.Since(begun))
	scale("mallory", "3")
	soon("a change")
	page, err := d.Observe(t.Context(), l.Conn, vim.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(page.Resources, func(o vim.Observed) bool { return o.Resource.Token == token })
	if i < 0 || page.Resources[i].Spec.Unit.Replicas != 3 || !strings.HasPrefix(page.Resources[i].By[vim.AttributeReplicas], "mallory (20") {
		t.Errorf("%+v", page.Resources)
	}
	quiet()
	l.Make(t, kubetest.ConfigMaps, l.Namespace, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs"}})
	select {
	case <-heard:
		t.Error("what is not ours was heard of")
	case <-time.After(time.Second):
	}
	l.Next(kubetest.Rule{Method: http.MethodGet, Path: "/deployments", Answer: http.StatusGone, Body: `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}`})
	l.Break()
	scale("eve", "2")
	select { // found by the list after the break
	case <-heard:
	case <-time.After(10 * time.Second):
		t.Error("what happened while connections were broken was not heard of")
	}
	quiet()
	if err := l.Direct.Resource(kubetest.Deployments).Namespace(l.Namespace).Delete(t.Context(), r.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	soon("a deletion")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

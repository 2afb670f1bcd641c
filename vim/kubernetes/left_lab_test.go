//go:build kubernetes

package kubernetes_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
	"github.com/vnfm/vnfm/vim/kubernetes/kubetest"
)

// changed changes a unit, again while its controller writes of it.
func changed(t *testing.T, l *kubetest.Lab, d vim.Driver, r vim.StartRequest, res vim.Resource, revision int, from, to vim.Spec) vim.Resource {
	t.Helper()
	var err error
	for range 50 {
		var out vim.Resource
		out, err = d.Change(t.Context(), l.Conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: revision, From: from, To: to})
		if vim.ClassOf(err) != message.Transient {
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
	}
	t.Fatal(err)
	return vim.Resource{}
}

// A cluster lets a webhook be changed whose certificates an injector has set, and takes away one that is not in the manifest any more. Seen failing without Leave.
func TestWebhooksWithInjectedCertificatesAreChanged(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{})
	gvr := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	named := func(s vim.Spec) vim.Spec {
		u := *s.Unit
		u.Objects = json.RawMessage(strings.Replace(string(u.Objects), `"hooks"`, `"hooks-`+l.Namespace+`"`, 1))
		s.Unit = &u
		return s
	}
	from := named(hooks("", `,"caBundle":""`, "Ignore", "a.x.y", "b.x.y"))
	to := named(hooks("", `,"caBundle":""`, "Fail", "a.x.y"))
	r, res, err := l.Start(t, d, from)
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := l.Direct.Resource(gvr).Get(t.Context(), res.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tls := httptest.NewTLSServer(nil)
	defer tls.Close()
	injected := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw}))
	each(hooks, func(hook map[string]any) { hook["clientConfig"].(map[string]any)["caBundle"] = injected }) //nolint:forcetypeassert // a mapping
	if _, err := l.Direct.Resource(gvr).Update(t.Context(), hooks, metav1.UpdateOptions{FieldManager: "cainjector"}); err != nil {
		t.Fatal(err)
	}
	changed(t, l, d, r, res, 2, from, to)
	if hooks, err = l.Direct.Resource(gvr).Get(t.Context(), res.Name, metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	n := 0
	each(hooks, func(hook map[string]any) {
		n++
		if client, _ := hook["clientConfig"].(map[string]any); client["caBundle"] != injected || hook["failurePolicy"] != "Fail" {
			t.Errorf("%v", hook)
		}
	})
	if n != 1 {
		t.Errorf("%d webhooks", n)
	}
}

// A StatefulSet whose pods cannot start any more after a change is as it was after the next one, which its controller alone does not bring about. Seen failing
// without Blocking: it never settled.
func TestAStatefulSetIsChangedBack(t *testing.T) {
	l, d := kubetest.New(t, kubernetes.Type), kubernetes.New(kubernetes.Config{Patience: time.Second})
	set := func(notes map[string]any) vim.Spec {
		o := deployment(notes, nil)
		o["kind"], o["metadata"] = "StatefulSet", map[string]any{"name": "web"}
		spec, _ := o["spec"].(map[string]any)
		spec["serviceName"] = "web"
		return unit(2, o)
	}
	good, bad := set(nil), set(map[string]any{"lab/fail-start": "ImagePullBackOff"})
	r, res, err := l.Start(t, d, good)
	if err != nil {
		t.Fatal(err)
	}
	if res = l.Settled(t, d, res); !res.Ready {
		t.Fatalf("%+v", res)
	}
	res = l.Settled(t, d, changed(t, l, d, r, res, 2, good, bad))
	if res.Failed == nil || !strings.Contains(res.Failed.Hint, "ImagePullBackOff") {
		t.Errorf("%+v", res)
	}
	begun := time.Now()
	if res = l.Settled(t, d, changed(t, l, d, r, res, 3, bad, good)); !res.Ready || len(res.Pods) != 2 {
		t.Errorf("%+v", res)
	}
	t.Log("as it was after", time.Since(begun))
	for _, p := range res.Pods {
		if u, err := l.Direct.Resource(kubetest.Pods).Namespace(l.Namespace).Get(t.Context(), p.Name, metav1.GetOptions{}); err != nil || u.GetAnnotations()["lab/fail-start"] != "" {
			t.Errorf("%v, %v", u, err)
		}
	}
}

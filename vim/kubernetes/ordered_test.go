package kubernetes_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
	"github.com/vnfm/vnfm/vim/kubernetes"
)

// An upgrade of a StatefulSet whose image cannot be had fails, and its undo ends well: the pod of the wrong image, for which the controller waits, is
// deleted once the controller knows how the set is to be, and no other pod is. Seen failing without it: the pod stayed.
func TestTheUndoOfAStatefulSetEndsWell(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f, d := newFake(t), kubernetes.New(kubernetes.Config{Now: func() time.Time { return now }})
	image := func(of string) vim.Spec {
		s := objectOf(`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"web"},"spec":{"serviceName":"web","selector":{"matchLabels":{"a":"b"}},
			"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":%q}]}}}}`, of)
		s.Unit.Replicas = 2
		return s
	}
	good, bad := image("web:1"), image("web:2")
	r := vim.StartRequest{Token: vim.Token{ID: "a", Generation: 1}, Kind: vim.Unit, Owner: "o", Spec: good}
	res, err := d.Start(t.Context(), f.conn, r)
	if err != nil {
		t.Fatal(err)
	}
	const at, podsAt = "/apis/apps/v1/namespaces/vnfs/statefulsets/web", "/api/v1/namespaces/vnfs/pods/"
	says := func(generation, seen int, revision string, ready int) {
		f.as(t, "", at, func(u *unstructured.Unstructured) {
			u.SetGeneration(int64(generation))
			u.Object["status"] = map[string]any{
				"observedGeneration": int64(seen), "updateRevision": revision, "currentRevision": "web-1", "replicas": int64(2), "readyReplicas": int64(ready),
				"availableReplicas": int64(ready), "currentReplicas": int64(ready), "updatedReplicas": int64(ready),
			}
		})
	}
	pod := func(name, image, revision, status string) {
		u := &unstructured.Unstructured{Object: map[string]any{}}
		if err := json.Unmarshal(fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":"vnfs","uid":%q,"creationTimestamp":%q,"labels":{"vnfm.io/unit":"a.1","controller-revision-hash":%q}},
			"spec":{"containers":[{"name":"c","image":%q}]},"status":%s}`, name, name+revision, now.Format(time.RFC3339), revision, image, status), &u.Object); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		f.objects[podsAt+name] = u
		f.mu.Unlock()
	}
	const runs = `{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}`
	const waits = `{"phase":"Pending","containerStatuses":[{"name":"c","image":"web:2","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}`
	poll := func(what string) vim.Resource {
		t.Helper()
		now = now.Add(2 * time.Minute)
		res, err := d.Poll(t.Context(), f.conn, vim.Unit, res.ID)
		if err != nil {
			t.Fatal(what, err)
		}
		return res
	}
	change := func(revision int, from, to vim.Spec) {
		t.Helper()
		if _, err := d.Change(t.Context(), f.conn, vim.ChangeRequest{Token: r.Token, Kind: vim.Unit, Owner: r.Owner, ID: res.ID, Revision: revision, From: from, To: to}); err != nil {
			t.Fatal(err)
		}
	}
	is := func(what string, has, failed bool) {
		t.Helper()
		got := poll(what)
		if f.objects[podsAt+"web-0"] == nil || (f.objects[podsAt+"web-1"] != nil) != has || (got.Failed != nil) != failed || got.Ready {
			t.Errorf("%s: %+v of %v", what, got, f.objects[podsAt+"web-1"])
		}
	}
	pod("web-0", "web:1", "web-1", runs)
	pod("web-1", "web:1", "web-1", runs)
	says(1, 1, "web-1", 2)
	if got := poll("made"); !got.Ready {
		t.Fatalf("%+v", got)
	}
	change(2, good, bad)
	pod("web-1", "web:2", "web-2", waits)
	says(2, 2, "web-2", 1)
	is("the image is wrong", true, true)
	change(3, bad, good)
	says(3, 2, "web-2", 1)
	is("changed back, which its controller has not seen", true, false)
	says(3, 3, "web-1", 1)
	f.refuseDelete = http.StatusForbidden
	if _, err := d.Poll(t.Context(), f.conn, vim.Unit, res.ID); vim.ClassOf(err) != message.Auth {
		t.Errorf("pods may not be deleted: %v", err)
	}
	f.refuseDelete = 0
	is("seen", false, false)
	is("gone", false, false)
	pod("web-1", "web:1", "web-1", runs)
	says(3, 3, "web-1", 2)
	if got := poll("made again"); !got.Ready || len(got.Pods) != 2 {
		t.Errorf("%+v", got)
	}
}

package kube //nolint:testpackage // what is not exported is tested where no cluster is needed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

func TestNames(t *testing.T) {
	for _, r := range []Ref{
		{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "shop", "web"},
		{schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", "shop"},
		{schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}, "", "system:web"},
	} {
		got, uid, ok := ParseID(r.ID("uid-1"))
		if !ok || got != r || uid != "uid-1" {
			t.Errorf("%s is read as %+v %s", r.ID("uid-1"), got, uid)
		}
	}
	for _, bad := range []string{"", "a", "a/b/c", "Pod/n/p/u", "Pod.v1/n//u", "Pod.v1/n/p/", ".v1/n/p/u", "Pod./n/p/u", "Pod.v1./n/p/u", "Pod.v1/n/p/q/u"} {
		if got, _, ok := ParseID(bad); ok {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
	for _, id := range []string{"9f1c2d3e-0000-4000-8000-000000000000", strings.Repeat("x", 300), "Größe 1"} {
		token := vim.Token{ID: id, Generation: 12}
		if l := TokenLabel(token); !labelValue.MatchString(l) {
			t.Errorf("%q is no label", l)
		}
		if n := MarkerName(token); !dnsName.MatchString(n) {
			t.Errorf("%q is no name", n)
		}
		if MarkerName(token) == MarkerName(vim.Token{ID: id, Generation: 13}) {
			t.Errorf("generations of %s have one marker", id)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("Deployment.v1.apps/shop/web/u")
	f.Fuzz(func(t *testing.T, id string) {
		if r, uid, ok := ParseID(id); ok && r.ID(uid) != id {
			t.Errorf("%q is read as %+v %q", id, r, uid)
		}
	})
}

// Each error of a cluster, or on the way to it, has its class, and a text that says what to do about it.
func TestClassify(t *testing.T) {
	gr := schema.GroupResource{Group: "apps", Resource: "deployments"}
	gk := schema.GroupKind{Group: "apps", Kind: "Deployment"}
	terminating := kerrors.NewForbidden(gr, "web", errors.New("namespace is being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	network := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://k8s", Err: &net.OpError{Op: "dial", Err: &os.SyscallError{Err: err}}}
	}
	for name, x := range map[string]struct {
		err   error
		class message.Class
		words string
	}{
		"401":              {kerrors.NewUnauthorized("no"), message.Auth, "credentials"},
		"403":              {kerrors.NewForbidden(gr, "web", errors.New("User \"x\" cannot create")), message.Auth, "cannot create"},
		"403 quota":        {kerrors.NewForbidden(gr, "web", errors.New("exceeded quota: q")), message.Quota, "exceeded quota"},
		"403 terminating":  {terminating, message.Transient, "terminated"},
		"403 webhook":      {kerrors.NewForbidden(gr, "web", errors.New(`admission webhook "policy" denied the request: no`)), message.Permanent, "policy"},
		"404":              {kerrors.NewNotFound(gr, "web"), message.NotFound, "web"},
		"409 exists":       {kerrors.NewAlreadyExists(gr, "web"), message.Exists, "web"},
		"409 conflict":     {kerrors.NewConflict(gr, "web", errors.New("changed")), message.Transient, "web"},
		"409 of a manager": {kerrors.NewApplyConflict([]metav1.StatusCause{{Type: metav1.CauseTypeFieldManagerConflict, Field: ".spec.replicas", Message: `conflict with "hpa"`}}, "x"), message.Permanent, `.spec.replicas (conflict with "hpa")`},
		"422":              {kerrors.NewInvalid(gk, "web", field.ErrorList{field.Invalid(field.NewPath("spec", "replicas"), -1, "must be positive")}), message.Permanent, "spec.replicas"},
		"400":              {kerrors.NewBadRequest("strict decoding error: unknown field"), message.Permanent, "unknown field"},
		"429":              {kerrors.NewTooManyRequests("slow down", 5), message.Transient, "slow down"},
		"500":              {kerrors.NewInternalError(errors.New("etcd")), message.UnknownOutcome, "etcd"},
		"500 of a field":   {kerrors.NewInternalError(errors.New("failed to create typed patch object: .spec.x: field not declared in schema")), message.Permanent, ".spec.x"},
		"503":              {kerrors.NewServiceUnavailable("not yet"), message.Unavailable, "not yet"},
		"504":              {kerrors.NewTimeoutError("later", 1), message.UnknownOutcome, "later"},
		"kind":             {&meta.NoKindMatchError{GroupKind: gk}, message.NotFound, "does not know the kind"},
		"refused":          {network(syscall.ECONNREFUSED), message.Unavailable, "reached"},
		"reset":            {network(syscall.ECONNRESET), message.UnknownOutcome, "broke"},
		"name":             {&url.Error{Op: "Get", Err: &net.DNSError{Err: "no such host"}}, message.Unavailable, "reached"},
		"time":             {fmt.Errorf("call: %w", context.DeadlineExceeded), message.UnknownOutcome, "in time"},
		"cancelled":        {context.Canceled, message.UnknownOutcome, "in time"},
	} {
		e := ErrorOf("start", Ref{gk.WithVersion("v1"), "shop", "web"}, x.err)
		if e.Class != x.class || !strings.Contains(e.Hint, x.words) {
			t.Errorf("%s is %s: %s, want %s: %s", name, e.Class, e.Hint, x.class, x.words)
		}
	}
	secret := kerrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "s", field.ErrorList{field.Invalid(field.NewPath("data"), "canary", "bad")})
	if e := ErrorOf("start", Ref{schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, "shop", "s"}, secret); strings.Contains(e.Error(), "canary") {
		t.Errorf("a secret is told: %v", e)
	}
}

// What an object and its pods say decides when it has failed, and not before it has been so for as long as is borne. Seen failing with the pods of what was
// there before: what was changed back failed by a pod that was about to go.
func TestStuck(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC)
	d := Patience{For: time.Minute, Now: func() time.Time { return now }}
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "shop"}}}
	pod := func(age time.Duration, s corev1.PodStatus) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-1", CreationTimestamp: metav1.NewTime(now.Add(-age))}, Status: s}
	}
	waiting := func(reason string) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "c", Image: "i", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "words"}}}}}
	}
	unschedulable := corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/3 nodes: Insufficient cpu"}}}
	for name, x := range map[string]struct {
		pod   corev1.Pod
		class message.Class
	}{
		"image":         {pod(time.Hour, waiting("ErrImagePull")), message.Permanent},
		"image, young":  {pod(time.Second, waiting("ErrImagePull")), ""},
		"being made":    {pod(time.Hour, waiting("ContainerCreating")), ""},
		"unschedulable": {pod(time.Hour, unschedulable), message.Quota},
		"runs":          {pod(time.Hour, corev1.PodStatus{Phase: corev1.PodRunning}), ""},
	} {
		got := d.Stuck(u, []corev1.Pod{x.pod})
		if got == nil && x.class != "" || got != nil && got.Class != x.class {
			t.Errorf("%s: %v, want %q", name, got, x.class)
		}
		if got != nil && !strings.Contains(got.Hint, "web-1") {
			t.Errorf("%s does not name the pod: %v", name, got)
		}
	}
	broken := pod(time.Hour, waiting("ErrImagePull"))
	broken.Spec.Containers = []corev1.Container{{Name: "c", Image: "i"}}
	for image, stuck := range map[string]bool{"i": true, "j": false} { // of how it is, and of how it was
		u.Object["spec"] = map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": image}}}}}
		for seen, told := range map[int64]bool{2: stuck, 1: false} { // what the controller has not seen yet has no pods
			u.SetGeneration(2)
			u.Object["status"] = map[string]any{"observedGeneration": seen}
			if got := d.Stuck(u, []corev1.Pod{broken}); (got != nil) != told {
				t.Errorf("wanted with image %s, generation %d of 2: %v", image, seen, got)
			}
		}
	}
	u.Object["status"] = map[string]any{"conditions": []any{map[string]any{
		"type": "ReplicaFailure", "status": "True", "message": "pods \"x\" is forbidden: exceeded quota: q", "lastTransitionTime": "2026-01-01T00:00:00Z",
	}}}
	if got := d.Stuck(u, nil); got == nil || got.Class != message.Quota {
		t.Errorf("no pod can be made: %v", got)
	}
}

// Nothing waits or tries again below the saga.
func TestAnswersAreNotWaitedFor(t *testing.T) {
	answered := 0
	o := once{roundTrip(func(*http.Request) (*http.Response, error) {
		answered++
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": []string{"30"}}, Body: http.NoBody}, nil
	})}
	resp, err := o.RoundTrip(&http.Request{})
	if err != nil || resp.Header.Get("Retry-After") != "" || answered != 1 {
		t.Errorf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

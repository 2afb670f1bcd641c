package kubernetes //nolint:testpackage // what is not exported is tested where no cluster is needed

import (
	"context"
	"encoding/json"
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
	for _, r := range []ref{
		{schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "shop", "web"},
		{schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", "shop"},
		{schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}, "", "system:web"},
	} {
		got, uid, ok := parseID(r.id("uid-1"))
		if !ok || got != r || uid != "uid-1" {
			t.Errorf("%s is read as %+v %s", r.id("uid-1"), got, uid)
		}
	}
	for _, bad := range []string{"", "a", "a/b/c", "Pod/n/p/u", "Pod.v1/n//u", "Pod.v1/n/p/", ".v1/n/p/u", "Pod./n/p/u", "Pod.v1./n/p/u", "Pod.v1/n/p/q/u"} {
		if got, _, ok := parseID(bad); ok {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
	for _, id := range []string{"9f1c2d3e-0000-4000-8000-000000000000", strings.Repeat("x", 300), "Größe 1"} {
		token := vim.Token{ID: id, Generation: 12}
		if l := tokenLabel(token); !labelValue.MatchString(l) {
			t.Errorf("%q is no label", l)
		}
		if n := markerName(token); !dnsName.MatchString(n) {
			t.Errorf("%q is no name", n)
		}
		if markerName(token) == markerName(vim.Token{ID: id, Generation: 13}) {
			t.Errorf("generations of %s have one marker", id)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("Deployment.v1.apps/shop/web/u")
	f.Fuzz(func(t *testing.T, id string) {
		if r, uid, ok := parseID(id); ok && r.id(uid) != id {
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
		e := errorOf("start", ref{gk.WithVersion("v1"), "shop", "web"}, x.err)
		if e.Class != x.class || !strings.Contains(e.Hint, x.words) {
			t.Errorf("%s is %s: %s, want %s: %s", name, e.Class, e.Hint, x.class, x.words)
		}
	}
	secret := kerrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "s", field.ErrorList{field.Invalid(field.NewPath("data"), "canary", "bad")})
	if e := errorOf("start", ref{schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, "shop", "s"}, secret); strings.Contains(e.Error(), "canary") {
		t.Errorf("a secret is told: %v", e)
	}
}

// A connection that cannot be used says why, and tells nothing of what is secret; a kubeconfig runs and reads nothing.
func TestConnectionsAreRefused(t *testing.T) {
	kubeconfig := func(user, cluster string) string {
		return "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n" +
			"clusters: [{name: k, cluster: {" + cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n"
	}
	server := `server: "https://127.0.0.1:1"`
	for name, x := range map[string]struct {
		face, access map[string]string
		words        string
	}{
		"no endpoint":   {nil, nil, "endpoint"},
		"no URL":        {map[string]string{"endpoint": "k8s.example"}, nil, "endpoint"},
		"scheme":        {map[string]string{"endpoint": "file:///etc"}, nil, "endpoint"},
		"CA":            {map[string]string{"endpoint": "https://k", "ssl_ca_cert": "canary"}, nil, "ssl_ca_cert"},
		"half":          {map[string]string{"endpoint": "https://k"}, map[string]string{"client_cert": "-----BEGIN CERTIFICATE-----"}, "go together"},
		"pair":          {map[string]string{"endpoint": "https://k"}, map[string]string{"client_cert": "-----BEGIN X", "client_key": "-----BEGIN canary"}, "cannot be used"},
		"no kubeconfig": {nil, map[string]string{"kubeconfig": "canary: ["}, "kubeconfig"},
		"no context":    {nil, map[string]string{"kubeconfig": "apiVersion: v1\nkind: Config"}, "current-context"},
		"program":       {nil, map[string]string{"kubeconfig": kubeconfig("exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/canary}", server)}, "program"},
		"token file":    {nil, map[string]string{"kubeconfig": kubeconfig("tokenFile: /etc/shadow", server)}, "files"},
		"key file":      {nil, map[string]string{"kubeconfig": kubeconfig("client-key: /etc/shadow", server)}, "files"},
		"CA file":       {nil, map[string]string{"kubeconfig": kubeconfig("token: canary", server+", certificate-authority: /etc/shadow")}, "names a file"},
	} {
		raw := func(m map[string]string) map[string]json.RawMessage {
			out := map[string]json.RawMessage{}
			for k, v := range m {
				out[k] = vim.Encode(v)
			}
			return out
		}
		conn := vim.Connection{ID: "k", Type: Type, InterfaceInfo: raw(x.face), AccessInfo: raw(x.access)}
		_, err := New(Config{}).Assets(t.Context(), conn)
		if vim.ClassOf(err) != message.Permanent || !strings.Contains(fmt.Sprint(err), x.words) || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := vim.Connection{ID: "k", Type: Type, AccessInfo: map[string]json.RawMessage{"kubeconfig": vim.Encode(kubeconfig("token: t", server))}}
	if _, err := New(Config{}).Find(t.Context(), good, vim.Unit, vim.Token{ID: "a", Generation: 1}); vim.ClassOf(err) != message.Unavailable {
		t.Errorf("nobody listens there: %v", err)
	}
}

// What an object and its pods say decides when it has failed, and not before it has been so for as long as is borne.
func TestStuck(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC)
	d := New(Config{Patience: time.Minute, Now: func() time.Time { return now }})
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
		got := d.stuck(u, []corev1.Pod{x.pod})
		if got == nil && x.class != "" || got != nil && got.Class != x.class {
			t.Errorf("%s: %v, want %q", name, got, x.class)
		}
		if got != nil && !strings.Contains(got.Hint, "web-1") {
			t.Errorf("%s does not name the pod: %v", name, got)
		}
	}
	u.Object["status"] = map[string]any{"conditions": []any{map[string]any{
		"type": "ReplicaFailure", "status": "True", "message": "pods \"x\" is forbidden: exceeded quota: q", "lastTransitionTime": "2026-01-01T00:00:00Z",
	}}}
	if got := d.stuck(u, nil); got == nil || got.Class != message.Quota {
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

func TestObjectsAreRefused(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `{"apiVersion":"v1"}`, `{"apiVersion":"v1","kind":"Pod"}`, `{"apiVersion":"v1","kind":"Pod","metadata":[]}`, `{"a":1}{}`,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"x":1e999}`,
	} {
		if u, err := object("start", vim.Token{ID: "a", Generation: 1}, vim.Spec{Unit: &vim.UnitSpec{Objects: json.RawMessage(text)}}); vim.ClassOf(err) != message.Permanent {
			t.Errorf("%s: %v, %v", text, u, err)
		}
	}
	if _, err := object("start", vim.Token{ID: "a", Generation: 1}, vim.Spec{Compute: &vim.ComputeSpec{}}); vim.ClassOf(err) != message.Permanent {
		t.Errorf("a machine: %v", err)
	}
}

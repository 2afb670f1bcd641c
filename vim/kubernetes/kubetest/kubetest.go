// Package kubetest is a real cluster for the tests of drivers, behind a wire that can be made to answer badly.
package kubetest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// Lab is a cluster and a wire to it that can be made to Answer badly. The cluster is deploy/k8s-lab.sh's, or any in which
// namespaces may be made: the kubeconfig that VNFM_TEST_KUBECONFIG names.
type Lab struct {
	Conn      vim.Connection // through the wire
	Direct    dynamic.Interface
	Namespace string
	// Break breaks all connections of the wire.
	Break func()

	mu    sync.Mutex
	rule  *Rule
	calls []string
}

// Rule is what the wire does to the next request that it is about.
type Rule struct {
	Method, Path, ContentType string
	Answer                    int    // a status; 0: the connection breaks
	Body                      string // of the answer
	After                     bool   // the request has its effect before
}

// As is the rule that has the driver answer with an error of a class; false for those that the wire cannot bring about.
func (r Rule) As(class message.Class) (Rule, bool) {
	switch class {
	case message.Transient:
		r.Answer = http.StatusTooManyRequests
	case message.Unavailable:
		r.Answer = http.StatusServiceUnavailable
	case message.Auth:
		r.Answer = http.StatusUnauthorized
	case message.UnknownOutcome:
		r.After = true
	default:
		return r, false
	}
	return r, true
}

// Kinds that tests look at.
//
//nolint:gochecknoglobals // data
var (
	ConfigMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	Secrets     = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	Namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	Quotas      = schema.GroupVersionResource{Version: "v1", Resource: "resourcequotas"}
	Pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	Deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

// New returns the cluster, with a namespace of its own; its connection is of a vimType.
func New(t *testing.T, vimType string) *Lab {
	t.Helper()
	kubeconfig, err := os.ReadFile(os.Getenv("VNFM_TEST_KUBECONFIG"))
	if err != nil {
		t.Fatalf("VNFM_TEST_KUBECONFIG must name the kubeconfig of a cluster (make test-kubernetes starts one): %v", err)
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	direct, err := dynamic.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{Direct: direct, Namespace: "t-" + uuid.NewString()[:8]}
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	wire := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, proxy) }))
	t.Cleanup(func() { // watches go on for ever
		wire.CloseClientConnections()
		wire.Close()
	})
	l.Break = wire.CloseClientConnections
	l.Conn = vim.Connection{
		ID: "lab", Type: vimType, InterfaceInfo: map[string]json.RawMessage{"endpoint": vim.Encode(wire.URL)},
		Extra: map[string]json.RawMessage{"namespace": vim.Encode(l.Namespace)},
	}
	l.Make(t, Namespaces, "", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": l.Namespace}})
	return l
}

// serve forwards a request, unless there is a rule about it.
func (l *Lab) serve(w http.ResponseWriter, r *http.Request, proxy http.Handler) {
	l.mu.Lock()
	l.calls = append(l.calls, r.Method+" "+r.URL.Path)
	x := l.rule
	if x != nil && (x.Method != r.Method || !strings.Contains(r.URL.Path, x.Path) || !strings.Contains(r.Header.Get("Content-Type"), x.ContentType)) {
		x = nil
	}
	if x != nil {
		l.rule = nil
	}
	l.mu.Unlock()
	if x == nil {
		proxy.ServeHTTP(w, r)
		return
	}
	if x.After {
		proxy.ServeHTTP(httptest.NewRecorder(), r)
	}
	if x.Answer == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "30")
	w.WriteHeader(x.Answer)
	_, _ = w.Write([]byte(x.Body))
}

// Next has the wire do this to the next request that the rule is about.
func (l *Lab) Next(r Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rule = &r
}

// Counted returns the calls that f makes, and forgets those before.
func (l *Lab) Counted(f func()) []string {
	l.mu.Lock()
	l.calls = nil
	l.mu.Unlock()
	f()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

// Make makes an object as somebody else; it goes when the test ends.
func (l *Lab) Make(t *testing.T, gvr schema.GroupVersionResource, namespace string, object map[string]any) *unstructured.Unstructured {
	t.Helper()
	made, err := l.Direct.Resource(gvr).Namespace(namespace).Create(t.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{FieldManager: "somebody"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = l.Direct.Resource(gvr).Namespace(namespace).Delete(context.WithoutCancel(t.Context()), made.GetName(), metav1.DeleteOptions{})
	})
	return made
}

// Wait lets a cluster get on.
func Wait() { <-time.After(40 * time.Millisecond) }

// Start starts a unit; it goes when the test ends.
func (l *Lab) Start(t *testing.T, d vim.Driver, spec vim.Spec) (vim.StartRequest, vim.Resource, error) {
	t.Helper()
	r := vim.StartRequest{Token: vim.Token{ID: uuid.NewString(), Generation: 1}, Kind: vim.Unit, Owner: uuid.NewString(), Spec: spec}
	t.Cleanup(func() { l.Release(t, d, r.Token) })
	res, err := d.Start(t.Context(), l.Conn, r)
	return r, res, err
}

// Release releases a token until it is gone.
func (l *Lab) Release(t *testing.T, d vim.Driver, token vim.Token) {
	t.Helper()
	var last error
	for range 500 {
		done, err := d.Release(context.WithoutCancel(t.Context()), l.Conn, vim.Unit, token)
		if done && err == nil {
			return
		}
		last = err
		Wait()
	}
	t.Errorf("never released: %v", last)
}

// Settled polls until a unit is ready or has failed.
func (l *Lab) Settled(t *testing.T, d vim.Driver, res vim.Resource) vim.Resource {
	t.Helper()
	for range 1500 { // a machine that does other things, too, takes its time
		if res.Ready || res.Failed != nil {
			return res
		}
		Wait()
		var err error
		if res, err = d.Poll(t.Context(), l.Conn, vim.Unit, res.ID); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("it never settled: %+v", res)
	return res
}

// Succeed has the pods of a job end well: what keeps them from it is taken away.
func (l *Lab) Succeed(t *testing.T, job string) {
	t.Helper()
	for range 500 {
		all, err := l.Direct.Resource(Pods).Namespace(l.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "job-name=" + job})
		if err != nil {
			t.Fatal(err)
		}
		for i := range all.Items {
			p := &all.Items[i]
			phase, _, _ := unstructured.NestedString(p.Object, "status", "phase")
			if phase == "Succeeded" {
				return
			}
			for k := range p.GetAnnotations() {
				if strings.HasPrefix(k, "lab/") {
					unstructured.RemoveNestedField(p.Object, "metadata", "annotations", k)
				}
			}
			if _, err := l.Direct.Resource(Pods).Namespace(l.Namespace).Update(t.Context(), p, metav1.UpdateOptions{}); err != nil && !kerrors.IsConflict(err) && !kerrors.IsNotFound(err) {
				t.Fatal(err)
			}
		}
		Wait()
	}
	t.Fatalf("no pod of the job %s ends", job)
}

// Pretend stores beside the latest revision of a release another one, as Helm does before it begins, or when it has failed.
func (l *Lab) Pretend(t *testing.T, release, status string) {
	t.Helper()
	secrets := l.Direct.Resource(Secrets).Namespace(l.Namespace)
	all, err := secrets.List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm,name=" + release})
	if err != nil || len(all.Items) == 0 {
		t.Fatalf("the release %s: %v", release, err)
	}
	version := 0
	var latest *unstructured.Unstructured
	for i := range all.Items {
		if n, _ := strconv.Atoi(all.Items[i].GetLabels()["version"]); n > version {
			version, latest = n, &all.Items[i]
		}
	}
	text, _, _ := unstructured.NestedString(latest.Object, "data", "release")
	r := decode(t, text)
	r["version"] = version + 1
	info, _ := r["info"].(map[string]any)
	info["status"] = status
	next := latest.DeepCopy()
	next.SetName("sh.helm.release.v1." + release + ".v" + strconv.Itoa(version+1))
	next.SetUID("")
	next.SetResourceVersion("")
	labels := next.GetLabels()
	labels["version"], labels["status"] = strconv.Itoa(version+1), status
	next.SetLabels(labels)
	if err := unstructured.SetNestedField(next.Object, encode(t, r), "data", "release"); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Create(t.Context(), next, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// decode reads what Helm stores: JSON, compressed, in base64, and that in base64 as Secrets have it.
func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	outer, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		outer, err = base64.StdEncoding.DecodeString(string(outer))
	}
	var z *gzip.Reader
	if err == nil {
		z, err = gzip.NewReader(bytes.NewReader(outer))
	}
	if err == nil {
		err = json.NewDecoder(z).Decode(&out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func encode(t *testing.T, r map[string]any) string {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	err := json.NewEncoder(z).Encode(r)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(buf.Bytes())))
}

package kube

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/vnfm/vnfm"
	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

// What a connection has. Certificates and keys are PEM, or base64 of it.
const (
	interfaceEndpoint = "endpoint"
	interfaceCA       = "ssl_ca_cert"
	accessToken       = "bearer_token"
	accessCert        = "client_cert"
	accessKey         = "client_key"
	accessKubeconfig  = "kubeconfig"
	extraNamespace    = "namespace"
	extraMarkers      = "markerNamespace"
)

// callBound ends a call that nobody else bounds: the discovery of kinds.
const callBound = 30 * time.Second

// Cluster is a connection with its clients.
type Cluster struct {
	vim.Connection
	Config    *rest.Config
	HTTP      *http.Client
	Dynamic   dynamic.Interface
	Discovery discovery.CachedDiscoveryInterface
	Mapper    *restmapper.DeferredDiscoveryRESTMapper
	Namespace string // of objects that name none
	Markers   string // namespace of the markers
}

// Clusters keeps the clients of connections of one type. What clients know is asked for again after a restart.
type Clusters struct {
	vimType string
	max     int64
	wrap    func(http.RoundTripper) http.RoundTripper
	mu      sync.Mutex
	known   map[[32]byte]*Cluster
}

// NewClusters returns an empty set for connections of a vimType, whose answers have at most so many bytes; 0 means vim.DefaultMaxAnswerBytes. wrap puts something between the clients and the network; nil: nothing.
func NewClusters(vimType string, most int64, wrap func(http.RoundTripper) http.RoundTripper) *Clusters {
	return &Clusters{vimType: vimType, max: most, wrap: wrap, known: map[[32]byte]*Cluster{}}
}

// keep is how many clusters' clients are kept.
const keep = 64

// Of returns the clients of a connection; the same for the same connection. Its error is a vim.Error.
func (k *Clusters) Of(conn vim.Connection) (*Cluster, error) {
	key, err := json.Marshal(conn) // stays in memory
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Internal, err, "the VIM connection %s", conn.ID)
	}
	sum := sha256.Sum256(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.known[sum]; c != nil {
		return c, nil
	}
	c, err := k.dial(conn)
	if err != nil {
		return nil, &vim.Error{Op: "connect", Resource: conn.ID, Class: message.Permanent, Hint: err.Error()}
	}
	if len(k.known) >= keep {
		clear(k.known)
	}
	k.known[sum] = c
	return c, nil
}

func (k *Clusters) dial(conn vim.Connection) (*Cluster, error) {
	if conn.Type != k.vimType {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "not a connection to Kubernetes: type %s", conn.Type)
	}
	cfg, err := restConfig(conn)
	if err != nil {
		return nil, err
	}
	cfg.UserAgent, cfg.QPS, cfg.Timeout = FieldManager, -1, callBound // who calls bounds how many there are at once
	cfg.WarningHandler = rest.NoWarnings{}
	cfg.Wrap(func(rt http.RoundTripper) http.RoundTripper { return once{vim.Answers{Next: rt, Max: k.max}} })
	if k.wrap != nil {
		cfg.Wrap(k.wrap)
	}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "the certificate, key or endpoint of the VIM connection cannot be used")
	}
	c := &Cluster{Connection: conn, Config: cfg, HTTP: client, Namespace: setting(conn, extraNamespace)}
	if c.Markers = setting(conn, extraMarkers); c.Markers == "" {
		c.Markers = c.Namespace
	}
	if c.Markers == "" {
		c.Markers = "default"
	}
	if c.Dynamic, err = dynamic.NewForConfigAndClient(cfg, client); err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "the endpoint")
	}
	known, err := discovery.NewDiscoveryClientForConfigAndClient(cfg, client)
	if err != nil {
		return nil, vnfm.Wrap(vnfm.Unprocessable, err, "the endpoint")
	}
	c.Discovery = memory.NewMemCacheClient(known)
	c.Mapper = restmapper.NewDeferredDiscoveryRESTMapper(c.Discovery)
	return c, nil
}

// once keeps the client from waiting and trying again where a cluster asks for that: who calls does it. For how long it asks is left in the
// status that it answers.
type once struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.RoundTripper.RoundTrip(r)
	if resp == nil {
		return resp, err //nolint:wrapcheck // the network's
	}
	wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	resp.Header.Del("Retry-After")
	if wait > 0 && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable) {
		err = delayed(resp, wait)
	}
	return resp, err //nolint:wrapcheck // the network's
}

// maxStatus is how much of an answer is read that is a refusal.
const maxStatus = 64 << 10

// delayed puts into the status that a cluster answers for how many seconds it asks to be left alone.
func delayed(resp *http.Response, seconds int) error {
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
	_ = resp.Body.Close() // it was read
	if err != nil {
		return err //nolint:wrapcheck // the network's
	}
	var s metav1.Status
	if json.Unmarshal(said, &s) != nil || s.Kind != "Status" {
		s = metav1.Status{Message: strings.TrimSpace(string(said)), Reason: metav1.StatusReasonTooManyRequests}
	}
	s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	s.Status, s.Code = metav1.StatusFailure, int32(resp.StatusCode) //nolint:gosec // a status code
	if s.Details == nil {
		s.Details = &metav1.StatusDetails{}
	}
	s.Details.RetryAfterSeconds = int32(min(seconds, math.MaxInt32)) //nolint:gosec // bounded
	body := vim.Encode(s)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Type", "application/json")
	resp.Header.Del("Content-Length")
	return nil
}

// setting is a value of extra, or of interfaceInfo.
func setting(conn vim.Connection, name string) string {
	if v := vim.Text(conn.Extra, name); v != "" {
		return v
	}
	return vim.Text(conn.InterfaceInfo, name)
}

// restConfig reads a connection.
func restConfig(conn vim.Connection) (*rest.Config, error) {
	if text := vim.Text(conn.AccessInfo, accessKubeconfig); text != "" {
		return fromKubeconfig([]byte(text))
	}
	endpoint := vim.Text(conn.InterfaceInfo, interfaceEndpoint)
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "interfaceInfo.endpoint must be the URL of the Kubernetes API, or accessInfo.kubeconfig be given")
	}
	cfg := &rest.Config{Host: endpoint, BearerToken: vim.Text(conn.AccessInfo, accessToken)}
	cfg.CAData, err = pem(conn.InterfaceInfo, interfaceCA)
	if err == nil {
		cfg.CertData, err = pem(conn.AccessInfo, accessCert)
	}
	if err == nil {
		cfg.KeyData, err = pem(conn.AccessInfo, accessKey)
	}
	if err == nil && (len(cfg.CertData) == 0) != (len(cfg.KeyData) == 0) {
		err = vnfm.Errorf(vnfm.Unprocessable, "accessInfo.client_cert and accessInfo.client_key go together")
	}
	return cfg, err
}

// pem reads a value that is PEM, or base64 of it.
func pem(m map[string]json.RawMessage, name string) ([]byte, error) {
	text := strings.TrimSpace(vim.Text(m, name))
	if text == "" || strings.HasPrefix(text, "-----BEGIN") {
		return []byte(text), nil
	}
	out, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !strings.Contains(string(out), "-----BEGIN") {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "%s must be PEM, or base64 of it", name)
	}
	return out, nil
}

// fromKubeconfig reads a kubeconfig that holds all it needs. One that names a program or a file is refused: it would be run or
// read on the machine of the VNF Manager.
func fromKubeconfig(text []byte) (*rest.Config, error) {
	c, err := clientcmd.Load(text)
	if err != nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "accessInfo.kubeconfig cannot be read as a kubeconfig") // the cause may quote it
	}
	current := c.Contexts[c.CurrentContext]
	if current == nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "accessInfo.kubeconfig has no current-context")
	}
	if a := c.AuthInfos[current.AuthInfo]; a != nil {
		if a.Exec != nil || a.AuthProvider != nil {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the user of accessInfo.kubeconfig logs in by a program, which is not run: give a token or a certificate")
		}
		if a.TokenFile != "" || a.ClientCertificate != "" || a.ClientKey != "" {
			return nil, vnfm.Errorf(vnfm.Unprocessable, "the user of accessInfo.kubeconfig names files, which are not read: give their content (kubectl config view --flatten)")
		}
	}
	if k := c.Clusters[current.Cluster]; k != nil && k.CertificateAuthority != "" {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "the cluster of accessInfo.kubeconfig names a file, which is not read: give its content (kubectl config view --flatten)")
	}
	cfg, err := clientcmd.NewNonInteractiveClientConfig(*c, c.CurrentContext, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, vnfm.Errorf(vnfm.Unprocessable, "accessInfo.kubeconfig is not complete: it wants a cluster with a server and a user")
	}
	return cfg, nil
}

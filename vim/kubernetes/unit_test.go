package kubernetes //nolint:testpackage // what is not exported is tested where no cluster is needed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/vnfm/vnfm/message"
	"github.com/vnfm/vnfm/vim"
)

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

// What is released is forgotten, and nothing else.
func TestTrialsAreForgotten(t *testing.T) {
	d := New(Config{})
	u := &unstructured.Unstructured{}
	var digest [32]byte
	for _, uid := range []types.UID{"a", "b"} {
		u.SetUID(uid)
		d.trials.told("k", u, digest, nil, time.Hour)
	}
	d.trials.forget("k", "a")
	d.trials.forget("other", "b")
	_, there := d.trials.of("k", u, digest)
	u.SetUID("a")
	if _, gone := d.trials.of("k", u, digest); !there || gone {
		t.Errorf("b is there: %v, a is there: %v", there, gone)
	}
}
